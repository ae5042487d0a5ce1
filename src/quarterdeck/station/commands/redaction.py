"""Taking secrets out of text before anybody keeps or sees it.

Pure. Declared values (also in base64 at each alignment, URL-encoded and JSON-escaped) and known patterns: private
key blocks, AWS keys, bearer and basic tokens, `password=…`, URLs with a password. Works on bytes, since output need
not be text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["MARK", "Redactor", "redact"]

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
    rb"(?P<k5>://[^\s:/@\"']{0,256}:)[^\s/@\"']{1,1024}(?=@)",
    rb"(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abprs])[_-][A-Za-z0-9_-]{16,512}",
)
# What may become one of the above when more comes: not shown in a tail yet.
_GROWING = re.compile(
    rb"(?:://[^\s/@\"']{0,1300}|-----BEGIN[\s\S]{0,17000}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{0,15}"
    rb"|(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abprs])[_-][A-Za-z0-9_-]{0,15})\Z"
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


class Redactor:
    """The compiled form of a set of secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        plain, alone = _forms(secrets)
        longest = max(map(len, plain), default=0)
        self._plain = sorted(plain, key=len, reverse=True)
        self.reach = max(_LONGEST_PATTERN, 2 * longest)
        """Bytes that a match can be long: what stands further back cannot be part of one."""
        self._searched = (*self._plain, *alone)
        own = [re.escape(form) for form in self._plain]
        own += [rb"(?<![A-Za-z0-9])" + re.escape(form) + rb"(?![A-Za-z0-9])" for form in alone]
        self._pattern = re.compile(b"|".join([*own, *_PATTERNS]))

    def all(self, content: bytes) -> bytes:
        """`content` without secrets."""
        return self.between(content, 0, len(content))[0]

    def window(self, content: bytes, skip: int, *, over: bool) -> bytes:
        """`content` from `skip` on; what stands before serves only to see secrets that begin there.

        Unless it is `over`, an end that may be the beginning of a secret is held back.
        """
        if not over:
            content = content[: len(content) - self._unsure(content)]
        return self.between(content, skip, len(content))[0]

    def between(self, content: bytes, start: int, stop: int) -> tuple[bytes, int]:
        """`content[start:stop]` redacted with all of `content` in view, and where that really ended.

        A secret over `start` leaves its mark; one over `stop` is left out whole, so the end comes before it.
        """
        if not self._hinted(content):
            return content[start:stop], stop
        parts, place = [], start
        for match in self._pattern.finditer(content):
            if match.start() >= stop:
                break
            if match.end() > stop:
                stop = max(place, match.start())
                break
            if match.end() > start:
                parts.append(content[place : max(place, match.start())])
                parts.append(_replacement(match))
                place = match.end()
        parts.append(content[place:stop])
        return b"".join(parts), stop

    def _hinted(self, content: bytes) -> bool:
        return any(form in content for form in self._searched) or _hint_in(content)

    def _unsure(self, content: bytes) -> int:
        end = content[-_LONGEST_PATTERN:]
        growing = _GROWING.search(end) if _hint_in(end) else None
        held = len(end) - growing.start() if growing else 0
        for form in self._plain:
            for length in range(min(len(form) - 1, len(content)), held, -1):
                if content.endswith(form[:length]):
                    held = length
                    break
        return held


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without secrets."""
    return Redactor(secrets).all(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


def _hint_in(content: bytes) -> bool:
    lower = content.lower()
    return any(hint in lower for hint in _HINTS)


def _replacement(match: re.Match[bytes]) -> bytes:
    kept = match.lastgroup
    return (match.group(kept) if kept else b"") + MARK


def _forms(secrets: Iterable[str]) -> tuple[set[bytes], set[bytes]]:
    """All spellings of the values: those to take out anywhere, and the short ones, only where they stand alone."""
    plain: set[bytes] = set()
    alone: set[bytes] = set()
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
        for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
            lower = re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), encoded)
            plain |= {encoded.encode(), lower.encode()}
        plain |= {form for form in _base64_forms(raw) if len(form) >= 2 * SHORTEST}
        plain |= {line.strip() for line in raw.splitlines() if len(line.strip()) >= 16}
    return plain, alone


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
