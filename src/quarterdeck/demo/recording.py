"""Writes a session's record and opens it: `python -m quarterdeck.demo.recording FOLDER`, for the console's key O."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from quarterdeck.errors import QuarterdeckError

__all__ = ["main"]

_OPENERS = ("xdg-open", "open")


def main() -> int:
    """Print one line that says where the record lies."""
    from quarterdeck.record.verbs import open_record

    try:
        page = open_record(Path(sys.argv[1]))
    except QuarterdeckError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    opener = next((found for name in _OPENERS if (found := shutil.which(name))), None)
    has_desktop = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if opener and has_desktop:
        subprocess.Popen(
            [opener, str(page)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        print(f"The record is open: {page}")
    else:
        print(f"The record is here: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
