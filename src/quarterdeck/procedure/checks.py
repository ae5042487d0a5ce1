"""The types of check, each declared once: its options, its metrics, and whether this version watches it.

Lint, the JSON Schema, the reference and the observer all read this: an option that lint takes is one that the
observer's check is built with, because both get it from `understand`. A type is a struct whose attributes are its
options: `name: Annotated[type, form, "a sentence"] = default`; without a default the option is required. A type with
`watched` has its check in `observer/checks/`, in the module of the type's name; the others are known to the format
only. A metric without an entry here does not exist; `value[…]` may have any unit, as its endpoint says.

Pure: whether a secret is set, a file is there or a host answers is only known where the check runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Struct

from quarterdeck.documents.attributes import Attribute, Default, attributes
from quarterdeck.procedure.option_forms import (
    ADDRESS,
    ARGV,
    BODY,
    CODES,
    FLAG,
    HEADERS,
    HOST,
    METHOD,
    MOUNTS,
    PORT,
    TEXT,
    TEXTS,
    TRUST,
    Codes,
    Form,
    Header,
    Written,
    WrongOptionError,
)

__all__ = [
    "CHECKS",
    "CommandOptions",
    "HealthJsonOptions",
    "HttpOptions",
    "LocalOptions",
    "MetricKind",
    "Options",
    "TcpOptions",
    "WebOptions",
    "Wrong",
    "understand",
]

Worse = Literal["higher", "lower", ""]


class MetricKind(Struct, frozen=True):
    """What a metric measures: a base unit, `word` for a status, `any` where the endpoint decides."""

    unit: str
    worse: Worse
    doc: str
    keyed: bool = False
    """It needs a key in brackets: `storage[/var].used`."""


_STATUS = {"status": MetricKind("word", "", "ok, warning, critical or unknown")}
_LATENCY = {"latency": MetricKind("s", "higher", "from the request to the whole answer")}
_VALUE = {"value": MetricKind("any", "", "a number or word of the answer, by its path", keyed=True)}
_CERTIFICATE = {"cert_days": MetricKind("", "lower", "days until the certificate expires")}
_CODE = {"code": MetricKind("", "", "the answer's status code")}
_WEB = {**_STATUS, **_LATENCY, **_CODE}
_HOST = {
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


class Options(Struct, frozen=True, kw_only=True):
    """What a target of one type takes beside the fields of every target."""

    doc: ClassVar[str]
    """What a check of this type watches."""
    metrics: ClassVar[Mapping[str, MetricKind]]
    watched: ClassVar[bool] = True
    """Whether this version's observer reads it."""


class LocalOptions(Options, frozen=True, kw_only=True):
    """Options of `local`."""

    doc: ClassVar[str] = "gauges of the host on which the station runs"
    metrics: ClassVar[Mapping[str, MetricKind]] = _HOST

    host: Annotated[str, HOST, Default("the station's host"), "this host's name; no other host yet"] = ""
    mounts: Annotated[tuple[str, ...], MOUNTS, Default("all real ones"), "mount points to watch, whole paths"] = ()


class WebOptions(Options, frozen=True, kw_only=True):
    """What every type that speaks HTTP takes."""

    url: Annotated[str, ADDRESS, "http:// or https://, without user or password"]
    method: Annotated[str, METHOD, "GET, HEAD, OPTIONS or POST"] = "GET"
    headers: Annotated[
        tuple[Header, ...], HEADERS, "names and values, or a list of `Name: value`; secrets as env:NAME or file:PATH"
    ] = ()
    follow_redirects: Annotated[bool, FLAG, "true or false; secrets never follow"] = False
    verify: Annotated[str, TRUST, Default("the system's"), "a file of authorities, by its whole path"] = ""


class HttpOptions(WebOptions, frozen=True, kw_only=True):
    """Options of `http`."""

    doc: ClassVar[str] = "an HTTP endpoint by its status code"
    metrics: ClassVar[Mapping[str, MetricKind]] = _WEB

    expect_status: Annotated[tuple[Codes, ...], CODES, "200, 2xx, 200-299 or a list of them"] = (Codes(200, 299),)
    expect_body: Annotated[str, BODY, "a regular expression that must be found in the body"] = ""


class HealthJsonOptions(WebOptions, frozen=True, kw_only=True):
    """Options of `health_json`."""

    doc: ClassVar[str] = "a health+json endpoint"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}


class TcpOptions(Options, frozen=True, kw_only=True):
    """Options of `tcp`."""

    doc: ClassVar[str] = "whether a port accepts connections"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_LATENCY}

    host: Annotated[str, HOST, "name or address; IPv6 with or without brackets"]
    port: Annotated[int, PORT, "1 to 65535"]


