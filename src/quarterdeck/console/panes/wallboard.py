"""What a wall shows: big clocks that are read from across the room, and how many services are well."""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row
from quarterdeck.console.panes.endpoints import roll_up
from quarterdeck.console.rollback_cost import less_reserve
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.state import ENDED_BADLY
from quarterdeck.spans import countdown, hour, zone

__all__ = ["BigClocksPane", "RollupPane", "big"]

_DIGITS = {
    "0": ("█▀█", "█ █", "█▄█"), "1": (" ▄█", "  █", "  █"), "2": ("▀▀█", "█▀▀", "█▄▄"),
    "3": ("▀▀█", " ▀█", "▄▄█"), "4": ("█ █", "▀▀█", "  █"), "5": ("█▀▀", "▀▀█", "▄▄█"),
    "6": ("█▀▀", "█▀█", "█▄█"), "7": ("▀▀█", "  █", "  █"), "8": ("█▀█", "█▀█", "█▄█"),
    "9": ("█▀█", "▀▀█", "▄▄█"), ":": (" ", "▀", "▀"), "-": ("   ", "▀▀▀", "   "), " ": (" ", " ", " "),
    "–": ("   ", "▀▀▀", "   "),
}  # fmt: skip
_ASCII_DIGITS = {
    "0": (" _ ", "| |", "|_|"), "1": ("   ", "  |", "  |"), "2": (" _ ", " _|", "|_ "), "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"), "5": (" _ ", "|_ ", " _|"), "6": (" _ ", "|_ ", "|_|"), "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"), "9": (" _ ", "|_|", " _|"), ":": (" ", ".", "."), "-": ("   ", " _ ", "   "),
    " ": (" ", " ", " "), "–": ("   ", " _ ", "   "),
}  # fmt: skip


def big(text: str, *, ascii_only: bool = False) -> tuple[str, str, str]:
    """Digits, colon and minus, three lines high."""
    font = _ASCII_DIGITS if ascii_only else _DIGITS
    shapes = [font.get(character, (" ", " ", " ")) for character in text]
    return tuple(" ".join(shape[line] for shape in shapes) for line in range(3))  # type: ignore[return-value]


class BigClocksPane(Pane):
    """Three clocks beside each other: window left, decide by, and the time."""

    name_ = "bigclocks"
    heading = "Clocks"

    def row_count(self, snapshot: Snapshot) -> int:
        """Labels, three lines of digits, and what they mean."""
        del snapshot
        return 5

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        faces = self._faces(snapshot)
        share = width // len(faces)
        pieces: list[Piece] = []
        for label, text, below, role in faces:
            if y == 0:
                shown, how = label, "muted"
            elif y == 4:
                shown, how = below, role
            else:
                shown, how = big(text, ascii_only=self.look.glyphs.name == "ascii")[y - 1], role
            pieces.append((shown.center(share)[:share], how))
        return tuple(pieces) if y < 5 else EMPTY

    def _faces(self, snapshot: Snapshot) -> list[tuple[str, str, str, str]]:
        clocks, off = snapshot.clocks, snapshot.off
        state = str(snapshot.session.state).replace("_", " ").upper()
        time = (f"TIME {zone(off)}", hour(snapshot.wall, off), state, "strong")
        if clocks is None or snapshot.session.is_over:
            return [time]
        role = {"green": "ok", "amber": "warn", "red": "critical"}[clocks.colour]
        window = (
            "WINDOW LEFT",
            countdown(clocks.window_left),
            f"to {hour(clocks.window_end, off)}{less_reserve(clocks)}",
            "strong",
        )
        if clocks.forward_only:
            why = "past the point of no return" if clocks.past_no_return else "no rollback ahead"
            decide = ("FORWARD MARGIN", countdown(clocks.margin), why, role)
        elif snapshot.session.rollback is not None:
            decide = (f"BACK BY {hour(clocks.stop_now_back, off)}", countdown(clocks.margin), "margin", role)
        else:
            word = {"green": "rollback fits", "amber": "decide soon", "red": "ROLLBACK NO LONGER FITS"}[clocks.colour]
            decide = (f"DECIDE BY {hour(clocks.decide_by, off)}", countdown(clocks.decide_in), word, role)
        return [window, decide, time]


class RollupPane(Pane):
    """`11 ok   1 warn   1 stale`: counts, never one green light."""

    name_ = "rollup"
    heading = "All together"

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 3

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del width
        roles = {"ok": "ok", "warn": "warn", "critical": "critical", "unknown": "unknown", "expected": "accent"}
        roles |= {"guard blind": "warn", "guards blind": "warn"}
        if y == 0:
            pieces: list[Piece] = [(" services  ", "muted")]
            for word, count in roll_up(snapshot).items():
                pieces.append((f"{count} {word}   ", roles.get(word, "muted")))
            return tuple(pieces) if len(pieces) > 1 else ((" services  none is watched", "muted"),)
        if y == 1:
            session = snapshot.session
            forward = session.index.parts.get("stages", range(0))
            index = session.index
            undone = index.undone.count(forward)
            through = len(forward) - index.unfinished.count(forward) - index.skipped.count(forward) - undone
            bad = sum(1 for step in index.trouble.within(forward) if session.steps[step].state in ENDED_BADLY)
            return (
                (" steps     ", "muted"),
                (f"{through} of {len(forward)} done   ", "strong"),
                (f"{undone} undone   " if undone else "", "rollback"),
                (f"{bad} in trouble" if bad else "", "critical"),
            )
        count = len(snapshot.session.deviations)
        return (
            (" apart     ", "muted"),
            (f"{count} deviation{'' if count == 1 else 's'}", "warn" if count else "muted"),
        )
