"""Canaries through the redactor: whole, in pieces, in other spellings."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import strategies as st

from quarterdeck.station.commands.redaction import MARK, Redactor

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7canary\n" * 30 + "-----END RSA PRIVATE KEY-----"
SECRET = 'c4nary/ä "quoted"+&%'


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without secrets."""
    return Redactor(secrets).text(text)


PATTERNS = [
    (f"before\n{KEY}\nafter", "before\n[redacted]\nafter"),
    ("id AKIAABCDEFGHIJKLMNOP.", "id [redacted]."),
    ("aws_secret_access_key = canary0123456789canary01", "aws_secret_access_key = [redacted]"),
    ("Authorization: Bearer canary.123-abc", "Authorization: Bearer [redacted]"),
    ("authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "authorization: Basic [redacted]"),
    ("PGPASSWORD=canary1 psql", "PGPASSWORD=[redacted] psql"),
    ("password = 'canary one'; x=1", "password = [redacted]; x=1"),
    ('{"password": "canary", "port": 1}', '{"password": [redacted], "port": 1}'),
    ("postgresql://app:c4n,ry@db:5432/orders", "postgresql://app:[redacted]@db:5432/orders"),
    ("https://h/x?token=canary1&y=2", "https://h/x?token=[redacted]&y=2"),
    ("push with ghp_canary0123456789canary0123456789ab now", "push with [redacted] now"),
]
PROSE = [
    "bearer certificate renewed",
    "basic maintenance of 3 tables",
    "http://h:8080/health and user@host",
    "the password was changed; no token left",
    "10:15:02 copied 5 GiB to host:/backup",
]


@pytest.mark.parametrize(("text", "expected"), PATTERNS)
def test_known_patterns_are_taken_out_and_their_names_stay(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(redact(text)) == expected


@pytest.mark.parametrize("text", PROSE)
def test_ordinary_output_is_left_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower().replace("c4nary", "c4nary"),
    ],
)
def test_a_declared_value_is_found_in_every_spelling(spelling: str) -> None:
    assert redact(f"a {spelling} b", [SECRET]) == "a [redacted] b"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "!", "@host", "\n12"])
def test_a_declared_value_inside_of_larger_base64_leaves_nothing_to_decode(user: str, after: str) -> None:
    encoded = base64.b64encode(f"{user}{SECRET}{after}".encode()).decode()
    said = redact(f"x {encoded} y", [SECRET])
    assert "[redacted]" in said
    rest = said.removeprefix("x ").removesuffix(" y").replace("[redacted]", "").rstrip("=")
    assert len(rest) <= (len(user) + len(after)) * 4 / 3 + 3  # at each edge a character that the neighbours share


def test_a_short_declared_value_goes_only_where_it_stands_alone() -> None:
    assert redact("pin 42, 1420 rows, pin=42", ["42"]) == "pin [redacted], 1420 rows, pin=[redacted]"


def test_the_lines_of_a_declared_value_of_many_lines_go_one_by_one_too() -> None:
    value = "first-line-of-canary-1\nsecond-line-of-canary-2\n"
    said = redact("x second-line-of-canary-2 y\n  first-line-of-canary-1", [value])
    assert "canary" not in said


def test_bytes_that_are_no_text_pass_unchanged_around_a_secret() -> None:
    raw = bytes(range(256))
    assert Redactor(["canary"]).all(raw + b"canary" + raw) == raw + MARK + raw


PIECES = st.lists(
    st.sampled_from(
        [
            *(text for text, _ in PATTERNS[1:]),
            *PROSE,
            *("\n", " ", "=", "@", "pass", "word=", "hunter2xyz", "hunt", "://u:", "x" * 300),
            "-----BEGIN PRIVATE KEY-----",
            "-----END PRIVATE KEY-----",
        ]
    ),
    max_size=12,
)


@pytest.mark.parametrize("gap", [0, 1, 10_000, 70_000])
def test_a_secret_over_the_edge_of_a_tail_does_not_show_its_half(gap: int) -> None:
    redactor = Redactor(["canary-0123456789"])
    for text in ("canary-0123456789", KEY, "url://me:canary1@h"):
        content = (text + "." * gap).encode()
        for skip in range(0, len(text), 7):
            assert b"canary" not in redactor.window(content, skip, over=True)


