"""The order database: its tables, its indexes, how it is opened, and how a demo's is filled.

A rollback journal and not WAL: service and
maintenance are two processes, and SQLite below 3.51.3 can damage a WAL file that two connections write at
once.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from quarterdeck.demo.files import Home, write_json

__all__ = [
    "BEST_CUSTOMERS",
    "COLUMNS",
    "CUSTOMERS",
    "DAY",
    "NEW_INDEX",
    "OLD_INDEX",
    "SEED_ROWS",
    "archive_schema",
    "attach_archive",
    "build_index",
    "create",
    "has_index",
    "open_database",
]

SEED_ROWS = 200_000
CUSTOMERS = 20_000
DAY = 86_400
SEED_DAYS = 1_000
"""The seeded orders are spread evenly over this many days before the demo's start."""
BUSY_SECONDS = 15.0
"""How long a connection waits for another's lock."""

BEST_CUSTOMERS = tuple(377 * number % CUSTOMERS + 1 for number in range(30))
"""Whose latest orders the shop's front page shows: thirty look-ups, each of which needs the index."""

OLD_INDEX = "orders_customer"
NEW_INDEX = "orders_customer_created"
INDEXES = {
    OLD_INDEX: "create index if not exists orders_customer on orders(customer)",
    NEW_INDEX: "create index if not exists orders_customer_created on orders(customer, created)",
}

COLUMNS = "id, key, customer, item, quantity, cents, created, received, note"
# AUTOINCREMENT, so that the number of an archived order is never given to a new one.
ORDERS = """
create table if not exists orders (
  id integer primary key autoincrement,
  key text not null unique,
  customer integer not null,
  item text not null,
  quantity integer not null check (quantity > 0),
  cents integer not null,
  created integer not null,
  received integer not null,
  note text not null default ''
)
"""
ARCHIVED = """
create table if not exists archive.orders (
  id integer primary key,
  key text not null unique,
  customer integer not null,
  item text not null,
  quantity integer not null,
  cents integer not null,
  created integer not null,
  received integer not null,
  note text not null
)
"""
SEED = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < :rows)
insert into orders (id, key, customer, item, quantity, cents, created, received, note)
select i, printf('seed-%07d', i), (i * 7919) % :customers + 1, 'item-' || (i % 300), i % 7 + 1,
       (i * 31) % 9000 + 100, :start + i * :span / :rows, :start + i * :span / :rows,
       'left with the neighbour at the back door, signed; parcel ' || i
from n
"""


def open_database(path: Path, *, create_it: bool = False) -> sqlite3.Connection:
    """Open a database in autocommit mode: transactions begin where the code says so.

    Raises sqlite3.OperationalError where the file is missing and `create_it` was not asked for.
    """
    mode = "rwc" if create_it else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.execute("pragma synchronous = full")
    connection.execute("pragma cache_size = -32768")
    # Without spilling, a long transaction shuts readers out only while it commits.
    connection.execute("pragma cache_spill = off")
    return connection


def archive_schema(connection: sqlite3.Connection, home: Home) -> None:
    """Attach the archive as `archive`, creating it where it is missing."""
    connection.execute("attach database ? as archive", (f"{home.archive.absolute().as_uri()}?mode=rwc",))
    connection.execute("pragma archive.synchronous = full")
    connection.execute(ARCHIVED)


def attach_archive(connection: sqlite3.Connection, home: Home) -> bool:
    """Attach the archive as `archive` where there is one; False where there is none yet."""
    if not home.archive.exists():
        return False
    connection.execute("attach database ? as archive", (f"{home.archive.absolute().as_uri()}?mode=rw",))
    return bool(connection.execute("select 1 from archive.sqlite_master where name = 'orders'").fetchone())


def build_index(connection: sqlite3.Connection, name: str) -> None:
    """Build one of the two indexes, unless it is there; readers and writers wait only for its commit."""
    connection.execute(INDEXES[name])


def has_index(connection: sqlite3.Connection, name: str) -> bool:
    """True where the live database has the index `name`."""
    found = connection.execute("select 1 from sqlite_master where type = 'index' and name = ?", (name,))
    return found.fetchone() is not None


def create(home: Home, rows: int = SEED_ROWS) -> None:
    """Make the demo's database with `rows` orders over the last thousand days; about a second for 200,000."""
    connection = open_database(home.database, create_it=True)
    try:
        connection.execute("begin immediate")
        connection.execute(ORDERS)
        span = SEED_DAYS * DAY
        start = int(time.time()) - span
        connection.execute(SEED, {"rows": rows, "customers": CUSTOMERS, "start": start, "span": span})
        build_index(connection, OLD_INDEX)
        connection.execute("commit")
        connection.execute("analyze")
    finally:
        connection.close()
    write_json(home.seed, {"rows": rows})
