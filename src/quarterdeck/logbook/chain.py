"""Hash chains: each replica's events, 1, 2, 3, …, each naming the hash of the one before.

`Stamper` makes events of drafts, `verify` tells what of a heap of events is a contiguous chain, `Held` remembers
what a recorder holds. Pure: no file, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from quarterdeck.logbook.protocol import Head, StoredEvent
from quarterdeck.session.event import FORMAT, Actor, Event, Moment, decode, digest, encode, first_link, order
from quarterdeck.session.events import KINDS, Draft, ReplicaBurned, payload

__all__ = ["Held", "Problem", "Stamper", "Verified", "verify", "verify_raws"]

_payload_encoder = msgspec.json.Encoder()


class Problem(Struct, frozen=True):
    """Something that is wrong with what was stored."""

    what: Literal["damaged", "torn", "missing", "gap", "fork", "foreign", "newer", "unreadable"]
    text: str
    """For a person."""
    replica: str = ""
    aseq: int = 0


class Verified(Struct):
    """What can be relied on, and what not."""

    events: list[tuple[Event, bytes]]
    """The contiguous prefix of every chain in the order of events, then halts from behind a gap."""
    chains: dict[str, Head]
    held: list[tuple[Event, bytes]]
    """Behind a gap or a fork: kept and shown, not applied."""
    problems: list[Problem]


class Held:
    """Which events of which chains are there."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._beyond: dict[str, dict[int, str]] = {}

    def add(self, replica: str, aseq: int, link: str) -> None:
        """This one is there."""
        head = self._heads.get(replica, Head(0, ""))
        beyond = self._beyond.get(replica)
        if aseq == head.aseq + 1:
            if not beyond:
                self._heads[replica] = Head(aseq, link)
                return
            while (following := beyond.pop(aseq + 1, None)) is not None:
                aseq, link = aseq + 1, following
            self._heads[replica] = Head(aseq, link)
        elif aseq > head.aseq:
            self._beyond.setdefault(replica, {})[aseq] = link

    def begin(self, replica: str, head: Head) -> None:
        """A whole chain is there up to its head."""
        self._heads[replica] = head

    def has(self, replica: str, aseq: int) -> bool:
        """Whether it is there."""
        return aseq <= self._heads.get(replica, Head(0, "")).aseq or aseq in self._beyond.get(replica, ())

    def heads(self) -> dict[str, Head]:
        """The ends of the contiguous chains."""
        return dict(self._heads)


class Stamper:
    """Makes events of drafts for one replica of one session."""

    def __init__(self, session: str, replica: str, chains: Mapping[str, Head], lamport: int) -> None:
        """`chains` are the heads of all known replicas; `lamport` is the highest seen."""
        self.session = session
        self.replica = replica
        self._seen = {other: head.aseq for other, head in chains.items() if other != replica}
        self._head = chains.get(replica) or Head(0, first_link(session))
        self._lamport = lamport

    def go_on_as(self, replica: str, last: int) -> None:
        """From now on another replica's chain, which knows the old one up to its event `last`."""
        self._seen[self.replica] = last
        self.replica, self._head = replica, Head(0, first_link(self.session))

    def stamp(self, drafts: Sequence[Draft], by: Actor, at: Moment, plan: str) -> list[tuple[Event, StoredEvent]]:
        """The next events of this chain, all at the same moment."""
        made = []
        head, lamport = self._head, self._lamport
        for draft in drafts:
            lamport += 1
            event = Event(
                v=FORMAT,
                session=self.session,
                replica=self.replica,
                aseq=head.aseq + 1,
                prev=head.hash,
                lamport=lamport,
                kind=draft.data.kind,
                actor=by,
                t=at,
                data=Raw(_payload_encoder.encode(draft.data)),
                plan=plan,
                step=draft.step,
                attempt=draft.attempt,
                seen=dict(self._seen),
                blobs=draft.blobs,
            )
            raw = encode(event)
            head = Head(event.aseq, digest(raw))
            made.append((event, StoredEvent(self.replica, event.aseq, head.hash, raw)))
        self._head, self._lamport = head, lamport  # only now: a draft that cannot be encoded leaves no hole
        return made


_Read = tuple[Event, bytes, str]
"""An event, its bytes, its hash."""


