"""What a key press becomes: a command, a refusal in one line, or nothing, because it came too soon.

Knows debouncing, swallowing after a bar that events closed, capitals and small letters. Halt goes past all of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.widget import Widget

from quarterdeck.console.commands.base import Command, No

if TYPE_CHECKING:
    from quarterdeck.console.app import QuarterdeckApp

__all__ = ["AGAIN", "QUIET", "Pressing"]

AGAIN = 0.5
"""Seconds in which the same key is ignored."""
QUIET = 1.0
"""Seconds without a key after which letters count again, once events closed a bar."""
_TYPING = frozenset({"Input", "TextArea"})


class Pressing:
    """Turns keys into commands for one app."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self._app = app
        self._last: dict[str, float] = {}
        self._swallow_since: float | None = None
        self._under_way: list[float] = []
        """When each command that still runs was started."""

    def begin(self) -> float:
        """A command starts: what is typed ahead of its bar is no row of commands. `end` takes what this returns."""
        began = time.monotonic()
        self._under_way.append(began)
        return began

    def end(self, began: float) -> None:
        """The command that began then is through."""
        self._under_way.remove(began)

    def forget_times(self) -> None:
        """No key was pressed a moment ago."""
        self._last.clear()

    def key(self, key: str, character: str | None, now: float) -> bool:
        """Take a key that no text field took; whether it was ours. `now` is when it was pressed, monotonic."""
        app = self._app
        found = app.keymap_.find(key, character)
        urgent = next((command for command in found if command.urgent), None)
        if urgent is not None:
            self.run(urgent)
            return True
        if self._swallowed(character, now) or self._typed_ahead(character):
            return True
        over = app.keymap_.over_text(key)
        if self._is_modal():
            if over is None:
                return False
            found = [over]
        if not found:
            if character and character.isdecimal() and not self._is_modal():
                app.show_tab(int(character))
                return True
            capitals = app.keymap_.capital(character) if not self._is_modal() else []
            if not capitals:
                return False
            best = next((c for c in capitals if not self._refused(c)), capitals[0])
            app.say(f"press capital {app.keymap_.key_of(best)} to {best.word or best.title.lower()}")
            return True
        repeats = all(command.of_view and command.id != "open" for command in found)
        before, self._last[key] = self._last.get(key, 0.0), now
        if now - before < AGAIN and not repeats:
            return True
        self._first_that_applies(found)
        return True

    def _first_that_applies(self, found: list[Command]) -> None:
        """Of the commands of one key, the one that applies; else why not."""
        because = ""
        for command in found:
            answer = self._refused(command)
            if answer is None:
                self._app.start(command)
                return
            if answer.relevant or not because:
                because = answer.because
        key = self._app.keymap_.key_of(found[0])
        self._app.say(f"{key}: {because}", "warning")

    def run(self, command: Command) -> None:
        """Run one command, or say why not."""
        if command.urgent and not isinstance(command.available(self._app.situation), No):
            self._app.halt()
            self.close_for_halt()
        elif self._is_modal() and command.id in {"palette", "help"}:
            return
        else:
            self._first_that_applies([command])

    def _refused(self, command: Command) -> No | None:
        answer = self._app.availability(command, self._app.situation)
        return answer if isinstance(answer, No) else None

    def _is_modal(self) -> bool:
        return self._app.screen.is_modal

    def _swallowed(self, character: str | None, now: float) -> bool:
        if self._swallow_since is None:
            return False
        if now - self._swallow_since >= QUIET:
            self._swallow_since = None
            return False
        self._swallow_since = now
        return bool(character and character.isprintable())

    def _typed_ahead(self, character: str | None) -> bool:
        """Whether a command was started a moment ago and its bar is not there yet."""
        if not self._under_way or self._is_modal() or not character or not character.isprintable():
            return False
        return time.monotonic() - self._under_way[-1] < QUIET

    # -- bars that events close

    def close_moot(self) -> None:
        """Close a bar that need not be asked any more; its draft stays."""
        from quarterdeck.console.forms import Form

        screen = self._app.screen
        form = getattr(screen, "form", None)
        if not isinstance(form, Form):
            return
        situation = self._app.situation
        why = form.moot(situation) if form.moot is not None else ""
        if not why and situation.halts() and not form.survives_halt:
            why = "a halt came"
        if why:
            self._close(why)

    def close_for_halt(self) -> None:
        """A halt from here closes every bar but those that it does not touch."""
        from quarterdeck.console.forms import Form

        form = getattr(self._app.screen, "form", None)
        if isinstance(form, Form) and not form.survives_halt:
            self._close("halted")

    def _close(self, why: str) -> None:
        from quarterdeck.console.screens.bar import Bar

        screen = self._app.screen
        if not isinstance(screen, Bar) or screen.is_closing:
            return
        kept = ""
        if screen.is_touched():
            self._app.keep_draft(screen.form, screen.answers)
            kept = "; what you typed is kept"
        if _is_typing(screen.focused):
            self._swallow_since = time.monotonic()
        screen.finish(None)
        self._app.say(f"Closed: {why}{kept}")


def _is_typing(widget: Widget | None) -> bool:
    return widget is not None and any(kind.__name__ in _TYPING for kind in type(widget).__mro__)
