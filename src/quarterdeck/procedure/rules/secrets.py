"""Rules for texts: references to recorded values, and secrets, which must never stand in one."""

from __future__ import annotations

import re

from quarterdeck.documents.kinds import is_secret_reference
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.graph import Placed, forward_steps, reach
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.parameters import BUILT_IN, environment_name, references
from quarterdeck.procedure.rules.base import Lint, texts_of
from quarterdeck.procedure.secrets import how_to_set

__all__ = ["secrets", "values"]

_CREDENTIALS = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*:(?!\$)[^\s/@]+@"
_ASSIGNED = (
    r"(?i)(?:^|[\s;&-])(?:[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key))"
    r"=(?!\s|$|[\"']?\$|[\"']?(?:env|file|keyring):)[\"']?[^\s\"']+"
)
_KNOWN_FORMS = r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
_SECRET_NAME = r"(?i)(password|passwd|passphrase|secret|token|api_?key|_pwd)$|^pgpassword$"  # noqa: S105 - names of variables, no secret
_SCRIPT_REFERENCE = r"\$\{([a-z0-9_-]+\.[a-z0-9_.]+)\}"


def _looks_secret(text: str) -> bool:
    """Tell whether a text seems to hold a secret; the cheap looks come first."""
    if "@" in text and "://" in text and re.search(_CREDENTIALS, text):
        return True
    if "=" in text and re.search(_ASSIGNED, text):
        return True
    return ("gh" in text or "AKIA" in text or "-----" in text) and bool(re.search(_KNOWN_FORMS, text))


def values(lint: Lint) -> None:
    """Refuse `${step.value}` of a step that does not exist, does not record it, or does not come before."""
    for placed, path, text in lint.step_texts:
        if path == f"{lint.at(placed.step)}.shell":
            for match in re.finditer(_SCRIPT_REFERENCE, text):
                variable = environment_name(match[1])
                shown = "${" + match[1] + "}"
                lint.error(path, f"a script gets values as variables: write `${variable}` for {quote(shown)}")
            continue
        for name, _ in references(text):
            if "." in name:
                wrong = _reference_problem(lint, placed, name, path)
                if wrong:
                    lint.error(path, wrong)
    procedure = lint.procedure
    for key in ("guards", "criteria", "checklist", "targets", "window", "title", "description"):
        for path, text in texts_of(getattr(procedure, key), key):
            for name, _ in references(text):
                if "." in name:
                    shown = "${" + name + "}"
                    lint.error(path, f"{quote(shown)}: recorded values can be used in steps only")


def _reference_problem(lint: Lint, placed: Placed, name: str, path: str) -> str:
    shown = quote("${" + name + "}")
    source, _, value = name.partition(".")
    if source == "quarterdeck":
        return "" if name in BUILT_IN else f"{shown} is not known{did_you_mean(name, BUILT_IN)}"
    origin = lint.steps.get(source)
    if origin is None:
        return f"{shown}: {lint.unknown_step(source)}"
    recorded = [record.name for record in origin.step.record]
    if value not in recorded:
        near = did_you_mean(value, recorded)
        return f"{shown}: step {quote(source)} records no {quote(value)}{near}"
    if origin.step.id == placed.step.id:
        own = path[len(lint.at(placed.step)) :].startswith((".verify", ".gone", ".changed", ".record"))
        return "" if own else f"{shown}: the step's own value is not known before it has run"
    if not _before(lint, origin, placed):
        return f"{shown}: {quote(source)} does not come before {quote(placed.step.id)}"
    return ""


def _before(lint: Lint, origin: Placed, user: Placed) -> bool:
    """Tell whether `origin` is over whenever `user` begins (or may be: rollback and closing come after stages)."""
    if user.group == "undo" and user.undoes is not None:
        if origin.group == "undo" and origin.undoes is not None and origin.undoes.id == user.undoes.id:
            siblings = [step.id for step in user.undoes.undo]
            return siblings.index(origin.step.id) < siblings.index(user.step.id)
        if origin.step.id == user.undoes.id:
            return True
        return _before(lint, origin, lint.steps[user.undoes.id])
    turn = {"preconditions": 0, "stages": 1, "undo": 2, "rollback": 3, "contingency": 3, "closing": 4}
    if origin.group != user.group:
        return turn[origin.group] < turn[user.group] and origin.group != "undo"
    steps: tuple[Step, ...] = {
        "preconditions": lint.procedure.preconditions,
        "stages": forward_steps(lint.procedure),
        "rollback": lint.procedure.rollback.verify,
        "contingency": lint.procedure.contingency,
        "closing": lint.procedure.closing,
    }[user.group]
    return origin.step.id in reach(user.step.id, {step.id: step.after for step in steps})


def secrets(lint: Lint) -> None:
    """Refuse a secret in a title, a command or any other text that is shown, stored or seen in a process list."""
    secret = lint.draft.settled.secret
    for placed, path, text in lint.step_texts:
        rest = path[len(lint.at(placed.step)) :]
        in_environment = rest.startswith(".env.")
        if not in_environment and not rest.startswith(".shell"):
            for name, _ in references(text):
                if name in secret:
                    lint.error(path, f"the secret `{name}` cannot stand here; hand it over in `env`")
        if in_environment and re.search(_SECRET_NAME, rest) and text and not _handed_over(text, secret):
            lint.error(path, "a secret is named, not written: env:NAME or file:PATH")
        elif _looks_secret(text):
            lint.error(path, "this looks like a secret; a text holds none: use `env` with env:NAME or file:PATH")
    _outside_steps(lint, secret)
    _keyrings(lint)


def _keyrings(lint: Lint) -> None:
    """Refuse a reference that nothing here can follow, before a step is refused because of it."""
    texts = [
        (f"params.{name}.default", value)
        for name, value in lint.draft.settled.values.items()
        if name in lint.draft.settled.secret
    ]
    texts += [(path, text) for _, path, text in lint.step_texts]
    texts += [(path.replace(".options.", "."), text) for path, text in texts_of(lint.procedure.targets, "targets")]
    for path, text in texts:
        if text.startswith("keyring:") and is_secret_reference(text):
            lint.error(path, f"{quote(text)}: {how_to_set(text)}")


def _handed_over(text: str, secret: set[str]) -> bool:
    return is_secret_reference(text) or any(name in secret for name, _ in references(text))


def _outside_steps(lint: Lint, secret: set[str]) -> None:
    procedure = lint.procedure
    for key in ("title", "description", "impact", "guards", "criteria", "checklist", "risks", "links", "targets"):
        for path, text in texts_of(getattr(procedure, key), key):
            place = path.replace(".options.", ".") if key == "targets" else path
            if _looks_secret(text):
                lint.error(place, "this looks like a secret; a text holds none: write env:NAME or file:PATH")
            if key != "targets" and any(name in secret for name, _ in references(text)):
                lint.error(place, "a secret cannot stand in a text")
