"""The services: one line each with sign, name, word, latency, what it was before, graph and age.

A roll-up counts; there is never one green light.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from quarterdeck.console.glyphs import Glyphs, graph
from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, fit, width_of
from quarterdeck.console.panes.gauges import LOCAL, aged, blind_count
from quarterdeck.console.panes.rows import hung
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.spans import amount, hour, span
from quarterdeck.text import visible

__all__ = [
    "CONDITIONS",
    "EndpointsPane",
    "condition",
    "counted",
    "expected_until",
    "measure_of",
    "roll_up",
    "sign_of",
    "worst",
]

ROLES = {"ok": "ok", "warning": "warn", "critical": "critical", "unknown": "unknown"}
GRAPH = 10
BELOW = 5
"""Cells before a message that stands below its target."""
MESSAGE = 2
"""Lines that it takes there at most; the target's screen shows all of it."""
SPARED = 4
"""Cells of a frame's line that its title leaves free, and the sign of the focus."""
REST = 10.0
"""Seconds that a target keeps its lines when it needs less."""

CONDITIONS = {
    "critical": "critical", "unknown": "unknown", "warn": "warn", "expected": "accent", "stale": "warn",
    "no data": "warn", "ok": "ok",
}  # fmt: skip
"""In which condition a target can be, the gravest first, with the role of each."""
CRIES = ("critical", "unknown", "warn", "stale", "no data")
"""Those that say by themselves that something is wrong."""


def endpoints_of(snapshot: Snapshot) -> list[str]:
    """The targets that are services, as the procedure lists them."""
    plan = snapshot.session.plan
    if plan is None:
        return [name for name, reading in snapshot.readings.items() if "cpu" not in reading.values]
    return [name for name, target in plan.procedure.targets.items() if target.type not in LOCAL]


def expected_until(snapshot: Snapshot, target: str) -> float:
    """Until when a running step expects this target to be broken, session seconds; 0 where none does."""
    session, plan = snapshot.session, snapshot.session.plan
    if plan is None:
        return 0.0
    until = 0.0
    for run in session.running():
        step = plan.steps.get(run.id)
        outage = step.expect_outage if step else None
        if outage is not None and outage.target == target and run.started is not None:
            until = max(until, run.started + outage.max)
    return until


def condition(snapshot: Snapshot, name: str) -> str:
    """How a target is, in one of the words of `CONDITIONS`."""
    reading = snapshot.readings.get(name)
    fresh = aged(snapshot, reading)[0] if reading is not None else "withdrawn"
    if reading is None or fresh == "withdrawn":
        return "no data"
    if fresh == "stale":
        return "stale"
    if reading.status != "ok" and expected_until(snapshot, name) > snapshot.now:
        return "expected"
    return "warn" if reading.status == "warning" else reading.status


def counted(snapshot: Snapshot, names: Iterable[str] = ()) -> dict[str, int]:
    """How many targets are in which condition, the gravest first; of all, where none is named. None is left out."""
    plan = snapshot.session.plan
    every = names or (plan.procedure.targets if plan is not None else snapshot.readings)
    counts = Counter(condition(snapshot, name) for name in every)
    return {word: counts[word] for word in CONDITIONS if counts[word]}


def _hosts(snapshot: Snapshot) -> str:
    """`host ok`, `hosts 1 warn, 2 ok`; empty where none is watched."""
    services, plan = set(endpoints_of(snapshot)), snapshot.session.plan
    every = plan.procedure.targets if plan is not None else snapshot.readings
    hosts = [name for name in every if name not in services]
    if len(hosts) < 2:
        return f"host {condition(snapshot, hosts[0])}" if hosts else ""
    return f"hosts {', '.join(f'{count} {word}' for word, count in counted(snapshot, hosts).items())}"


def roll_up(snapshot: Snapshot) -> dict[str, int]:
    """How many guards are blind, and services in which condition, the gravest first; none is left out."""
    names = endpoints_of(snapshot)
    return blind_count(snapshot) | (counted(snapshot, names) if names else {})


def worst(snapshot: Snapshot) -> tuple[str, str, int] | None:
    """The worst target of all, its condition, and how many more are not well; None while nothing is wrong.

    What is expected does not count, nor a target that was not read yet.
    """
    plan = snapshot.session.plan
    names = plan.procedure.targets if plan is not None else snapshot.readings
    words = [(condition(snapshot, name), name) for name in names if name in snapshot.readings]
    found = [(CRIES.index(word), name) for word, name in words if word in CRIES]
    if not found:
        return None
    grave, name = min(found, key=lambda each: each[0])
    return name, CRIES[grave], len(found) - 1


