"""How a station is reached, for both clients: what is said first, and what counts as a welcome."""

from __future__ import annotations

import os

from quarterdeck.errors import StationError
from quarterdeck.station.wire.protocol import PROTOCOL, Farewell, FromStation, Hello, Welcome

__all__ = ["hello", "welcome_of"]


def hello(
    via: str, *, watching: bool, tty: str = "", pass_env: dict[str, str] | None = None, aside: bool = False
) -> Hello:
    """The first frame of a client: what it is, and from where the person came."""
    return Hello(
        protocol=PROTOCOL,
        via=via,
        watching=watching,
        aside=aside,
        tty=tty,
        ssh=os.environ.get("SSH_CONNECTION", ""),
        pass_env=pass_env or {},
    )


def welcome_of(first: FromStation) -> Welcome:
    """The station's welcome. StationError with its reason where it sent us away."""
    if isinstance(first, Welcome):
        return first
    reason = first.reason if isinstance(first, Farewell) else ""
    raise StationError(reason or "The station said no welcome")
