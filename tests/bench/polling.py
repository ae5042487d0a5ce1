"""Polling: CPU of the observer process for each request at 100 endpoints, and how it bears 1,000.

Held against a bare process with one httpx client for each endpoint (limits 1/1, shared SSL context), which judges
nothing, on the same server at the same time. `python -m tests.bench.polling URL…` is that process.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from tests.bench.measure import Measurement, Row, p50
from tests.bench.processes import cpu_seconds
from tests.bench.web import endpoints
from tests.bench.world import compiled

from quarterdeck.observer.client import Observer
from quarterdeck.observer.messages import Finding, Health, Reading

__all__ = ["MEASUREMENTS", "Heard"]

EVERY = 1.0


class Heard:
    """What the observer said."""

    def __init__(self) -> None:
        self.readings = 0
        self.bad = 0
        self.lags: list[float] = []

    def __call__(self, message: Reading | Health | Finding) -> None:
        """Count."""
        if isinstance(message, Reading):
            self.readings += 1
            self.bad += message.raw != "ok"
        elif isinstance(message, Health):
            self.lags.append(message.lag)

    def forget(self) -> None:
        """Begin to count."""
        self.readings = self.bad = 0
        self.lags.clear()


@contextlib.contextmanager
def _bare_process(urls: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.polling", *urls]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def _observed(
    urls: Sequence[str], every: str, seconds: float, bare: subprocess.Popen[str] | None = None
) -> tuple[float, Heard, float]:
    """CPU seconds of the observer, what it said, and milliseconds for a request of the bare process."""
    heard = Heard()
    observer = Observer(heard)
    await observer.start(compiled(25, endpoints=urls, every=every).targets)
    try:
        await asyncio.sleep(4.0 if bare else 12.0)
        assert observer.pid is not None
        heard.forget()
        begin = cpu_seconds(observer.pid)
        if bare is not None:
            assert bare.stdin is not None
            bare.stdin.write("now\n")
            bare.stdin.flush()
        await asyncio.sleep(seconds)
        used = cpu_seconds(observer.pid) - begin
        answer = bare.communicate()[0] if bare is not None else "0"
        return used, heard, float(answer)
    finally:
        await observer.stop()


def _hundred(quick: bool) -> list[Row]:
    """100 endpoints side by side with the bare process."""
    with endpoints(100) as urls, _bare_process(urls) as process:
        used, heard, bare = asyncio.run(_observed(urls, "1s", 4.0 if quick else 20.0, process))
    return [
        Row(
            row="polling-100", what="polling, CPU a request at 100 endpoints", unit="ms",
            ours=used / max(1, heard.readings) * 1e3, reference=bare,
            against="bare httpx, a client for each", mark=0.7, note=f"{heard.readings} requests, {heard.bad} bad",
        )
    ]  # fmt: skip


def _thousand(quick: bool) -> list[Row]:
    """How 1,000 are borne."""
    seconds = 6.0 if quick else 25.0
    with endpoints(1000) as urls:
        used, heard, _ = asyncio.run(_observed(urls, "5s", seconds))
    return [
        Row(
            row="polling-1000", what="polling, 1,000 endpoints each 5 s", ours=used / seconds * 100,
            unit="% of a core", mark=15.0, note=f"{heard.readings} requests, {heard.bad} bad",
        ),
        Row(
            row="polling-1000-lag", what="polling, 1,000 endpoints: lag in 2 s", ours=p50(heard.lags) * 1e3,
            unit="ms", mark=10.0, note=f"worst {max(heard.lags) * 1e3:.0f} ms",
        ),
    ]  # fmt: skip


async def _bare(urls: Sequence[str]) -> None:
    """Poll each URL with a client of its own; when told so, count requests and CPU until the input ends."""
    import httpx

    context = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    clients = [httpx.AsyncClient(verify=context, limits=limits, trust_env=False) for _ in urls]
    done = 0

    async def poll(client: httpx.AsyncClient, url: str, phase: float) -> None:
        nonlocal done
        due = asyncio.get_running_loop().time() + phase
        while True:
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            answer = await client.get(url)
            assert answer.status_code == 200
            done += 1
            due += EVERY

    tasks = [
        asyncio.create_task(poll(client, url, number / len(urls) * EVERY))
        for number, (client, url) in enumerate(zip(clients, urls, strict=True))
    ]
    await asyncio.to_thread(sys.stdin.readline)
    before, begin = done, time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    sys.stdout.write(f"{(time.process_time() - begin) / max(1, done - before) * 1e3}\n")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


MEASUREMENTS = (
    Measurement(("polling-100",), _hundred),
    Measurement(("polling-1000", "polling-1000-lag"), _thousand),
)


if __name__ == "__main__":
    asyncio.run(_bare(sys.argv[1:]))