def sign_of(condition: str, glyphs: Glyphs) -> str:
    """The sign that stands for a condition."""
    word = {"warn": "warning", "stale": "withdrawn", "no data": "withdrawn"}.get(condition, condition)
    return glyphs.status[word]


def _why(reading: Reading) -> str:
    """What is wrong with a target; nothing where it is well."""
    return reading.message if reading.status != "ok" else ""


def measure_of(reading: Reading) -> str:
    """The metric that stands for a service: its latency, else the first number that its plugin gave."""
    numbers = (
        name for name, value in reading.values.items() if name.startswith("value[") and not isinstance(value, str)
    )
    return "latency" if "latency" in reading.values else next(numbers, "latency")


class EndpointsPane(Pane):
    """`● orders-api  ok  118 ms (base 104)  ⣀⣠⣀  2 s`."""

    name_ = "endpoints"
    heading = "Endpoints"
    opens = "target"

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self._names: list[str] = []
        self._longest = 0
        """Cells of the longest name."""
        self._index: list[tuple[str, int]] = []
        """Row to (target, line of it)."""
        self._asked_for: tuple[object, ...] = ()
        """What the lines were made of when all of them were asked last, readings and time apart."""
        self._held: dict[str, tuple[int, float]] = {}
        """How many lines each bad target took, and when it needed them last."""

    def is_vacant(self, snapshot: Snapshot) -> bool:
        """No service is watched."""
        return snapshot.session.plan is not None and not endpoints_of(snapshot)

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Which targets there are, and how many lines each one takes."""
        self._names = endpoints_of(snapshot)
        self._longest = max((cell_len(visible(name, 60)) for name in self._names), default=0)
        self._index = [(name, part) for name in self._names for part in range(self._height(snapshot, name, width))]

    def restless(self, before: Snapshot, snapshot: Snapshot) -> Sequence[int] | None:
        """Of a target that is well and was read just now, the next reading changes the line, and nothing else."""
        asked_for, self._asked_for = self._asked_for, (snapshot.count, self._index)
        if before.session is not snapshot.session or asked_for != self._asked_for:
            return None
        return [
            line
            for line, (name, _) in enumerate(self._index[self.top : self.top + self.size.height])
            if not self._is_settled(before, snapshot, name)
        ]

    def _is_settled(self, before: Snapshot, snapshot: Snapshot, name: str) -> bool:
        """Whether time changes nothing of a target's line."""
        reading = snapshot.readings.get(name)
        if reading is not before.readings.get(name):
            return False
        return reading is None or (
            reading.status == "ok" and aged(before, reading)[0] == aged(snapshot, reading)[0] == "fresh"
        )

    def _height(self, snapshot: Snapshot, name: str, width: int) -> int:
        """More at once, less only after a while: what flaps moves no frame."""
        reading = snapshot.readings.get(name)
        needs = 1 if reading is None or not _why(reading) else len(self._lines(snapshot, name, width))
        held, at = self._held.get(name, (1, 0.0))
        if needs >= held or snapshot.boot - at > REST:
            held, at = needs, snapshot.boot
        self._held[name] = held, at
        return held

    def row_count(self, snapshot: Snapshot) -> int:
        """One for each target, and one for a message that has no room in it; one that says that there are none."""
        return len(self._index) or int(self.is_vacant(snapshot))

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """Its target."""
        del snapshot
        return self._index[y][0] if y < len(self._index) else ""

    def title_of(self, snapshot: Snapshot) -> str:
        """Counts, not a light; hosts apart, which a tab's label counts too, where there is room for all of it."""
        counts = ", ".join(f"{count} {word}" for word, count in roll_up(snapshot).items())
        said = " · ".join(filter(None, ("Endpoints", counts)))
        whole = " · ".join(filter(None, (said, _hosts(snapshot) if self._names else "")))
        room = (self.size.width or self._taken_width) - SPARED
        return whole if cell_len(whole) <= room else said

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """A target, or what is wrong with it."""
        if not self._names:
            plan = snapshot.session.plan
            hosts = plan is not None and plan.procedure.targets
            said = "no service is watched" if hosts else "nothing is watched: the procedure names no targets"
            return ((f" {said}", "muted"),)
        name, part = self._index[y]
        lines = self._lines(snapshot, name, width)
        return lines[part] if part < len(lines) else EMPTY

    def _lines(self, snapshot: Snapshot, name: str, width: int) -> list[Row]:
        """A target's line, and its message below where that has no room beside the rest."""
        reading = snapshot.readings.get(name)
        left, tail = self._measured(snapshot, name, reading, width)
        room = width - width_of(left) - width_of(tail) - (1 if tail else 0)
        why = visible(_why(reading), 300) if reading is not None else ""
        beside = bool(why) and cell_len(why) < room
        if beside:
            left, room = (*left, (f" {why}", "muted")), room - 1 - cell_len(why)
        line = (*left, (" " * max(0, room), ""), *tail) if tail else left
        if beside or not why:
            return [line]
        below = hung(why, width - BELOW, width - BELOW, MESSAGE, self.look.glyphs.ellipsis)
        return [line, *(((" " * BELOW, ""), (said, "muted")) for said in below)]

    def _measured(
        self, snapshot: Snapshot, name: str, reading: Reading | None, width: int
    ) -> tuple[Row, tuple[Piece, ...]]:
        """What stands at the left and at the right end of a target's line, but for its message."""
        glyphs = self.look.glyphs
        shown = fit(visible(name, 60), min(self._longest, max(8, width // 3)), ellipsis=glyphs.ellipsis)
        if reading is None:
            return ((f" {glyphs.status['withdrawn']} ", "muted"), (shown, "muted"), (" no reading yet", "muted")), ()
        fresh, age = aged(snapshot, reading)
        if fresh == "withdrawn":
            sign = glyphs.status["withdrawn"]
            return ((f" {sign} ", "warn"), (shown, "text"), (f" no data {span(age)}", "warn")), ()
        until = expected_until(snapshot, name)
        calm = reading.status != "ok" and until > snapshot.now
        sign = glyphs.status["expected" if calm else reading.status]
        role = "accent" if calm else ROLES[reading.status]
        if fresh != "fresh":
            role = "muted"
        row: list[Piece] = [
            (f" {sign} ", role),
            (shown, "text" if fresh == "fresh" else "muted"),
            (f" {fit(self._word(reading, fresh), 9)}", role),
        ]
        tail = self._tail(snapshot, name, reading, age, fresh, until)
        room = width - width_of(tuple(row)) - width_of(tail)
        shown_metric = measure_of(reading)
        if shown_metric == "latency":
            row += self._latency(snapshot, name, reading, role, room - GRAPH - 2)
        else:
            row += self._values(reading, role, room if reading.status == "ok" else room // 2)
        room = width - width_of(tuple(row)) - width_of(tail) - 1
        history = snapshot.history.get(f"{name}.{shown_metric}") or ()
        if room >= GRAPH + 1 and (history or fresh == "stale"):
            picture = (glyphs.hatch * GRAPH)[:GRAPH] if fresh == "stale" else graph(history, GRAPH, glyphs.graph)
            row.append((f" {picture}", role if role != "ok" else "ok"))
        return tuple(row), tail

    def _word(self, reading: Reading, fresh: str) -> str:
        if fresh == "stale":
            return "stale"
        return "flapping" if "flapping" in reading.flags else reading.status

    def _latency(self, snapshot: Snapshot, name: str, reading: Reading, role: str, room: int) -> list[Piece]:
        value = reading.values.get("latency")
        if not isinstance(value, float | int):
            return []
        shown = amount("latency", value)
        pieces: list[Piece] = [(f" {shown:>7}", "strong" if role == "ok" else role)]
        base = snapshot.bases.get(f"{name}.latency")
        if base is not None and room >= 20:
            pieces.append((f" (base {base * 1000:.0f})", "muted"))
        parts = [
            f"{part} {amount('latency', took)}"
            for part in ("connect", "tls")
            if isinstance(took := reading.values.get(part), float)
        ]
        opened = f"  {', '.join(parts)}" if parts else ""
        if opened and width_of((*pieces, (opened, ""))) <= room:
            pieces.append((opened, "muted"))
        return pieces

    def _values(self, reading: Reading, role: str, room: int) -> list[Piece]:
        """What a plugin measured, as much as fits: `rta 0.81 ms  pl 0 %`."""
        ellipsis = self.look.glyphs.ellipsis
        pieces: list[Piece] = []
        for metric, value in reading.values.items():
            if not metric.startswith("value["):
                continue
            said = (
                visible(value, 60) if isinstance(value, str) else show(Quantity(value, reading.units.get(metric, "")))
            )
            label = f" {visible(metric[6:-1], 40)} "
            if width_of((*pieces, (label, ""), (said, ""))) > room - 3:
                return [*pieces, (f" {ellipsis}", "muted")] if pieces else pieces
            pieces += [(label, "muted"), (said, "strong" if role == "ok" else role)]
        return pieces

    def _tail(
        self, snapshot: Snapshot, name: str, reading: Reading, age: float, fresh: str, until: float
    ) -> tuple[Piece, ...]:
        del name
        if until > snapshot.now:
            return ((f"expected until {hour(until, snapshot.off)}", "accent"),)
        if until and reading.status != "ok":
            return ((f"OVERDUE {span(snapshot.now - until)}", "critical"),)
        return ((span(age), "muted"),) if fresh != "fresh" else ()
