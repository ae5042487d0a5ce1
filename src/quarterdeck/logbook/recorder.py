"""The flight recorder: the same events as append-only JSON lines, so that one damaged file never is the end.

Each line is `{"hash":"<64 hex>","event":<the event's bytes>}`; the file begins with a line that says what it is. A
line proves itself by its hash, so that damage is told from a fork, and anybody may read the file while it is written:
an unfinished last line is ignored. Must never change a line that is there; an unfinished one is cut.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.chain import Held
from quarterdeck.logbook.disk import (
    FULL,
    Disk,
    identity,
    make_private,
    refuse_link,
    require_same,
    sync_folder,
    write_all,
)
from quarterdeck.logbook.protocol import ForkError, Head, NewerFormatError, RecorderError, SampleBatch, StoredEvent
from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.session.event import digest

__all__ = [
    "LINE_OVERHEAD",
    "FlightRecorder",
    "Scan",
    "read_header",
    "read_sample_lines",
    "sample_batch",
    "sample_lines",
    "scan",
    "stored_event",
]

VERSION = 1
"""Of the lines; a newer file is read as far as its lines are understood, and not written to."""

_OPEN = b'{"hash":"'
_MIDDLE = b'","event":'
_EVENT_AT = len(_OPEN) + 64 + len(_MIDDLE)
LINE_OVERHEAD = _EVENT_AT + 2
"""Bytes of a line besides its event."""
_LINE = b'{"hash":"%b","event":%b}\n'
_SAMPLES_OPEN = b'{"samples":'
_SEAL = b',"seal":"'


class Header(Struct, frozen=True):
    """The line that says what a file is; the last one counts.

    It ends with a seal over what comes before, so that a damaged number is not taken for a newer version's. The first
    version wrote none.
    """

    recorder: int
    session: str
    replica: str
    identity: str


class Scan(Struct):
    """What a recorder file holds."""

    lines: list[tuple[str, bytes]]
    """Hash and bytes of each event as they stand there, not yet checked against each other.

    What is no line of ours stands among them whole, without a hash.
    """
    header: Header | None = None
    damaged: int = 0
    """Lines that are no line of ours."""
    whole: int = 0
    """Bytes up to the end of the last finished line."""
    tail: bytes = b""
    """An unfinished last line."""


class _Id(Struct):
    replica: str
    aseq: int


_id_decoder = msgspec.json.Decoder(_Id)
_header_decoder = msgspec.json.Decoder(Header)


def stored_event(link: str, raw: bytes) -> StoredEvent:
    """An event's id, read from its bytes; raises ValueError (of msgspec, or for what is no UTF-8)."""
    found = _id_decoder.decode(raw)
    return StoredEvent(found.replica, found.aseq, link, raw)


def _sealed(header: bytes) -> bytes:
    return header[:-1] + _SEAL + sha256(header).hexdigest()[:16].encode() + b'"}'


def read_header(line: bytes) -> Header | None:
    """The header that a line is; None where it is damaged, or something else."""
    if not line.startswith(b'{"recorder":'):
        return None
    body, seal, _ = line.rpartition(_SEAL)
    if seal and _sealed(body + b"}") != line:
        return None
    try:
        header = _header_decoder.decode(line)
    except ValueError:
        return None
    return header if seal or header.recorder <= VERSION else None


def scan(data: bytes) -> Scan:
    """Take a file's content apart. Cheap: neither decodes an event nor computes a hash."""
    whole = data.rfind(b"\n") + 1
    found = Scan(lines=[], whole=whole, tail=data[whole:])
    lines = found.lines
    for line in data[:whole].split(b"\n"):
        if line[:9] == _OPEN and line[73:_EVENT_AT] == _MIDDLE and line[-1:] == b"}":
            lines.append((line[9:73].decode("ascii", "replace"), line[_EVENT_AT:-1]))
        elif (header := read_header(line)) is not None:
            found.header = header
        elif line:
            found.damaged += 1
            lines.append(("", line))
    return found


class _SampleLine(Struct):
    samples: int
    replica: str
    hash: str
    batch: msgspec.Raw


_sample_decoder = msgspec.json.Decoder(_SampleLine)


