"""How the options of checks are written: each form reads text, or a list of texts, into what a check is built with.

Pure, and stricter than what runs later: what a form takes, httpx, sockets and processes take too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from quarterdeck.documents.kinds import boolean, is_secret_reference, pattern_problem
from quarterdeck.documents.problems import quote
from quarterdeck.procedure.conditions import STATUS_WORDS

__all__ = [
    "ADDRESS",
    "ARGV",
    "BEYOND",
    "BODY",
    "CERTIFICATE",
    "CODES",
    "CONNECTION",
    "FLAG",
    "HEADERS",
    "HOST",
    "METHOD",
    "MOUNTS",
    "PORT",
    "PROXY",
    "TEXT",
    "TEXTS",
    "TRUST",
    "WORDS",
    "Codes",
    "Form",
    "Header",
    "Written",
    "WrongOptionError",
    "is_reference",
]

Written: TypeAlias = "str | list[str]"
"""An option as a plan holds it; headers that were a mapping are `Name: value` texts."""

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_REFERENCES = ("env:", "file:", "keyring:")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"})
_OWN_HEADERS = frozenset({"host", "accept-encoding", "content-length", "transfer-encoding", "connection"})
_ADDRESS = r"https?://(?P<user>[^/?#]*@)?(?P<host>\[[^\]/?#]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?(?:[/?#].*)?"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?"
_FOUR = r"[0-9]+(?:\.[0-9]+){3}"
_STATUS = r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?"


class WrongOptionError(Exception):
    """An option cannot mean anything; the text says why. `item` is the place in a list, or -1."""

    def __init__(self, message: str, item: int = -1) -> None:
        super().__init__(message)
        self.item = item


class Form(Struct, frozen=True):
    """A way to write an option."""

    called: str
    """What is written there, for the reference."""
    read: Callable[[str, Written], Any]
    """From the option's name and its value to what a check takes. Raises `WrongOptionError`."""


class Codes(Struct, frozen=True):
    """HTTP status codes from `low` to `high`, both included."""

    low: int
    high: int

    def __contains__(self, code: int) -> bool:
        return self.low <= code <= self.high

    def __str__(self) -> str:
        if self.low % 100 == 0 and self.high == self.low + 99:
            return f"{self.low // 100}xx"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


class Header(Struct, frozen=True):
    """A header of a request; its value may be, or end in, a reference to a secret."""

    name: str
    value: str


def is_reference(text: str) -> bool:
    """Whether a text names a secret instead of being one."""
    return text.startswith(_REFERENCES)


def _text(name: str, value: Written) -> str:
    if not isinstance(value, str):
        raise WrongOptionError(f"`{name}` is one text, not a list")
    return value


def _texts(_name: str, value: Written) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _flag(name: str, value: Written) -> bool:
    found = boolean(_text(name, value))
    if found is None:
        raise WrongOptionError(f"`{name}` is neither true nor false")
    return found


def _port(name: str, value: Written) -> int:
    text = _text(name, value)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise WrongOptionError(f"{quote(text)} is no port (1 to 65535)")
    return int(text)


def _host(name: str, value: Written) -> str:
    """A name or an address; IPv6 without its brackets."""
    text = _text(name, value)
    plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not (_is_six(plain) if ":" in plain or plain != text else _is_name(text)):
        raise WrongOptionError(f"`{name}` is a name or an address, which {quote(text)} is not")
    return plain


