"""What a rollback costs, in words: of the sheet that shows it before it is needed, and of the bar that commits it."""

from __future__ import annotations

from collections import Counter

from quarterdeck.session.forecast import Clocks, rollback_seconds
from quarterdeck.session.rollback import Preview
from quarterdeck.session.state import Session
from quarterdeck.spans import hour, left, span
from quarterdeck.text import visible

__all__ = ["rollback_cost"]


def rollback_cost(session: Session, back: Preview, clocks: Clocks | None, off: int) -> list[str]:
    """Steps and minutes; by when it is back, with the margin; people by who starts undo steps. A line each."""
    if session.plan is None:
        return []
    if not back.items:
        return ["Nothing has to be undone."]
    people = rollback_seconds(session) - back.seconds
    lines = [f"{back.parts}: {span(back.seconds)} of work + {span(people)} for people, to decide and for each start"]
    if clocks is not None:
        late = f"{left(clocks.margin)} {'to spare' if clocks.margin >= 0 else 'TOO LATE'}"
        lines.append(
            f"begun now: back by {hour(clocks.stop_now_back, off)}; "
            f"the window ends {hour(clocks.window_end, off)}: {late}"
        )
    owners = Counter(item.owner for item in back.items)
    lines.append("people: " + ", ".join(f"{visible(owner, 40)} {count}" for owner, count in owners.most_common()))
    return lines
