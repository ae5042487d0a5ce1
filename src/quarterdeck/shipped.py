"""Where the data that ships with the program lies: `layouts/` and `procedures/`.

In a wheel they are inside the package; in an editable install they are at the top of the source tree. Whoever
wants a shipped file asks here, and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]


def shipped(folder: str) -> Path:
    """Return the folder of shipped data named `folder` (`layouts` or `procedures`)."""
    package = Path(__file__).parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent.parent / folder