def _is_six(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Whether a text can be a host's name, or four numbers; names beyond ASCII as IDNA has them."""
    if re.fullmatch(_FOUR, text):
        return all(len(part) <= 3 and int(part) < 256 and part == str(int(part)) for part in text.split("."))
    if text.isascii() and not text.lower().startswith("xn--"):
        return re.fullmatch(_NAME, text) is not None
    import idna

    try:
        idna.decode(idna.encode(text.lower()))
    except idna.IDNAError:
        return False
    return True


def _address(name: str, value: Written) -> str:
    """An address that httpx takes as it is."""
    text = _text(name, value)
    if not text.startswith(("http://", "https://")):
        raise WrongOptionError(f"{quote(text.partition('?')[0])} must begin with http:// or https://")
    parts = re.fullmatch(_ADDRESS, text)
    if parts is None or not all(letter.isprintable() for letter in text):
        raise WrongOptionError(f"`{name}` is no address")
    if parts["user"] is not None:
        raise WrongOptionError(
            f"`{name}` must not hold a user or password; give a header such as "
            f"`{'Proxy-' if name == 'proxy' else ''}Authorization: Bearer env:TOKEN`"
        )
    host, port = parts["host"], parts["port"]
    if not (_is_six(host[1:-1]) if host.startswith("[") else _is_name(host)):
        raise WrongOptionError(f"`{name}` names no host: {quote(host)} is neither a name nor an address")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise WrongOptionError(f"`{name}`: {quote(port)} is no port (1 to 65535)")
    return text


def _proxy(name: str, value: Written) -> str:
    """The address of a proxy, which has no path."""
    text = _address(name, value)
    if re.search(r"[/?#]", text.partition("://")[2].rstrip("/")):
        raise WrongOptionError(f"`{name}` ends after its port, such as http://proxy.example:3128")
    return text


def _connection(name: str, value: Written) -> str:
    text = _text(name, value)
    if text not in ("kept", "new"):
        raise WrongOptionError(f"`{name}` is kept or new, not {quote(text)}")
    return text


def _certificate(name: str, value: Written) -> tuple[str, ...]:
    """A client's certificate: one file with its key in it, or two."""
    paths = _mounts(name, value)
    if not 1 <= len(paths) <= 2:
        raise WrongOptionError(f"`{name}` is a file with certificate and key, or a list of two: certificate, key")
    return paths


def _method(name: str, value: Written) -> str:
    text = _text(name, value).upper()
    if text not in METHODS:
        raise WrongOptionError(f"`{name}` is GET, HEAD, OPTIONS or POST, not {quote(text)}: a check changes nothing")
    return text


def _headers(name: str, value: Written) -> tuple[Header, ...]:
    return tuple(_header(name, text, item) for item, text in enumerate(_texts(name, value)))


def _header(option: str, text: str, item: int) -> Header:
    """One header, `Name: value`. A header that carries a credential must be a reference."""
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name or not name.isascii() or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise WrongOptionError(f"`{option}` are texts of the form `Name: value`", item)
    if name.lower() in _OWN_HEADERS:
        raise WrongOptionError(f"the header {name} is set by the check itself", item)
    if not value.isascii() or not value.isprintable():
        raise WrongOptionError(f"the header {name} holds characters that a header cannot", item)
    last = value.rpartition(" ")[2]
    if last.startswith("keyring:"):
        raise WrongOptionError(f"the header {name}: a keyring is not asked yet; use env:NAME or file:PATH", item)
    if is_reference(last) and not is_secret_reference(last):
        raise WrongOptionError(f"the header {name}: a reference is env:NAME or file:PATH", item)
    if name.lower() in _SECRET_HEADERS and not is_reference(last):
        raise WrongOptionError(
            f"the header {name} must be a reference, such as `{name}: env:NAME` or file:PATH; a text holds no secret",
            item,
        )
    return Header(name, value)


def _trust(name: str, value: Written) -> str:
    text = _text(name, value)
    if not text.startswith("/") or "\0" in text:
        raise WrongOptionError(
            f"TLS is always verified: `{name}` names a file of authorities by its whole path "
            f"(`{name}: /etc/ssl/our-ca.pem`), which {quote(text)} is not; leave it out for the system's"
        )
    return text


def _codes(name: str, value: Written) -> tuple[Codes, ...]:
    """Status codes as people write them: `2xx`, `200`, `200-299`, a list, or joined by commas."""
    found = []
    for item, text in enumerate(_texts(name, value)):
        for part in text.replace(" ", "").lower().split(","):
            match = re.fullmatch(_STATUS, part)
            if match is None:
                raise WrongOptionError(
                    f"`{name}` is such as 200, 2xx, 200-299 or 200,204; {quote(text)} is not", item
                )
            low = int(match[1]) * 100 if match[1] else int(match[2])
            high = low + 99 if match[1] else int(match[3] or low)
            if high < low:
                raise WrongOptionError(f"`{name}`: nothing is from {low} to {high}", item)
            found.append(Codes(low, high))
    if not found:
        raise WrongOptionError(f"`{name}` names no code")
    return tuple(found)


def _body(name: str, value: Written) -> str:
    text = _text(name, value)
    wrong = pattern_problem(text)
    if wrong:
        raise WrongOptionError(f"`{name}`: {wrong}")
    return text


def _words(name: str, value: Written) -> dict[str, Any]:
    """What a service's own words mean: a mapping, kept as `word: status` texts."""
    found = {}
    for item, text in enumerate(_texts(name, value)):
        word, colon, status = (part.strip() for part in text.rpartition(":"))
        if not colon or not word:
            raise WrongOptionError(f"`{name}` is a mapping of words to statuses: `{{RUNNING: ok}}`", item)
        if status not in STATUS_WORDS:
            raise WrongOptionError(f"`{name}` says what {quote(word)} means by {', '.join(STATUS_WORDS)}", item)
        found[word] = status
    return found


def _mounts(name: str, value: Written) -> tuple[str, ...]:
    paths = _texts(name, value)
    for item, path in enumerate(paths):
        if not path.startswith("/") or "\0" in path:
            raise WrongOptionError(f"`{name}` are whole paths (/var), which {quote(path)} is not", item)
    return paths


def _argv(name: str, value: Written) -> tuple[str, ...]:
    argv = _texts(name, value)
    if not argv or not argv[0].strip():
        raise WrongOptionError(f"`{name}` is a list that begins with the program: `[check_load, -w, 5]`")
    for item, part in enumerate(argv):
        if "\0" in part:
            raise WrongOptionError(f"`{name}` must not hold a zero byte", item)
    return argv


def _folder(name: str, value: Written) -> str:
    text = _text(name, value)
    if "\0" in text:
        raise WrongOptionError(f"`{name}` must not hold a zero byte")
    return text


def _beyond(name: str, value: Written) -> str:
    text = _text(name, value)
    if text not in {"critical", "unknown"}:
        raise WrongOptionError(f"`{name}` is critical or unknown, not {quote(text)}")
    return text


TEXT = Form("text", _folder)
TEXTS = Form("list of texts", _texts)
FLAG = Form("true or false", _flag)
PORT = Form("port", _port)
HOST = Form("host", _host)
ADDRESS = Form("address", _address)
METHOD = Form("word", _method)
HEADERS = Form("headers", _headers)
TRUST = Form("path", _trust)
CERTIFICATE = Form("path, or two", _certificate)
CONNECTION = Form("word", _connection)
PROXY = Form("address", _proxy)
WORDS = Form("mapping", _words)
CODES = Form("status codes", _codes)
BODY = Form("pattern", _body)
MOUNTS = Form("list of paths", _mounts)
ARGV = Form("list of arguments", _argv)
BEYOND = Form("critical or unknown", _beyond)
