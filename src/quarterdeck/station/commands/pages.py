"""A command's output as somebody may read it: page by page, redacted, however long it is, also while it grows.

A page is about `PAGE` bytes and begins after a line's end, so that each is read, redacted and counted by itself, and
the last is as near as the first. What taking out a secret needs of a page's neighbours is read with it, so that all
pages together are what the record holds (`output.seal_output`). A raw spool is read only with a redactor; a file of
the record was redacted before it was kept.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from quarterdeck.errors import StationError
from quarterdeck.procedure.model import Procedure
from quarterdeck.procedure.secrets import references_of
from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.runner.files import OUTPUT, SECRETS
from quarterdeck.runner.spool import Held, SpoolReader
from quarterdeck.session.state import Run
from quarterdeck.station.commands.redaction import Redactor, redactor_of
from quarterdeck.station.commands.runs import SEALED

__all__ = ["LONG", "PAGE", "KeptFile", "KeptText", "Line", "Pages", "Source", "open_output"]

PAGE = 128 * 1024
LONG = 4_096
"""Characters of a line that are shown as one piece; the rest follows as more pieces."""
REMEMBERED = 8
"""Pages that are kept as lines."""
_CONTINUES = range(0x80, 0xC0)
"""Bytes that do not begin a character of UTF-8."""


class Line(NamedTuple):
    """A line, or a piece of one."""

    text: str
    number: int
    """Its place among the lines that begin on its page; -1 for a piece that goes on with the line before: one that is
    longer than `LONG`, or that a carriage return overwrites (a progress bar)."""


class Source(Protocol):
    """Bytes that may grow; a spool, or a file."""

    def held(self) -> Held:
        """How long it is, and what of it is there."""

    def part(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on."""


class KeptFile:
    """A file of the record: all of it is there."""

    def __init__(self, path: Path) -> None:
        """OSError where it cannot be read."""
        self._path = path
        with os.fdopen(open_regular(path), "rb") as file:
            self._size = os.fstat(file.fileno()).st_size

    def held(self) -> Held:
        """All of it."""
        return Held(self._size, self._size, 0)

    def part(self, start: int, length: int) -> bytes:
        """A part of the file; nothing where it vanished."""
        try:
            with os.fdopen(open_regular(self._path), "rb") as file:
                return os.pread(file.fileno(), max(0, length), start)
        except OSError:
            return b""


class KeptText:
    """Text that is known already: the live end that the station sends."""

    def __init__(self, text: str) -> None:
        self._content = text.encode(errors="replace")

    def held(self) -> Held:
        """All of it."""
        return Held(len(self._content), len(self._content), 0)

    def part(self, start: int, length: int) -> bytes:
        """A part of it."""
        return self._content[start : start + length]


