"""One target in rows, as the pane of everything watched, the target's own screen and plain mode show it. Pure.

How it is and why, how that was judged and since when, which guards read it, its values, and what it was asked. What
a credential is, is said by the name under which it is found, and of an address never the query.
"""

from __future__ import annotations

import shlex
from http import HTTPStatus

from quarterdeck.console.glyphs import Glyphs
from quarterdeck.console.panes.base import Row
from quarterdeck.console.panes.endpoints import ROLES, expected_until
from quarterdeck.console.panes.gauges import aged
from quarterdeck.console.panes.gauges import levels as band_levels
from quarterdeck.console.panes.rows import width_of, wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.observer.status import Freshness, band
from quarterdeck.procedure.checks import CommandOptions, HttpOptions, LocalOptions, TcpOptions, WebOptions, understand
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Guard, Target
from quarterdeck.procedure.option_forms import is_reference
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.session.guard_watch import targets_of
from quarterdeck.spans import countdown, hour, measured, second, span
from quarterdeck.text import in_full, visible

__all__ = [
    "asked_rows",
    "guard_rows",
    "judged_rows",
    "label_of",
    "shown_value",
    "types_of",
    "value_rows",
    "verdict_rows",
]

_LABEL = 28
"""Cells of a value's name; longer ones push their value away."""
_NAMES = {
    "cpu": "CPU", "container": "in a container", "cpu_limit": "cores that it may use",
    "memory_limit": "memory that it may use", "load1": "load, 1 min", "load5": "load, 5 min",
    "load15": "load, 15 min",
    "disk_read": "read from disks", "disk_write": "written to disks", "net_in": "received", "net_out": "sent",
    "storage.used": "used", "storage.free": "free", "storage.reserved": "for root alone", "storage.total": "size",
    "storage.inodes": "inodes used", "storage.read_only": "read-only", "cert_days": "certificate lasts",
}  # fmt: skip
"""What people call a metric, where its own name does not say it."""
_FLAGS = frozenset({"container", "storage.read_only"})
"""Metrics that are 1 or 0 and mean yes or no."""
_ACTS = {"warn": "warns", "pause": "pauses", "propose_halt": "proposes a halt", "halt": "halts"}


def types_of(snapshot: Snapshot) -> dict[str, str]:
    """Everything watched, to its type; the type is empty while the plan is not here."""
    plan = snapshot.session.plan
    if plan is None:
        return dict.fromkeys(snapshot.readings, "")
    return {name: target.type for name, target in plan.procedure.targets.items()}


def _target(snapshot: Snapshot, name: str) -> Target | None:
    plan = snapshot.session.plan
    return plan.procedure.targets.get(name) if plan is not None else None


def _wrapped(text: str, width: int, role: str, indent: int = 3) -> list[Row]:
    return [((" " * indent + line, role),) for line in wrap(text, width - indent) if line]


def _marked(sign: str, text: str, width: int, role: str, rest: str = "text") -> list[Row]:
    """Text behind a sign, wrapped below itself."""
    lines = wrap(text, width - 5)
    return [((f"   {sign if n == 0 else ' '} ", role), (line, rest)) for n, line in enumerate(lines)]


# -- how it is


def verdict_rows(snapshot: Snapshot, name: str, width: int, glyphs: Glyphs) -> list[Row]:
    """How it is, in a line that names it, and the whole message of why."""
    kind = types_of(snapshot).get(name, "")
    reading = snapshot.readings.get(name)
    shown = visible(name, 60)
    signs = glyphs.status
    if reading is None:
        return [((f" {signs['withdrawn']} ", "muted"), (shown, "strong"), (f"  {kind}, no reading yet", "muted"))]
    fresh, age = aged(snapshot, reading)
    old = fresh in {"stale", "withdrawn"}
    until = expected_until(snapshot, name)
    calm = reading.status != "ok" and until > snapshot.now
    role = "muted" if old else "accent" if calm else ROLES[reading.status]
    sign = signs["withdrawn" if old else "expected" if calm else reading.status]
    words = [reading.status, *reading.flags, f"{span(age)} old", kind]
    words += [f"expected until {hour(until, snapshot.off)}"] if calm else []
    head: Row = ((f" {sign} ", role), (shown, "strong"))
    said = ", ".join(word for word in words if word)
    fits = width_of(head) + 2 + len(said) <= width
    first = [(*head, (f"  {said}", role))] if fits else [head, *_wrapped(said, width, role)]
    return [*first, *_wrapped(in_full(reading.message), width, role)]


# -- how it was judged


