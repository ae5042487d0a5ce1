"""This host and other hosts: one short text for each gauge: name, graph, value.

Its age is shown when it matters.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len

from quarterdeck.console.glyphs import graph
from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, fit
from quarterdeck.console.panes.rows import hung
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.observer.messages import Reading
from quarterdeck.observer.status import Freshness, Levels, band, freshness
from quarterdeck.procedure.model import Bands
from quarterdeck.session.availability import blind_guards
from quarterdeck.spans import amount, span
from quarterdeck.text import visible

__all__ = ["GaugesPane", "aged", "blind_count", "gauge_names", "levels"]

LOCAL = frozenset({"local", "node_exporter", "glances", "ssh", "prometheus"})
"""Types of targets that are hosts; all others are endpoints."""

_NAMES = {
    "cpu": "CPU", "memory": "MEM", "swap": "SWAP", "load1": "LOAD", "disk_read": "READ", "disk_write": "WRITE",
    "net_in": "NET IN", "net_out": "NET OUT",
}  # fmt: skip

DELIVERY = 1.5
"""Seconds that a reading may be on its way: the station hands them on once a second, the screen ticks after that."""
GRAPH = 6
ROLES = {"warning": "warn", "critical": "critical", "unknown": "unknown"}
CELL = 27


@lru_cache(256)
def levels(metric: str, bands: Bands) -> Levels:
    """A metric's thresholds in base units; what is no quantity counts as not set."""
    from quarterdeck.procedure.quantities import as_quantity

    read = [as_quantity(text) if text else None for text in (bands.warning, bands.critical, bands.clear)]
    values = [quantity.value if quantity else None for quantity in read]
    known = [value for value in (values[2], values[0], values[1]) if value is not None]
    falling = known[0] > known[-1] if len(known) > 1 and known[0] != known[-1] else metric.endswith(".free")
    return Levels(warning=values[0], critical=values[1], clear=values[2], falling=falling)


def aged(snapshot: Snapshot, reading: Reading) -> tuple[Freshness, float]:
    """How old the reading is: in a word, and in seconds."""
    age = max(0.0, snapshot.boot - reading.boot)
    fresh = freshness(age, reading.interval, reading.max_age)
    if fresh == "aging" and freshness(age - DELIVERY, reading.interval, reading.max_age) == "fresh":
        fresh = "fresh"  # the next one may be on its way: a line about it would come and go each second
    return fresh, age


def blind_count(snapshot: Snapshot) -> dict[str, int]:
    """How many guards cannot read what they watch, by the word for so many; empty for none."""
    count = len(blind_guards(snapshot.session, snapshot.now))
    return {"guard blind" if count == 1 else "guards blind": count} if count else {}


def gauge_names(reading: Reading) -> list[str]:
    """The gauges of a reading in their order: cpu, memory, swap where it is used, load, storage, rates."""
    have = reading.values
    names: list[str] = [name for name in ("cpu", "memory") if name in have]
    swap = have.get("swap")
    if isinstance(swap, float | int) and swap >= 1:
        names.append("swap")
    names += ["load1"] if "load1" in have else []
    names += sorted(name for name in have if name.startswith("storage[") and name.endswith("].used"))
    return names + [name for name in ("disk_read", "disk_write", "net_in", "net_out") if name in have]


def _of_container(reading: Reading) -> str:
    """Which limits a container has, and whose the numbers are."""
    cores, memory = (reading.values.get(f"{name}_limit") for name in ("cpu", "memory"))
    limits = [f"CPU {cores:g} cores"] if isinstance(cores, float) else []
    limits += [f"MEM {amount('total', memory)}"] if isinstance(memory, float) else []
    if not limits:
        return "container without limits: the numbers are its host's"
    return f"container's share of {', '.join(limits)}; rest: host's"


def _space(reading: Reading, name: str) -> str:
    """What says more of a file system than its used space: read-only, or fuller of inodes than of bytes."""
    path, _, used = name.rpartition(".")
    if used != "used":
        return ""
    inodes, space = reading.values.get(f"{path}.inodes"), reading.values[name]
    if reading.values.get(f"{path}.read_only") == 1.0:
        return f"{space:.0f} % ro"
    if isinstance(inodes, float) and isinstance(space, float) and inodes > max(space, 90.0):
        return f"{inodes:.0f} % ino"
    return ""


def _label(name: str) -> str:
    """What stands before a gauge."""
    return _NAMES.get(name) or visible(name.removeprefix("storage[").removesuffix("].used"), 60)


def _told(text: str, width: int, role: str) -> list[Row]:
    """A sentence about a host, on a second line before it is cut."""
    return [((f" {line}", role),) for line in hung(visible(text, 300), width - 1, width - 1, 2)]


