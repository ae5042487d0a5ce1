"""Receipts: what the customers can prove, and whether the database still knows it.

The traffic appends a receipt for each order that the service acknowledged, before it places the next one.
`count` is what the demo's promise is measured by. It never changes the database.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quarterdeck.demo.database import attach_archive, open_database
from quarterdeck.demo.files import Home, read_json

__all__ = ["Receipts", "acknowledged", "count", "missing_keys"]

CHUNK = 500


class Receipts:
    """The traffic's book of receipts: appended and synced one by one."""

    def __init__(self, home: Home) -> None:
        self._file = os.open(home.receipts, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def keep(self, order: dict[str, Any]) -> None:
        """Write the receipt of an acknowledged order; on disk when this returns."""
        os.write(self._file, json.dumps(order).encode() + b"\n")
        os.fsync(self._file)

    def close(self) -> None:
        """Close the book."""
        os.close(self._file)


@dataclass(frozen=True)
class _Receipt:
    key: str
    customer: int
    cents: int


def count(folder: Path) -> tuple[int, int]:
    """Return how many orders were acknowledged, and how many orders are missing now.

    Missing counts acknowledged orders that are neither in the database nor in the archive, or are there with
    another customer or price, and seeded orders that are gone.
    """
    home = Home(folder)
    receipts = _read(home)
    return len(receipts), len(missing_keys(home, receipts)) + _missing_seed(home)


def acknowledged(folder: Path) -> int:
    """Return how many orders were acknowledged so far, without looking for them."""
    try:
        return Home(folder).receipts.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def missing_keys(home: Home, receipts: list[_Receipt] | None = None) -> list[str]:
    """Return the keys of acknowledged orders that neither the database nor the archive knows."""
    wanted = _read(home) if receipts is None else receipts
    # An order that moves from one file to the other while we look is found by looking again.
    for _ in range(3):
        wanted = _not_in(home.archive, _not_in(home.database, wanted))
        if not wanted:
            break
    return [receipt.key for receipt in wanted]


def _read(home: Home) -> list[_Receipt]:
    try:
        text = home.receipts.read_bytes()
    except FileNotFoundError:
        return []
    # A torn last line is a receipt that the traffic had not finished writing: nothing was promised by it.
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    orders = (json.loads(line) for line in lines)
    return [_Receipt(order["key"], order["customer"], order["cents"]) for order in orders]


def _not_in(path: Path, receipts: list[_Receipt]) -> list[_Receipt]:
    if not path.exists():
        return receipts
    connection = open_database(path)
    try:
        if not connection.execute("select 1 from sqlite_master where name = 'orders'").fetchone():
            return receipts
        found: set[tuple[str, int, int]] = set()
        for start in range(0, len(receipts), CHUNK):
            keys = [receipt.key for receipt in receipts[start : start + CHUNK]]
            marks = ",".join("?" * len(keys))
            query = f"select key, customer, cents from orders where key in ({marks})"  # noqa: S608 - marks only
            found.update(connection.execute(query, keys).fetchall())
    finally:
        connection.close()
    return [receipt for receipt in receipts if (receipt.key, receipt.customer, receipt.cents) not in found]


def _missing_seed(home: Home) -> int:
    """How many of the orders that the database was born with are nowhere now."""
    rows = int(read_json(home.seed).get("rows", 0))
    missing = rows
    for _ in range(3):
        connection = open_database(home.database)
        try:
            here = connection.execute("select count(*) from orders where id <= ?", (rows,)).fetchone()[0]
            missing = rows - here
            if missing > 0:
                missing -= _only_archived(connection, home, rows)
        finally:
            connection.close()
        if missing <= 0:
            return 0
    return missing


def _only_archived(connection: sqlite3.Connection, home: Home, rows: int) -> int:
    if not attach_archive(connection, home):
        return 0
    query = (
        "select count(*) from archive.orders a where a.id <= ?"
        " and not exists (select 1 from main.orders o where o.id = a.id)"
    )
    return int(connection.execute(query, (rows,)).fetchone()[0])
