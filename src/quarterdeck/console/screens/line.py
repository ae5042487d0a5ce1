"""A line of text that takes its keys in the order in which they were pressed.

Textual hands a key that is bound (backspace, delete, Enter) up through every parent before it acts, while letters
act at once: typed fast, they overtake it. In a word such as ROLLBACK that matters.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input

__all__ = ["Line"]

_NOT_OURS = frozenset({"ctrl+c"})
"""Says which keys leave and halt, here as everywhere."""


class Line(Input):
    """An input whose own bindings act at once."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key not in _NOT_OURS:
            for binding in self._bindings.key_to_bindings.get(event.key, ()):
                event.stop()
                event.prevent_default()
                await self.run_action(binding.action)
                return
        await super()._on_key(event)
