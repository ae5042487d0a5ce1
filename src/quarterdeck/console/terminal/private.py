"""What Textual keeps to itself: asked for by name when it is imported, never found missing in the middle of a night.

Every name of Textual's with an underscore that a module of this folder uses is handed to `needs` there.
"""

from __future__ import annotations

__all__ = ["needs"]


def needs(kind: type, *names: str) -> None:
    """ImportError unless this class has all these names: as attributes, or made by its `__init__` or one above."""
    made = {name for base in kind.__mro__ if "__init__" in vars(base) for name in _names(base)}
    for name in names:
        if not hasattr(kind, name) and name not in made:
            raise ImportError(f"Textual's {kind.__name__} has no {name} here")


def _names(base: type) -> tuple[str, ...]:
    code = getattr(vars(base)["__init__"], "__code__", None)
    return code.co_names if code is not None else ()
