"""A line of text that keeps the order of keys.

Textual hands a key that is bound (backspace, delete, Enter) up through every parent before it acts, while letters
act at once: typed fast, they overtake it. In a word such as ROLLBACK that matters.
"""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.widgets import Input

__all__ = ["Line"]

_NOT_OURS = frozenset({"ctrl+c"})
"""Says which keys leave and halt, here as everywhere."""
_ACTIONS = {found.key: found.action for found in reversed([*Binding.make_bindings(Input.BINDINGS)])}
"""What an input binds itself; arrows up and down go on to the screen."""


class Line(Input):
    """An input whose own bindings act at once."""

    async def on_key(self, event: events.Key) -> None:
        """Act on a bound key now; Textual's input takes every other one."""
        action = _ACTIONS.get(event.key)
        if action is not None and event.key not in _NOT_OURS:
            event.stop()
            event.prevent_default()
            await self.run_action(action)
