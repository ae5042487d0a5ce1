"""An exception that a handler let through: no traceback on the terminal, where Textual would print one.

Imported by this package's guard; without these names Textual's own way out is taken.
"""

from __future__ import annotations

from textual.app import App

from quarterdeck.console.terminal.private import needs

__all__ = ["Contained"]

needs(App, "_handle_exception", "_return_code", "_exception", "_exception_event", "_close_messages_no_wait")


class Contained(App[int], inherit_bindings=False):
    """An app that tells `broke` of an exception, and leaves."""

    def broke(self, error: BaseException) -> None:
        """Leave, now that this is written down."""
        del error
        self._close_messages_no_wait()

    def fail(self, error: Exception) -> None:
        """Something beside the handlers broke."""
        self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:  # a test's pilot raises it
            self._exception = error
            self._exception_event.set()
        self.broke(error)
