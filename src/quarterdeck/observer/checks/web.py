"""One HTTP exchange as a check needs it, shared by all types that speak HTTP.

One httpx transport for each target (one connection, a shared SSL context; without the client above it, whose
cookies, auth and redirects are not wanted here and cost time), the body capped at 1 MiB counted raw, identity
encoding only, redirects not followed unless asked and then without any header that the procedure set, TLS
verified, secrets by reference only. Must never be given the total deadline to keep: the observer process cancels
the exchange when its time is up. Must never put an address's path or query, or a header, into a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ssl
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from quarterdeck.observer.checks.base import (
    Context,
    Secrets,
    SettingError,
    reason_of,
)
from quarterdeck.observer.messages import Status
from quarterdeck.procedure.checks import WebOptions
from quarterdeck.procedure.option_forms import is_reference
from quarterdeck.text import visible

if TYPE_CHECKING:
    import httpx

__all__ = ["BODY_CAP", "Answer", "Exchange", "NoAnswer"]

BODY_CAP = 1024 * 1024
"""Bytes of a body that are read at most."""
_REDIRECTS = 5
_CLOSING = 1.0
"""Seconds that closing a connection may take."""
_IDLE = 3600.0
"""Seconds that an idle connection is kept; the server usually closes it earlier, which is noticed."""
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
        finally:
            del modules["httpx._main"]
    return sys.modules["httpx"]


@lru_cache(maxsize=32)
def _trust(ca_file: str) -> ssl.SSLContext:
    """The shared context that trusts a file's authorities, or this host's."""
    if ca_file:
        return ssl.create_default_context(cafile=ca_file)
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and paths.capath is None:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


@lru_cache(maxsize=1)
def _trust_nobody() -> ssl.SSLContext:
    """For plain http: reading the authorities costs time and memory, and none is asked."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class NoAnswer(Exception):  # noqa: N818 - it is an outcome, not a fault of this program
    """There is no answer to judge: what that means, and why."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status: Status = status
        self.message = message


class Answer(Struct, frozen=True):
    """A complete answer."""

    code: int
    body: bytes
    content_type: str
    latency: float
    """Seconds from sending to the last byte."""
    redirected_to: str = ""
    """Host of a redirect that was not followed."""


class Exchange:
    """The one transport of a target, made again after each trouble so that nothing half done stays in it."""

    def __init__(self, options: WebOptions, context: Context) -> None:
        self.doing = ""
        self.secrets = Secrets(context.environ)
        self._options = options
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._request: httpx.Request | None = None
        self._asking = f"waiting for an answer of {visible(load_httpx().URL(options.url).host, 60)}"
        self._used = False
        self._httpx = load_httpx()

    async def ask(self) -> Answer:
        """One request and its whole answer. Raises `NoAnswer`, with what it means."""
        try:
            answer = await self._with_second_try()
        except BaseException as error:
            await self.close()
            if isinstance(error, SettingError):
                raise NoAnswer("unknown", str(error)) from error
            if isinstance(error, self._httpx.HTTPError):
                raise self._explain(error) from error
            if isinstance(error, OSError | UnicodeError | ValueError):
                raise NoAnswer("unknown", f"the request failed ({type(error).__name__})") from error
            raise
        if answer.code in (401, 403):
            await self.close()  # the secret may have been renewed: it is resolved again with the next transport
        return answer

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
        started = time.perf_counter()
        for _ in range(_REDIRECTS + 1):
            code, body, received = await self._once(transport, request)
            location = received.get("location") if code in (301, 302, 303, 307, 308) else None
            if location is None or not self._options.follow_redirects:
                return Answer(
                    code=code,
                    body=body,
                    content_type=received.get("content-type", ""),
                    latency=time.perf_counter() - started,
                    redirected_to="" if location is None else self._redirect(request.url, location).host,
                )
            target = self._redirect(request.url, location)
            before, after = request.url.scheme, target.scheme
            if after not in ("http", "https") or (before == "https" and after == "http"):
                raise NoAnswer("critical", f"redirects from {before} to {visible(after, 10)}, not followed")
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
        self, transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> tuple[int, bytes, httpx.Headers]:
        self.doing = self._asking
        response = await transport.handle_async_request(request)
        self._used = True
        stream = cast("httpx.AsyncByteStream", response.stream)
        try:
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                raise NoAnswer(
                    "unknown", f"the body is compressed ({visible(encoding, 20)}) though identity was asked"
                )
            chunks, size = [], 0
            async for chunk in stream:
                size += len(chunk)
                self.doing = f"reading the body ({size} bytes so far)"
                if size > BODY_CAP:
                    raise NoAnswer("unknown", f"answered {response.status_code} with a body of more than 1 MiB")
                chunks.append(chunk)
            return response.status_code, b"".join(chunks), response.headers
        finally:
            await stream.aclose()

    def _open(self) -> tuple[httpx.AsyncHTTPTransport, httpx.Request]:
        if self._transport is not None and self._request is not None:
            return self._transport, self._request
        options = self._options
        headers = {header.name: self._fill(header.value) for header in options.headers}
        if options.verify and not Path(options.verify).is_file():
            raise SettingError(f"the authorities' file {visible(options.verify, 80)} is not there")
        secure = options.url.lower().startswith("https:") or options.follow_redirects
        try:
            trust = _trust(options.verify) if secure else _trust_nobody()
        except (OSError, ssl.SSLError) as error:
            raise SettingError(f"the authorities' file {visible(options.verify, 80)} cannot be used") from error
        request = self._httpx.Request(options.method, options.url, headers={**_PLAIN_HEADERS, **headers})
        limits = self._httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)
        transport = self._httpx.AsyncHTTPTransport(verify=trust, trust_env=False, limits=limits)
        self._transport, self._request, self._used = transport, request, False
        return transport, request

    def _fill(self, value: str) -> str:
        """A header's value with its reference resolved: the whole value, or its last word (`Bearer env:TOKEN`)."""
        scheme, space, last = value.rpartition(" ")
        return f"{scheme}{space}{self.secrets.resolve(last)}" if is_reference(last) else value

    def _explain(self, error: Exception) -> NoAnswer:
        """What a failed request means, in words of our own: those of others may hold addresses and secrets."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return NoAnswer("critical", f"its certificate is not trusted: {visible(cause.verify_message, 80)}")
            if isinstance(cause, ssl.SSLError):
                return NoAnswer("critical", f"TLS failed ({visible(cause.reason or 'no reason given', 60).lower()})")
            if isinstance(cause, OSError) and cause.errno:
                return NoAnswer("critical", f"no connection: {reason_of(cause)}")
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, self._httpx.RemoteProtocolError):
            if "disconnected" in str(error) or "closed" in str(error):
                return NoAnswer("critical", "closed the connection before its answer was complete")
            return NoAnswer("unknown", "what it answered is not HTTP that can be understood")
        if isinstance(error, self._httpx.ConnectError):
            return NoAnswer("critical", "no connection")
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
