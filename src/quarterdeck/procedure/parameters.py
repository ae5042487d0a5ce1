"""`${…}` in a procedure: parameters now, recorded values and the station's own values when a command starts.

Three names may stand there: `${database}` (a parameter, filled in at load; a secret one stays until a command
starts), `${count.rows}` (a value that the earlier step `count` recorded) and `${quarterdeck.session}`,
`${quarterdeck.step}`, `${quarterdeck.home}` (filled in by the station). `$${` is a literal `${`. Scripts of
`shell:` are never spliced into: they get the same values as environment variables (`environment_name`).

Parameters are filled into a document's tree before its fields are read, so that one may stand for any scalar, a
duration as well as a text, and the value is judged by the field that it lands in. The `params` section itself is left
alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from quarterdeck.documents import nodes
from quarterdeck.documents.kinds import boolean, integer, is_secret_reference, number
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.schema import Context
from quarterdeck.errors import QuarterdeckError
from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.procedure.model import NAME_PATTERN, Expect, Param
from quarterdeck.spans import duration

__all__ = [
    "BUILT_IN",
    "Settled",
    "UnknownReferenceError",
    "environment_name",
    "fill",
    "leading_dash_refused",
    "references",
    "settle",
    "splice",
    "substitute",
    "substitute_expect",
    "value_problem",
]


BUILT_IN = ("quarterdeck.session", "quarterdeck.step", "quarterdeck.home", "quarterdeck.attempt")
"""What the station fills in: the session's id, the step's id, its state folder, the number of the attempt."""

MOST_CHARACTERS = 4096
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}\n]*)\}")
_HOST = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%\w+)?\]?"
_URL = r"[a-z][a-z0-9+.-]*://[^\s/?#]+[^\s]*|unix:/\S+"
_CREDENTIALS = r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@"


class UnknownReferenceError(QuarterdeckError):
    """A `${name}` has no value at run time; the command must not start."""


def references(text: str) -> Iterator[tuple[str, int]]:
    """Yield each `${name}` of a text with its index; escaped ones are none."""
    if "${" not in text:
        return
    for match in _REFERENCE.finditer(text):
        if match[1] is not None:
            yield match[1], match.start()


def splice(text: str, values: Mapping[str, str]) -> str:
    """Fill in the known names and leave everything else, escapes too, as it is."""
    if "${" not in text:
        return text
    return _REFERENCE.sub(lambda match: values.get(match[1] or "", match[0]), text)


def substitute(text: str, values: Mapping[str, str], *, partial: bool = False) -> str:
    """Fill in every reference and turn `$${` into `${`; for argv elements, environment and text on screen.

    Raises `UnknownReferenceError` for a name without a value, unless `partial` (for the screen), where it
    stays.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name in values:
            return values[name]
        if partial:
            return match[0]
        raise UnknownReferenceError(
            f"{quote('${' + name + '}')} has no value", hint="record it, or run its step first"
        )

    return _REFERENCE.sub(value, text) if "${" in text else text


def substitute_expect(expect: Expect, values: Mapping[str, str]) -> Expect:
    """Fill in an expectation's bounds; what has no value stays, and is then unknown."""
    if "${" not in expect.value and "${" not in expect.upper:
        return expect
    value = substitute(expect.value, values, partial=True)
    return Expect(op=expect.op, value=value, upper=substitute(expect.upper, values, partial=True))


def environment_name(reference: str) -> str:
    """Return the environment variable by which a script gets a value.

    `database` is `database`, `count.rows` is `count_rows`, `quarterdeck.home` is `QUARTERDECK_HOME`.
    """
    if reference.startswith("quarterdeck."):
        return reference.replace(".", "_").upper()
    return re.sub(r"\W", "_", reference)


def leading_dash_refused(value: str, pattern: str) -> bool:
    """Tell whether a value could be taken for an option: it begins with `-` and no pattern vouches for it.

    Holds for parameters and for recorded values that go into argv (architecture.md, Commands).
    """
    return value.startswith("-") and not pattern


def _type_problem(param: Param, value: str) -> str:
    """Say why a value is not of the parameter's type."""
    if param.type == "integer" and integer(value) is None:
        return "is not a whole number"
    if param.type == "number" and number(value) is None:
        return "is not a number"
    if param.type == "boolean" and boolean(value) is None:
        return "is neither true nor false"
    if param.type == "duration" and duration(value) is None:
        return "is not a duration such as 90s or 5m"
    if param.type == "host" and not re.fullmatch(_HOST, value):
        return "is not a host name or address"
    if param.type == "url" and not re.fullmatch(_URL, value):
        return "is not a URL"
    if param.type == "path" and not value.strip():
        return "is not a path"
    return ""


