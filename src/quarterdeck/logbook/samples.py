r"""Samples: what was observed, kept in batches beside the events and bound to them by digests.

A batch is a JSON array of readings; its hash is `SHA-256("qds1\0" + bytes)`. An event that carries a `Watch` names
the number of batches since the last such event of its replica and the digest of their hashes (`digest_of`). So the
record can prove that no sample was changed or left out. Must never look into a reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from quarterdeck.logbook.protocol import SampleBatch
from quarterdeck.session.event import Event
from quarterdeck.session.events import KINDS
from quarterdeck.session.parts import Watch

__all__ = ["SampleBook", "batch_hash", "digest_of", "named_by"]

_encoder = msgspec.json.Encoder()

_WATCHING = frozenset(name for name, kind in KINDS.items() if "watch" in kind.__struct_fields__)
"""Kinds of events that can carry a `Watch`."""


def batch_hash(raw: bytes) -> str:
    """Hash of a batch, in hex."""
    return hashlib.sha256(b"qds1\0" + raw).hexdigest()


def digest_of(hashes: Iterable[str]) -> str:
    """What a `Watch` says of its batches: SHA-256 over their hashes (hex, joined by nothing); empty for none."""
    joined = "".join(hashes)
    return hashlib.sha256(joined.encode("ascii")).hexdigest() if joined else ""


class _Batches(Struct):
    batches: int = 0


class _Named(Struct):
    watch: _Batches | None = None


_named_decoder = msgspec.json.Decoder(_Named)


def named_by(event: Event) -> int:
    """How many batches an event names."""
    watch = _named_decoder.decode(event.data).watch if event.kind in _WATCHING else None
    return watch.batches if watch else 0


class SampleBook:
    """Numbers batches and keeps the hashes of those that no event has named yet."""

    def __init__(self, replica: str, named: int = 0, unnamed: Sequence[tuple[int, str]] = ()) -> None:
        """`named`: batches that events have named already; `unnamed`: number and hash of later ones."""
        self._replica = replica
        self._next = max([named, *(number for number, _ in unnamed)]) + 1
        self._unnamed = [link for _, link in unnamed]

    def batch(self, readings: Sequence[Struct]) -> SampleBatch:
        """Make a batch of readings."""
        raw = _encoder.encode(list(readings))
        made = SampleBatch(self._replica, self._next, batch_hash(raw), raw)
        self._next += 1
        self._unnamed.append(made.hash)
        return made

    def watch(self, snapshot: Mapping[str, float | str | None]) -> Watch:
        """What an event would say of the samples now. Nothing counts as named before `take`."""
        return Watch(digest=digest_of(self._unnamed), batches=len(self._unnamed), snapshot=dict(snapshot))

    def take(self, watch: Watch) -> Watch:
        """The same snapshot with the digest of this very moment; these batches are named now."""
        taken = self.watch(watch.snapshot)
        self._unnamed.clear()
        return taken
