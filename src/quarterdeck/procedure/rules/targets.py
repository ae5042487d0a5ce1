"""Rules for what is watched: targets, guards, criteria, waits and their conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from quarterdeck.documents.attributes import attributes
from quarterdeck.documents.kinds import is_time
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.checks import CHECKS, CommandOptions, LocalOptions, Options, form_of, understand
from quarterdeck.procedure.condition_lint import contradictions, metric_unit, unit_name, unit_problems
from quarterdeck.procedure.conditions import Condition, metrics_of
from quarterdeck.procedure.metric_names import band_levels, metric_problem, split_metric
from quarterdeck.procedure.model import Bands, Criterion, Guard, Target
from quarterdeck.procedure.option_forms import FLAG, PORT
from quarterdeck.procedure.parameters import references
from quarterdeck.procedure.quantities import as_quantity
from quarterdeck.procedure.rules.base import Lint, Machine
from quarterdeck.procedure.rules.proofs import known_target, quantity_problem, verify_items
from quarterdeck.spans import duration

__all__ = ["criteria", "guards", "options", "targets", "unwatched", "waits"]

_PARTS = ("rollback", "contingency", "closing")


def _judged(lint: Lint, path: str, text: str) -> Condition | None:
    """Judge a condition: its form, its metrics and units, whether it can ever be true."""
    condition = lint.condition(path, text)
    if condition is None:
        return None
    wrong = unit_problems(condition, lint.types, lint.options)
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
            elif duration(step.until) is not None:
                lint.error(
                    f"{at}.until",
                    f"{quote(step.until)} is a span; write a time such as window.start+{step.until}, or a condition",
                )
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
    wrong = metric_problem(baseline.metric, lint.types, lint.options)
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
    """Judge bands and times; warn of targets that nothing judges, and of types that are not watched yet."""
    used = _used(lint)
    for name, target in lint.procedure.targets.items():
        at = f"targets.{name}"
        for metric, bands in target.bands.items():
            _bands(lint, f"{at}.bands.{metric}", f"{name}.{metric}", bands)
        for key, seconds in (("every", target.every), ("timeout", target.timeout)):
            if f"{at}.{key}" in lint.context.places and seconds <= 0 and not _open(lint, f"{at}.{key}"):
                what = "an interval" if key == "every" else "a deadline"
                lint.error(f"{at}.{key}", f"{what} must be longer than nothing")
        kind = CHECKS.get(target.type)
        if kind is not None and not kind.watched:
            lint.warning(f"{at}.type", f"type {target.type} is not watched by this version: it stays unknown")
        if name not in used:
            lint.warning(at, f"no guard or criterion uses the target {quote(name)}")


def _open(lint: Lint, path: str) -> bool:
    """Tell whether a field waits for a parameter's value."""
    scalar = lint.context.scalars.get(path)
    return scalar is not None and scalar.open


def _bands(lint: Lint, at: str, metric: str, bands: Bands) -> None:
    """Refuse bands of no metric, of another unit than its, and such as contradict each other."""
    wrong = metric_problem(metric, lint.types, lint.options)
    unit = metric_unit(metric, lint.types)
    if not wrong and unit == "word":
        wrong = f"a band needs numbers; {quote(metric)} is a status"
    if wrong:
        lint.error(at, wrong)
        return
    before = len(lint.context.problems)
    for key in ("warning", "critical", "clear"):
        _fits(lint, f"{at}.{key}", getattr(bands, key), metric, unit)
    if len(lint.context.problems) > before or "${" in f"{bands.warning}{bands.critical}{bands.clear}":
        return
    try:
        band_levels(metric, bands)
    except ValueError as error:
        lint.error(at, str(error))


def options(lint: Lint) -> None:
    """Build every check without running it: what a target says beside the common fields, as the observer reads it."""
    for name, target in lint.procedure.targets.items():
        kind = CHECKS.get(target.type)
        if kind is None:
            continue
        at = f"targets.{name}"
        skip = _not_readable(lint, at, target)
        if not kind.watched:
            _url_begins(lint, at, target)
            skip |= {key for key, option in attributes(kind).items() if form_of(option) not in (FLAG, PORT)}
        built, problems = understand(target.type, target.options, skip)
        for problem in problems:
            path = f"{at}.{problem.option}" if problem.option else at
            item = target.options[problem.option][problem.item] if problem.item >= 0 else ""
            named = f"{path}.{item.partition(':')[0]}" if item else path
            lint.context.error(lint.context.place(f"{path}[{problem.item}]", named, path), problem.message)
        if lint.machine is not None and built is not None:
            _on_machine(lint, at, built, lint.machine)


