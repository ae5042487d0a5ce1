"""What a rollback costs, in words: of the sheet that shows it before it is needed, and of the bar that commits it."""

from __future__ import annotations

from collections import Counter

from quarterdeck.session.forecast import Clocks, rollback_seconds
from quarterdeck.session.rollback import Preview
from quarterdeck.session.state import Session
from quarterdeck.spans import left, measured, second, span
from quarterdeck.text import visible

__all__ = ["against_window", "less_reserve", "rollback_cost"]


def rollback_cost(session: Session, back: Preview, clocks: Clocks | None, off: int) -> list[str]:
    """Steps and minutes; by when it is back, with the margin; people by who starts undo steps. A line each."""
    if session.plan is None:
        return []
    if not back.items:
        return ["Nothing has to be undone."]
    people = rollback_seconds(session) - back.seconds
    lines = [f"{back.parts}: {span(back.seconds)} of work + {span(people)} for people, to decide and for each start"]
    if clocks is not None:
        lines.append(f"begun now: {against_window(clocks.stop_now_back, clocks, off)}")
    owners = Counter(item.owner for item in back.items)
    lines.append("people: " + ", ".join(f"{visible(owner, 40)} {count}" for owner, count in owners.most_common()))
    return lines


def against_window(back: float, clocks: Clocks, off: int) -> str:
    """`back by 10:23:10; window ends 10:16:00, less 90 s reserve: 9 min too late`: it adds up to the second."""
    spare = int(clocks.window_end) - round(clocks.reserve) - int(back)
    late = f"{left(spare)} {'to spare' if spare >= 0 else 'TOO LATE'}"
    ends = f"window ends {second(clocks.window_end, off)}{less_reserve(clocks, ', ')}"
    return f"back by {second(back, off)}; {ends}: {late}"


def less_reserve(clocks: Clocks, before: str = " ") -> str:
    """What is kept back of the window where its end is shown: ` less 90 s reserve`; empty where nothing is."""
    return f"{before}less {measured(round(clocks.reserve))} reserve" if clocks.reserve >= 1 else ""