class GaugesPane(Pane):
    """`CPU ⣀⣠⣤⣶ 41 %   MEM ⣶⣶⣶⣶ 63 %   / ⣿⣿⣿⣿ 82 % !`, as many beside each other as fit."""

    name_ = "gauges"
    heading = "This host"
    opens = "target"

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self._rows: list[tuple[str, Row]] = []
        """Each with its host."""

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make the rows of all hosts; there are few."""
        hosts = self._hosts(snapshot)
        self._rows = [
            (host, row) for host in hosts for row in self._of(snapshot, host, max(10, width), named=len(hosts) > 1)
        ]

    def is_vacant(self, snapshot: Snapshot) -> bool:
        """No host is watched."""
        return snapshot.session.plan is not None and not self._hosts(snapshot)

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return len(self._rows)

    def title_of(self, snapshot: Snapshot) -> str:
        """The host's name where there is one host only, and how many guards are blind."""
        hosts = self._hosts(snapshot)
        named = f"This host · {visible(hosts[0], 40)}" if len(hosts) == 1 and hosts[0] != "here" else "This host"
        blind = "".join(f" · {count} {word}" for word, count in blind_count(snapshot).items())
        return ("Hosts" if len(hosts) > 1 else named) + blind

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """Its host."""
        del snapshot
        return self._rows[y][0] if y < len(self._rows) else ""

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del snapshot, width
        return self._rows[y][1] if y < len(self._rows) else EMPTY

    def _hosts(self, snapshot: Snapshot) -> list[str]:
        plan = snapshot.session.plan
        if plan is None:
            return [name for name, reading in snapshot.readings.items() if "cpu" in reading.values]
        return [name for name, target in plan.procedure.targets.items() if target.type in LOCAL]

    def _of(self, snapshot: Snapshot, host: str, width: int, *, named: bool) -> list[Row]:
        """The rows of one host, its name above them where there are several."""
        reading = snapshot.readings.get(host)
        rows: list[Row] = [((f" {visible(host, 30)}", "title"),)] if named else []
        if reading is None:
            return [*rows, ((" no reading yet", "muted"),)]
        fresh, age = aged(snapshot, reading)
        if fresh == "withdrawn":
            return [*rows, ((f" {self.look.glyphs.status['withdrawn']} no data {span(age)}", "warn"),)]
        if reading.message and reading.status != "ok":
            rows += _told(reading.message, width, ROLES[reading.status])
        names = gauge_names(reading)
        lines = -(-len(names) // max(1, width // CELL))
        columns = -(-len(names) // max(1, lines))  # no more than fill as many lines: their labels have the room
        longest = max((cell_len(_label(name)) for name in names), default=0)
        label = max(8, min(longest, 8 + width // max(1, columns) - CELL))
        cells = [self._gauge(snapshot, host, name, reading, fresh, label) for name in names]
        rows += [
            tuple(piece for cell in cells[start : start + columns] for piece in cell)
            for start in range(0, len(cells), max(1, columns))
        ]
        if "container" in reading.values:
            rows += _told(_of_container(reading), width, "muted")
        if fresh != "fresh":
            rows.append(((f" {fresh}: {span(age)} old", "warn" if fresh == "stale" else "muted"),))
        return rows

    def _gauge(
        self, snapshot: Snapshot, host: str, name: str, reading: Reading, fresh: Freshness, room: int
    ) -> list[Piece]:
        glyphs = self.look.glyphs
        value = reading.values[name]
        label = _label(name)
        if not isinstance(value, float | int):
            return [(f" {fit(label, room)} {glyphs.none:<{CELL - 10}}", "muted")]
        if len(label) > room:
            label = glyphs.ellipsis + label[1 - room :]
        bands = self._bands(snapshot, host, name)
        status = band(value, bands) if bands and fresh != "stale" else "ok"
        role = {"ok": "strong", "warning": "warn", "critical": "critical"}.get(status, "text")
        mark = {"warning": glyphs.alert, "critical": glyphs.status["critical"]}.get(status, "")
        drawn = "ok" if status == "ok" else role
        if fresh != "fresh":
            role = drawn = "muted"
        high = 100.0 if name in {"cpu", "memory", "swap"} or name.endswith(".used") else None
        history = snapshot.history.get(f"{host}.{name}") or (value,)
        picture = graph(history, GRAPH, glyphs.graph, 0.0, high)
        if fresh == "stale":
            picture = (glyphs.hatch * GRAPH)[:GRAPH]
        shown = fit(_space(reading, name) or amount(name, value), 9, right=True)
        return [
            (f" {fit(label, room, ellipsis=glyphs.ellipsis)} ", "muted"),
            (f"{picture} ", drawn),
            (shown, role),
            (mark or " ", role),
        ]

    def _bands(self, snapshot: Snapshot, host: str, name: str) -> Levels | None:
        plan = snapshot.session.plan
        target = plan.procedure.targets.get(host) if plan else None
        found = target.bands.get(name) if target else None
        return levels(name, found) if found else None
