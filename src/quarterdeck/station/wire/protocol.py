"""Frames between a station and its consoles: one JSON object a line over a Unix socket.

Events travel as the bytes that were hashed, never encoded again. The first frame each way carries the protocol's
version: an older station goes on serving, or says which version to use.
"""

from __future__ import annotations

from functools import cache

import msgspec
from msgspec import Raw, Struct

from quarterdeck.observer.messages import Health, Reading
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent

__all__ = [
    "PROTOCOL", "VISITORS", "Answered", "Ask", "Farewell", "FromStation", "Given", "Happened", "Hello", "Leave",
    "Marks", "Ping", "Pong", "Present", "Sampled", "Seen", "Standing", "Tail", "ToStation", "Welcome", "decode_from",
    "decode_to", "encode",
]  # fmt: skip

PROTOCOL = 1
VISITORS = frozenset({"console", "cli", "headless", "demo"})
"""What a client may call itself; every other name (`station`, `guard`) is the station's own, never a connection's."""


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="f", tag=True):
    """Base of all frames."""


# ---------------------------------------------------------------- to the station


class Hello(Frame, frozen=True, kw_only=True):
    """First frame of a client. Who it is comes from the socket's peer credentials, not from here."""

    protocol: int
    via: str = "console"
    """One of `VISITORS`."""
    watching: bool = True
    """Whether events, samples and tails are wanted (a verb that only asks says no)."""
    aside: bool = False
    """Watched beside another session: it gets no tails and no marks, and neither keeps a station here nor a demo."""
    tty: str = ""
    ssh: str = ""
    """Terminal and ssh connection: claims for the record, which nothing is decided by."""
    pass_env: dict[str, str] = {}
    """SSH_AUTH_SOCK of the attached terminal, for commands."""
    after: int = 0
    """Position of the last event that the client has (a reconnect gets only what is new)."""
    last: str = ""
    """Its hash: where the station has another event there, the client gets everything again."""


class Ask(Frame, frozen=True, kw_only=True):
    """An intent; answered by `Answered` with the same id."""

    id: int
    intent: Intent


class Given(Frame, frozen=True, kw_only=True):
    """What the attached terminal's environment holds of `Welcome.wants`; never stored."""

    env: dict[str, str]


class Seen(Frame, frozen=True, kw_only=True):
    """Everything up to this position was painted (R26)."""

    position: int


class Present(Frame, frozen=True, kw_only=True):
    """A key was pressed: the person is there (R23). At most one in ten seconds."""


class Ping(Frame, frozen=True, kw_only=True):
    """Are you there? A station that does not answer for 3 s is hung."""

    id: int


class Leave(Frame, frozen=True, kw_only=True):
    """This console goes. `end` ends a session that is not live, and the demo's world with it."""

    end: bool = False


# ---------------------------------------------------------------- from the station


class Welcome(Frame, frozen=True, kw_only=True):
    """First frame of the station; `Happened` with the whole history follows."""

    protocol: int
    version: str
    session: str
    folder: str
    """The session's folder, for `halts/` when the station hangs."""
    replica: str
    you: Actor
    pid: int
    wall: float
    """The station's wall clock now, epoch seconds."""
    boot: str = ""
    """Its boot's identity, and its boot clock in nanoseconds: same machine, same clock."""
    bt_ns: int = 0
    read_only: str = ""
    """Why nothing may be written (a fork, a newer version); empty otherwise."""
    wants: tuple[str, ...] = ()
    """Environment variables in which the procedure's secrets lie: answered by `Given`."""


class Happened(Frame, frozen=True, kw_only=True):
    """Events in order. `position` counts all events of the session in the order this station learned of them."""

    events: list[Raw]
    position: int
    """After the last of these."""
    history: bool = False
    """Part of the catch-up after `Welcome`; the last part says `caught_up`."""
    caught_up: bool = True

    @property
    def is_first(self) -> bool:
        """Whether they begin the history. Whoever has events already was shown some that are no more: all anew."""
        return self.position == len(self.events)


class Answered(Frame, frozen=True, kw_only=True):
    """The answer to an `Ask`: durable, or refused with why and what to do now."""

    id: int
    refusal: str = ""
    hint: str = ""
    """Which key works now."""
    waivable: str = ""
    """What a waiver would need to name (`start_guard`, `host`, `start_by`, `again`); empty: not waivable."""
    events: tuple[str, ...] = ()
    """Ids of what happened because of it."""

    @property
    def why(self) -> str:
        """The refusal with its hint, in one line; empty where it was let happen."""
        return f"{self.refusal} · {self.hint}" if self.refusal and self.hint else self.refusal


class Sampled(Frame, frozen=True, kw_only=True):
    """New readings (after `Welcome`: the last minutes of each target, oldest first)."""

    readings: list[Reading]


class Tail(Frame, frozen=True, kw_only=True):
    """The live end of a running command's output, redacted; replaces the one before."""

    step: str
    run: str
    text: str
    total: int
    """Bytes of output so far."""
    percent: float | None = None
    """From the step's `progress` command."""
    line: str = ""


class Marks(Frame, frozen=True, kw_only=True):
    """What happened to events (R26): positions up to which they are saved, shared, and painted by whom."""

    saved: int
    shared: int
    seen: dict[str, int] = {}


class Standing(Frame, frozen=True, kw_only=True):
    """How the station is: recorders, observer, consoles."""

    recorders: dict[str, str] = {}
    """`logbook`, `recorder` to `ok` or why not."""
    observer: Health | None = None
    consoles: int = 1
    verifying: tuple[str, ...] = ()
    """Steps whose verifications are being read now."""
    unset: dict[str, str] = {}
    """Secrets that cannot be read now, to their references (`env:NAME`)."""


class Pong(Frame, frozen=True, kw_only=True):
    """Here."""

    id: int


class Farewell(Frame, frozen=True, kw_only=True):
    """The station ends this connection, and says why."""

    reason: str


ToStation = Hello | Ask | Given | Seen | Present | Ping | Leave
FromStation = Welcome | Happened | Answered | Sampled | Tail | Marks | Standing | Pong | Farewell

_encoder = msgspec.json.Encoder()


@cache
def _to() -> msgspec.json.Decoder[ToStation]:
    """Made by the station alone: every intent is in it, and a console's first frame would wait for that."""
    return msgspec.json.Decoder(ToStation)


@cache
def _from() -> msgspec.json.Decoder[FromStation]:
    return msgspec.json.Decoder(FromStation)


def encode(frame: ToStation | FromStation) -> bytes:
    """One line, with its newline."""
    return _encoder.encode(frame) + b"\n"


def decode_to(line: bytes) -> ToStation:
    """Read a client's line; raises ValueError (of msgspec, or for what is no UTF-8)."""
    frame: ToStation = _to().decode(line)
    return frame


def decode_from(line: bytes) -> FromStation:
    """Read a station's line; raises ValueError (of msgspec, or for what is no UTF-8)."""
    frame: FromStation = _from().decode(line)
    return frame
