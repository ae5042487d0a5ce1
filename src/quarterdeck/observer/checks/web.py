"""One HTTP exchange as a check needs it, shared by all types that speak HTTP.

One httpx transport for each target (one connection, a shared SSL context; without the client above it, whose
cookies, auth and redirects are not wanted here and cost time), the body capped at 1 MiB counted raw and unpacked,
identity encoding asked for and gzip understood, redirects not followed unless asked and then without any header
that the procedure set, TLS verified, secrets by reference only. Must never be given the total deadline to keep: the
observer process cancels the exchange when its time is up. Must never put an address's path or query, or a header,
into a message.

A poll sees what a new client would: a connection is kept for a minute at most, and given up after each failure, when
the name's addresses have changed, and when a file of certificates has.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import os
import socket
import ssl
import stat
import sys
import time
import zlib
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct
from msgspec.structs import replace

from quarterdeck.observer.checks.base import (
    Context,
    Result,
    Secrets,
    SettingError,
    reason_of,
)
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import WebOptions
from quarterdeck.procedure.option_forms import is_reference
from quarterdeck.text import visible

if TYPE_CHECKING:
    import httpx

__all__ = ["BODY_CAP", "KEPT", "Answer", "Exchange", "NoAnswer", "WebCheck"]

BODY_CAP = 1024 * 1024
"""Bytes of a body that are read at most, as they come and unpacked."""
KEPT = 60.0
"""Seconds that a connection serves for at most."""
_REDIRECTS = 5
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_CLOSING = 1.0
"""Seconds that closing a connection may take."""
_FOR_PROXY = "proxy-authorization"
"""The header that goes to the proxy alone, where there is one."""
_PLAIN_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "quarterdeck"}


def load_httpx() -> Any:
    """Import httpx without its command line, which would load click, rich and pygments for nothing.

    httpcore asks for sniffio four times in each request. Where that is not installed, each answer is a search
    through the whole path, half of a request's time; a None in its place says no at once.
    """
    if "httpx" not in sys.modules:
        modules = cast("dict[str, Any]", sys.modules)
        if "sniffio" not in modules and importlib.util.find_spec("sniffio") is None:
            modules["sniffio"] = None
        modules["httpx._main"] = None
        try:
            import httpx  # noqa: F401

            # what anyio would load with the first connection, whose time that is no part of
            importlib.import_module("anyio._backends._asyncio")
        finally:
            del modules["httpx._main"]
    return sys.modules["httpx"]


class _Surroundings(Struct, frozen=True):
    """What a new connection would be made of."""

    addresses: frozenset[str]
    """Of the service or its proxy."""
    written: tuple[tuple[int, ...] | None, ...]
    """What each file of certificates is known by; None where there is no such file."""


def _look_around(way: tuple[str, int], files: tuple[str, ...]) -> _Surroundings | OSError:
    """Ask the resolver and look at the files, which may take long; what goes wrong is returned."""
    host, port = way
    try:
        addresses = frozenset([str(ip_address(host))])
    except ValueError:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            return error
        addresses = frozenset(str(address[0]) for *_, address in found)
    return _Surroundings(addresses, tuple(_written(path) for path in files))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _files_of(options: WebOptions) -> tuple[str, ...]:
    """The files of certificates that a connection needs: the authorities', then a client's; none without TLS."""
    if (
        not options.follow_redirects
        and not options.url.startswith("https:")
        and not options.proxy.startswith("https:")
    ):
        return ()
    trusted = ssl.get_default_verify_paths()
    return (options.verify or trusted.cafile or trusted.capath or "", *options.certificate)


def _written(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a path as the plan has it
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return None  # to open a pipe would wait for its other end
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=32)
def _trust(ca_file: str, shown: tuple[str, ...], _written: tuple[object, ...]) -> ssl.SSLContext:
    """The shared context that trusts a file's authorities, or this host's, and shows a client's certificate.

    `_written` is what the files are known by: others are read again. Raises `SettingError`.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise SettingError(f"the authorities' file {visible(ca_file, 80)} cannot be used") from error
    if not ca_file and not context.cert_store_stats()["x509_ca"] and ssl.get_default_verify_paths().capath is None:
        import certifi

        context.load_verify_locations(certifi.where())
    try:
        if shown:
            context.load_cert_chain(shown[0], shown[-1], _no_password)
    except (OSError, ValueError) as error:
        why = "its key is locked by a password" if isinstance(error, ValueError) else reason_of(error)
        raise SettingError(f"the client's certificate {visible(shown[0], 80)} cannot be used: {why}") from error
    return context


