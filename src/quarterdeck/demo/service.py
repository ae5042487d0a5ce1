"""The demo's order service: `python -m quarterdeck.demo.service --home DIR --port N`.

A small HTTP service over the order database. It acknowledges an order only when the order is on disk, and its
health is measured by really reading the shop's front page. It knows nothing of sessions or maintenance, but
for the mark that refuses writes and the fault switches. Started by `supervisor`; ends on SIGTERM, or when its
supervisor is gone or the lease is stale.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from quarterdeck.demo import faults
from quarterdeck.demo.files import Home, lease_is_fresh, write_json
from quarterdeck.demo.orders import BadOrderError, OrderBook, ReadOnlyError

__all__ = ["OrderServer", "main"]

WARN_MS = 40.0
"""Above it the service calls its own front page slow."""
BODY_CAP = 64 * 1024
HTML = "text/html; charset=utf-8"
JSON = "application/json"
HEALTH = "application/health+json"


class OrderServer(ThreadingHTTPServer):
    """The listening service, one thread for each connection."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, home: Home, port: int) -> None:
        self.home = home
        self.started = time.monotonic()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        """Share the port with the supervisor's placeholder, which keeps it ours during a restart."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Say in one line what went wrong with a connection; a client that left is no news."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"request failed: {type(error).__name__}: {error}", flush=True)  # noqa: T201 - the service's log


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: OrderServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def setup(self) -> None:
        """Open this thread's connection to the database."""
        super().setup()
        self.book = OrderBook(self.server.home)

    def finish(self) -> None:
        """Close both connections."""
        self.book.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write no access log."""

    def do_GET(self) -> None:
        """Answer a read."""
        address = urlsplit(self.path)
        pages = {"/health": self._health, "/shop": self._shop, "/orders/recent": self._recent}
        page = pages.get(address.path)
        if page is not None:
            self._answer_with(page)
        elif address.path == "/orders":
            self._answer_with(lambda: self._orders(parse_qs(address.query)))
        else:
            self._send(404, {"error": "no such page"})

    def do_POST(self) -> None:
        """Take an order."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_CAP:
            self.close_connection = True
            self._send(413, {"error": "the order is too large"})
            return
        body = self.rfile.read(length)
        if urlsplit(self.path).path != "/orders":
            self._send(404, {"error": "no such page"})
            return
        self._answer_with(lambda: self._take(body))

    def _answer_with(self, page: Any) -> None:
        switched = faults.active(self.server.home)
        if "errors" in switched and self.path != "/health":
            self._send(500, {"error": "the order service has lost its mind"})
            return
        if "slow" in switched and self.path != "/health":
            time.sleep(faults.SLOW_SECONDS)
        try:
            page()
        except sqlite3.Error as error:
            self._send(503, {"error": f"database: {error}"}, extra={"Retry-After": "1"})

    def _take(self, body: bytes) -> None:
        try:
            order = json.loads(body)
            if not isinstance(order, dict):
                raise BadOrderError("an order must be an object")
            taken = self.book.take(order)
        except ReadOnlyError:
            self._send(503, {"error": "maintenance: orders are not taken now"}, extra={"Retry-After": "1"})
        except ValueError as error:
            self._send(400, {"error": str(error)})
        else:
            self._send(201 if taken.new else 200, {"id": taken.number, "key": order["key"]})

    def _orders(self, query: dict[str, list[str]]) -> None:
        customer = query.get("customer", [""])[0]
        if not customer.isdigit():
            self._send(400, {"error": "customer must be a number"})
            return
        self._send(200, {"orders": self.book.of_customer(int(customer))})

    def _recent(self) -> None:
        self._send(200, {"orders": self.book.front_page()})

    def _shop(self) -> None:
        rows = "".join(f"<li>order {order['id']}: {order['item']}" for order in self.book.of_customer(1, 5))
        page = f"<!doctype html><title>The shop</title><h1>The shop is open</h1><ul>{rows}</ul>"
        self._send(200, page, media=HTML)

    def _health(self) -> None:
        health = measure(self.server, self.book)
        self._send(503 if health["status"] == "fail" else 200, health, media=HEALTH)

    def _send(self, status: int, value: Any, *, media: str = JSON, extra: dict[str, str] | None = None) -> None:
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        for name, text in (extra or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


def measure(server: OrderServer, book: OrderBook) -> dict[str, Any]:
    """Return the service's health as health+json; the latency is that of a front page read just now."""
    home = server.home
    switched = faults.active(home)
    output = ""
    began = time.perf_counter()
    try:
        book.front_page()
        number = book.latest_number()
    except sqlite3.Error as error:
        number, output = 0, f"database: {error}"
    if "slow" in switched:
        time.sleep(faults.SLOW_SECONDS)
    milliseconds = round((time.perf_counter() - began) * 1000, 2)
    free = faults.LITTLE_DISK if "disk" in switched else shutil.disk_usage(home.folder).free
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    latency = "fail" if output else "warn" if milliseconds > WARN_MS else "pass"

    def check(kind: str, value: float, unit: str, status: str = "pass") -> list[dict[str, Any]]:
        return [
            {
                "componentType": kind,
                "observedValue": value,
                "observedUnit": unit,
                "status": status,
                "time": now,
            }
        ]

    mebibytes = round(free / 2**20, 1)
    return {
        "status": latency,
        "version": "1",
        "serviceId": "orders-api",
        "description": "health of the order service",
        "checks": {
            "orders:queryLatency": check("datastore", milliseconds, "ms", latency),
            "orders:latestNumber": check("datastore", number, "orders"),
            "disk:free": check("system", mebibytes, "MiB", "warn" if "disk" in switched else "pass"),
            "uptime": check("system", round(time.monotonic() - server.started, 1), "s"),
        },
        "notes": ["orders are not taken now"] if home.read_only.exists() else [],
        **({"output": output} if output else {}),
    }


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, or until nobody wants the demo any more."""
    parser = argparse.ArgumentParser(prog="quarterdeck.demo.service", description="The demo's order service.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="ends when this is no longer its parent")
    options = parser.parse_args(arguments)
    home = Home(options.home)
    server = OrderServer(home, options.port)
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="serve")
    serving.start()
    write_json(home.service, {"pid": os.getpid(), "port": server.server_address[1]})
    while not ending.wait(1.0):
        if os.getppid() != options.parent or not lease_is_fresh(home):
            break
    server.shutdown()
    serving.join()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