def judged_rows(snapshot: Snapshot, name: str, width: int, glyphs: Glyphs) -> list[Row]:
    """Which rule gave the status and what was read for it, how many in a row count, since when, who expects it."""
    reading, target = snapshot.readings.get(name), _target(snapshot, name)
    if reading is None or target is None:
        return []
    rows: list[Row] = []
    for status, words in _rules(target, reading):
        rows += _marked(glyphs.status[status], words, width, ROLES[status], "text" if status == "ok" else "strong")
    for words in (*_counted(snapshot, target, reading), _since(snapshot, reading), *_expected(snapshot, name)):
        rows += _wrapped(words, width, "text")
    return rows


def _rules(target: Target, reading: Reading) -> list[tuple[Status, str]]:
    """Each rule with what it says of the last reading by itself, the gravest first."""
    said = _said_of_bands(target, reading)
    found: list[tuple[Status, str]] = []
    for metric, bands in target.bands.items():
        value = reading.values.get(metric)
        read = "cannot be read" if value is None else f"is {shown_value(target.type, reading, metric, value)}"
        limits = band_levels(metric, bands)
        way, back = ("at or below", "above") if limits.falling else ("from", "below")
        words = {f"critical {way}": bands.critical, f"warning {way}": bands.warning, f"over only {back}": bands.clear}
        levels = [f"{word} {level}" for word, level in words.items() if level]
        status = said.get(metric) or band(value, limits)
        found.append((status, f"{label_of(metric)} {read}: {', '.join(levels)}"))
    own = "; ".join(part for part in reading.message.split("; ") if not _is_of_bands(target, part))
    explained = reading.raw in {status for status, _ in found}  # by a threshold: what is said beside it is less
    itself: Status = "ok" if reading.raw == "ok" or (explained and not own) else reading.raw
    itself = "warning" if explained and itself != "ok" else itself
    expects = _expects(target)
    if itself != "ok":
        found.append((itself, "; expected: ".join(filter(None, (in_full(own), expects)))))
    elif expects:
        found.append((itself, f"as expected: {expects}"))
    order: tuple[Status, ...] = ("critical", "unknown", "warning", "ok")
    return sorted(found, key=lambda rule: order.index(rule[0]))


def _is_of_bands(target: Target, part: str) -> bool:
    return any(part.startswith(f"{metric} ") for metric in target.bands)


def _said_of_bands(target: Target, reading: Reading) -> dict[str, Status]:
    """What the observer said of each metric with thresholds: it knows what was in breach before (hysteresis)."""
    words: dict[str, Status] = {"warning": "warning", "critical": "critical", "cannot be read": "unknown"}
    return {
        metric: status
        for metric in target.bands
        for word, status in words.items()
        if f"{metric} {word}" in reading.message.split("; ")
    }


def _expects(target: Target) -> str:
    """What a check of this type wants to see, in words; nothing where only thresholds judge it."""
    options, _ = understand(target.type, target.options)
    match options:
        case HttpOptions():
            body = f", a body in which {visible(options.expect_body, 120)} is found" if options.expect_body else ""
            return f"an answer {' or '.join(map(str, options.expect_status))}{body}"
        case WebOptions():
            return "an answer that says it is well"
        case TcpOptions():
            return "a connection"
        case CommandOptions():
            return "exit code 0"
    return ""


def _counted(snapshot: Snapshot, target: Target, reading: Reading) -> list[str]:
    """How many readings in a row make a status, and how many said so."""
    words = []
    fresh, age = aged(snapshot, reading)
    if fresh in {"stale", "withdrawn"}:
        words.append(f"its last reading is {span(age)} old; older than {_seconds(reading.max_age)} does not count")
    verdict = snapshot.verdicts.get(reading.target)
    count = verdict.count if verdict is not None else 1
    least = "" if verdict is None or verdict.counts_all else "at least "
    if reading.raw != reading.status or "pending" in reading.flags:
        needed = target.success_threshold if reading.raw == "ok" else target.failure_threshold
        words.append(
            f"to be confirmed: its last reading says {reading.raw}: {least}{count} in a row, and {needed} count"
        )
    elif reading.status != "ok":
        ends = "one ends" if target.success_threshold == 1 else "in a row end"
        words.append(
            f"{least}{count} reading{'s' if count > 1 else ''} in a row say{'' if count > 1 else 's'} {reading.raw}; "
            f"{target.failure_threshold} count, and {target.success_threshold} good {ends} it"
        )
    if "flapping" in reading.flags:
        words.append("flapping: it changed too often within its last 21 readings")
    if "lagged" in reading.flags:
        words.append("taken while the observer itself was late: left out of statistics")
    return words


