"""The few system calls that make bytes durable, and private files and folders made with them.

`Disk` is the one seam through which tests let calls fail. Must never follow a symbolic link and never leave a file
that others can read.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.regular_files import open_regular

__all__ = ["FULL", "Disk", "identity", "make_private", "refuse_link", "require_same", "sync_folder", "write_all"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers that mean: no room, by the disk or by a quota."""

_FS_IOC_GETVERSION = 0x80087601
"""linux/fs.h: the generation of an inode, new each time that its number is given away again."""


class Disk:
    """The real system calls."""

    def open(self, path: Path, flags: int) -> int:
        """Open a private file; a symbolic link, a pipe or a device is refused."""
        return open_regular(path, flags)

    def write(self, fd: int, data: bytes) -> int:
        """Write; may be short."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Return when the file's data has reached the disk."""
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync alone does not reach the platter there
        else:
            os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write all of `data`, over as many calls as it takes."""
    rest = memoryview(data)
    while rest:
        done = disk.write(fd, bytes(rest) if len(rest) < len(data) else data)
        if done <= 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[done:]


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_private(path: Path) -> None:
    """Make a folder of ours, 0700, with its parents. LogbookError for a link, or somebody else's folder."""
    try:
        if not path.parent.exists():
            make_private(path.parent)
        made = not path.exists()
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            raise LogbookError(
                "The folder is a symbolic link or belongs to somebody else",
                where=str(path),
                hint="set QUARTERDECK_HOME to a folder of yours",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o700)
        if made:
            sync_folder(path.parent)
    except OSError as error:
        raise LogbookError(f"The folder cannot be made: {error.strerror}", where=str(path)) from error


def refuse_link(path: Path) -> None:
    """LogbookError where `path` is there and is no regular file of ours."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise LogbookError("This is not a regular file of yours", where=str(path))


def require_same(path: Path, inode: int) -> None:
    """OSError where a file that is open was deleted, or another one put in its place: a sync would mean nothing."""
    if path.lstat().st_ino != inode:
        raise OSError(errno.ESTALE, "the file was deleted or replaced")


def identity(fd: int) -> str:
    """What a file is called by its file system: copied or restored elsewhere, it has another one.

    Number and, where there is one, generation of the inode. A move within the file system keeps it.
    """
    number = os.fstat(fd).st_ino
    if not sys.platform.startswith("linux"):
        return str(number)
    answer = bytearray(8)
    try:
        fcntl.ioctl(fd, _FS_IOC_GETVERSION, answer)
    except OSError:
        return str(number)
    return f"{number}.{int.from_bytes(answer[:4], sys.byteorder)}"
