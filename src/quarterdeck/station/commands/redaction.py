"""Taking secrets out of text before anybody keeps or sees it.

Pure. Declared values (also JSON-escaped, URL-encoded by whatever rules, and in base64 at each alignment and across
its line breaks) and known patterns: private key blocks, AWS keys, bearer and basic tokens, `password=…`, URLs with a
password. Works on bytes, since output need not be text.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

__all__ = ["MARK", "Redactor", "redactor_of"]

MARK = b"[redacted]"
SHORTEST = 4
"""Declared values shorter than this are taken out only where they stand alone: else no digit would be left."""
_LONGEST_PATTERN = 20 * 1024

# Each pattern is bounded in length, so that a stream knows how far a match can reach. The group k… is kept.
_PATTERNS = (
    (
        rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,16384}?"
        rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
    rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    rb"(?P<k1>(?i:aws_secret_access_key|aws_session_token)[\"' ]{0,4}[=:][\"' ]{0,4})[A-Za-z0-9/+=]{16,4096}",
    (
        rb"(?P<k2>(?i:\bbearer|\bauthorization[\"']?[ \t]{0,2}[:=][ \t]{0,2}[\"']?[a-z]{1,12})[ \t]{1,4})"
        rb"(?=[A-Za-z._~+/-]{0,4096}[0-9=])[A-Za-z0-9._~+/=-]{8,4096}"  # with a digit: "bearer certificate" is prose
    ),
    (
        rb"(?P<k3>(?i:password|passwd|passphrase|secret)[\"']?[ \t]{0,4}[=:][ \t]{0,4})"
        rb"(?:\"[^\"\r\n]{1,1024}\"|'[^'\r\n]{1,1024}'|[^\s\"',;&]{1,1024})"
    ),
    rb"(?P<k4>(?i:token|api[_-]?key)=)[^\s\"',;&]{4,4096}",
    rb"(?P<k5>://[^\s:/@\"']{0,256}:)[^\s/\"']{1,1024}(?=@)",
    rb"(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abprs])[_-][A-Za-z0-9_-]{16,512}",
)
# What may become one of the above when more comes: not shown in a tail yet.
_GROWING = re.compile(
    rb"(?:://[^\s/\"']{0,1300}|-----BEGIN[\s\S]{0,17000}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{0,15}"
    rb"|(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abprs])[_-][A-Za-z0-9_-]{0,15}"
    rb"|(?i:passw|passphrase|secret|token=|api[_-]?key=|bearer|authorization|aws_se)[^\r\n]{0,4200})\Z"
)
# Content with none of these, in lower case, has no match: a plain search is fifty times faster than the patterns.
_HINTS = (
    *(
        b"private key",
        b"akia",
        b"asia",
        b"abia",
        b"acca",
        b"aws_se",
        b"bearer",
        b"authorization",
        b"passw",
        b"passphrase",
    ),
    *(b"secret", b"token=", b"api_key=", b"api-key=", b"apikey=", b"://", b"-----begin"),
    *(b"ghp", b"gho", b"ghu", b"ghs", b"ghr", b"glpat", b"xoxa", b"xoxb", b"xoxp", b"xoxr", b"xoxs"),
)


# What one way of writing puts between or instead of a value's bytes; an end that may become one counts as one.
_WRAP = re.compile(rb"(?:\r?\n[ \t]{0,8}(?=[A-Za-z0-9+/=_-]|\Z)|\r\Z)")
_BLANKS = b"\r\n\t "


class _View(NamedTuple):
    """Content as somebody reads it who undoes one way of writing, and where its bytes stand in the original."""

    content: bytes
    places: list[int]
    """Places in `content` from which on the original lies further back; ascending."""
    shifts: list[int]
    """By how much it lies further back from each of them on."""
    width: int
    """Bytes of the original that one byte can stand for."""

    @classmethod
    def of(cls, content: bytes, written: re.Pattern[bytes], width: int) -> _View:
        """Undo what `written` finds: its group is the hexadecimal number of the byte that is meant, if it has one."""
        parts, places, shifts = [], [0], [0]
        place = length = 0
        for match in written.finditer(content):
            meant = bytes([int(match[1], 16)]) if match.lastindex else b""
            parts += [content[place : match.start()], meant]
            length += match.start() - place + len(meant)
            place = match.end()
            places.append(length)
            shifts.append(place - length)
        parts.append(content[place:])
        return cls(b"".join(parts), places, shifts, width)

    def begin(self, place: int) -> int:
        """Where the byte at `place` begins in the original."""
        return place + self.shifts[bisect_right(self.places, place) - 1]

    def spans(self, forms: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """Where the forms stand in the original, and that nothing of them is kept."""
        for form in forms:
            found = self.content.find(form)
            while found >= 0:
                after = found + len(form)
                yield self.begin(found), min(self.begin(after), self.begin(after - 1) + self.width), b""
                found = self.content.find(form, after)


class Redactor:
    """The compiled form of a set of secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        plain, alone, self._base64 = _forms(secrets)
        longest = max(map(len, plain), default=0)
        self._plain = sorted(plain, key=len, reverse=True)
        self._escaped = sorted(plain | {form.replace(b" ", b"+") for form in plain}, key=len, reverse=True)
        codes = b"|".join(b"%02x" % byte for byte in sorted(set(b"".join(plain))))
        self._escape = re.compile(rb"%(?:(" + codes + rb")|[0-9a-f]?\Z)", re.IGNORECASE)  # others make none of them
        self.reach = max(_LONGEST_PATTERN, 4 * longest)
        """Bytes that a match can be long: what stands further back cannot be part of one."""
        self._searched = (*self._plain, *alone)
        own = [re.escape(form) for form in self._plain]
        own += [rb"(?<![A-Za-z0-9])" + re.escape(form) + rb"(?![A-Za-z0-9])" for form in alone]
        self._pattern = re.compile(b"|".join([*own, *_PATTERNS]))

    def all(self, content: bytes) -> bytes:
        """`content` without secrets."""
        return self.between(content, 0, len(content))[0]

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self.all(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")

    def window(self, content: bytes, skip: int, *, over: bool) -> bytes:
        """`content` from `skip` on; what stands before serves only to see secrets that begin there.

        Unless it is `over`, an end that may be the beginning of a secret is held back.
        """
        sure = len(content) if over else max(skip, self.sure(content))
        return self.between(content, skip, sure)[0]

    def sure(self, content: bytes) -> int:
        """Up to where `content` can be shown, where more of it may come: what follows may begin a secret."""
        return len(content) - self._unsure(content)

    def between(self, content: bytes, start: int, stop: int) -> tuple[bytes, int]:
        """`content[start:stop]` redacted with all of `content` in view, and where that really ended.

        A secret over `start` leaves its mark; one over `stop` is left out whole, so the end comes before it.
        """
        parts, place = [], start
        for begin, end, kept in self._found(content):
            if begin >= stop:
                break
            if end > stop:
                stop = max(place, begin)
                break
            if end > start:
                parts += [content[place : max(place, begin)], kept + MARK]
                place = end
        parts.append(content[place:stop])
        return b"".join(parts), stop

    def stream(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """All of `pieces` without secrets, also those that stand over the edge of two pieces."""
        held, start = b"", 0
        for piece in pieces:
            held += piece
            cleaned, stop = self.between(held, start, max(start, len(held) - self.reach))
            yield cleaned
            keep = max(0, stop - self.reach)
            held, start = held[keep:], stop - keep
        yield self.between(held, start, len(held))[0]

    def _found(self, content: bytes) -> list[tuple[int, int, bytes]]:
        """Where secrets begin and end, in order and apart from each other, and what is kept of each: its name."""
        found = []
        if any(form in content for form in self._searched) or _hint_in(content):
            for match in self._pattern.finditer(content):
                name = match.lastgroup
                found.append((match.start(), match.end(), match.group(name) if name else b""))
        for view, forms in self._views(content, lambda bare, form: form in bare):
            found += view.spans(forms)
        apart: list[tuple[int, int, bytes]] = []
        for begin, end, kept in sorted(found):
            if not apart or begin >= apart[-1][1]:
                apart.append((begin, end, kept))
            elif end > apart[-1][1]:
                apart[-1] = (apart[-1][0], end, apart[-1][2])
        return apart

    def _views(
        self, content: bytes, may_hold: Callable[[bytes, bytes], object]
    ) -> Iterator[tuple[_View, Iterable[bytes]]]:
        """Each other way of writing that `content` uses, and the forms that are looked for in it.

        `may_hold`, asked of the content without blanks and of a form, says whether line breaks are worth the time.
        """
        if self._base64 and (b"\n" in content or b"\r" in content):
            bare = content.translate(None, _BLANKS)
            if any(may_hold(bare, form) for form in self._base64):
                yield _View.of(content, _WRAP, 1), self._base64
        if self._escaped and self._escape.search(content):
            yield _View.of(content, self._escape, 3), self._escaped

    def _unsure(self, content: bytes) -> int:
        end = content[-self.reach :]
        growing = _GROWING.search(end[-_LONGEST_PATTERN:]) if _hint_in(end[-_LONGEST_PATTERN:]) else None
        sure = len(end) - (len(end[-_LONGEST_PATTERN:]) - growing.start() if growing else 0)
        for view, forms in ((_View(end, [0], [0], 1), self._plain), *self._views(end, _begun)):
            held = max((_begun(view.content, form) for form in forms), default=0)
            if held:
                sure = min(sure, view.begin(len(view.content) - held))
        return len(end) - sure


def _begun(content: bytes, form: bytes) -> int:
    """How many bytes of `form`, and not all of it, stand at the end of `content`."""
    place = content.find(form[:1], max(0, len(content) - len(form) + 1))
    while place >= 0 and not form.startswith(content[place:]):
        place = content.find(form[:1], place + 1)
    return len(content) - place if place >= 0 else 0


@lru_cache(maxsize=8)
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """The redactor of these values, made once."""
    return Redactor(secrets)


def _hint_in(content: bytes) -> bool:
    lower = content.lower()
    return any(hint in lower for hint in _HINTS)


def _forms(secrets: Iterable[str]) -> tuple[set[bytes], set[bytes], set[bytes]]:
    """The values' forms that may stand anywhere, short values (only where they stand alone), and the base64 forms."""
    plain: set[bytes] = set()
    alone: set[bytes] = set()
    encoded: set[bytes] = set()
    for secret in secrets:
        value = secret.strip("\r\n")
        if len(value) < SHORTEST:
            if value:
                alone.add(value.encode(errors="surrogateescape"))
            continue
        raw = value.encode(errors="surrogateescape")
        plain |= {
            raw,
            json.dumps(value)[1:-1].encode(),
            json.dumps(value, ensure_ascii=False)[1:-1].encode(errors="surrogateescape"),
        }
        encoded |= {form for form in _base64_forms(raw) if len(form) >= 2 * SHORTEST}
        plain |= {line.strip() for line in raw.splitlines() if len(line.strip()) >= 16}
    return plain | encoded, alone, encoded


def _base64_forms(raw: bytes) -> set[bytes]:
    """What base64 makes of `raw` wherever it stands in something larger (`user:secret`): three alignments."""
    found = set()
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + raw)
            first = (0, 2, 3)[before]  # characters that also hold bits of what stands before
            whole = (before + len(raw)) * 8 // 6  # complete ones: later ones also hold bits of what follows
            found.add(text[first:whole])
    return found