def test_the_beginning_of_a_secret_is_held_back_until_it_is_over() -> None:
    redactor = Redactor(["canary-0123456789"])
    for text in ("canary-0123456789", KEY, "url://me:canary1@h", "AKIAABCDEFGHIJKLMNOP"):
        whole = f"log: {text}"
        for end in range(len("log: "), len(whole)):
            shown = redactor.window(whole[:end].encode(), 0, over=False)
            assert b"canary-0" not in shown
            assert b"MIIE" not in shown
            assert b":canary" not in shown
            assert b"AKIAA" not in shown
    assert redactor.window(b"log: canar", 0, over=True) == b"log: canar"


@pytest.mark.parametrize("width", [4, 19, 64, 76])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n    "])
@pytest.mark.parametrize("before", ["", "a", "user:"])
def test_base64_of_a_declared_value_is_found_across_its_line_breaks(before: str, ending: str, width: int) -> None:
    secret = "canary-" + "0123456789" * 20
    encoded = base64.b64encode(f"{before}{secret} and more".encode()).decode()
    lines = ending.join(encoded[at : at + width] for at in range(0, len(encoded), width))
    said = redact(f"x:\n{lines}\nnext line", [secret])
    assert said.endswith("next line")
    rest = said.removeprefix("x:\n").removesuffix("\nnext line").replace("[redacted]", "")
    assert len("".join(rest.split())) <= (len(before) + len(" and more")) * 4 / 3 + 6


@pytest.mark.parametrize(
    "escape",
    [
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
        lambda text: quote(text, safe="!'()*~").replace("%C3", "%c3"),
        lambda text: quote(text, safe=";,/?:@&=+$#"),
        lambda text: quote_plus(text, safe="/+"),
        lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    ],
)
def test_a_declared_value_is_found_however_a_url_writes_it(escape: Callable[[str], str]) -> None:
    said = redact(f"GET /x?k={escape(SECRET)}&n=100%25 99%", [SECRET])
    assert said.startswith("GET /x?k=[redacted]")
    assert said.endswith("&n=100%25 99%")
    assert len(said) <= len("GET /x?k=[redacted]xx%3D%3D&n=100%25 99%")


@pytest.mark.parametrize(
    "whole",
    [
        SECRET,
        quote(SECRET, safe=""),
        *(text for text, _ in PATTERNS[1:]),
        "\n".join(base64.b64encode(("u:" + SECRET * 3).encode()).decode()[at : at + 16] for at in range(0, 80, 16)),
    ],
)
def test_a_value_that_comes_in_two_writes_shows_no_half_between_them(whole: str) -> None:
    redactor = Redactor([SECRET, SECRET * 3])
    over = redactor.all(f"log\n{whole}\n".encode())
    for end in range(len(whole) + 1):
        shown = redactor.window(f"log\n{whole[:end]}".encode(), 0, over=False).split(b"[redacted]")[0]
        public = 0 if SECRET[:2] in whole else len("ghp")  # a vendor's mark by itself tells nothing
        assert over.startswith(shown[: len(shown) - public])


def test_a_word_that_may_begin_a_secret_does_not_cut_one_that_is_whole() -> None:
    redactor = Redactor(["plain-secret-value"])
    for shown in (b"a plain-secret-value", b"a plain-secret-value b"):
        assert b"plain" not in redactor.window(shown, 0, over=False)


def test_a_password_with_an_at_sign_in_a_url_leaves_no_rest() -> None:
    assert redact("postgresql://app:c4n@ry@db:5432/orders") == "postgresql://app:[redacted]@db:5432/orders"


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_in_pieces_and_a_tail_show_what_the_whole_shows(seed: int) -> None:
    random = Random(seed)
    wrapped = "\n".join(base64.b64encode(f"u:{SECRET}".encode()).decode()[at : at + 7] for at in range(0, 35, 7))
    parts = [*(text for text, _ in PATTERNS[1:]), *PROSE, SECRET, quote(SECRET), wrapped, "\n", "%2", "x" * 3000]
    content = " ".join(random.choice(parts) for _ in range(60)).encode()
    redactor = Redactor([SECRET])
    whole = redactor.all(content)
    ends = sorted({0, len(content), *(random.randrange(len(content)) for _ in range(8))})
    assert b"".join(redactor.stream(content[begin:end] for begin, end in pairwise(ends))) == whole
    for end in ends:
        shown = redactor.window(content[:end], 0, over=False)
        assert whole.startswith(shown[: len(shown) - len("ghp_")])
