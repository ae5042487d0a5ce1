"""Writing a record's files: all of them or none, whole, over nobody else's.

Everything is written under temporary names first and gets its own names only when all of it is durable. Every name is
looked up in an opened folder, and no symbolic link is followed. Must never leave half a file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from quarterdeck.errors import QuarterdeckError
from quarterdeck.regular_files import open_regular

__all__ = ["Part", "write_parts"]

_PIECE = 2**20
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
"""What a file system without hard links says."""


class Part(Struct, frozen=True):
    """A file of a record."""

    name: str
    content: bytes | Path | Callable[[], Iterable[bytes]]
    """Its bytes, the file to copy, or what gives it piece by piece."""
    sha256: str = ""
    """Where it is known: a file that is there already and fits is left as it is."""
    executable: bool = False


class _Folder:
    """An opened folder, and what was begun in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.begun: list[tuple[str, Part]] = []
        """Temporary name of each part that is written."""
        self.placed: list[str] = []
        """New names that were given in this run."""


def write_parts(out: Path, folders: Sequence[tuple[str, Sequence[Part]]], *, force: bool = False) -> list[Path]:
    """Write parts to `out` and the folders in it (`""` is `out` itself); the paths in order.

    QuarterdeckError, with nothing written, where something is in the way (unless `force`), where a target is a
    symbolic link, and where the place is full or may not be written.
    """
    made: list[Path] = []
    with contextlib.ExitStack() as stack:
        opened: list[tuple[_Folder, Sequence[Part]]] = []
        try:
            for name, parts in folders:
                folder = _open(out / name if name else out, made)
                stack.callback(os.close, folder.fd)
                opened.append((folder, parts))
            for folder, parts in opened:
                for part in parts:
                    _begin(folder, part, force=force)
            for folder, _ in opened:
                _place(folder, force=force)
        except OSError as error:
            _undo(folder for folder, _ in opened)
            _remove(made)
            raise _failure(error, out) from error
        except BaseException:
            _undo(folder for folder, _ in opened)
            _remove(made)
            raise
        return [folder.path / part.name for folder, parts in opened for part in parts]


def _open(path: Path, made: list[Path]) -> _Folder:
    missing = []
    for each in (path, *path.parents):
        if each.exists() or each.is_symlink():
            break
        missing.append(each)
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        made.append(each)
    try:
        return _Folder(path)
    except OSError as error:
        if path.is_symlink():
            raise QuarterdeckError(
                "This is a symbolic link, and a record is written to no link",
                where=str(path),
                hint=f"say the folder itself: {path.resolve()}",
            ) from error
        raise


def _begin(folder: _Folder, part: Part, *, force: bool) -> None:
    """Write a part under a temporary name, unless it is there already."""
    if _in_the_way(folder, part, force=force):
        return
    temporary = f".quarterdeck-{secrets.token_hex(8)}"
    mode = 0o777 if part.executable else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, mode, dir_fd=folder.fd)
    folder.begun.append((temporary, part))
    with os.fdopen(fd, "wb") as file:
        for piece in _pieces(part.content):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _in_the_way(folder: _Folder, part: Part, *, force: bool) -> bool:
    """True where the very same is there; an error where something else is that may not be overwritten."""
    try:
        found = os.stat(part.name, dir_fd=folder.fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    where = str(folder.path / part.name)
    if stat.S_ISLNK(found.st_mode):
        raise QuarterdeckError("This is a symbolic link, and a record is written through no link", where=where)
    if not stat.S_ISREG(found.st_mode):
        raise QuarterdeckError("Something that is no file is in the way", where=where)
    sha256 = part.sha256 or (hashlib.sha256(part.content).hexdigest() if isinstance(part.content, bytes) else "")
    if sha256 and _sha256_of(folder, part.name) == sha256:
        return True
    if not force:
        raise QuarterdeckError("There is a file already", where=where, hint="--force overwrites it")
    return False


def _sha256_of(folder: _Folder, name: str) -> str:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder.fd)
    with os.fdopen(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pieces(content: bytes | Path | Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    if not isinstance(content, Path):
        yield from content()
        return
    with os.fdopen(open_regular(content), "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _place(folder: _Folder, *, force: bool) -> None:
    """Give every part its own name."""
    while folder.begun:
        temporary, part = folder.begun[0]
        if force:
            os.rename(temporary, part.name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        else:
            _name_it(folder, temporary, part.name)
            folder.placed.append(part.name)
        folder.begun.pop(0)
    os.fsync(folder.fd)


def _name_it(folder: _Folder, temporary: str, name: str) -> None:
    """Rename without overwriting: a link fails where a rename would replace."""
    try:
        os.link(temporary, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o666, dir_fd=folder.fd))
        os.rename(temporary, name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        return
    os.unlink(temporary, dir_fd=folder.fd)


def _undo(folders: Iterable[_Folder]) -> None:
    for folder in folders:
        for name in [*(temporary for temporary, _ in folder.begun), *folder.placed]:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder.fd)


def _remove(made: list[Path]) -> None:
    """Remove the folders that this run made, as far as they are empty."""
    for path in reversed(made):
        with contextlib.suppress(OSError):
            path.rmdir()


def _failure(error: OSError, out: Path) -> QuarterdeckError:
    words = {
        errno.ENOSPC: ("The disk is full", "make room, or give another folder with -o"),
        errno.EDQUOT: ("Your quota is used up", "make room, or give another folder with -o"),
        errno.EROFS: ("The disk is read-only", "give another folder with -o"),
        errno.EACCES: ("This folder may not be written", "give another folder with -o"),
        errno.EPERM: ("This folder may not be written", "give another folder with -o"),
        errno.EEXIST: ("There is a file already", "--force overwrites it"),
        errno.ENOTDIR: ("This is no folder", "give another folder with -o"),
    }
    text, hint = words.get(error.errno or 0, (f"It cannot be written: {error.strerror or error}", ""))
    return QuarterdeckError(f"{text}; nothing of the record was written", where=str(out), hint=hint)