class CommandOptions(Options, frozen=True, kw_only=True):
    """Options of `command`."""

    doc: ClassVar[str] = "a command by the Nagios plugin convention"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_LATENCY, **_VALUE}

    argv: Annotated[tuple[str, ...], ARGV, "a Nagios plugin: exit 0, 1, 2, 3 and perfdata; never a shell"]
    cwd: Annotated[str, TEXT, Default("/"), "folder to run in"] = ""


class _Actuator(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "Spring Boot's actuator health"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}
    watched: ClassVar[bool] = False


class _Readyz(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "Kubernetes' verbose readyz"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}
    watched: ClassVar[bool] = False


class _AspNet(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "ASP.NET health checks"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}
    watched: ClassVar[bool] = False


class _MicroProfile(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "MicroProfile health"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}
    watched: ClassVar[bool] = False


class _PromQl(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a Prometheus query"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_VALUE}
    watched: ClassVar[bool] = False

    query: Annotated[str, TEXT, "PromQL that gives one number"] = ""


class _Tls(Options, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a TLS certificate"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_LATENCY, **_CERTIFICATE}
    watched: ClassVar[bool] = False

    host: Annotated[str, HOST, "name or address"]
    port: Annotated[int, PORT, "1 to 65535"] = 443
    server_name: Annotated[str, TEXT, "name in the certificate"] = ""


class _Dns(Options, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a name's resolution"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_LATENCY}
    watched: ClassVar[bool] = False

    name: Annotated[str, TEXT, "what to look up"]
    server: Annotated[str, TEXT, "resolver"] = ""
    record: Annotated[str, TEXT, "A, AAAA, CNAME, MX, TXT"] = ""
    matches: Annotated[str, TEXT, "pattern"] = ""


class _Sql(Options, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a database query"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_LATENCY, **_VALUE}
    watched: ClassVar[bool] = False

    dsn: Annotated[str, TEXT, "env:NAME, file:PATH or keyring:service/user"]
    query: Annotated[str, TEXT, "gives one number or word"]


class _NodeExporter(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a host by its node_exporter"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_HOST}
    watched: ClassVar[bool] = False


class _Prometheus(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a host by Prometheus"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_HOST}
    watched: ClassVar[bool] = False

    host: Annotated[str, TEXT, "instance"] = ""


class _Glances(WebOptions, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a host by its glances API"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_WEB, **_HOST}
    watched: ClassVar[bool] = False


class _Ssh(Options, frozen=True, kw_only=True):
    doc: ClassVar[str] = "a host over ssh"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_HOST, **_LATENCY}
    watched: ClassVar[bool] = False

    host: Annotated[str, HOST, "name or address"]
    user: Annotated[str, TEXT, "login"] = ""
    mounts: Annotated[tuple[str, ...], TEXTS, "mount points to watch"] = ()


CHECKS: dict[str, type[Options]] = {
    "local": LocalOptions,
    "http": HttpOptions,
    "health_json": HealthJsonOptions,
    "tcp": TcpOptions,
    "command": CommandOptions,
    "actuator": _Actuator,
    "readyz": _Readyz,
    "aspnet": _AspNet,
    "microprofile": _MicroProfile,
    "promql": _PromQl,
    "tls": _Tls,
    "dns": _Dns,
    "sql": _Sql,
    "node_exporter": _NodeExporter,
    "prometheus": _Prometheus,
    "glances": _Glances,
    "ssh": _Ssh,
}
"""Every type by its name."""


class Wrong(Struct, frozen=True):
    """What is wrong with a target's options."""

    message: str
    option: str = ""
    """Empty for the whole: something is missing."""
    item: int = -1
    """Which value of a list; -1 for the option itself."""


def form_of(attribute: Attribute) -> Form:
    """How an option is written and read."""
    form = attribute.mark(Form)
    assert form is not None, attribute.name
    return form


def understand(
    check: str, written: Mapping[str, Written], skip: Collection[str] = ()
) -> tuple[Options | None, list[Wrong]]:
    """Read the options of a check of this type; None and why where they are wrong.

    `skip` names written options that cannot be read yet (a parameter without a value): there is no result then.
    """
    kind = CHECKS[check]
    known = attributes(kind)
    values: dict[str, object] = {}
    wrong: list[Wrong] = []
    for name, value in written.items():
        attribute = known.get(name)
        if attribute is None:
            taken = ", ".join(f"`{option}`" for option in known) or "none"
            wrong.append(Wrong(f"type {check} takes no `{name}`; its own fields: {taken}", name))
        elif name not in skip:
            try:
                values[name] = form_of(attribute).read(name, value)
            except WrongOptionError as error:
                wrong.append(Wrong(str(error), name, error.item))
    wrong += [
        Wrong(f"a target of type {check} needs `{name}`")
        for name, attribute in known.items()
        if attribute.required and name not in written
    ]
    return (None if wrong or any(name in written for name in skip) else kind(**values)), wrong