class Pages:
    """An output, cut into pages that have numbers; those that a spool does not hold any more are left out.

    `redactor` None: it is redacted already. `over`: nothing more comes. `page` is the size of one, for tests.
    """

    def __init__(
        self, source: Source | SpoolReader, redactor: Redactor | None, *, over: bool, page: int = PAGE
    ) -> None:
        self._source, self._redactor, self._over, self._page = source, redactor, over, page
        self._reach = redactor.reach if redactor is not None else 0
        self._held = Held(0, 0, 0)
        self.epoch = 0
        """Grows when what was known of all pages holds no more: a part in the middle was given up."""
        self._starts: dict[int, int] = {}
        self._lines: OrderedDict[int, tuple[Line, ...]] = OrderedDict()
        self.look()

    def look(self) -> bool:
        """See how long it is by now; whether that changed. What may look otherwise since is forgotten."""
        before, held = self._held, self._source.held()
        if held == before or (before.total and not held.total):
            return False  # an emptied spool is in the record, which is told in a moment
        anew = bool(before.last_start) != bool(held.last_start)
        self.epoch += anew
        self._starts = {page: start for page, start in self._starts.items() if not anew and self.is_settled(page)}
        for page in [page for page in self._lines if anew or not self.is_settled(page)]:
            del self._lines[page]
        self._held = held
        return True

    @property
    def size(self) -> int:
        """Bytes that were written so far."""
        return self._held.total

    @property
    def is_growing(self) -> bool:
        """Whether more may come."""
        return not self._over

    @property
    def cut(self) -> int:
        """Bytes in the middle that are not there."""
        return max(0, self._last_start - self._first_end) if self._is_cut else 0

    # -- which pages there are

    @property
    def _is_cut(self) -> bool:
        return self._held.last_start > 0

    @property
    def _second(self) -> int:
        """The first page behind the cut."""
        return self._last_start // self._page

    @property
    def _first_end(self) -> int:
        """Where the first part ends: what begins before a cut may be a secret whose end is gone."""
        return max(0, self._held.first_end - self._reach) if self._is_cut else self._held.total

    @property
    def _last_start(self) -> int:
        """Where the last part begins: at a page's edge, behind what may be the end of a secret."""
        sure = self._held.last_start + self._reach + self._page // 2  # and behind what is overwritten meanwhile
        return -(-sure // self._page) * self._page

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(0, self._held.total - 1) // self._page

    def after(self, page: int) -> int | None:
        """The page that follows; None after the last one."""
        following = page + 1
        if self._is_cut and page < self._second and following * self._page >= self._first_end:
            following = self._second
        return following if following <= self.last else None

    def before(self, page: int) -> int | None:
        """The page that comes before; None before the first one."""
        found = page - 1
        if self._is_cut and found < self._second and found * self._page >= self._first_end:
            found = max(0, self._first_end - 1) // self._page
        return found if found >= 0 else None

    def is_settled(self, page: int) -> bool:
        """Whether it will never change, but vanish."""
        full = (page + 2) * self._page + self._reach <= self._held.total
        return self._over or (full and self.after(page) == page + 1)

    def numbers(self) -> Iterator[int]:
        """All pages that are there, in order."""
        page: int | None = 0
        while page is not None:
            yield page
            page = self.after(page)

    # -- what stands on one

    def content(self, page: int) -> bytes:
        """What stands on it, redacted; nothing where it vanished meanwhile."""
        start, end, ends_part = self._bounds(page)
        if self._redactor is None:
            return self._source.part(start, end - start)
        first = max(0, start - self._reach)
        upto = min(end + self._reach, self._held.first_end) if ends_part else end + self._reach
        raw = self._source.part(first, upto - first)
        held = self._source.held()
        if first < held.last_start and first + len(raw) > held.first_end:
            return b""  # overwritten while it was read: an edge inside a secret would show a part of it
        skip, stop = min(start - first, len(raw)), min(end - first, len(raw))
        if not self._over and first + len(raw) >= held.total:
            stop = max(skip, min(stop, self._redactor.sure(raw)))
        content, _ = self._redactor.between(raw, skip, stop)
        if ends_part:
            content += f"\n[… {self.cut} of {self.size} bytes are not kept here …]\n".encode()
        return content

    def lines_on(self, page: int) -> int:
        """How many lines begin on it."""
        return _begun(self.content(page), opens=self.opens(page))

    def opens(self, page: int) -> bool:
        """Whether it begins with a new line, and does not go on with one of the page before."""
        start = self._start(page)
        return start == 0 or self._source.part(start - 1, 1) == b"\n"

    def lines(self, page: int) -> tuple[Line, ...]:
        """Its lines, as they are: whoever shows them passes them through the text gate."""
        found = self._lines.get(page)
        if found is None:
            found = self._lines[page] = self.lines_of(page, self.text(page))
            while len(self._lines) > REMEMBERED:
                self._lines.popitem(last=False)
        else:
            self._lines.move_to_end(page)
        return found

    def text(self, page: int) -> str:
        """What stands on it, as text."""
        return self.content(page).decode(errors="replace")

    def lines_of(self, page: int, text: str) -> tuple[Line, ...]:
        """The text of a page as lines; nothing is remembered, so another thread may ask."""
        parts = text.split("\n")
        if not parts[-1]:
            parts.pop()
        lines: list[Line] = []
        number = 0 if self.opens(page) else -1
        for part in parts:
            pieces = _pieces(part)
            lines.append(Line(pieces[0], number))
            lines += [Line(piece, -1) for piece in pieces[1:]]
            number += 1
        return tuple(lines)

    def _bounds(self, page: int) -> tuple[int, int, bool]:
        """Where it begins and ends, and whether a cut follows."""
        start = self._start(page)
        if self._is_cut and page < self._second and (page + 1) * self._page >= self._first_end:
            return start, self._first_end, True
        following = self.after(page)
        return start, self._held.total if following is None else self._start(following), False

    def _start(self, page: int) -> int:
        if page == 0:
            return 0
        found = self._starts.get(page)
        if found is None:
            found = self._starts[page] = self._look_for_start(page)
        return found

    def _look_for_start(self, page: int) -> int:
        edge = page * self._page
        limit = self._first_end if self._is_cut and page < self._second else self._held.total
        raw = self._source.part(edge, min(self._page, limit - edge))
        for end in (b"\n", b"\r"):
            place = raw.find(end)
            if place >= 0:
                return edge + place + 1
        if len(raw) < self._page:
            return limit  # the line that the page before began goes on to the end
        return edge + next((n for n in range(4) if raw[n] not in _CONTINUES), 0)


def _begun(content: bytes, *, opens: bool) -> int:
    if not content:
        return 0
    return content.count(b"\n") + (not content.endswith(b"\n")) - (not opens)


def _pieces(line: str) -> list[str]:
    """What is shown of a line, one below the other: what a carriage return overwrites too."""
    if len(line) <= LONG and "\r" not in line:
        return [line]
    parts = [part for part in line.rstrip("\r").split("\r") if part] or [""]
    return [part[start : start + LONG] for part in parts for start in range(0, max(1, len(part)), LONG)]


def open_output(folder: Path, procedure: Procedure, run: Run) -> Pages:
    """What a run printed, from its session's folder: of the record, or of the spool while it is not there yet.

    StationError that says why where there is nothing that this process may read.
    """
    if run.withheld:
        raise StationError("this output was sealed, and the lead withheld it for good")
    if run.sealed:
        raise StationError(f"this {SEALED}")
    try:
        if run.blobs:
            return Pages(KeptFile(folder / "blobs" / run.blobs[0].sha256), None, over=True)
        spool = folder / "spool" / run.id
        os.close(open_regular(spool / OUTPUT))
        return Pages(SpoolReader(spool / OUTPUT), _redactor(spool, procedure), over=bool(run.outcome))
    except FileNotFoundError as error:
        if run.blobs:
            raise StationError("the record's file with this output is gone") from error
        if run.outcome:
            raise StationError("it printed nothing") from error
        if not folder.is_dir():
            raise StationError("the session's files are not here: only the live end of the output is") from error
        raise StationError("it printed nothing so far") from error
    except OSError as error:
        raise StationError(f"this console may not read the output: {error.strerror}") from error


def _redactor(spool: Path, procedure: Procedure) -> Redactor:
    """As the station redacts this run's output, by the values that it keeps beside it. StationError, OSError."""
    if not references_of(procedure):
        return redactor_of(frozenset())
    try:
        kept = msgspec.json.decode(read_regular(spool / SECRETS), type=list[bytes])
    except (FileNotFoundError, ValueError) as error:
        raise StationError(f"this {SEALED}") from error
    return redactor_of(frozenset(value.decode(errors="surrogateescape") for value in kept))