def value_problem(name: str, param: Param, value: str) -> str:
    """Return what is wrong with a parameter's value, or nothing."""
    called = f"parameter `{name}`"
    if param.secret:
        if is_secret_reference(value):
            return ""
        return f"{called} is secret: give env:NAME or file:PATH, not the secret itself"
    if len(value) > MOST_CHARACTERS:
        return f"{called}: a value may have {MOST_CHARACTERS:,} characters, this has {len(value):,}"
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        return f"{called}: {quote(value)} holds control characters"
    if "://" in value and re.match(_CREDENTIALS, value):
        return f"{called}: the URL holds a password; make the parameter `secret` and pass a reference"
    if param.choices and value not in param.choices:
        near = did_you_mean(value, param.choices) or f"; one of {', '.join(param.choices[:12])}"
        return f"{called}: {quote(value)} is not among its choices{near}"
    wrong = _type_problem(param, value)
    if wrong:
        return f"{called}: {quote(value)} {wrong}"
    try:
        if param.pattern and first_match(param.pattern, [value], how="fullmatch") is None:
            return f"{called}: {quote(value)} does not match its pattern {quote(param.pattern)}"
    except NotSearchedError as why:
        return f"{called}: {quote(value)} was {why}"
    if leading_dash_refused(value, param.pattern):
        return f"{called}: {quote(value)} begins with `-` and could be taken for an option; give it a `pattern`"
    return ""


_NAME = re.compile(NAME_PATTERN)


class Settled:
    """The values in force: what may be filled in now, what stays, what nobody has given yet."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        """Every parameter with a value; a secret one's is the reference to it."""
        self.now: dict[str, str] = {}
        """What is filled in at load."""
        self.open: set[str] = set()
        """Required, without a value: only lint goes on with these."""
        self.secret: set[str] = set()


def settle(params: Mapping[str, Param], given: Mapping[str, str], context: Context, *, demand: bool) -> Settled:
    """Decide each parameter's value: the given one, else its default. `demand`: a missing one is an error."""
    settled = Settled()
    for name in given:
        if name not in params:
            near = did_you_mean(name, params)
            known = "" if near else f"; it has {', '.join(params)}" if params else "; it has none"
            context.error(context.place("params"), f"{quote(name)} is no parameter of this procedure{near}{known}")
    for name, param in params.items():
        place = context.place(f"params.{name}")
        if param.secret:
            settled.secret.add(name)
        value = given.get(name, param.default)
        if value is None:
            settled.open.add(name)
            if demand:
                asked = f": {param.ask}" if param.ask else ""
                context.error(place, f"parameter `{name}` needs a value (--param {name}=…){asked}")
            continue
        wrong = value_problem(name, param, value)
        if wrong:
            context.error(context.place(f"params.{name}.default") if name not in given else place, wrong)
            settled.open.add(name)
            continue
        settled.values[name] = value
        if not param.secret:
            settled.now[name] = value
    return settled


def fill(root: nodes.Mapping, settled: Settled, params: Iterable[str], context: Context) -> None:
    """Replace `${name}` in every scalar outside `params`; say unknown names where they stand."""
    known = set(params)
    for key, (_, value) in root.entries.items():
        if key != "params":
            _fill(value, key, settled, known, context)


def _fill(node: nodes.Node, key: str, settled: Settled, known: set[str], context: Context) -> None:
    if isinstance(node, nodes.Mapping):
        for name, (_, value) in node.entries.items():
            _fill(value, name, settled, known, context)
    elif isinstance(node, nodes.Sequence):
        for item in node.items:
            _fill(item, key, settled, known, context)
    elif "${" in node.text and key != "shell":
        for name, _ in references(node.text):
            if "." in name:
                continue
            if name not in known:
                near = did_you_mean(name, known)
                literal = "" if near else "; a literal `${` is written `$${`"
                shown = "${" + name + "}"
                said = "is no reference" if not _NAME.fullmatch(name) else "is no parameter"
                context.error(node, f"{quote(shown)} {said}{near}{literal}")
            if name in settled.open or name not in known:
                node.open = True
        filled = splice(node.text, settled.now)
        if filled != node.text:
            node.text, node.offset, node.filled = filled, -1, True