def verify(session: str, found: Mapping[str, bytes], burned: Mapping[str, int] | None = None) -> Verified:
    """Put together what is a chain. `found` maps each event's hash, already checked against its bytes, to them.

    `burned`: replicas whose events count up to a number and no further, besides those of which an event says so
    (`ReplicaBurned.last`).
    """
    read: list[_Read] = []
    strange: dict[str, Problem] = {}
    ends = dict(burned or {})
    for link, raw in found.items():
        try:
            event = decode(raw)
        except ValueError as error:
            strange[link] = Problem("unreadable", f"An event cannot be read: {error}")
            continue
        if event.session != session:
            text = f"An event of the session {event.session} lies here"
            strange[link] = Problem("foreign", text, event.replica, event.aseq)
            continue
        if event.v != FORMAT or event.kind not in KINDS:
            strange[event.kind] = _newer(event)
        gone = payload(event) if event.kind == ReplicaBurned.kind else None
        if isinstance(gone, ReplicaBurned) and gone.last is not None:
            ends[gone.old] = min(gone.last, ends.get(gone.old, gone.last))
        read.append((event, raw, link))
    if ends:
        read = [each for each in read if each[0].aseq <= ends.get(each[0].replica, each[0].aseq)]
    problems = list(strange.values())
    held: list[_Read] = []
    heads = _heads_in_order(read, first_link(session))
    if heads is None:
        heads, read, held, more = _sort_out(read, first_link(session))
        problems += more
    if len(heads) > 1:
        read.sort(key=lambda each: order(each[0]))
    # A gap freezes forward work and never hides a halt.
    shown = read + [each for each in held if each[0].kind == "halt.called"]
    return Verified(
        events=[(event, raw) for event, raw, _ in shown],
        chains=heads,
        held=[(event, raw) for event, raw, _ in held],
        problems=problems,
    )


def _heads_in_order(read: Sequence[_Read], first: str) -> dict[str, Head] | None:
    """The ends of all chains where each event follows on its chain's one before as they lie; else None."""
    ends: dict[str, list[object]] = {}
    for event, _, link in read:
        end = ends.get(event.replica)
        if end is None:
            end = ends[event.replica] = [0, first]
        if event.aseq - 1 != end[0] or event.prev != end[1]:
            return None
        end[0], end[1] = event.aseq, link
    return {replica: Head(int(str(aseq)), str(link)) for replica, (aseq, link) in ends.items()}


def _sort_out(read: Sequence[_Read], first: str) -> tuple[dict[str, Head], list[_Read], list[_Read], list[Problem]]:
    """Heads, what can be applied, what cannot, and why."""
    chains: dict[str, list[_Read]] = {}
    for each in read:
        chains.setdefault(each[0].replica, []).append(each)
    heads: dict[str, Head] = {}
    applied: list[_Read] = []
    held: list[_Read] = []
    problems: list[Problem] = []
    for replica, chain in chains.items():
        chain.sort(key=lambda each: each[0].aseq)
        end, heads[replica], problem = _contiguous(chain, first)
        applied.extend(chain[:end])
        held.extend(chain[end:])
        if problem:
            problems.append(problem)
    return heads, applied, held, problems


def _newer(event: Event) -> Problem:
    if event.v > FORMAT:
        text = f"Written by a newer version of Quarterdeck (format {event.v}, this one knows {FORMAT})"
    elif event.v < FORMAT:
        text = f"Format {event.v} was never published"
    else:
        text = f"Holds an event of a kind that this version does not know: {event.kind}"
    return Problem("newer", text, event.replica, event.aseq)


def _contiguous(chain: Sequence[_Read], link: str) -> tuple[int, Head, Problem | None]:
    """How many events of a sorted chain follow on each other; its head; and why it ends before its end."""
    aseq = 0
    for index, (event, _, own) in enumerate(chain):
        following = chain[index + 1][0].aseq if index + 1 < len(chain) else 0
        if event.aseq == following:
            text = f"Two different events are called {event.id}"
            return index, Head(aseq, link), Problem("fork", text, event.replica, event.aseq)
        if event.aseq != aseq + 1:
            text = f"Events {aseq + 1} to {event.aseq - 1} of {event.replica} are missing"
            return index, Head(aseq, link), Problem("gap", text, event.replica, aseq + 1)
        if event.prev != link:
            text = f"{event.id} does not follow on the event before it"
            return index, Head(aseq, link), Problem("fork", text, event.replica, event.aseq)
        aseq, link = event.aseq, own
    return len(chain), Head(aseq, link), None


def verify_raws(session: str, raws: Iterable[bytes]) -> Verified:
    """`verify` for bytes whose hashes nobody kept apart."""
    return verify(session, {digest(raw): raw for raw in raws})
