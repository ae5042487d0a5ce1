"""What must not be missed: proposals, lost contact, unconfirmed halts, sick recorders.

No height while all is well. `reads_now` puts the live number beside the one that a proposal was made for; the
condition language is imported only then.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from quarterdeck.console.panes.alarms import alarm_of, told
from quarterdeck.console.panes.base import Pane, Row, fit, justified
from quarterdeck.console.panes.rows import hung
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.availability import blind_guards
from quarterdeck.session.missing import missing_later
from quarterdeck.session.next_line.words import Words
from quarterdeck.spans import countdown, span
from quarterdeck.text import visible

__all__ = ["BannerPane", "reads_now"]


class BannerPane(Pane):
    """A line for each trouble, or two where it is long, the gravest first; at most `MOST` lines."""

    name_ = "banner"
    bar = True
    opens = "target"
    MOST = 4

    DEFAULT_CSS = """
    BannerPane { height: 0; }
    """

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self.most = self.MOST
        self._rows: list[tuple[Trouble, Row]] = []

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return len(self._rows)

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Look for troubles."""
        found = troubles(snapshot)
        self._rows, spare = [], self.MOST - len(found)  # another trouble says more than the end of one
        for trouble in found:
            rows = self._lines(trouble, width)[: 1 + max(0, spare)]
            spare -= len(rows) - 1
            self._rows += [(trouble, row) for row in rows]
        del self._rows[self.MOST :]

    def _lines(self, trouble: Trouble, width: int) -> list[Row]:
        """What, and at the right end what to do."""
        text, hint, role, _ = trouble
        alert = self.look.glyphs.alert
        tail = f" {visible(self.said(hint), 80)} " if hint else ""
        room = max(8, width - cell_len(tail) - 3)
        first, *more = hung(visible(text, 300), room, max(8, width - 4), 2, self.look.glyphs.ellipsis)
        rows = [justified(((f" {alert} ", role), (first, role)), ((tail, role),), width)]
        rows += [((fit(f"   {line}", width), role),) for line in more]
        return [tuple((piece, role) for piece, _ in row) for row in rows]

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """Of a guard: the target that it reads."""
        from quarterdeck.console.subjects import of_guard

        guard = self._rows[y][0].guard if y < len(self._rows) else ""
        return next(iter(of_guard(snapshot.session, guard)), "") if guard else ""

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """One line of a trouble."""
        del snapshot, width
        return self._rows[y][1]


class Trouble(NamedTuple):
    """One line of it."""

    what: str
    hint: str
    """What to do; empty where there is nothing."""
    role: str
    guard: str = ""
    """The guard that it is about."""


def troubles(snapshot: Snapshot) -> list[Trouble]:
    """All troubles, the gravest first."""
    session = snapshot.session
    found: list[Trouble] = []
    if snapshot.halt_unconfirmed:
        found.append(Trouble(f"HALT UNCONFIRMED: {snapshot.halt_unconfirmed}", "", "halt"))
    found += _contact(snapshot)
    standing = snapshot.standing
    recorders = standing.recorders if standing else session.recorders
    sick = [f"{name} {state}" for name, state in recorders.items() if state != "ok"]
    if sick and len(sick) == len(recorders):
        found.append(Trouble(f"NOTHING IS RECORDED: {', '.join(sick)}", "H still halts", "halt"))
    elif sick:
        found.append(Trouble(f"recording on one recorder: {', '.join(sick)}", "", "badge-warn"))
    for proposal in session.open_proposals():
        left = countdown(max(0.0, proposal.until - snapshot.now))
        said = Words(session, snapshot.now, snapshot.me).measured(proposal)
        found.append(Trouble(f"HALT PROPOSED  {said}", f"pauses in {left}", "halt", proposal.guard))
    found += [
        Trouble(told(other, alarm), "u shows it", "halt" if alarm.startswith("HALT") else "badge-warn")
        for other in snapshot.others
        if (alarm := alarm_of(other))
    ]
    found += [
        Trouble(f"BLIND GUARD  {guard.title}: {why}", "", "badge-warn", guard.id)
        for guard, why in blind_guards(session, snapshot.now)
    ]
    if snapshot.read_only:
        found.append(Trouble(f"READ ONLY: {snapshot.read_only}", "", "badge-warn"))
    if session.unknown_kinds:
        newer = "written by a newer version: shown as far as it is understood"
        found.append(Trouble(newer, "read only", "badge-warn"))
    unset = standing.unset if standing is not None else {}
    found += [Trouble(each.words, each.hint, "badge-warn") for each in missing_later(session, unset)]
    for guard, until in session.overrides.items():
        if until == 0 or until > snapshot.now:
            left = f"for {span(until - snapshot.now)}" if until else "until the end"
            found.append(Trouble(f"guard {guard} is overridden {left}", "", "badge-grey", guard))
    if standing is not None and standing.observer is not None and not standing.observer.sound:
        found.append(Trouble("the observer is late: its numbers are not counted", "", "badge-warn"))
    return found


def _contact(snapshot: Snapshot) -> list[Trouble]:
    since = span(max(0.0, snapshot.now - snapshot.contact_since)) if snapshot.contact_since else ""
    match snapshot.contact:
        case "ok":
            return []
        case "connecting":
            return [Trouble("connecting to the station …", "", "badge-grey")]
        case "hung":
            silent = f"the station does not answer, for {since}: what you see is old"
            return [Trouble(silent, "H still halts", "halt")]
        case "lost":
            lost = f"NO CONTACT with the station, for {since}: what you see is old"
            return [Trouble(lost, "H still halts", "halt")]


def reads_now(snapshot: Snapshot) -> str:
    """The last reading of the metric that the oldest open proposal names, `96 ms`; empty where there is none."""
    from quarterdeck.procedure.conditions import ConditionError, Metric, Over, comparisons_of, parse

    session = snapshot.session
    proposal = next(iter(session.open_proposals()), None)
    if proposal is None or session.plan is None:
        return ""
    guard = next((found for found in session.plan.procedure.guards if found.id == proposal.guard), None)
    if guard is None:
        return ""
    try:
        compared = list(comparisons_of(parse(guard.when).root))
    except ConditionError:
        return ""
    read = [side.name for side in (comparison.left for comparison in compared) if isinstance(side, Metric | Over)]
    named = [name for name in read if name in proposal.reason] or read
    return next((said for name in named if (said := _reading(snapshot, name))), "")


def _reading(snapshot: Snapshot, metric: str) -> str:
    """The metric's last value with its unit; empty where it is not a fresh number."""
    from quarterdeck.procedure.metric_names import metric_kind, split_metric
    from quarterdeck.procedure.quantities import Quantity, show

    plan = snapshot.session.plan
    target, kind_name, _ = split_metric(metric)
    name = metric.partition(".")[2]
    reading = snapshot.readings.get(target)
    if reading is None or plan is None or snapshot.boot - reading.boot > reading.max_age:
        return ""
    value = reading.values.get(name)
    if name == "status":
        return reading.status
    if not isinstance(value, float | int):
        return ""
    known = plan.procedure.targets.get(target)
    kind = metric_kind(known.type, kind_name) if known is not None else None
    unit = kind.unit if kind is not None and kind.unit not in {"word", "any"} else ""
    return show(Quantity(float(value), reading.units.get(name, "") or unit))
