"""How the list of steps stands in lines: columns as wide as what stands in them, and texts that go on below. Pure.

A row of the list takes one line, or as many as its texts need: two at most, and more as long as the pane has empty
ones. Found anew when the list, the width or what stands in the rows changes: not at each tick, and never for a key.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from quarterdeck.console.panes.procedure_rows import Entry, Mode, ProcedureRows
from quarterdeck.console.panes.rows import hung, wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import FINISHED, Session, StepRun
from quarterdeck.spans import short
from quarterdeck.text import visible

__all__ = ["ASKS", "BY_ITSELF", "STATE_WORDS", "Columns", "Lines", "step_word", "texts"]

STATE_WORDS = {
    "pending": "", "blocked": "", "available": "ready", "claimed": "claimed", "granted": "starting",
    "running": "running", "verifying": "verifying", "done": "done", "done_manually": "by hand",
    "skipped": "skipped", "failed": "FAILED", "interrupted": "cut short", "unknown": "UNKNOWN",
}  # fmt: skip
"""What stands beside the sign; nothing where a step only waits for its turn."""

ASKS = "asks"
"""Word of an undo whose owner picks first what happens (R6)."""

BY_ITSELF = "by itself"
"""Word of a step that starts without a key."""

WORD = max(map(len, (*STATE_WORDS.values(), BY_ITSELF))) + 1
"""Cells of the words while work goes on: they change all the time, and must not push the titles about."""
WHEN = 8
SPENT = 3
"""Letters that are kept for what a step took, as long as none took longer."""
OWNER = 9
"""Cells that an owner has at most on a narrow pane; the rest of a longer one stands below it."""
FEW = 2
"""Lines that a text takes at most where the list is longer than its pane."""


class Columns(Struct, frozen=True):
    """Cells of each column, with the space before it; 0 where there is none."""

    width: int
    number: int = 3
    word: int = 0
    when: int = 0
    owner: int = 0
    time: int = 0

    @property
    def indent(self) -> int:
        """Where titles begin: behind cursor, sign and number."""
        return 3 + self.number

    @property
    def title(self) -> int:
        """Cells of a title's first line."""
        return max(1, self.width - self.indent - self.word - self.when - self.owner - self.time)


class _Standing(Struct, frozen=True):
    """What of a session's course the columns and lines depend on."""

    tags: tuple[tuple[str, str], ...] = ()
    """Step and what stands behind its title."""
    word: int = 0
    spent: int = 0
    """Letters of the longest state, and of the longest time that a step took."""
    looks: int = 0
    """Of the session's index, when this was found."""


class _Fixed(Struct, frozen=True):
    """What of a list the columns depend on, whatever happens."""

    owner: int = 0
    planned: int = 1
    number: int = 0
    """Cells of the longest owner, letters of the longest planned time, the greatest number: of steps."""
    items: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, plan: Plan, listing: ProcedureRows) -> _Fixed:
        """That of a list."""
        steps = [(entry, plan.steps[entry.step]) for entry in listing.entries if entry.kind == "step"]
        durations = {step.duration for _, step in steps if step.duration}
        return cls(
            max((_cells(owner) for owner in {entry.owner or step.owner for entry, step in steps}), default=0),
            max((len(short(duration)) for duration in durations), default=1),
            max((entry.number for entry, _ in steps), default=0),
            tuple(entry for entry in listing.entries if entry.kind == "item"),
        )


def _cells(owner: str) -> int:
    return cell_len(visible(owner, 40))


