"""The types of targets: their fields, their metrics with units, and which way is worse.

One table for the reader, lint, the JSON Schema and the observer. A metric without an entry here does not
exist; `value[…]` may have any unit, as its endpoint says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from quarterdeck.documents.problems import did_you_mean, quote

__all__ = [
    "COMMON_OPTIONS",
    "TARGET_TYPES",
    "MetricKind",
    "TargetType",
    "metric_kind",
    "metric_problem",
    "split_metric",
    "written_metrics",
]

Worse = Literal["higher", "lower", ""]


class MetricKind(Struct, frozen=True):
    """What a metric measures: a base unit, `word` for a status, `any` where the endpoint decides."""

    unit: str
    worse: Worse
    doc: str
    keyed: bool = False
    """It needs a key in brackets: `storage[/var].used`."""


class TargetType(Struct, frozen=True):
    """A type of target: the keys it takes besides the common ones, and the metrics it gives."""

    options: dict[str, str]
    """Key: what it is."""
    required: tuple[str, ...]
    metrics: dict[str, MetricKind]
    doc: str
    watched: bool = True
    """Whether this version's observer reads it; the others are known to the format only."""


_STATUS = {"status": MetricKind("word", "", "ok, warning, critical or unknown")}
_LATENCY = {"latency": MetricKind("s", "higher", "from the request to the whole answer")}
_VALUE = {"value": MetricKind("any", "", "a number or word of the answer, by its path", keyed=True)}
_CERTIFICATE = {"cert_days": MetricKind("", "lower", "days until the certificate expires")}
_CODE = {"code": MetricKind("", "", "the answer's status code")}
_HOST_METRICS = {
    **_STATUS,
    "cpu": MetricKind("%", "higher", "busy share of all cores"),
    "memory": MetricKind("%", "higher", "share of memory that is not available"),
    "swap": MetricKind("%", "higher", "used share of swap"),
    "load1": MetricKind("", "higher", "load average, 1 minute"),
    "load5": MetricKind("", "higher", "load average, 5 minutes"),
    "load15": MetricKind("", "higher", "load average, 15 minutes"),
    "storage.used": MetricKind("%", "higher", "used share as df counts it", keyed=True),
    "storage.free": MetricKind("B", "lower", "bytes that a user can still write", keyed=True),
    "storage.reserved": MetricKind("B", "", "bytes that only root can write", keyed=True),
    "storage.total": MetricKind("B", "", "size of the file system", keyed=True),
    "disk_read": MetricKind("B/s", "higher", "read from disks"),
    "disk_write": MetricKind("B/s", "higher", "written to disks"),
    "net_in": MetricKind("B/s", "higher", "received"),
    "net_out": MetricKind("B/s", "higher", "sent"),
}
_HTTP_OPTIONS = {
    "url": "http:// or https://",
    "method": "GET (the default), HEAD, OPTIONS or POST",
    "headers": "names and values, or a list of `Name: value`; secrets as env:NAME or file:PATH",
    "follow_redirects": "true or false (false); secrets never follow",
    "verify": "a file of authorities, in place of the system's",
}


def _http(doc: str, extra: dict[str, str], metrics: dict[str, MetricKind], *, watched: bool = True) -> TargetType:
    shared = {**_STATUS, **_LATENCY, **_CODE}
    return TargetType({**_HTTP_OPTIONS, **extra}, ("url",), {**shared, **metrics}, doc, watched)


COMMON_OPTIONS = (
    "type",
    "title",
    "every",
    "timeout",
    "max_age",
    "failure_threshold",
    "success_threshold",
    "retry_interval",
    "bands",
    "on_unknown",
)

