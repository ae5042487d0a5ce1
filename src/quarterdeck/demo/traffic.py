"""The demo's customers: `python -m quarterdeck.demo.traffic --home DIR --url URL`.

One client that places and reads a few orders each second, and keeps a receipt for every order that was
acknowledged. While the shop is away it tries the same order again, politely. It never looks into the
database.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quarterdeck.demo.database import CUSTOMERS, DAY, SEED_DAYS
from quarterdeck.demo.files import Home, lease_is_fresh
from quarterdeck.demo.receipts import Receipts

__all__ = ["Customer", "main"]

PAUSE = 0.14
"""Seconds between two requests: six or seven in a second."""
LONGEST_WAIT = 2.0
"""Seconds between two attempts at most while the shop is away."""
TIMEOUT = 10.0


class Customer:
    """One keep-alive client of the shop."""

    def __init__(self, home: Home, url: str, ending: threading.Event) -> None:
        address = urlsplit(url)
        self._http = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT)
        self._receipts = Receipts(home)
        self._ending = ending
        self._random = random.Random()  # noqa: S311 - which order comes next is no secret

    def shop(self) -> None:
        """Place or read orders until told to end."""
        while not self._ending.wait(PAUSE * self._random.uniform(0.6, 1.4)):
            dice = self._random.random()
            if dice < 0.65:
                self.place(self._order())
            elif dice < 0.95:
                self._ask("GET", f"/orders?customer={self._customer()}")
            else:
                self._ask("GET", "/shop")

    def place(self, order: dict[str, Any]) -> bool:
        """Place one order, again and again until it is acknowledged; False where the end came first."""
        wait = 0.2
        while True:
            status, after = self._ask("POST", "/orders", order)
            if status in (200, 201):
                self._receipts.keep(order)
                return True
            if status == 400 or self._ending.wait(after or wait):
                return False
            wait = min(wait * 2, LONGEST_WAIT)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, float]:
        """Return the answer's status and how long it asks us to wait; status 0 where nobody answered."""
        try:
            self._http.request(method, path, body=json.dumps(body) if body else None)
            answer = self._http.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            return 0, 0.0
        after = answer.headers.get("Retry-After", "")
        return answer.status, float(after) if after.isdigit() else 0.0

    def _customer(self) -> int:
        return self._random.randint(1, CUSTOMERS)

    def _order(self) -> dict[str, Any]:
        """An order of today; every sixth is an old paper order entered late, so that it is archived soon."""
        late = self._random.random() < 1 / 6
        age = (SEED_DAYS - self._random.randint(0, 100)) * DAY if late else 0
        return {
            "key": uuid.uuid4().hex,
            "customer": self._customer(),
            "item": f"item-{self._random.randint(0, 299)}",
            "quantity": self._random.randint(1, 7),
            "cents": self._random.randint(100, 9_999),
            "created": int(time.time()) - age,
            "note": "entered late" if late else "",
        }


def main(arguments: list[str] | None = None) -> int:
    """Shop until SIGTERM, or until nobody wants the demo any more."""
    parser = argparse.ArgumentParser(prog="quarterdeck.demo.traffic", description="The demo's customers.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="ends when this is no longer its parent")
    options = parser.parse_args(arguments)
    home = Home(options.home)
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shopping = threading.Thread(target=Customer(home, options.url, ending).shop, name="shop")
    shopping.start()
    while not ending.wait(1.0):
        if os.getppid() != options.parent or not lease_is_fresh(home) or not shopping.is_alive():
            ending.set()
    shopping.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
