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
from typing import Annotated, Any, ClassVar, Literal, cast

from msgspec import Struct, defstruct, field
from msgspec.structs import replace

from quarterdeck.documents.attributes import Attribute, Default, attributes
from quarterdeck.procedure.option_forms import (
    ADDRESS,
    ARGV,
    BEYOND,
    BODY,
    CERTIFICATE,
    CODES,
    CONNECTION,
    FLAG,
    HEADERS,
    HOST,
    METHOD,
    MOUNTS,
    PORT,
    PROXY,
    TEXT,
    TEXTS,
    TRUST,
    WORDS,
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
    needs: tuple[tuple[str, str], ...] = ()
    """Options without which not each reading has it, and how they must begin."""
    difference: bool = False
    """It is measured between two readings, so the first one has none."""


_STATUS = {"status": MetricKind("word", "", "ok, warning, critical or unknown")}
_LATENCY = {"latency": MetricKind("s", "higher", "from the request to the whole answer")}
_VALUE = {"value": MetricKind("any", "", "a number or word of the answer, by its path", keyed=True)}
_RUN_TIME = {"run_time": MetricKind("s", "higher", "how long the plugin ran, which is no latency of the service")}
_PERFDATA = {"value": MetricKind("any", "", "a value of the perfdata by its label, in base units", keyed=True)}
_CERTIFICATE = {"cert_days": MetricKind("", "lower", "days until the certificate expires")}
_LOOK = {**_STATUS, **_LATENCY}
_ANEW = ("connection", "new")
_SECURE = ("url", "https:")
_WEB = {
    **_STATUS,
    "latency": MetricKind("s", "higher", "from the request to the whole answer, or to its first MiB"),
    "code": MetricKind("", "", "the answer's status code"),
    "cert_days": replace(_CERTIFICATE["cert_days"], needs=(_SECURE,)),
    "connect": MetricKind("s", "higher", "until a new connection stood, its name looked up", needs=(_ANEW,)),
    "tls": MetricKind("s", "higher", "the handshake of TLS on a new connection", needs=(_ANEW, _SECURE)),
}
_WEB_VALUE = {**_WEB, **_VALUE}
_HOST = {
    **_STATUS,
    "cpu": MetricKind("%", "higher", "busy share of all cores, or of a container's limit", difference=True),
    "memory": MetricKind("%", "higher", "share of memory, or of a container's limit, that is not available"),
    "container": MetricKind("", "", "1 in a container; absent elsewhere"),
    "cpu_limit": MetricKind("", "", "cores that the container may use, where it is limited"),
    "memory_limit": MetricKind("B", "", "memory that the container may use, where it is limited"),
    "swap": MetricKind("%", "higher", "used share of swap"),
    "load1": MetricKind("", "higher", "load average, 1 minute"),
    "load5": MetricKind("", "higher", "load average, 5 minutes"),
    "load15": MetricKind("", "higher", "load average, 15 minutes"),
    "storage.used": MetricKind("%", "higher", "used share as df counts it", keyed=True),
    "storage.free": MetricKind("B", "lower", "bytes that a user can still write", keyed=True),
    "storage.reserved": MetricKind("B", "", "bytes that only root can write", keyed=True),
    "storage.total": MetricKind("B", "", "size of the file system", keyed=True),
    "storage.inodes": MetricKind("%", "higher", "used share of the inodes, where their number is fixed", keyed=True),
    "storage.read_only": MetricKind("", "higher", "1 where nothing can be written, else 0", keyed=True),
    "disk_read": MetricKind("B/s", "higher", "read from disks", difference=True),
    "disk_write": MetricKind("B/s", "higher", "written to disks", difference=True),
    "net_in": MetricKind("B/s", "higher", "received", difference=True),
    "net_out": MetricKind("B/s", "higher", "sent", difference=True),
}


_WEB_HOST = {**_WEB, **_HOST}


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
    mounts: Annotated[tuple[str, ...], MOUNTS, Default("all real ones"), "whole paths that must be mounts"] = ()


class WebOptions(Options, frozen=True, kw_only=True):
    """What every type that speaks HTTP takes."""

    url: Annotated[str, ADDRESS, "http:// or https://, without user or password"]
    method: Annotated[str, METHOD, "GET, HEAD, OPTIONS or POST"] = "GET"
    headers: Annotated[
        tuple[Header, ...], HEADERS, "names and values, or a list of `Name: value`; secrets as env:NAME or file:PATH"
    ] = ()
    follow_redirects: Annotated[bool, FLAG, "true or false; secrets never follow"] = False
    verify: Annotated[str, TRUST, Default("the system's"), "a file of authorities, by its whole path"] = ""
    certificate: Annotated[
        tuple[str, ...], CERTIFICATE, "what the client shows: a file with certificate and key, or a list of the two"
    ] = ()
    proxy: Annotated[str, PROXY, "http:// or https://; the environment's are not used"] = ""
    connection: Annotated[str, CONNECTION, "kept: for a minute at most; new: one for each poll"] = "kept"


class HttpOptions(WebOptions, frozen=True, kw_only=True):
    """Options of `http`."""

    doc: ClassVar[str] = "an HTTP endpoint by its status code"
    metrics: ClassVar[Mapping[str, MetricKind]] = _WEB

    expect_status: Annotated[tuple[Codes, ...], CODES, "200, 2xx, 200-299 or a list of them"] = (Codes(200, 299),)
    expect_body: Annotated[str, BODY, "a regular expression that must be found in the body"] = ""


class HealthJsonOptions(WebOptions, frozen=True, kw_only=True):
    """Options of `health_json`."""

    doc: ClassVar[str] = "a health+json endpoint"
    metrics: ClassVar[Mapping[str, MetricKind]] = _WEB_VALUE

    words: Annotated[
        Mapping[str, Literal["ok", "warning", "critical", "unknown"]],
        WORDS,
        "what other words of its `status` mean: `{RUNNING: ok, DRAINING: warning}`",
    ] = field(default_factory=dict)


class TcpOptions(Options, frozen=True, kw_only=True):
    """Options of `tcp`."""

    doc: ClassVar[str] = "whether a port accepts connections"
    metrics: ClassVar[Mapping[str, MetricKind]] = _LOOK

    host: Annotated[str, HOST, "name or address; IPv6 with or without brackets"]
    port: Annotated[int, PORT, "1 to 65535"]


class CommandOptions(Options, frozen=True, kw_only=True):
    """Options of `command`."""

    doc: ClassVar[str] = "a command by the Nagios plugin convention"
    metrics: ClassVar[Mapping[str, MetricKind]] = {**_STATUS, **_RUN_TIME, **_PERFDATA}

    argv: Annotated[tuple[str, ...], ARGV, "a Nagios plugin: exit 0, 1, 2, 3 and perfdata; never a shell"]
    cwd: Annotated[str, TEXT, Default("/"), "folder to run in"] = ""
    beyond: Annotated[
        Literal["critical", "unknown"],
        BEYOND,
        "what an exit code beyond 3 and a missing plugin mean: critical as in Nagios Core, unknown as in Icinga",
    ] = "critical"


def _later(
    doc: str, metrics: Mapping[str, MetricKind], base: type[Options], *own: tuple[str, Any] | tuple[str, Any, Any]
) -> type[Options]:
    """A type that is known to the format only: what it would watch, its metrics, and its own options."""
    said = {"doc": doc, "metrics": metrics, "watched": False}
    made = defstruct("LaterOptions", own, bases=(base,), namespace=said, frozen=True, kw_only=True)
    return cast("type[Options]", made)


def _text(doc: str) -> Any:
    return Annotated[str, TEXT, doc]


_NAMED = Annotated[str, HOST, "name or address"]

CHECKS: dict[str, type[Options]] = {
    "local": LocalOptions,
    "http": HttpOptions,
    "health_json": HealthJsonOptions,
    "tcp": TcpOptions,
    "command": CommandOptions,
    "actuator": _later("Spring Boot's actuator health", _WEB_VALUE, WebOptions),
    "readyz": _later("Kubernetes' verbose readyz", _WEB_VALUE, WebOptions),
    "aspnet": _later("ASP.NET health checks", _WEB_VALUE, WebOptions),
    "microprofile": _later("MicroProfile health", _WEB_VALUE, WebOptions),
    "promql": _later(
        "a Prometheus query", _WEB_VALUE, WebOptions, ("query", _text("PromQL that gives one number"), "")
    ),
    "tls": _later(
        "a TLS certificate",
        {**_LOOK, **_CERTIFICATE},
        Options,
        ("host", _NAMED),
        ("port", Annotated[int, PORT, "1 to 65535"], 443),
        ("server_name", _text("name in the certificate"), ""),
    ),
    "dns": _later(
        "a name's resolution",
        _LOOK,
        Options,
        ("name", _text("what to look up")),
        ("server", _text("resolver"), ""),
        ("record", _text("A, AAAA, CNAME, MX, TXT"), ""),
        ("matches", _text("pattern"), ""),
    ),
    "sql": _later(
        "a database query",
        {**_LOOK, **_VALUE},
        Options,
        ("dsn", _text("env:NAME or file:PATH")),
        ("query", _text("gives one number or word")),
    ),
    "node_exporter": _later("a host by its node_exporter", _WEB_HOST, WebOptions),
    "prometheus": _later("a host by Prometheus", _WEB_HOST, WebOptions, ("host", _text("instance"), "")),
    "glances": _later("a host by its glances API", _WEB_HOST, WebOptions),
    "ssh": _later(
        "a host over ssh",
        {**_HOST, **_LATENCY},
        Options,
        ("host", _NAMED),
        ("user", _text("login"), ""),
        ("mounts", Annotated[tuple[str, ...], TEXTS, "mount points to watch"], ()),
    ),
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
