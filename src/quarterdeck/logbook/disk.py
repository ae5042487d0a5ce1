"""The few system calls that make bytes durable, and private files and folders made with them.

`Disk` is the one seam through which tests let calls fail. Must never follow a symbolic link and never leave a file
that others can read.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import pwd
import stat
import sys
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.regular_files import open_regular

__all__ = [
    "FULL",
    "Disk",
    "identity",
    "make_private",
    "refuse_link",
    "require_own",
    "require_same",
    "sync_folder",
    "write_all",
]

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
    """Make a folder of ours, 0700, with its parents. LogbookError for a link, or somebody else's folder.

    One that is there is only closed to those who could look into it. Who could write to it may have done so: that is
    not for mending, and `require_own` says it.
    """
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
        if found.st_mode & 0o077 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            path.chmod(0o700)
        if made:
            sync_folder(path.parent)
    except OSError as error:
        raise LogbookError(f"The folder cannot be made: {error.strerror}", where=str(path)) from error


def require_own(path: Path) -> list[str]:
    """LogbookError where somebody else could change what lies in `path`; what its groups could is returned, in words.

    Looked at is every level from the root on, also where links lead, as sshd looks at a user's keys: each belongs to
    this user or to root, and no other can write to it, but for a sticky folder above (/tmp).
    """
    remarks = []
    for level, found in _levels(path).items():
        owner, mode = found.st_uid, stat.S_IMODE(found.st_mode)
        if owner not in {os.geteuid(), 0, _unmapped()}:
            raise _not_own(
                level, f"{level} belongs to somebody else ({_login(owner)})", f"chown it to {_login(os.geteuid())}"
            )
        if stat.S_ISLNK(found.st_mode) or (mode & stat.S_ISVTX and level != path):
            continue
        if mode & stat.S_IWOTH:
            raise _not_own(level, f"others can write to {level} (mode {mode:04o})", f"chmod o-w {level}")
        if mode & stat.S_IWGRP and not _is_private_group(found.st_gid):
            remarks.append(f"the group of {level} can write to it (mode {mode:04o}): chmod g-w {level}")
    return remarks


def _levels(path: Path) -> dict[Path, os.stat_result]:
    """Every folder and link on the way to `path`, as far as it can be seen."""
    seen: dict[Path, os.stat_result] = {}
    ways = [path.absolute()]
    while ways:
        way = ways.pop()
        for level in (*reversed(way.parents), way):
            if level in seen:
                continue
            try:
                seen[level] = level.lstat()
            except OSError:
                break
            if stat.S_ISLNK(seen[level].st_mode):
                ways.append(level.parent / level.readlink())
    return seen


def _not_own(level: Path, why: str, cure: str) -> LogbookError:
    return LogbookError(
        f"The state folder is not yours alone: {why}",
        where=str(level),
        hint=f"look who wrote there, then {cure}; or set QUARTERDECK_HOME to a folder of yours",
    )


def _unmapped() -> int:
    """The user that a user namespace shows for all whom it does not know: root of the host among them."""
    try:
        whole = Path("/proc/self/uid_map").read_text(encoding="ascii").split() == ["0", "0", "4294967295"]
        return 0 if whole else int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except OSError:
        return 0


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _is_private_group(gid: int) -> bool:
    """Whether a group is root's, or the one of this user alone, as many systems make for each user."""
    try:
        me = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(gid)
    except KeyError:
        return gid == 0
    return gid == 0 or (gid == me.pw_gid and group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name})


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