def _since(snapshot: Snapshot, reading: Reading) -> str:
    """Since when it is as it is, and what ran when it became so."""
    verdict = snapshot.verdicts.get(reading.target)
    if verdict is None:
        return ""
    at = snapshot.now - (snapshot.boot - verdict.since)
    begun = "since" if verdict.is_whole else "at least since"
    text = f"{reading.status} {begun} {second(at, snapshot.off)}, for {span(snapshot.now - at)}"
    if reading.raw == reading.status == "ok":
        text += _peaks(snapshot, reading, verdict.since)
    if not verdict.is_whole:
        return text
    ran = [
        snapshot.session.name_of(run.id)
        for run in snapshot.session.steps.values()
        if run.started is not None and run.started <= at <= (run.ended if run.ended is not None else snapshot.now)
    ]
    return f"{text}, while {' and '.join(visible(name, 80) for name in ran[:3])} ran" if ran else text


def _peaks(snapshot: Snapshot, reading: Reading, since: float) -> str:
    """The worst value of each metric that was over a threshold meanwhile, and too short to count."""
    target, found = _target(snapshot, reading.target), ""
    for metric, bands in target.bands.items() if target is not None else ():
        limits, series = band_levels(metric, bands), snapshot.series.get(f"{reading.target}.{metric}")
        spans = [each for each in series.spans() if each[0] >= since] if series is not None else []
        worst = min if limits.falling else max
        values = [(each.low if limits.falling else each.high, at) for at, each in spans]
        value, at = worst(values, default=(0.0, 0.0))
        if values and (over := band(value, limits)) != "ok":
            shown = shown_value(target.type if target is not None else "", reading, metric, value)
            when = hour(snapshot.now - (snapshot.boot - at), snapshot.off)
            found += f", with {label_of(metric)} {shown} at {when}: {over}, too short to count"
    return found


def _expected(snapshot: Snapshot, name: str) -> list[str]:
    """Which steps may break it, and until when one that runs may."""
    plan, session = snapshot.session.plan, snapshot.session
    assert plan is not None
    words = []
    for step in plan.steps.values():
        outage = step.expect_outage
        if outage is None or outage.target != name:
            continue
        run = session.steps.get(step.id)
        title = visible(session.name_of(step.id), 120)
        if run is not None and run in session.running() and run.started is not None:
            left = run.started + outage.max - snapshot.now
            until = hour(run.started + outage.max, snapshot.off)
            late = f"OVERDUE {span(left)}: {title} was to break it until {until} at most"
            words.append(f"expected until {until} by {title}" if left > 0 else late)
        elif run is None or run.started is None:
            words.append(f"{title} may break it, for {span(outage.max)} at most")
    return words


# -- guards


def guard_rows(snapshot: Snapshot, name: str, width: int, glyphs: Glyphs) -> list[Row]:
    """The guards that read it, what each does, and how it stands."""
    plan = snapshot.session.plan
    if plan is None:
        return []
    rows: list[Row] = []
    for guard in (*plan.procedure.guards, *plan.on_unknown.values()):
        if name in targets_of(guard):
            status, state = _standing(snapshot, guard)
            rows += _marked(glyphs.status[status], f"{visible(guard.title, 120)}: {state}", width, ROLES[status])
            lasts = f" for {_seconds(guard.for_)}" if guard.for_ else ""
            rows += _wrapped(f"{_ACTS[guard.action]} when {visible(guard.when, 400)}{lasts}", width, "muted", 5)
    for criterion in plan.procedure.criteria:
        condition = criterion.condition or (criterion.baseline.metric if criterion.baseline is not None else "")
        if f"{name}." in condition or (criterion.downtime is not None and name in criterion.downtime.targets):
            rows += _wrapped(f"judged at the end: {visible(criterion.title, 200)}", width, "muted", 5)
    return rows


def _standing(snapshot: Snapshot, guard: Guard) -> tuple[Status, str]:
    session, now = snapshot.session, snapshot.now
    until = session.overrides.get(guard.id)
    if until is not None and (until == 0 or until > now):
        return "unknown", f"overridden {f'for {span(until - now)}' if until else 'until the end'}"
    if guard.id in session.blind:
        return "unknown", f"BLIND, {visible(session.blind[guard.id], 400)}"
    proposal = next((found for found in session.open_proposals() if found.guard == guard.id), None)
    if proposal is not None:
        left = countdown(max(0.0, proposal.until - now))
        return "critical", f"HALT PROPOSED, pauses in {left}: {_short(guard, proposal.reason)}"
    if guard.id in session.holding:
        return "critical", f"holds: {_short(guard, session.holding[guard.id])}"
    return "ok", "quiet"


