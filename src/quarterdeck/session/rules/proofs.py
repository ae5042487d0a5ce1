"""What a step must prove before it is done: verify items that the station reads, and values judged here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quarterdeck.matcher import NotSearchedError
from quarterdeck.procedure.expectations import holds
from quarterdeck.procedure.model import RecordField, Step
from quarterdeck.procedure.parameters import substitute_expect
from quarterdeck.session.parts import Proof
from quarterdeck.session.state import Session

__all__ = ["all_ok", "missing_values", "value_proofs", "wrong_value", "wrong_values"]


_TYPES = {"integer": int, "number": float}


def missing_values(step: Step, values: dict[str, str]) -> list[str]:
    """Values that a person has to type and has not (those with a pattern come from the output)."""
    return [field.name for field in step.record if not field.pattern and not values.get(field.name, "").strip()]


def wrong_values(step: Step, values: dict[str, str]) -> list[str]:
    """Typed values that are not of their type, in words: `rows: 'abc' is no number`."""
    wrong = ((field, wrong_value(field, values.get(field.name, ""))) for field in step.record)
    return [f"{field.title or field.name}: {why}" for field, why in wrong if why]


def wrong_value(field: RecordField, value: str) -> str:
    """Why a typed value is not of its type: `'abc' is no number`; empty where it is, or where none is typed."""
    value = value.strip()
    return f"{value!r} is no {field.type}" if value and not _is_of_type(field, value) else ""


def _is_of_type(field: RecordField, value: str) -> bool:
    kind = _TYPES.get(field.type)
    if kind is None:
        return True
    try:
        kind(value)
    except ValueError:
        return False
    return True


def value_proofs(
    session: Session, step: Step, values: dict[str, str], unsearched: Mapping[str, str]
) -> tuple[Proof, ...]:
    """Judge the recorded values: there, of their type, as expected. `unsearched`: why a pattern was not tried."""
    runs = [session.steps[identity] for identity in session.index.recorded]
    known = {f"{run.id}.{name}": value for run in runs for name, value in run.values.items()}
    fields = (field for field in step.record if field.pattern or field.expect)
    return tuple(_proof(field, values.get(field.name), known, unsearched) for field in fields)


def _proof(field: RecordField, value: str | None, known: dict[str, str], unsearched: Mapping[str, str]) -> Proof:
    title = field.title or field.name
    if value is None or not value.strip():
        return Proof(title, None, unsearched.get(field.name, "not found"))
    if not _is_of_type(field, value):
        return Proof(title, None, f"{value!r} is no {field.type}")
    shown = f"{value} {field.unit}".rstrip()
    if field.expect is None:
        return Proof(title, True, shown)
    try:
        return Proof(title, holds(substitute_expect(field.expect, known), value, field.unit), shown)
    except NotSearchedError as why:
        return Proof(title, None, f"{shown} ({why})")


def all_ok(proofs: Iterable[Proof]) -> bool:
    """Every one is ok; unreadable is not."""
    return all(proof.ok is True for proof in proofs)
