"""Everything that uses what Textual keeps to itself: names with an underscore, which any release may change.

Behind one guard: where such a name is missing, Textual's own screens and its own way out are used, and everything
works; it costs more bytes, or shows a traceback where the console itself broke. No other module may use such names.
`missing` says what was not there. `filters` and `ascii`, what lines go through on their way out, use none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from quarterdeck.console.terminal.driver import vanishing

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = ["Contained", "SparingScreen", "missing", "spare", "vanishing"]

missing: list[str] = []
"""What this release of Textual does not have, a sentence each; empty in all that we know."""

try:
    from quarterdeck.console.terminal.compositor import SparingScreen, spare
except ImportError as error:
    missing.append(str(error))

    class SparingScreen:  # type: ignore[no-redef]  # the same name, without what it needs
        """A screen as Textual has it."""

        is_held = False

        def release(self) -> None:
            """Nothing was held."""

    def spare(screen: Screen[Any]) -> None:
        """Leave the screen as it is."""


try:
    from quarterdeck.console.terminal.failure import Contained
except ImportError as error:
    missing.append(str(error))

    class Contained(App[int], inherit_bindings=False):  # type: ignore[no-redef]  # as above
        """An app that ends as Textual's do."""

        def broke(self, error: BaseException) -> None:
            """Leave, now that this is written down."""
            del error
            self.exit(return_code=1)

        def fail(self, error: Exception) -> None:
            """Something beside the handlers broke."""
            self.broke(error)