class Lines:
    """The lines of a list at one width."""

    def __init__(
        self, listing: ProcedureRows, columns: Columns, tops: list[int], standing: _Standing | None = None
    ) -> None:
        """`tops`: the line at which each row begins, and behind them how many lines there are."""
        self.listing, self.columns = listing, columns
        self._tops = tops
        self._standing = standing or _Standing()
        self.tags = dict(self._standing.tags)
        """What stands behind a step's title."""
        self._fixed = _Fixed()
        self._at: tuple[object, ...] = ()
        self._height = 0
        self._more: dict[int, int] = {}
        """Rows whose texts take more lines than others may: they are given what the pane has left."""
        self.wanted = self.count
        """How many lines there would be with all texts whole."""

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._tops[-1]

    def first(self, row: int) -> int:
        """The line at which a row begins; `len(entries)` asks for the line behind the last one."""
        return self._tops[row]

    def most(self, row: int) -> int:
        """Lines that each text of a row takes at most."""
        return self._more.get(row, FEW)

    def row(self, line: int) -> int:
        """Which row stands in this line."""
        return min(bisect_right(self._tops, line), len(self.listing.entries)) - 1

    @classmethod
    def of(cls, snapshot: Snapshot, listing: ProcedureRows, width: int, height: int, before: Lines | None) -> Lines:
        """The lines of `listing` on a pane of this size; `before` itself where they are the same."""
        session, plan = snapshot.session, snapshot.session.plan
        if plan is None:
            return cls(listing, Columns(width), [0])
        at = (snapshot.count, snapshot.forecast_at)
        same = before is not None and before.listing is listing and before.columns.width == width
        if same and before is not None and before._at == (at, height):
            return before
        standing = _standing(
            session, listing, snapshot.now, before._standing if same and before is not None else None
        )
        fixed = before._fixed if same and before is not None else _Fixed.of(plan, listing)
        columns = _columns(session, plan, fixed, listing.mode, width, standing)
        if (
            same and before is not None
        ):  # no column ever gets narrower: what comes and goes must not push titles about
            columns = replace(
                columns, word=max(columns.word, before.columns.word), time=max(columns.time, before.columns.time)
            )
            kept = columns == before.columns and standing.tags == before._standing.tags
            if kept and before._holds(height):
                before._at, before._standing = (at, height), standing
                return before
        made = _lines(plan, listing, columns, standing, height)
        made._at, made._fixed = (at, height), fixed
        return made

    def _holds(self, height: int) -> bool:
        """Whether rows take as many lines on a pane of this height."""
        heights = (height, self._height)
        return (
            height == self._height or self.wanted <= min(heights) or (not self._more and self.count >= max(heights))
        )


def _lines(plan: Plan, listing: ProcedureRows, columns: Columns, standing: _Standing, height: int) -> Lines:
    tags = dict(standing.tags)
    whole = [_height(plan, entry, columns, tags) for entry in listing.entries]
    shown = [
        lines if lines <= FEW else len(texts(plan, entry, columns, tags, FEW))
        for lines, entry in zip(whole, listing.entries, strict=True)
    ]
    left, more = height - sum(shown), dict[int, int]()
    for row, lines in enumerate(whole):
        if left <= 0:
            break
        for most in range(FEW + 1, lines + 1 if lines > shown[row] else 0):
            grown = len(texts(plan, listing.entries[row], columns, tags, most))
            if grown - shown[row] > left:
                break
            left, shown[row], more[row] = left - grown + shown[row], grown, most
    made = Lines(listing, columns, [0, *accumulate(shown)], standing)
    made.wanted, made._height, made._more = sum(whole), height, more
    return made


def _height(plan: Plan, entry: Entry, columns: Columns, tags: Mapping[str, str]) -> int:
    if entry.kind == "step":  # nearly all of them: most fit, and need no closer look
        step = plan.steps[entry.step]
        owner = entry.owner or step.owner
        short_enough = len(step.title) + len(entry.prefix) <= columns.title and len(owner) < max(2, columns.owner)
        if short_enough and step.title.isascii() and step.title.isprintable() and entry.step not in tags:
            return 1
    return len(texts(plan, entry, columns, tags, 1_000))


def texts(
    plan: Plan, entry: Entry, columns: Columns, tags: Mapping[str, str], most: int, ellipsis: str = "…"
) -> list[tuple[str, str]]:
    """What stands in each line of a row: (title or reason, owner or which of both it is); through the gate."""
    width = columns.width
    match entry.kind:
        case "gap":
            return [("", "")]
        case "heading" | "gate":
            return [(line, "") for line in hung(visible(entry.text, 300), width - 2, width - 2, most, ellipsis)]
        case "note":
            return [(line, "") for line in hung(visible(entry.text, 300), width - 4, width - 4, most, ellipsis)]
        case "stays" | "left_out":
            return _reasoned(plan, entry, columns, most, ellipsis)
    step = plan.steps.get(entry.step)
    title = f"{entry.prefix}{step.title}{tags.get(entry.step, '')}" if step else entry.text
    owners = [""]
    if columns.owner and step:
        owners = wrap(visible(entry.owner or step.owner, 40), columns.owner - 1)
    first = columns.title if step else columns.title + columns.word + columns.when + columns.time
    below = width - columns.indent - (columns.owner + columns.time if len(owners) > 1 else 0)
    lines = hung(visible(title, 300), first, below, most, ellipsis)
    count = max(len(lines), len(owners))
    return [(lines[n] if n < len(lines) else "", owners[n] if n < len(owners) else "") for n in range(count)]


