"""Keeps the demo's service and traffic running: `python -m quarterdeck.demo.supervisor --home DIR`.

What systemd would be on a real host: it starts both, starts them again when they die, restarts the service
when the maintenance tool asks for it, and ends both when it is told to, or when the lease is stale. Holding
`supervisor.lock` is what being alive means. It never looks into the database.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from quarterdeck.demo.files import Home, lease_is_fresh, read_json, write_json

__all__ = ["main"]

TICK = 0.1
GRACE = 5.0
"""Seconds that a child has after SIGTERM."""
BREATH = 1.0
"""Seconds before a child that died by itself is started again."""


class Supervisor:
    """The two children, and what they are restarted for."""

    def __init__(self, home: Home) -> None:
        self._home = home
        # Bound and never listening: while the service is down connections are refused, and nobody
        # takes the port.
        self._placeholder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._placeholder.bind(("127.0.0.1", 0))
        self.port = int(self._placeholder.getsockname()[1])
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}
        self._starts = 0

    @property
    def url(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, ending: threading.Event) -> None:
        """Watch until told to end, or until the lease is stale."""
        while not ending.wait(TICK):
            if self._home.stop.exists() or not lease_is_fresh(self._home):
                return
            if self._home.restart_asked.exists():
                self._restart()
            for name in ("service", "traffic"):
                self._keep(name)

    def end(self) -> None:
        """End both children: the customers first, so that no order is on its way."""
        for name in ("traffic", "service"):
            self._stop(name)

    def _keep(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None and child.poll() is None:
            return
        if child is not None:
            print(f"{name} ended with {child.returncode}", flush=True)  # noqa: T201 - the supervisor's log
            del self._children[name]
            self._not_before[name] = time.monotonic() + BREATH
        if time.monotonic() >= self._not_before.get(name, 0.0):
            self._start(name)

    def _start(self, name: str) -> None:
        extra = ["--port", str(self.port)] if name == "service" else ["--url", self.url]
        argv = [sys.executable, "-m", f"quarterdeck.demo.{name}", "--home", str(self._home.folder), *extra]
        argv += ["--parent", str(os.getpid())]
        with (self._home.logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._starts += name == "service"
        self._say_who()

    def _restart(self) -> None:
        """Stop the service, leave it down for as long as was asked, and start it again."""
        down = float(read_json(self._home.restart_asked).get("down", 0.0))
        self._stop("service")
        self._not_before["service"] = time.monotonic() + down
        self._home.restart_asked.unlink(missing_ok=True)

    def _stop(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is None:
            return
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _say_who(self) -> None:
        write_json(
            self._home.world,
            {
                "supervisor": os.getpid(),
                "url": self.url,
                "service_starts": self._starts,
                **{name: child.pid for name, child in self._children.items()},
            },
        )


def main(arguments: list[str] | None = None) -> int:
    """Supervise until the demo ends; 1 where another supervisor has this home."""
    parser = argparse.ArgumentParser(prog="quarterdeck.demo.supervisor", description="The demo's supervisor.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--detach", action="store_true", help="go on in the background, out of the terminal")
    options = parser.parse_args(arguments)
    home = Home(options.home)
    if options.detach:
        if os.fork():
            return 0
        os.setsid()
    lock = os.open(home.supervisor_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another supervisor has this demo", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    supervisor = Supervisor(home)
    try:
        supervisor.run(ending)
    finally:
        supervisor.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