TARGET_TYPES: dict[str, TargetType] = {
    "local": TargetType(
        {
            "host": "the host's name; without it the hub's own",
            "mounts": "mount points to watch (all real ones)",
        },
        (),
        _HOST_METRICS,
        "gauges of the host on which the station runs",
    ),
    "http": _http(
        "an HTTP endpoint by its status code",
        {"expect_status": "200, 2xx, 200-299 or a list of them (2xx)", "expect_body": "a regular expression"},
        {},
    ),
    "health_json": _http("a health+json endpoint", {}, _VALUE),
    "tcp": TargetType(
        {"host": "name or address", "port": "1 to 65535"},
        ("host", "port"),
        {**_STATUS, **_LATENCY},
        "whether a port accepts connections",
    ),
    "command": TargetType(
        {"argv": "a Nagios plugin: exit 0, 1, 2, 3 and perfdata", "cwd": "folder to run in"},
        ("argv",),
        {**_STATUS, **_LATENCY, **_VALUE},
        "a command by the Nagios plugin convention",
    ),
    "actuator": _http("Spring Boot's actuator health", {}, _VALUE, watched=False),
    "readyz": _http("Kubernetes' verbose readyz", {}, _VALUE, watched=False),
    "aspnet": _http("ASP.NET health checks", {}, _VALUE, watched=False),
    "microprofile": _http("MicroProfile health", {}, _VALUE, watched=False),
    "promql": _http("a Prometheus query", {"query": "PromQL that gives one number"}, _VALUE, watched=False),
    "tls": TargetType(
        {"host": "name or address", "port": "1 to 65535 (443)", "server_name": "name in the certificate"},
        ("host",),
        {**_STATUS, **_LATENCY, **_CERTIFICATE},
        "a TLS certificate",
        watched=False,
    ),
    "dns": TargetType(
        {
            "name": "what to look up",
            "server": "resolver",
            "record": "A, AAAA, CNAME, MX, TXT",
            "matches": "pattern",
        },
        ("name",),
        {**_STATUS, **_LATENCY},
        "a name's resolution",
        watched=False,
    ),
    "sql": TargetType(
        {"dsn": "env:NAME or file:PATH", "query": "gives one number or word"},
        ("dsn", "query"),
        {**_STATUS, **_LATENCY, **_VALUE},
        "a database query",
        watched=False,
    ),
    "node_exporter": _http("a host by its node_exporter", {}, _HOST_METRICS, watched=False),
    "prometheus": _http("a host by Prometheus", {"host": "instance"}, _HOST_METRICS, watched=False),
    "glances": _http("a host by its glances API", {}, _HOST_METRICS, watched=False),
    "ssh": TargetType(
        {"host": "name or address", "user": "login", "mounts": "mount points to watch"},
        ("host",),
        {**_HOST_METRICS, **_LATENCY},
        "a host over ssh",
        watched=False,
    ),
}


def split_metric(metric: str) -> tuple[str, str, str]:
    """Split `here.storage[/var].used` into target, name without key (`storage.used`), and key (`/var`)."""
    target, _, rest = metric.partition(".")
    opened, closed = rest.find("["), rest.rfind("]")
    if opened < 0 or closed < opened:
        return target, rest, ""
    return target, rest[:opened] + rest[closed + 1 :], rest[opened + 1 : closed]


def metric_kind(target_type: str, name: str) -> MetricKind | None:
    """Return what a metric of a type of target is; `name` is without target and key (`storage.used`)."""
    known = TARGET_TYPES.get(target_type)
    return known.metrics.get(name) if known else None


def written_metrics(target_type: str) -> tuple[str, ...]:
    """Return a type's metrics as they are written: `cpu`, `storage[/].used`."""
    names = []
    for name, kind in TARGET_TYPES[target_type].metrics.items():
        first, dot, rest = name.partition(".")
        names.append(f"{first}[…]{dot}{rest}" if kind.keyed else name)
    return tuple(names)


def metric_problem(metric: str, types: Mapping[str, str]) -> str:
    """Return what is wrong with a metric's name, given each target's type, or nothing."""
    target, name, key = split_metric(metric)
    if target not in types:
        return f"{quote(target)} is no target{did_you_mean(target, types)}"
    target_type = types[target]
    if target_type not in TARGET_TYPES:
        return ""
    metrics = TARGET_TYPES[target_type].metrics
    kind = metrics.get(name)
    if kind is None:
        near = did_you_mean(name, metrics) or f"; it has {', '.join(written_metrics(target_type))}"
        return f"{quote(metric)}: type {target_type} has no metric {quote(name)}{near}"
    if kind.keyed and not key:
        written = next(text for text in written_metrics(target_type) if text.replace("[…]", "") == name)
        return f"{quote(metric)} needs a key in brackets: {target}.{written}"
    if key and not kind.keyed:
        return f"{quote(metric)} takes no key in brackets"
    return ""