def _short(guard: Guard, reason: str) -> str:
    """What it says without its own title, which stands beside it."""
    return visible(reason.removeprefix(f"{guard.title}: "), 400)


# -- what was read


def value_rows(snapshot: Snapshot, name: str) -> list[Row]:
    """Every value of its last reading with its unit, and what it was before Start where that is not the same."""
    reading = snapshot.readings.get(name)
    if reading is None:
        return []
    kind = types_of(snapshot).get(name, "")
    fresh, age = aged(snapshot, reading)
    values = ((metric, value) for metric, value in reading.values.items() if metric != "status")
    return [_value(snapshot, kind, reading, metric, value, fresh, age) for metric, value in values]


def _value(
    snapshot: Snapshot, kind: str, reading: Reading, metric: str, value: float | str, fresh: Freshness, age: float
) -> Row:
    said = shown_value(kind, reading, metric, value)
    base = snapshot.bases.get(f"{reading.target}.{metric}")
    before = shown_value(kind, reading, metric, base) if base is not None else said
    return (
        (f"   {label_of(metric):<{_LABEL}} ", "muted"),
        (said, "text" if fresh == "fresh" else "muted"),
        (f"  (base {before})" if before != said else "", "muted"),
        (f"  {span(age)} old" if fresh != "fresh" else "", "muted"),
    )


def label_of(metric: str) -> str:
    """What people call a metric of a target: `/var used`, `CPU`; of an endpoint's own value its path."""
    _, name, key = split_metric(f"it.{metric}")
    if name == "value":
        return visible(key, 80)
    return visible(" ".join(filter(None, (key, _NAMES.get(name, name)))), 80)


def shown_value(kind: str, reading: Reading, metric: str, value: float | str) -> str:
    """A value with its unit; of what is 1 or 0 yes or no, of an answer's code what it means."""
    if isinstance(value, str):
        return visible(value, 80)
    name = split_metric(f"it.{metric}")[1]
    if name in _FLAGS:
        return "yes" if value else "no"
    if name == "cert_days":
        return f"{value:.0f} days"
    if name == "code" and value in {status.value for status in HTTPStatus}:
        return f"{value:.0f} {HTTPStatus(int(value)).phrase}"
    known = metric_kind(kind, name)
    return show(
        Quantity(value, reading.units.get(metric, "") if known is None or known.unit == "any" else known.unit)
    )


# -- what it was asked


def asked_rows(snapshot: Snapshot, name: str, width: int) -> list[Row]:
    """What is asked of it, how often, with which deadline, and under which names credentials are found."""
    target = _target(snapshot, name)
    if target is None:
        return []
    retry = f", while it is bad every {_seconds(target.retry_interval)}" if target.retry_interval else ""
    often = f"every {_seconds(target.every)}{retry}; deadline {_seconds(target.timeout)}"
    reading = snapshot.readings.get(name)
    took = f"; the last one took {measured(reading.took)}" if reading is not None and reading.took else ""
    skipped = f", {reading.skipped} left out before it" if reading is not None and reading.skipped else ""
    stale = f"stale after {_seconds(target.stale_after)}"
    lines = [*_request(target), f"{often}; {stale}{took}{skipped}"]
    return [row for line in lines for row in _wrapped(line, width, "text")]


def _seconds(value: float) -> str:
    return show(Quantity(value, "s"))


def _request(target: Target) -> list[str]:
    options, _ = understand(target.type, target.options)
    match options:
        case WebOptions():
            address, query, _ = options.url.partition("?")
            lines = [f"{options.method} {visible(address, 400)}{'?…' if query else ''}"]
            for header in options.headers:
                last = header.value.rpartition(" ")[2]
                said = f"from {last}" if is_reference(last) else header.value
                lines.append(f"header {header.name}: {visible(said, 200)}")
            ways = [
                f"proxy {visible(options.proxy.partition('?')[0], 200)}" if options.proxy else "",
                f"authorities of {visible(options.verify, 200)}" if options.verify else "",
                f"client certificate {visible(options.certificate[0], 200)}" if options.certificate else "",
                "redirects are followed" if options.follow_redirects else "",
                "a new connection for each" if options.connection == "new" else "",
            ]
            return [*lines, *filter(None, [", ".join(filter(None, ways))])]
        case TcpOptions():
            return [f"connects to {visible(options.host, 200)} port {options.port}"]
        case CommandOptions():
            return [f"runs {visible(shlex.join(options.argv), 600)}"]
        case LocalOptions():
            mounts = f", mounts {', '.join(options.mounts)}" if options.mounts else ""
            return [f"this host's gauges{visible(mounts, 400)}"]
    return []
