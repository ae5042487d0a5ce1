"""What the order service does with its database: take an order, find orders, measure the front page.

An order is taken when this returns, not before.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from quarterdeck.demo.database import BEST_CUSTOMERS, open_database
from quarterdeck.demo.files import Home

__all__ = ["BadOrderError", "OrderBook", "ReadOnlyError", "Taken"]

FOUND = ("id", "key", "customer", "item", "quantity", "cents", "created")
LATEST = f"select {', '.join(FOUND)} from orders where customer = ? order by created desc limit ?"  # noqa: S608 - constants
TAKE = (
    "insert into orders (key, customer, item, quantity, cents, created, received, note)"
    " values (:key, :customer, :item, :quantity, :cents, :created, :received, :note)"
)


class BadOrderError(ValueError):
    """The order itself is wrong; the message says which part."""


class ReadOnlyError(RuntimeError):
    """Writes are refused while maintenance restores the whole database."""


@dataclass(frozen=True)
class Taken:
    """An order that is on disk."""

    number: int
    new: bool
    """False where the same key had been taken before."""


class OrderBook:
    """One connection to the order database, for one thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._connection = open_database(home.database)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def take(self, order: dict[str, Any]) -> Taken:
        """Take an order once: the same key again gives the same number.

        Raises BadOrderError, and ReadOnlyError while writes are refused.
        """
        row = _checked(order)
        self._connection.execute("begin immediate")
        try:
            # Asked under the write lock: whoever set the mark and then had the lock once knows that no
            # order is on its way in.
            self._refuse_in_maintenance()
            number = self._known(row["key"])
            new = number is None
            if number is None:
                number = self._connection.execute(TAKE, row).lastrowid or 0
            self._connection.execute("commit")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
        return Taken(number, new)

    def of_customer(self, customer: int, limit: int = 20) -> list[dict[str, Any]]:
        """Return a customer's latest orders, newest first."""
        rows = self._connection.execute(LATEST, (customer, limit)).fetchall()
        return [dict(zip(FOUND, row, strict=True)) for row in rows]

    def front_page(self) -> list[dict[str, Any]]:
        """Return the latest orders of the best customers: a look-up each, quick with an index only."""
        return [order for customer in BEST_CUSTOMERS for order in self.of_customer(customer, 2)]

    def latest_number(self) -> int:
        """Return the number of the newest order."""
        return int(self._connection.execute("select max(id) from orders").fetchone()[0] or 0)

    def _refuse_in_maintenance(self) -> None:
        if self._home.read_only.exists():
            raise ReadOnlyError

    def _known(self, key: str) -> int | None:
        found = self._connection.execute("select id from orders where key = ?", (key,)).fetchone()
        if found is None and self._home.archive.exists():
            found = _archived(self._home, key)
        return int(found[0]) if found else None


def _archived(home: Home, key: str) -> tuple[int] | None:
    """Look a repeated key up in the archive: it may have moved there after the first answer was lost."""
    archive = open_database(home.archive)
    try:
        return archive.execute("select id from orders where key = ?", (key,)).fetchone()  # type: ignore[no-any-return]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    finally:
        archive.close()


def _checked(order: dict[str, Any]) -> dict[str, Any]:
    """Return the order as a row, or say what is wrong with it."""
    now = int(time.time())
    row = {"quantity": 1, "created": now, "note": "", **order, "received": now}
    for name in ("key", "item", "note"):
        if not isinstance(row.get(name), str) or (name != "note" and not row[name]):
            raise BadOrderError(f"{name} must be text")
    for name in ("customer", "quantity", "cents", "created"):
        if not isinstance(row.get(name), int) or isinstance(row[name], bool) or row[name] < 1:
            raise BadOrderError(f"{name} must be a whole number above 0")
    return row
