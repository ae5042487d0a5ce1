"""What all types of check share: the result, the protocol, secrets by reference.

A check takes one sample when asked and says how it looked; schedules, deadlines, bands and thresholds are not
its business. It must never put a secret, an address with a query, or text that steers a terminal into a message.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from quarterdeck.errors import QuarterdeckError
from quarterdeck.observer.messages import Status, Value
from quarterdeck.regular_files import read_regular
from quarterdeck.text import visible

__all__ = [
    "Check",
    "Context",
    "Result",
    "Secrets",
    "SettingError",
    "reason_of",
]

_SECRET_FILE_CAP = 64 * 1024


class SettingError(QuarterdeckError):
    """A target is set up wrongly: it reads as unknown, with this message, until it is changed."""


class Result(Struct, frozen=True, kw_only=True):
    """How one sample looked, before bands and thresholds."""

    status: Status
    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """Base units of the values whose name does not tell theirs."""
    message: str = ""
    finding: str = ""
    """Text for a finding that lasts as long as results carry it, such as a hung mount."""


class Context(Struct, frozen=True, kw_only=True):
    """What a check may know of its surroundings."""

    name: str
    """The target's name."""
    metrics: tuple[str, ...] = ()
    """Names (after the target) of the metrics that conditions and bands use."""
    environ: Mapping[str, str] = os.environ


class Check(Protocol):
    """One target's check."""

    @property
    def doing(self) -> str:
        """What a sample under way is at, for the message when its time is up."""

    late: Status
    """What it means when a sample is not done within its timeout."""

    async def sample(self) -> Result:
        """One sample; may be cancelled at any moment when its time is up."""

    async def close(self) -> None:
        """Give up what is held open."""


def reason_of(error: BaseException) -> str:
    """Why something of the system failed, in its own words; never the text of an exception, which may hold addresses.

    Of several addresses that were tried, each reason once. Nothing where the system gave none.
    """
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(dict.fromkeys(filter(None, map(reason_of, error.exceptions))))
    if isinstance(error, socket.gaierror):
        return "the name cannot be resolved"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").lower().replace("_", " ")
    if isinstance(error, OSError):
        # asyncio joins the failures of several addresses in one text, and leaves their numbers out
        numbers = [error.errno] if error.errno else map(int, re.findall(r"\[Errno (\d+)\]", str(error)))
        return ", ".join(dict.fromkeys(os.strerror(number).lower() for number in numbers if number))
    return ""


class Secrets:
    """Resolves references (`env:NAME`, `file:PATH`) and keeps what it resolved out of messages."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._known: set[str] = set()

    def resolve(self, reference: str) -> str:
        """The secret that a reference names. Raises `SettingError`, which names the reference only."""
        kind, _, name = reference.partition(":")
        if kind == "env":
            secret = self._environ.get(name, "")
            if not secret:
                raise SettingError(f"the variable {visible(name, 60)} is not set")
        elif kind == "file":
            secret = self._read(name)
        elif kind == "keyring":
            raise SettingError("secrets from a keyring are not supported yet", hint="use env: or file:")
        else:
            raise SettingError("a secret must be given as env:NAME or file:PATH")
        if not secret.isprintable():
            raise SettingError(f"the secret of {kind}:{visible(name, 60)} holds unprintable characters")
        self._known.add(secret)
        return secret

    def _read(self, name: str) -> str:
        path = Path(name)
        try:
            if not path.is_file():
                raise SettingError(f"the secret's file {visible(name, 80)} is not there")
            return read_regular(path, _SECRET_FILE_CAP, follow=True).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"the secret's file {visible(name, 80)} cannot be read") from error

    def scrub(self, text: str) -> str:
        """The text without any secret that was resolved here."""
        for secret in self._known:
            text = text.replace(secret, "•••")
        return text