def _no_password() -> str:
    """Instead of openssl's own question, which would wait for somebody at a terminal."""
    raise ValueError


@lru_cache(maxsize=1)
def _trust_nobody() -> ssl.SSLContext:
    """For plain http: reading the authorities costs time and memory, and none is asked."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Body:
    """A body as it comes: unpacked, and no more of it than `BODY_CAP`, packed or not."""

    def __init__(self, encoding: str) -> None:
        self.kept = bytearray()
        self.size = 0
        """Bytes that came."""
        self._gzip = zlib.decompressobj(wbits=31) if encoding in ("gzip", "x-gzip") else None
        self._unread = ""
        if self._gzip is None and encoding not in ("", "identity"):
            self._unread = f"a body compressed by {visible(encoding, 20)}, though identity was asked"

    def take(self, chunk: bytes) -> bool:
        """Take what came; False where no more is wanted."""
        self.size += len(chunk)
        try:
            if self._gzip is not None:
                chunk = self._gzip.decompress(chunk, BODY_CAP + 1 - len(self.kept))
        except zlib.error:
            self._unread, self._gzip = "a body that is not whole gzip", None
        if not self._unread:
            self.kept += chunk
        if max(self.size, len(self.kept)) > BODY_CAP:
            self._unread = self._unread or "a body of more than 1 MiB"
            return False
        return True

    def unread(self) -> str:
        """Why the body cannot be read, after its end."""
        short = self._gzip is not None and self.size and not self._gzip.eof
        return self._unread or ("a body that is not whole gzip" if short else "")


def _certificate(response: httpx.Response) -> dict[str, Value]:
    """How many days the certificate of who answered by https is still good for."""
    shown = response.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
    return {"cert_days": (ssl.cert_time_to_seconds(shown["notAfter"]) - time.time()) / 86400}


class NoAnswer(Exception):  # noqa: N818 - it is an outcome, not a fault of this program
    """There is no answer to judge: what that means, and why."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status: Status = status
        self.message = message


class Answer(Struct, frozen=True):
    """An answer, complete as far as it is wanted."""

    code: int
    body: bytes
    """Unpacked; empty where it could not be read."""
    content_type: str
    values: dict[str, Value]
    """The metrics of every exchange: `latency`, `code`, what else was measured."""
    unread: str = ""
    """Why the body could not be read, such as `a body of more than 1 MiB`."""
    redirected_to: str = ""
    """Host of a redirect that was not followed."""


class _Spent:
    """What an exchange spent on new connections, as httpcore's trace tells; `curl -w` has the same parts."""

    def __init__(self) -> None:
        self.began = self._asked = self._shaking = time.perf_counter()
        self._opened = False
        self._opening = self._tls = 0.0

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        """Take one event; the last headers sent are the request's, those before them a proxy's."""
        what, now = event.partition(".")[2], time.perf_counter()
        if what == "connect_tcp.started":
            self._opened = True
        elif what == "start_tls.started":
            self._shaking = now
        elif what == "start_tls.complete":
            self._tls += now - self._shaking
        elif what == "send_request_headers.started":
            self._asked = now

    def asked(self, since: float) -> None:
        """Count what passed from `since` to the request, where a connection was opened for it."""
        if self._opened:
            self._opening += self._asked - since
            self._opened = False

    def values(self) -> dict[str, Value]:
        """`latency` without what opening took; and that, where anything was opened."""
        values: dict[str, Value] = {"latency": time.perf_counter() - self.began - self._opening}
        if self._opening:
            values["connect"] = self._opening - self._tls
        if self._tls:
            values["tls"] = self._tls
        return values