def sample_batch(text: bytes) -> SampleBatch:
    """The batch that a line holds: of a samples file, or of a record. Raises ValueError."""
    line = _sample_decoder.decode(text)
    return SampleBatch(line.replica, line.samples, line.hash, bytes(line.batch))


def sample_lines(file: BinaryIO) -> Iterator[tuple[int, SampleBatch]]:
    """The batches of an opened samples file, each with where its line begins; what cannot be read is left out."""
    begin = 0
    for text in file:
        with contextlib.suppress(ValueError):
            yield begin, sample_batch(text)
        begin += len(text)


def read_sample_lines(path: Path) -> Iterator[SampleBatch]:
    """The batches of a samples file beside a recorder."""
    with os.fdopen(open_regular(path), "rb") as file:
        for _, batch in sample_lines(file):
            yield batch


class FlightRecorder:
    """A `Logbook` in a file of lines."""

    name = "recorder"

    def __init__(self, path: Path, session: str, *, samples: Path | None = None, disk: Disk | None = None) -> None:
        """`samples`: a second file for batches, written and not synced; None: they are not kept here."""
        self._path = path
        self._session = session
        self._samples = samples
        self._disk = disk or Disk()
        self._fd = -1
        self._samples_fd = -1
        self._good = 0
        self._inode = 0
        self._held = Held()
        self._dead = True
        self.header: Header | None = None
        self.replica = ""
        """Who writes here, once `recovery` knows it; written into a file that is made again."""
        self.found = Scan(lines=[])
        """What the file held when it was opened; `recovery` takes it and lets it go."""
        self.cut = 0
        """Bytes of an unfinished last line that were cut when it was opened."""

    # ------------------------------------------------------------ opening

    def open(self, replica: str = "", known: Scan | None = None) -> None:
        """Open, or make the file for `replica`; cut or finish an unfinished last line. Raises RecorderError.

        `known`: what the file holds, where somebody has read it just now (`agreement`).
        """
        try:
            make_private(self._path.parent)
            refuse_link(self._path)
            self._fd = self._disk.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            self._mend(known)
            if self.header is not None and self.header.recorder > VERSION:
                raise NewerFormatError(
                    f"This flight recorder was written by a newer version of Quarterdeck ({self.header.recorder})",
                    where=str(self._path),
                    hint="open it with the version that wrote it",
                )
            if replica and (self.header is None or self.header.replica != replica):
                self._introduce(replica)
            self._inode = os.fstat(self._fd).st_ino
            self._dead = False
        except OSError as error:
            self.close()
            raise self._failure(error) from error
        except LogbookError:
            self.close()
            raise

    def _mend(self, known: Scan | None) -> None:
        if known is not None and known.whole == os.fstat(self._fd).st_size:
            self.found, self.header, self._good = known, known.header, known.whole
            return
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            data = file.read()
        found = scan(data)
        self._good = len(data)
        if found.tail:
            finished = scan(found.tail + b"\n").lines
            if finished and digest(finished[0][1]) == finished[0][0]:
                write_all(self._disk, self._fd, b"\n")
                self._good += 1
                found.lines.extend(finished)
            else:
                self._disk.truncate(self._fd, found.whole)
                self._good = found.whole
                self.cut = len(found.tail)
                found.lines.append(("", found.tail))
            self._disk.sync(self._fd)
        self.found, self.header = found, found.header

    def _introduce(self, replica: str) -> None:
        header = Header(VERSION, self._session, replica, identity(self._fd))
        line = _sealed(msgspec.json.encode(header)) + b"\n"
        write_all(self._disk, self._fd, line)
        self._disk.sync(self._fd)
        sync_folder(self._path.parent)
        self._good += len(line)
        self.header = header

    def rename_replica(self, replica: str) -> None:
        """From now on another replica writes here, and the file is called what it is called now."""
        try:
            self._introduce(replica)
        except OSError as error:
            self._dead = True
            raise self._failure(error) from error

    def identity_now(self) -> str:
        """What the file system calls the open file."""
        return identity(self._fd)

    def adopt(self, events: Sequence[StoredEvent]) -> None:
        """These are here and in order; said by `recovery` after it has checked every line."""
        for event in events:
            self._held.add(event.replica, event.aseq, event.hash)

    def adopt_whole(self, chains: Mapping[str, Head]) -> None:
        """As `adopt`, where all of every chain is here."""
        for replica, head in chains.items():
            self._held.begin(replica, head)

    # ------------------------------------------------------------ the protocol

    def append(self, events: Sequence[StoredEvent], batches: Sequence[SampleBatch] = ()) -> None:
        """One write and one sync; see `Logbook.append`."""
        if self._dead:
            raise RecorderError("The flight recorder is closed", where=str(self._path))
        new = [event for event in events if not self._is_known(event)]
        try:
            if batches:
                self._keep_samples(batches)
            if not new:
                return
            data = b"".join([_LINE % (event.hash.encode(), event.raw) for event in new])
            write_all(self._disk, self._fd, data)
            self._disk.sync(self._fd)
            require_same(self._path, self._inode)
        except OSError as error:
            self._dead = True
            raise self._failure(error) from error
        self._good += len(data)
        for event in new:
            self._held.add(event.replica, event.aseq, event.hash)

    def _is_known(self, event: StoredEvent) -> bool:
        if not self._held.has(event.replica, event.aseq):
            return False
        for known in self.read():
            if (known.replica, known.aseq) == (event.replica, event.aseq) and known.hash != event.hash:
                raise ForkError(f"Another event is called {event.replica}:{event.aseq} here", where=str(self._path))
        return True

    def _keep_samples(self, batches: Sequence[SampleBatch]) -> None:
        """Beside the recorder, unsynced: a copy for readers while an owner lives; given up on any error."""
        if self._samples is None:
            return
        try:
            if self._samples_fd < 0:
                refuse_link(self._samples)
                self._samples_fd = self._disk.open(self._samples, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                write_all(self._disk, self._samples_fd, b"\n")  # ends a line that a crash left unfinished
            for batch in batches:
                line = b'%b%d,"replica":"%b","hash":"%b","batch":%b}\n' % (
                    _SAMPLES_OPEN, batch.number, batch.replica.encode(), batch.hash.encode(), batch.raw,
                )  # fmt: skip
                write_all(self._disk, self._samples_fd, line)
        except (OSError, LogbookError):
            self._samples = None

    def read(self, after: int = 0) -> Iterator[StoredEvent]:
        """Events in order of arrival; lines that do not prove themselves are left out."""
        try:
            data = read_regular(self._path)
        except OSError as error:
            raise self._failure(error) from error
        position = 0
        for link, raw in scan(data).lines:
            if digest(raw) == link:
                position += 1
                if position > after:
                    yield stored_event(link, raw)

    def chains(self) -> dict[str, Head]:
        """The ends of the contiguous chains."""
        return self._held.heads()

    def holds(self, event: StoredEvent) -> bool:
        """Whether an event of this id is durable here."""
        return self._held.has(event.replica, event.aseq)

    def reopen(self) -> None:
        """Open again after a failure.

        What was written since the last good sync is cut and written again: after a failed sync the kernel may show
        bytes that never reached the disk, and they are not believed.
        """
        self.close()
        try:
            same = self._inode != 0 and self._path.lstat().st_ino == self._inode
        except OSError:
            same = False
        if not same:  # it was deleted, or never opened
            self._held, self._inode = Held(), 0
            self.open(self.replica)
            self.adopt(list(self.read()))
            self.found = Scan(lines=[])
            return
        try:
            self._fd = self._disk.open(self._path, os.O_RDWR | os.O_APPEND)
            self._disk.truncate(self._fd, self._good)
            self._disk.sync(self._fd)
        except OSError as error:
            self.close()
            raise self._failure(error) from error
        self._dead = False

    def close(self) -> None:
        """Let go of the files."""
        for fd in (self._fd, self._samples_fd):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)
        self._fd = self._samples_fd = -1
        self._dead = True

    def _failure(self, error: OSError) -> RecorderError:
        text = error.strerror or str(error)
        return RecorderError(
            f"The flight recorder cannot be written: {text}", full=error.errno in FULL, where=str(self._path)
        )
