"""Rules for what is read: verify items, recorded values, expectations and their units."""

from __future__ import annotations

from collections.abc import Iterator

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.condition_lint import metric_unit, unit_name
from quarterdeck.procedure.metric_names import metric_problem
from quarterdeck.procedure.model import Expect, Step, VerifyItem
from quarterdeck.procedure.quantities import as_quantity, parse_quantity
from quarterdeck.procedure.rules.base import Lint

__all__ = ["changes", "known_target", "quantity_problem", "recorded", "verified", "verify_items"]

_NUMERIC = {"lt", "lte", "gt", "gte", "between"}


def verify_items(lint: Lint) -> Iterator[tuple[str, VerifyItem, Step | None]]:
    """Yield every verify item with its path, and the step that has it."""
    for placed in lint.places:
        at = lint.at(placed.step)
        for index, item in enumerate(placed.step.verify):
            yield f"{at}.verify[{index}]", item, placed.step
        if placed.step.gone is not None:
            yield f"{at}.gone", placed.step.gone, placed.step
        if placed.step.changed is not None:
            yield f"{at}.changed", placed.step.changed, placed.step
    for index, entry in enumerate(lint.procedure.checklist):
        if entry.check is not None:
            yield f"checklist[{index}].check", entry.check, None


def known_target(lint: Lint, path: str, name: str) -> None:
    """Refuse a target that is not declared."""
    if name not in lint.types and "${" not in name:
        lint.error(path, f"{quote(name)} is no target{did_you_mean(name, lint.types)}")


def verified(lint: Lint) -> None:
    """Refuse verify items that can never hold: unknown targets, values, metrics; units and words that do not fit."""
    for at, item, step in verify_items(lint):
        if item.check:
            known_target(lint, f"{at}.check", item.check)
        if item.gauge and "${" not in item.gauge:
            wrong = metric_problem(item.gauge, lint.types, lint.options)
            if wrong:
                lint.error(f"{at}.gauge", wrong)
        if (item.gauge or item.value) and item.expect is None and f"{at}.expect" not in lint.context.places:
            lint.error(at, "a gauge or value needs `expect`: what must it be?")
        if item.value:
            _known_value(lint, f"{at}.value", item.value, step)
        if item.expect is not None:
            _expectation(lint, f"{at}.expect", item, item.expect)


def changes(lint: Lint) -> None:
    """Refuse a `changed` that could take a failure to read for "nothing was changed", or that nothing waits for."""
    for placed in lint.places:
        item, path = placed.step.changed, f"{lint.at(placed.step)}.changed"
        if item is None:
            continue
        if not placed.step.mutates:
            lint.error(path, "the step changes nothing (`mutates: false`), so that nobody is asked")
        if item.check or (item.command and (item.expect is None or item.expect.op == "exit_code")):
            what = "a target that does not answer" if item.check else "a command that fails"
            lint.error(
                path,
                f"{what} would mean that nothing was changed; let a command print what there is, or take a gauge,"
                " and `expect` something of it",
            )


def _known_value(lint: Lint, path: str, name: str, step: Step | None) -> None:
    own = {record.name for record in step.record} if step else set()
    others = {
        f"{placed.step.id}.{record.name}" for placed in lint.places for record in placed.step.record if record.name
    }
    if name in own or name in others or name in {other.partition(".")[2] for other in others}:
        return
    lint.error(path, f"{quote(name)} is no recorded value{did_you_mean(name, own | others)}")


def _expectation(lint: Lint, path: str, item: VerifyItem, expect: Expect) -> None:
    if expect.op == "exit_code" and not item.command:
        lint.error(path, "only a command has an `exit_code`")
    elif expect.op == "status" and not (item.check or item.gauge.endswith(".status")):
        lint.error(path, "only a target has a `status`; write `check: target`")
    elif item.check and expect.op != "status":
        lint.error(path, f"a check is judged by its `status`, not by `{expect.op}`")
    else:
        numeric_bounds(lint, path, expect)
    if item.gauge and "${" not in item.gauge and not metric_problem(item.gauge, lint.types, lint.options):
        _gauge_unit(lint, path, item.gauge, expect)


def numeric_bounds(lint: Lint, path: str, expect: Expect) -> None:
    """Refuse a comparison of size with something that is not a number."""
    if expect.op not in _NUMERIC:
        return
    for text in (expect.value, expect.upper) if expect.op == "between" else (expect.value,):
        wrong = quantity_problem(text)
        if wrong:
            lint.error(f"{path}.{expect.op}", f"`{expect.op}` compares numbers: {wrong}")
    low, high = as_quantity(expect.value), as_quantity(expect.upper)
    if low is not None and high is not None and (low.unit != high.unit or low.value > high.value):
        lint.error(f"{path}.between", f"nothing is between {quote(expect.value)} and {quote(expect.upper)}")


def quantity_problem(text: str) -> str:
    """Return why a text is no number with a unit, or nothing; references are judged at run time."""
    if "${" in text:
        return ""
    try:
        parse_quantity(text)
    except ValueError as error:
        return str(error)
    return ""


def _gauge_unit(lint: Lint, path: str, metric: str, expect: Expect) -> None:
    unit = metric_unit(metric, lint.types)
    if unit == "word":
        if expect.op in _NUMERIC:
            lint.error(path, f"{quote(metric)} is a status, no number")
        return
    bound = as_quantity(expect.value) if "${" not in expect.value else None
    if unit != "any" and bound is not None and bound.unit != unit:
        lint.error(path, f"{quote(metric)} is {unit_name(unit)}, {quote(expect.value)} is {unit_name(bound.unit)}")


def recorded(lint: Lint) -> None:
    """Refuse recorded values with one name, or with an expectation that their type cannot meet."""
    for placed in lint.places:
        at = lint.at(placed.step)
        seen: set[str] = set()
        for index, record in enumerate(placed.step.record):
            path = f"{at}.record[{index}]"
            if record.name in seen:
                lint.error(f"{path}.name", f"the value {quote(record.name)} is recorded twice")
            seen.add(record.name)
            if record.unit and record.type not in {"integer", "number"}:
                lint.error(f"{path}.unit", f"a value of type {record.type} has no unit")
            elif record.unit and as_quantity(f"1{record.unit}") is None:
                lint.error(f"{path}.unit", f"{quote(record.unit)} is no unit")
            if record.expect is None:
                continue
            if record.expect.op in _NUMERIC and record.type not in {"integer", "number"}:
                lint.error(f"{path}.expect", f"a {record.type} has no size; give the value `type: number`")
            elif record.expect.op in {"exit_code", "status"}:
                lint.error(f"{path}.expect", f"a recorded value has no `{record.expect.op}`")
            else:
                numeric_bounds(lint, f"{path}.expect", record.expect)
