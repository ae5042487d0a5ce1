"""Check type `health_json`: a health endpoint in the health+json form (draft-inadarei-api-health-check), and its kin.

`status` pass, ok, up, healthy, green, true is ok; warn, warning, degraded, yellow is warning; fail, error, down,
out_of_service, unhealthy, red, false is critical; `words` of the target say more. Anything else is unknown, as is a
document that is no JSON object. 5xx is critical whatever the body says; 4xx with a status that is not critical
contradicts itself and is unknown.

Metrics, besides those of every exchange: `value[PATH]`, each number of the document by its dotted path
(`value[checks.postgres:responseTime.observedValue]`); of a list the first entry has the path of the list, and the
others their place in it (`value[checks.cpu:utilization.1.observedValue]`). Keys may hold colons, dots too; short
texts named `status` are there as words. An `observedValue` is in the base unit of its `observedUnit` (`ms` becomes
seconds); one whose unit is not known stays as the service gives it, plain. What no number can hold (NaN, one that is
too large) is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from quarterdeck.observer.checks.base import Check, Context, Result
from quarterdeck.observer.checks.web import Answer, WebCheck
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import HealthJsonOptions
from quarterdeck.procedure.quantities import UNITS
from quarterdeck.text import visible

__all__ = ["HealthJsonCheck", "NotADocument", "build", "document", "numbers"]

_WORDS: dict[Status, str] = {
    "ok": "pass ok up healthy green true",
    "warning": "warn warning degraded yellow",
    "critical": "fail error down out_of_service unhealthy red false",
}
_MEANING: dict[str, Status] = {word: status for status, words in _WORDS.items() for word in words.split()}
_GRAVE: tuple[Status, ...] = ("critical", "warning", "unknown")
"""In which order parts of a document are named."""
_CONTAINERS = frozenset({"checks", "components", "entries", "details"})
"""Keys that hold parts, and say nothing of them."""
_UNIT_WORDS = {
    "percent": "%",
    "bytes": "B",
    "byte": "B",
    "second": "s",
    "seconds": "s",
    "sec": "s",
    "millisecond": "ms",
    "milliseconds": "ms",
    "msec": "ms",
    "microseconds": "us",
    "µs": "us",
    "minutes": "m",
    "hours": "h",
}
MOST_VALUES = 200
"""Values of one document that are kept; those that conditions name come first."""
_DEPTH = 8
_ENTRIES = 100
"""Entries of one list that are read."""
_DIGITS = 4000
"""Digits of an integer beyond which it is not read as one; Python refuses a little later."""
_PATH_CAP = 200


class NotADocument(Exception):  # noqa: N818 - it is an outcome, not a fault of this program
    """The body is not the JSON object that was promised; the text says what it is instead."""


def document(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer. Raises `NotADocument`."""
    body, content_type = answer.body, answer.content_type
    if answer.unread:
        raise NotADocument(answer.unread)
    if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
        raise NotADocument("HTML where JSON was promised")
    if not body.strip():
        raise NotADocument("an empty body where JSON was promised")
    try:
        found = json.loads(body, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise NotADocument("a body that is not valid UTF-8") from error
    except (RecursionError, ValueError) as error:
        raise NotADocument("a body that is not valid JSON") from error
    if not isinstance(found, dict):
        raise NotADocument("JSON that is no object")
    return found


def _integer(text: str) -> float:
    return int(text) if len(text) < _DIGITS else math.inf


def numbers(found: dict[str, Any], wanted: frozenset[str] = frozenset()) -> tuple[dict[str, Value], dict[str, str]]:
    """The numbers of a document (and its words named `status`) as `value[PATH]`, and the units that are known.

    At most `MOST_VALUES`; those in `wanted` are kept whatever the number of others.
    """
    values: dict[str, Value] = {}
    units: dict[str, str] = {}
    scales: dict[str, tuple[str, float]] = {}
    others = 0
    waiting: list[tuple[str, Any, int]] = [(key, value, 1) for key, value in reversed(found.items())]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, list):
            entries = [entry for entry in enumerate(value[:_ENTRIES]) if not isinstance(entry[1], list)]
            waiting.extend((f"{path}.{place}" if place else path, entry, depth) for place, entry in reversed(entries))
            continue
        if isinstance(value, dict):
            if depth < _DEPTH and len(path) < _PATH_CAP:
                scale = _scale(value.get("observedUnit"))
                if scale is not None:
                    scales[f"{path}.observedValue"] = scale
                waiting.extend((f"{path}.{key}", inner, depth + 1) for key, inner in reversed(value.items()))
            continue
        kept = _kept(path, value)
        if kept is None or len(path) > _PATH_CAP or not path.isprintable():
            continue
        name = f"value[{path}]"
        if name not in wanted:
            others += 1
            if others > MOST_VALUES:
                continue
        if path in scales and isinstance(kept, float):
            unit, factor = scales[path]
            kept *= factor
            if not math.isfinite(kept):
                continue
            units[name] = unit
        values[name] = kept
    return values, units