def _not_readable(lint: Lint, at: str, target: Target) -> set[str]:
    """Return the options that hold a reference which is not filled in; say so of secrets, which never will be."""
    found = set()
    for key, value in target.options.items():
        names = {name for text in ([value] if isinstance(value, str) else value) for name, _ in references(text)}
        found |= {key} if names else set()
        for name in names & lint.draft.settled.secret:
            lint.error(f"{at}.{key}", f"the secret `{name}` cannot stand in a target; write env:NAME or file:PATH")
    return found


def _url_begins(lint: Lint, at: str, target: Target) -> None:
    url = target.options.get("url")
    if isinstance(url, str) and "${" not in url and not url.startswith(("http://", "https://")):
        lint.error(f"{at}.url", f"{quote(url)} must begin with http:// or https://")


def _on_machine(lint: Lint, at: str, built: Options, machine: Callable[[], Machine]) -> None:
    """Hold a check against this machine.

    Another host's gauges are refused; a host that a parameter names is chosen where a session is opened, and is
    doctor's to judge. A missing program is a warning: lint may run elsewhere than the procedure will.
    """
    if isinstance(built, CommandOptions) and not machine().finds(built.argv[0], built.cwd):
        lint.warning(f"{at}.argv", f"the program {quote(built.argv[0])} is not found on this machine")
    if not isinstance(built, LocalOptions) or not built.host or built.host.lower() in machine().names:
        return
    scalar = lint.context.scalars.get(f"{at}.host")
    if scalar is None or not scalar.filled:
        lint.error(
            f"{at}.host",
            f"another host than the station's own is not supported yet, and {quote(built.host)} is not this one; "
            "leave `host` out to watch the host where the station runs",
        )


def unwatched(lint: Lint) -> None:
    """Refuse to judge a target of a type that this version does not read: it would stay unknown for ever."""
    for path, name in _judging(lint):
        kind = CHECKS.get(lint.types.get(name, ""))
        if kind is not None and not kind.watched:
            lint.error(
                path, f"{quote(name)} is of type {lint.types[name]}, which is not supported yet: nothing reads it"
            )


def _judging(lint: Lint) -> Iterator[tuple[str, str]]:
    """Yield where something is judged by a target, with the target's name; without one where a parameter is open."""
    for name, target in lint.procedure.targets.items():
        if target.on_unknown:
            yield f"targets.{name}.on_unknown", name
    for index, criterion in enumerate(lint.procedure.criteria):
        at = f"criteria[{index}]"
        if criterion.downtime:
            yield from ((f"{at}.downtime.targets[{n}]", name) for n, name in enumerate(criterion.downtime.targets))
        if criterion.baseline:
            yield f"{at}.baseline.metric", split_metric(criterion.baseline.metric)[0]
    for at, item, _ in verify_items(lint):
        read = ((".check", item.check), (".gauge", split_metric(item.gauge)[0]))
        yield from ((f"{at}{key}", name) for key, name in read if name)
    silent = Lint(lint.draft)
    silent.context = type(lint.context)("")
    for path, text in _conditions(lint):
        condition = silent.condition("", text)
        names = {split_metric(metric)[0]: None for metric in metrics_of(condition)} if condition else {"": None}
        yield from ((path, name) for name in names)


def _conditions(lint: Lint) -> Iterator[tuple[str, str]]:
    """Yield the text of every condition with its path."""
    texts: list[tuple[str, str]] = []
    for index, guard in enumerate(lint.procedure.guards):
        texts += [(f"guards[{index}].when", guard.when), (f"guards[{index}].release", guard.release)]
    texts += [(f"criteria[{n}].condition", found.condition) for n, found in enumerate(lint.procedure.criteria)]
    texts += [(f"{lint.at(it.step)}.until", it.step.until) for it in lint.places if not is_time(it.step.until)]
    yield from ((path, text) for path, text in texts if text)


def _used(lint: Lint) -> set[str]:
    """Return the targets that anything judges; all of them where a condition cannot be read yet."""
    outages = {placed.step.expect_outage.target for placed in lint.places if placed.step.expect_outage}
    names = {name for _, name in _judging(lint)}
    return set(lint.types) if "" in names else names | outages
