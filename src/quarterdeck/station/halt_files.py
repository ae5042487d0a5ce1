"""The halt files: `halts/<nonce>` in a session's folder, made by whoever halts before anything else (R2).

Runners watch the folder themselves, so a halt works although the station hangs. A file is never changed and never
deleted; what it holds (who, why) is for the station, which makes an event of it when it can. Nothing is decided
here.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
from msgspec import Struct

from quarterdeck.regular_files import read_regular

__all__ = ["FOLDER", "HaltFile", "file_halt", "filed_halts", "halt_names", "is_nonce", "new_nonce"]

FOLDER = "halts"
_NONCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
SETTLING = 0.5
"""Seconds that a file without content is taken to be still under the pen."""


class HaltFile(Struct, frozen=True, omit_defaults=True):
    """What a halt file says. Everything but its name may be missing (a full disk)."""

    nonce: str
    reason: str = ""
    login: str = ""
    """A claim, for people: the owner of the file is what counts."""
    via: str = "cli"
    wall: float = 0.0


def new_nonce() -> str:
    """A name that no other halt has."""
    return secrets.token_hex(8)


def is_nonce(text: str) -> bool:
    """Whether a text may be the name of a halt file."""
    return _NONCE.fullmatch(text) is not None


def file_halt(session: Path, nonce: str, *, reason: str = "", login: str = "", via: str = "cli") -> bool:
    """Make the halt's file; False where it is there already. OSError where it cannot be made at all.

    The name alone halts. That the content could not be written (a full disk) is no error.
    """
    folder = session / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        descriptor = os.open(
            folder / nonce, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except FileExistsError:
        return False
    try:
        os.write(descriptor, msgspec.json.encode(HaltFile(nonce, reason, login, via, time.time())))
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return True


def halt_names(session: Path) -> set[str]:
    """Names of the halts on disk, as the runners see them: every file that is not hidden."""
    try:
        return {path.name for path in (session / FOLDER).iterdir() if not path.name.startswith(".")}
    except OSError:
        return set()


def filed_halts(session: Path, known: AbstractSet[str] = frozenset()) -> list[HaltFile]:
    """Halts on disk that are not among `known`, oldest first; an unreadable file is a halt too.

    One that is still being written is left out for half a second.
    """
    found = []
    for name in halt_names(session) - known:
        read = _read(session / FOLDER / name, name)
        if read is not None:
            found.append(read)
    return sorted(found, key=lambda halt: halt.wall)


def _read(path: Path, name: str) -> HaltFile | None:
    try:
        content = read_regular(path, 65536)
        age = time.time() - path.lstat().st_mtime
    except OSError:
        return HaltFile(name)
    if not content and 0 <= age < SETTLING:
        return None
    try:
        halt = msgspec.json.decode(content, type=HaltFile)
    except (ValueError, RecursionError):
        return HaltFile(name)
    return msgspec.structs.replace(halt, nonce=name)
