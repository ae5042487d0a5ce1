"""Both recorders read side by side, once: how nearly every session is found.

Each event is hashed, linked and decoded as it comes, so that neither file is ever held whole. Must never judge: where
anything at all is otherwise (a second replica, a hole, one byte), it says that there is no agreement, and the long
way (`read_only.weigh`, `chain.verify`) finds out what it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from quarterdeck.logbook.protocol import Head
from quarterdeck.logbook.recorder import LINE_OVERHEAD, Scan, read_header
from quarterdeck.regular_files import open_regular
from quarterdeck.session.event import FORMAT, Event, decode, first_link
from quarterdeck.session.events import KINDS, ReplicaBurned

__all__ = ["agree"]

_BUFFER = 2**20
_AT = LINE_OVERHEAD - 2
"""Where a line's event begins."""


def agree(
    session: str, rows: Iterable[tuple[Any, ...]], recorder: Path, take: Callable[[Event, bytes], object]
) -> tuple[dict[str, Head], Scan] | None:
    """The head of one whole chain that both hold, event for event, and what the recorder's file is.

    None for anything else. `rows`: hash and bytes of the logbook's events in order of arrival, of whatever type
    stands there; what reading them raises passes through. `take` hears each event before it is known whether all
    agree: where they do not, what it heard is worth nothing.
    """
    kinds = KINDS.keys() - {ReplicaBurned.kind}
    scan = Scan(lines=[])
    link, aseq, replica, lamport = first_link(session), 0, "", 0
    stored = iter(rows)
    try:
        with os.fdopen(open_regular(recorder), "rb", buffering=_BUFFER) as file:
            for line in file:
                scan.whole += len(line)
                raw = line[_AT:-2]
                own = sha256(b"qd1\0" + raw).hexdigest()
                if line[:_AT] != b'{"hash":"%b","event":' % own.encode():
                    scan.header = read_header(line[:-1])
                    if scan.header is None:
                        return None
                    continue
                event = decode(raw)
                aseq += 1
                if (
                    next(stored, None) != (own, raw)
                    or line[-2:] != b"}\n"
                    or event.prev != link
                    or event.aseq != aseq
                    or event.lamport <= lamport
                    or event.kind not in kinds
                    or event.v != FORMAT
                    or event.session != session
                    or (event.replica != replica and replica)
                ):
                    return None
                link, replica, lamport = own, event.replica, event.lamport
                take(event, raw)
    except (OSError, ValueError):
        return None
    if not aseq or next(stored, None) is not None:
        return None
    return {replica: Head(aseq, link)}, scan