def _reasoned(plan: Plan, entry: Entry, columns: Columns, most: int, ellipsis: str) -> list[tuple[str, str]]:
    """A step that is not undone, and why: beside each other, or below each other where that is too long."""
    room = columns.width - columns.indent
    title, why = visible(plan.steps[entry.step].title, 300), visible(entry.text, 300)
    if cell_len(title) + cell_len(why) + 2 <= room:
        return [(title, why)]
    lines = [(line, "") for line in hung(title, room, room, most, ellipsis)]
    return lines + [("", line) for line in hung(why, room - 2, room - 2, most, ellipsis) if why]


def step_word(entry: Entry, run: StepRun | None, state: str, session: Session) -> str:
    """What stands beside a step's sign, `state` being how it looks now."""
    if run is not None:
        if entry.asks and state in {"pending", "blocked", "available"} and not _chosen(session, entry):
            return ASKS
        if run.sign_off == "awaiting" and state in FINISHED:
            return "unsigned"
        if run.undone:
            return "undone"
        if run.unproven:
            return "not gone?"
        if state == "verifying" and any(proof.ok is not True for proof in run.proofs):
            return "not right"
    return STATE_WORDS[state]


def _chosen(session: Session, entry: Entry) -> str:
    """What was picked for an undo that asks."""
    undone = session.steps.get(session.plan.places[entry.step].undoes) if session.plan else None
    return undone.undo_choice if undone else ""


def _tags(run: StepRun) -> str:
    """What stands behind a step's title."""
    again = f" ({run.attempt})" if run.attempt > 1 else ""
    return f"{again} [undo not decided]" if run.undo_later else again


def _standing(session: Session, listing: ProcedureRows, now: float, before: _Standing | None) -> _Standing:
    """What it is now; of what was found of the same list before, only what was touched since is looked at again."""
    index = session.index
    news = index.since(before.looks) if before is not None else None
    if before is None or news is None:
        before, news = _Standing(), list(listing.rows)
    tags, word, spent = dict(before.tags), before.word, before.spent
    for identity in dict.fromkeys([*news, *index.working]):
        run, row = session.steps.get(identity), listing.rows.get(identity)
        if run is None or row is None or listing.entries[row].kind != "step":
            continue
        entry = listing.entries[row]
        if said := _tags(run):
            tags[identity] = said
        else:
            tags.pop(identity, None)
        if run.state != "pending" or entry.asks:
            word = max(word, len(step_word(entry, run, str(run.state), session)))
        if run.started is not None:
            took = (run.ended if run.ended is not None else now) - run.started
            spent = max(spent, len(short(max(0.0, took))))
    return _Standing(tuple(tags.items()), word, spent, index.looks)


def _columns(session: Session, plan: Plan, fixed: _Fixed, mode: Mode, width: int, standing: _Standing) -> Columns:
    goes_on = session.started is not None and mode not in {"preview", "frozen"} and not session.is_over
    took = max(SPENT if goes_on else 0, standing.spent)
    longest = max([fixed.owner, *(_cells(session.ticks.get(entry.item) or entry.owner) for entry in fixed.items)])
    return Columns(
        width=width,
        number=max(3, len(str(max(fixed.number, len(plan.forward))))),
        word=0 if width < 52 else WORD if goes_on else standing.word + (1 if standing.word else 0),
        when=WHEN if width >= 92 and session.window is not None else 0,
        owner=1 + min(longest, max(OWNER - 1, width // 5)) if width >= 40 and longest else 0,
        time=0 if width < 30 else 1 + fixed.planned + (took + 1 if took else 0),
    )
