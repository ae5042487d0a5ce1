"""Rules for what is watched: targets, guards, criteria, waits and their conditions."""

from __future__ import annotations

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.scalars import is_time
from quarterdeck.procedure.condition_checks import contradictions, metric_unit, unit_name, unit_problems
from quarterdeck.procedure.conditions import Condition, metrics_of
from quarterdeck.procedure.model import Criterion, Guard, Target
from quarterdeck.procedure.quantities import as_quantity
from quarterdeck.procedure.rules.base import Lint
from quarterdeck.procedure.rules.readings import known_target, quantity_problem
from quarterdeck.procedure.targets import TARGET_TYPES, metric_problem, split_metric

__all__ = ["criteria", "guards", "targets", "waits"]

_PARTS = ("rollback", "contingency", "closing")


def _judged(lint: Lint, path: str, text: str) -> Condition | None:
    """Judge a condition: its form, its metrics and units, whether it can ever be true."""
    condition = lint.condition(path, text)
    if condition is None:
        return None
    wrong = unit_problems(condition, lint.types)
    for problem in wrong or contradictions(condition):
        message = f"{problem.message} (column {problem.column} of the condition)"
        lint.context.error(lint.context.within(path, problem.column), message)
    return condition


def guards(lint: Lint) -> None:
    """Judge every guard: conditions, and the steps and parts that it names."""
    for index, guard in enumerate(lint.procedure.guards):
        at = f"guards[{index}]"
        if guard.when:
            _judged(lint, f"{at}.when", guard.when)
        if guard.release:
            _judged(lint, f"{at}.release", guard.release)
        if guard.grace is not None and guard.grace.after and guard.grace.after not in lint.steps:
            lint.error(f"{at}.grace.after", lint.unknown_step(guard.grace.after))
        _during(lint, at, guard)


def _during(lint: Lint, at: str, guard: Guard) -> None:
    known = {*lint.steps, *(stage.id for stage in lint.procedure.stages), *_PARTS}
    for position, name in enumerate(guard.during):
        if name not in known:
            wrong = f"{quote(name)} is no step, stage or part{did_you_mean(name, known)}"
            lint.error(f"{at}.during[{position}]", wrong)


def waits(lint: Lint) -> None:
    """Judge what steps wait for, and the outages that they expect."""
    for placed in lint.places:
        step, at = placed.step, lint.at(placed.step)
        if step.until and not is_time(step.until):
            if step.until.startswith("window.") or step.until[:4].isdigit():
                lint.error(f"{at}.until", f"{quote(step.until)} is no time; write window.start+20m or an ISO time")
            else:
                _judged(lint, f"{at}.until", step.until)
        if step.expect_outage is not None:
            known_target(lint, f"{at}.expect_outage.target", step.expect_outage.target)


def criteria(lint: Lint) -> None:
    """Judge every criterion: what it names, and that its numbers fit its metric."""
    for index, criterion in enumerate(lint.procedure.criteria):
        at = f"criteria[{index}]"
        for position, name in enumerate(criterion.steps):
            if name not in lint.steps:
                lint.error(f"{at}.steps[{position}]", lint.unknown_step(name))
        if criterion.downtime is not None:
            for position, name in enumerate(criterion.downtime.targets):
                known_target(lint, f"{at}.downtime.targets[{position}]", name)
        if criterion.condition:
            _judged(lint, f"{at}.condition", criterion.condition)
        if criterion.baseline is not None:
            _baseline(lint, f"{at}.baseline", criterion)


def _baseline(lint: Lint, at: str, criterion: Criterion) -> None:
    baseline = criterion.baseline
    if baseline is None or "${" in baseline.metric:
        return
    wrong = metric_problem(baseline.metric, lint.types)
    if wrong:
        lint.error(f"{at}.metric", wrong)
        return
    unit = metric_unit(baseline.metric, lint.types)
    if unit == "word":
        lint.error(f"{at}.metric", f"a baseline needs numbers; {quote(baseline.metric)} is a status")
    for key, text in (
        ("allowed_increase", baseline.allowed_increase),
        ("critical_increase", baseline.critical_increase),
    ):
        share = as_quantity(text)
        if "${" not in text and (share is None or share.unit != "%"):
            lint.error(f"{at}.{key}", f"{quote(text)} is no share such as 10%")
    _fits(lint, f"{at}.min_delta", baseline.min_delta, baseline.metric, unit)


def _fits(lint: Lint, path: str, text: str, metric: str, unit: str) -> None:
    """Refuse a bound that is no number, or of another unit than its metric."""
    if not text or "${" in text:
        return
    wrong = quantity_problem(text)
    if wrong:
        lint.error(path, wrong)
        return
    bound = as_quantity(text)
    if bound is not None and unit not in {"any", "word"} and bound.unit != unit:
        lint.error(path, f"{quote(metric)} is {unit_name(unit)}, {quote(text)} is {unit_name(bound.unit)}")


def targets(lint: Lint) -> None:
    """Judge bands and options; warn of targets that nothing judges, and of types that are not watched yet."""
    used = _used(lint)
    for name, target in lint.procedure.targets.items():
        at = f"targets.{name}"
        for metric, bands in target.bands.items():
            wrong = metric_problem(f"{name}.{metric}", lint.types)
            if wrong:
                lint.error(f"{at}.bands.{metric}", wrong)
                continue
            for key in ("warning", "critical", "clear"):
                unit = metric_unit(f"{name}.{metric}", lint.types)
                _fits(lint, f"{at}.bands.{metric}.{key}", getattr(bands, key), metric, unit)
        _options(lint, at, target)
        if lint.context.near(f"{at}.every") and lint.context.places.get(f"{at}.every") and target.every <= 0:
            lint.error(f"{at}.every", "an interval must be longer than nothing")
        kind = TARGET_TYPES.get(target.type)
        if kind is not None and not kind.watched:
            lint.warning(f"{at}.type", f"type {target.type} is not watched by this version: it stays unknown")
        if name not in used:
            lint.warning(at, f"no guard or criterion uses the target {quote(name)}")


def _options(lint: Lint, at: str, target: Target) -> None:
    port = target.options.get("port")
    if isinstance(port, str) and "${" not in port and not (port.isdecimal() and 0 < int(port[:6]) < 65536):
        lint.error(f"{at}.port", f"{quote(port)} is no port (1 to 65535)")
    url = target.options.get("url")
    if isinstance(url, str) and "${" not in url and not url.startswith(("http://", "https://")):
        lint.error(f"{at}.url", f"{quote(url)} must begin with http:// or https://")


def _used(lint: Lint) -> set[str]:
    """Return the targets that a guard or criterion uses; all of them where a condition cannot be read yet."""
    names: set[str] = set()
    texts = [text for guard in lint.procedure.guards for text in (guard.when, guard.release) if text]
    for criterion in lint.procedure.criteria:
        texts += [criterion.condition] if criterion.condition else []
        names |= set(criterion.downtime.targets) if criterion.downtime else set()
        names |= {split_metric(criterion.baseline.metric)[0]} if criterion.baseline else set()
    silent = Lint(lint.draft)
    silent.context = type(lint.context)("")
    for text in texts:
        condition = silent.condition("", text)
        if condition is None:
            return set(lint.types)
        names |= {split_metric(metric)[0] for metric in metrics_of(condition)}
    return names
