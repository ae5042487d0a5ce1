"""Opening a file that somebody else may have put there: a pipe, a device or a link is refused before it is opened.

Opening a pipe waits for its other end, and opening some devices does something. Standard library only, since the
runner starts with it.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path  # who reads documents has a start-up mark, and pathlib is a tenth of what it may cost

__all__ = ["open_regular", "read_regular"]


def open_regular(path: Path | str, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """A descriptor of the regular file at `path`; made 0600 where `flags` say so. OSError for anything else.

    `follow`: a link to a regular file will do (for what a person names).
    """
    try:
        _refuse(os.stat(path, follow_symlinks=follow), path)  # noqa: PTH116 - without pathlib, see above
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    fd = os.open(path, flags, 0o600)
    try:
        _refuse(os.fstat(fd), path)  # it may have been replaced in between
    except OSError:
        os.close(fd)
        raise
    return fd


def read_regular(path: Path | str, most: int = -1, *, follow: bool = False) -> bytes:
    """The content, at most `most` bytes of it. OSError, for what is no regular file too."""
    with os.fdopen(open_regular(path, follow=follow), "rb") as file:
        return file.read(most)


def _refuse(found: os.stat_result, path: Path | str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "a symbolic link", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
