"""Check type `health_json`: a health endpoint in the health+json form (draft-inadarei-api-health-check).

`status` pass, ok, up is ok; warn is warning; fail,
error, down is critical; anything else is unknown, as is a document that is no JSON object. 5xx is critical whatever
the body says; 4xx with a status that is not critical contradicts itself and is unknown.

Metrics: `latency` (seconds, more is worse), `code` (plain), `value[PATH]`: each number of the document by its dotted
path (`value[checks.postgres:responseTime.observedValue]`); of a list its first element. Keys may hold colons, dots
too; short texts named `status` are there as words. An `observedValue` is in the base unit of its `observedUnit`
(`ms` becomes seconds); one whose unit is not known stays as the service gives it, plain.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from quarterdeck.observer.checks.base import Check, Context, Result
from quarterdeck.observer.checks.web import Answer, Exchange, NoAnswer
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import HealthJsonOptions
from quarterdeck.procedure.quantities import UNITS
from quarterdeck.text import visible

__all__ = ["HealthJsonCheck", "NotADocument", "build", "document", "numbers"]

_MEANING: dict[str, Status] = {
    "pass": "ok",
    "ok": "ok",
    "up": "ok",
    "warn": "warning",
    "fail": "critical",
    "error": "critical",
    "down": "critical",
}
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
_PATH_CAP = 200


class NotADocument(Exception):  # noqa: N818 - it is an outcome, not a fault of this program
    """The body is not the JSON object that was promised; the text says what it is instead."""


def document(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a body. Raises `NotADocument`."""
    if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
        raise NotADocument("HTML where JSON was promised")
    if not body.strip():
        raise NotADocument("an empty body where JSON was promised")
    try:
        found = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise NotADocument("a body that is not valid UTF-8") from error
    except (RecursionError, ValueError) as error:
        raise NotADocument("a body that is not valid JSON") from error
    if not isinstance(found, dict):
        raise NotADocument("JSON that is no object")
    return found


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
            value = value[0] if value else None
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
        values[name] = kept
        if path in scales and isinstance(kept, float):
            unit, factor = scales[path]
            values[name] = kept * factor
            units[name] = unit
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
    return HealthJsonCheck(Exchange(options, context), frozenset(context.metrics))


class HealthJsonCheck:
    """Reads a health document and maps its status."""

    late: Status = "critical"

    def __init__(self, exchange: Exchange, wanted: frozenset[str]) -> None:
        self._exchange, self._wanted = exchange, wanted

    @property
    def doing(self) -> str:
        """What the exchange is at."""
        return self._exchange.doing

    async def sample(self) -> Result:
        """One document."""
        try:
            answer = await self._exchange.ask()
        except NoAnswer as nothing:
            return Result(status=nothing.status, message=nothing.message)
        values: dict[str, Value] = {"latency": answer.latency, "code": float(answer.code)}
        try:
            found = document(answer.body, answer.content_type)
        except NotADocument as other:
            status: Status = "critical" if answer.code >= 500 else "unknown"
            return Result(status=status, values=values, message=f"answered {answer.code} with {other}")
        found_values, units = numbers(found, self._wanted)
        values.update(found_values)
        status, message = self._judge(answer, found)
        return Result(status=status, values=values, units=units, message=self._exchange.secrets.scrub(message))

    def _judge(self, answer: Answer, found: dict[str, Any]) -> tuple[Status, str]:
        said = found.get("status")
        status = _MEANING.get(said.lower(), "unknown") if isinstance(said, str) else "unknown"
        if status == "unknown":
            shown = visible(said, 30) if isinstance(said, str) else "no status"
            grave: Status = "critical" if answer.code >= 500 else "unknown"
            return grave, f"answered {answer.code}; its status says {shown!r}, which is none of pass, warn, fail"
        if answer.code >= 500 and status != "critical":
            return "critical", f"answered {answer.code} though its status says {said}"
        if answer.code >= 300 and status != "critical":
            return "unknown", f"answered {answer.code} though its status says {said}"
        return status, "" if status == "ok" else self._why(found)

    def _why(self, found: dict[str, Any]) -> str:
        """What the service says of itself: its `output`, and the checks that are not passing."""
        parts = [f"says {found['status']}"]
        output = found.get("output")
        if isinstance(output, str) and output:
            parts.append(output)
        checks = found.get("checks")
        for name, check in checks.items() if isinstance(checks, dict) else ():
            first = check[0] if isinstance(check, list) and check else check
            if isinstance(first, dict) and first.get("status") not in (None, "pass", "ok", "up"):
                parts.append(f"{name} {first.get('status')}")
        return visible(": ".join(parts[:1]) + "".join(f"; {part}" for part in parts[1:]), 200)

    async def close(self) -> None:
        """Give up the connection."""
        await self._exchange.close()