class Exchange:
    """The one transport of a target, made again after each trouble so that nothing half done stays in it."""

    def __init__(self, options: WebOptions, context: Context) -> None:
        self.doing = ""
        self.secrets = Secrets(context.environ)
        self._httpx = load_httpx()
        self._options = options
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._request: httpx.Request | None = None
        url = self._httpx.URL(options.proxy or options.url)
        self._way = (url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80))
        self._files = _files_of(options)
        self._fixed = _look_around(self._way, ()) if not self._files and _is_address(self._way[0]) else None
        """Where there is neither a name to resolve nor a file to look at: a new connection is always made of this."""
        self._asking = f"waiting for an answer of {visible(self._httpx.URL(options.url).host, 60)}"
        self._used = False
        self._opened = 0.0
        self._around: _Surroundings | None = None
        self._looking: asyncio.Future[_Surroundings | OSError] | None = None

    async def ask(self) -> Answer:
        """One request and its whole answer. Raises `NoAnswer`, with what it means."""
        try:
            await self._renew()
            answer = await self._with_second_try()
        except BaseException as error:
            await self.close()
            if isinstance(error, SettingError):
                raise NoAnswer("unknown", str(error)) from error
            if isinstance(error, self._httpx.HTTPError | socket.gaierror):
                raise self._explain(error) from error
            if isinstance(error, OSError | UnicodeError | ValueError):
                raise NoAnswer("unknown", f"the request failed ({type(error).__name__})") from error
            raise
        if self._options.connection == "new":
            await self.close()
        return answer

    async def _renew(self) -> None:
        """Give up the connection where a new client would not get the same one, or it has served its time."""
        found = self._fixed or await self._looked_up()
        if isinstance(found, OSError):
            raise found
        now = asyncio.get_running_loop().time()
        if found != self._around or now - self._opened >= KEPT:
            await self.close()
            self._around, self._opened = found, now

    async def _looked_up(self) -> _Surroundings | OSError:
        """What a thread finds; one at a time: no resolver that hangs takes every thread."""
        self.doing = f"looking up {visible(self._way[0], 60)}"
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(_look_around, self._way, self._files))
        return await asyncio.shield(self._looking)

    async def _with_second_try(self) -> Answer:
        """A kept connection may have been closed just now: that says nothing about the service, so ask again."""
        reused = self._used and self._options.method != "POST"
        try:
            return await self._follow()
        except (self._httpx.RemoteProtocolError, self._httpx.ReadError, self._httpx.WriteError):
            if not reused:
                raise
        await self.close()
        return await self._follow()

    async def _follow(self) -> Answer:
        transport, request = self._open()
        spent = _Spent()
        for _ in range(_REDIRECTS + 1):
            answer, location = await self._once(transport, request, spent)
            if location is None:
                return answer
            target = self._redirect(request.url, location)
            if not self._options.follow_redirects:
                return replace(answer, redirected_to=target.host)
            before, after = request.url.scheme, target.scheme
            if after not in ("http", "https") or (before == "https" and after == "http"):
                raise NoAnswer("critical", f"redirects from {before} to {visible(after, 10)}, not followed")
            if self._options.certificate and (target.host, target.port) != (request.url.host, request.url.port):
                where = visible(target.host, 60)
                raise NoAnswer(
                    "unknown", f"redirects to {where}, not followed: the client's certificate is not for it"
                )
            method = "HEAD" if request.method == "HEAD" else "GET"
            request = self._httpx.Request(method, target, headers=_PLAIN_HEADERS)
        raise NoAnswer("critical", f"more than {_REDIRECTS} redirects")

    def _redirect(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            target = url.join(location)
        except (self._httpx.InvalidURL, ValueError) as error:
            raise NoAnswer("critical", "redirects to something that is no address") from error
        return target.copy_with(username=None, password=None) if target.userinfo else target

    async def _once(
        self, transport: httpx.AsyncHTTPTransport, request: httpx.Request, spent: _Spent
    ) -> tuple[Answer, str | None]:
        """One answer, and where it redirects to."""
        self.doing = self._asking
        began = time.perf_counter()
        request.extensions["trace"] = spent.trace
        response = await transport.handle_async_request(request)
        self._used = True
        spent.asked(began)
        stream = cast("httpx.AsyncByteStream", response.stream)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        body = _Body(encoding)
        try:
            async for chunk in stream:
                if not body.take(chunk):
                    break
                self.doing = f"reading the body ({body.size} bytes so far)"
        finally:
            await stream.aclose()
        unread = body.unread()
        answer = Answer(
            code=response.status_code,
            body=b"" if unread else bytes(body.kept),
            content_type=response.headers.get("content-type", ""),
            values={
                **spent.values(),
                "code": float(response.status_code),
                **(_certificate(response) if request.url.scheme == "https" else {}),
            },
            unread=unread,
        )
        return answer, response.headers.get("location") if response.status_code in _REDIRECTED else None

    def _open(self) -> tuple[httpx.AsyncHTTPTransport, httpx.Request]:
        if self._transport is not None and self._request is not None:
            return self._transport, self._request
        options = self._options
        headers = {header.name: self._fill(header.value) for header in options.headers}
        of_proxy = {name: value for name, value in headers.items() if options.proxy and name.lower() == _FOR_PROXY}
        secure = options.url.startswith("https:") or options.follow_redirects
        trust = self._trust(options.certificate) if secure else _trust_nobody()
        proxy = None
        if options.proxy:
            trust_proxy = self._trust(()) if options.proxy.startswith("https:") else None
            proxy = self._httpx.Proxy(options.proxy, ssl_context=trust_proxy, headers=of_proxy)
        own = {name: value for name, value in headers.items() if name not in of_proxy}
        request = self._httpx.Request(options.method, options.url, headers={**_PLAIN_HEADERS, **own})
        limits = self._httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT)
        transport = self._httpx.AsyncHTTPTransport(verify=trust, trust_env=False, limits=limits, proxy=proxy)
        self._transport, self._request, self._used = transport, request, False
        return transport, request

    def _trust(self, shown: tuple[str, ...]) -> ssl.SSLContext:
        """The context for the service, or for its proxy, to which no certificate is shown."""
        assert self._around is not None
        for path, at in zip(self._files, self._around.written, strict=True):
            if path and at is None:
                whose = "certificate's" if path in self._options.certificate else "authorities'"
                raise SettingError(f"the {whose} file {visible(path, 80)} is not there")
        return _trust(self._options.verify, shown, self._around.written)

    def _fill(self, value: str) -> str:
        """A header's value with its reference resolved: the whole value, or its last word (`Bearer env:TOKEN`)."""
        scheme, space, last = value.rpartition(" ")
        return f"{scheme}{space}{self.secrets.resolve(last)}" if is_reference(last) else value

    def _explain(self, error: Exception) -> NoAnswer:
        """What a failed request means, in words of our own: those of others may hold addresses and secrets."""
        to_whom = " to its proxy" if self._options.proxy else ""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return NoAnswer("critical", f"its certificate is not trusted: {visible(cause.verify_message, 80)}")
            if isinstance(cause, ssl.SSLError):
                return NoAnswer("critical", f"TLS failed ({visible(cause.reason or 'no reason given', 60).lower()})")
            if isinstance(cause, OSError | ExceptionGroup) and reason_of(cause):
                return NoAnswer("critical", f"no connection{to_whom}: {reason_of(cause)}")
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, self._httpx.ProxyError):
            return NoAnswer("critical", f"its proxy answered {str(error)[:3]} and made no connection")
        if isinstance(error, self._httpx.RemoteProtocolError):
            if "disconnected" in str(error) or "closed" in str(error):
                return NoAnswer("critical", "closed the connection before its answer was complete")
            return NoAnswer("unknown", "what it answered is not HTTP that can be understood")
        if isinstance(error, self._httpx.ConnectError):
            return NoAnswer("critical", f"no connection{to_whom}")
        if isinstance(error, self._httpx.NetworkError):
            return NoAnswer("critical", "the connection broke")
        return NoAnswer("unknown", f"the request failed ({type(error).__name__})")

    async def close(self) -> None:
        """Give up the connection."""
        transport, self._transport, self._used = self._transport, None, False
        if transport is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING):
                    await transport.aclose()


class WebCheck:
    """What all checks that ask by HTTP share; each judges the answer in its own way."""

    late: Status = "critical"

    def __init__(self, options: WebOptions, context: Context) -> None:
        self._exchange = Exchange(options, context)

    @property
    def doing(self) -> str:
        """What the exchange is at."""
        return self._exchange.doing

    async def sample(self) -> Result:
        """One request. After a failure the next one is on a new connection, with its secrets read again."""
        try:
            answer = await self._exchange.ask()
        except NoAnswer as nothing:
            return Result(status=nothing.status, message=nothing.message)
        result = await self.judge(answer)
        if result.status in ("critical", "unknown"):
            await self._exchange.close()
        return replace(
            result,
            values={**answer.values, **result.values},
            message=self._exchange.secrets.scrub(result.message),
        )

    async def judge(self, answer: Answer) -> Result:
        """How an answer looks."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give up the connection."""
        await self._exchange.close()
