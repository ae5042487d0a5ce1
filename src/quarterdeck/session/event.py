"""The envelope of everything that happened: one immutable event, its order, its hash, its bytes.

An event is encoded once; those bytes are stored, hashed, sent and exported verbatim. What happened is `data`,
one of the kinds in `session.events`. The logbook stamps drafts into events; nobody else makes one.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw, Struct

__all__ = ["FORMAT", "Actor", "Blob", "Event", "Moment", "decode", "digest", "encode", "first_link", "order"]

FORMAT = 1
"""The version of the envelope; a newer one opens read-only."""


class Moment(Struct, frozen=True, omit_defaults=True, gc=False):
    """When something happened, on its author's two clocks."""

    wall: float
    """Seconds since the epoch, UTC."""
    boot: str = ""
    """Identity of the boot that `bt_ns` counts from."""
    bt_ns: int = 0
    """Nanoseconds on the boot clock, which runs on while the machine sleeps."""
    off: int = 0
    """Minutes east of UTC on the author's machine."""
    tz: str = ""
    skew_ms: float | None = None
    """Measured difference to the hub's clock, where known."""


class Actor(Struct, frozen=True, omit_defaults=True, gc=False):
    """Who did it: identity is the operating system's (R18), never a typed name."""

    login: str
    uid: int = -1
    via: str = "console"
    """`console`, `cli`, `headless`, `demo`; `file` (a halt found on disk); the station's own `station`, `guard`."""
    role: str = "lead"
    host: str = ""
    tty: str = ""
    ssh: str = ""
    """Terminal and ssh connection, as the client says: claims."""
    sudo_from: str = ""
    """`SUDO_USER`, a claim only."""


class Blob(Struct, frozen=True):
    """A file that belongs to an event, stored under its hash."""

    sha256: str
    len: int
    name: str


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that happened. `data` stays raw until somebody needs it (`session.events.payload`)."""

    v: int
    session: str
    replica: str
    aseq: int
    prev: str
    lamport: int
    kind: str
    actor: Actor
    t: Moment
    data: Raw
    plan: str = ""
    """Hash of the plan's revision in force."""
    step: str = ""
    attempt: int = 0
    seen: dict[str, int] = {}
    """What the author knew of other replicas' chains."""
    blobs: tuple[Blob, ...] = ()

    @property
    def id(self) -> str:
        """`replica:aseq`."""
        return f"{self.replica}:{self.aseq}"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Encode once; the result is what is stored, hashed and sent."""
    return _encoder.encode(event)


def decode(raw: bytes) -> Event:
    """Read an event's bytes; raises ValueError (of msgspec, or for what is no UTF-8) for what is none."""
    return _decoder.decode(raw)


def digest(raw: bytes) -> str:
    r"""Hash of an event: `SHA-256("qd1\\0" + bytes)` in hex."""
    return hashlib.sha256(b"qd1\0" + raw).hexdigest()


def first_link(session: str) -> str:
    """`prev` of the first event of every chain: the hash of the session's id."""
    return digest(session.encode())


def order(event: Event) -> tuple[int, str, str, int]:
    """The order of events: causal, the same for all who hold the same set, free of clocks."""
    return (event.lamport, event.actor.login, event.replica, event.aseq)