def _scale(unit: Any) -> tuple[str, float] | None:
    """Base unit and factor of a unit as a service writes it; None where it has none or is not known."""
    if not isinstance(unit, str) or not unit.strip():
        return None
    known = UNITS.get(_UNIT_WORDS.get(unit.strip().lower(), unit.strip()))
    return known if known and known[0] else None


def _kept(path: str, value: Any) -> Value | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    if isinstance(value, str) and path.rpartition(".")[2] == "status" and "." in path:
        return visible(value, 40)
    return None


def build(options: HealthJsonOptions, context: Context) -> Check:
    """A check that reads one health document for each sample."""
    return HealthJsonCheck(options, context)


class HealthJsonCheck(WebCheck):
    """Reads a health document and maps its status."""

    def __init__(self, options: HealthJsonOptions, context: Context) -> None:
        super().__init__(options, context)
        self._wanted = frozenset(context.metrics)
        self._words = _MEANING | {word.lower(): status for word, status in options.words.items()}

    async def judge(self, answer: Answer) -> Result:
        """By its code where that is an error of the server, and by what the document says."""
        try:
            found = document(answer)
        except NotADocument as other:
            status: Status = "critical" if answer.code >= 500 else "unknown"
            return Result(status=status, message=f"answered {answer.code} with {other}")
        values, units = numbers(found, self._wanted)
        status, message = self._judge(answer.code, found)
        return Result(status=status, values=values, units=units, message=visible(message, 200))

    def _judge(self, code: int, found: dict[str, Any]) -> tuple[Status, str]:
        said = found.get("status")
        status = self._meant(said)
        if status == "unknown":
            shown = visible(said, 30) if isinstance(said, str) else "no status"
            grave: Status = "critical" if code >= 500 else "unknown"
            return grave, f"answered {code}; its status says {shown!r}, which is none of pass, warn, fail"
        if code >= 500 and status != "critical":
            return "critical", f"answered {code} though its status says {said}"
        if code >= 300 and status != "critical":
            return "unknown", f"answered {code} though its status says {said}"
        if status == "ok":
            return status, ""
        parts = sorted(self._troubled(found, ()), key=lambda part: _GRAVE.index(part[0]))
        return status, "; ".join([f"says {said}", *_reason(found), *(text for _, text in parts)])

    def _meant(self, said: Any) -> Status:
        """What a status means; one that is true or false counts as that word."""
        return self._words.get(str(said).lower(), "unknown") if isinstance(said, str | bool) else "unknown"

    def _troubled(self, part: Any, path: tuple[str, ...]) -> Iterator[tuple[Status, str]]:
        """The innermost parts whose status is not ok, by name; what is well is not named."""
        if len(path) > _DEPTH:
            return
        if isinstance(part, list):
            for place, entry in enumerate(part[:_ENTRIES]):
                yield from self._troubled(entry, (*path, *_called(entry, place if len(part) > 1 else None)))
            return
        if not isinstance(part, dict):
            return
        inner = [trouble for key, value in part.items() for trouble in self._troubled(value, (*path, key))]
        yield from inner
        status = self._meant(part.get("status"))
        if path and not inner and "status" in part and status != "ok":
            name = "/".join(key for key in path if key not in _CONTAINERS)
            yield status, ": ".join([f"{name} {part['status']}", *_reason(part)])


def _called(entry: Any, place: int | None) -> tuple[str, ...]:
    """What a list's entry is called; by its place where nothing names it, and not at all where it is the only one."""
    keys = ("name",) if place is None else ("name", "componentId", "node")
    known = entry if isinstance(entry, dict) else {}
    names = [str(known[key]) for key in keys if isinstance(known.get(key), str | int)]
    return tuple(names[:1]) or (() if place is None else (str(place),))


def _reason(part: dict[str, Any]) -> list[str]:
    """What a part of a document says of its trouble, if anything (`details.error` is Spring's)."""
    details = part.get("details")
    said = (part.get("output"), part.get("error"), details.get("error") if isinstance(details, dict) else None)
    return [visible(text, 80) for text in said if isinstance(text, str) and text][:1]
