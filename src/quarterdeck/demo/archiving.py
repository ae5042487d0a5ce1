"""Archiving: old orders are copied to the archive, proven to be there, then deleted; and all of it back.

An order is never in neither place: it leaves the database only after its identical copy is
durable in the archive, and the archive is removed only after every order in it is back in the database. Each
batch is one transaction in one file, so that a command killed anywhere is finished by running it again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time

from quarterdeck.demo.database import COLUMNS, DAY, archive_schema, open_database
from quarterdeck.demo.files import write_json
from quarterdeck.demo.job import Job, RefusedError

__all__ = ["archive", "delete_archived", "drop_archive", "restore_archived", "seal_archive"]

# Only the names of columns are put into these texts.
SAME = " and ".join(f"o.{name.strip()} = a.{name.strip()}" for name in COLUMNS.split(","))
COPY = (
    f"insert or ignore into archive.orders ({COLUMNS}) select {COLUMNS} from main.orders"  # noqa: S608
    " where id > :after and id <= :to and created < :before"
)
DELETE = (
    "delete from main.orders where id in (select a.id from archive.orders a join main.orders o"  # noqa: S608
    f" on {SAME} where a.id > :after and a.id <= :to)"
)
BRING_BACK = (
    f"insert or ignore into main.orders ({COLUMNS}) select {COLUMNS} from archive.orders"  # noqa: S608
    " where id > :after and id <= :to"
)
NOT_ARCHIVED = (
    f"select count(*) from (select {COLUMNS} from main.orders where id <= :to and created < :before"  # noqa: S608
    f" except select {COLUMNS} from archive.orders)"
)
ONLY_ARCHIVED = (
    f"select count(*) from (select {COLUMNS} from archive.orders"  # noqa: S608
    f" except select {COLUMNS} from main.orders)"
)


def archive(job: Job) -> None:
    """Copy the orders older than `older_than` days to the archive, and compare every copy."""
    job.advance(0, 1)
    _refuse_when_sealed(job)
    before = int(time.time()) - int(job.options["older_than"]) * DAY
    connection = _open(job)
    try:
        last = _number(connection, "select max(id) from main.orders where created < ?", before)
        total = _number(connection, "select count(*) from main.orders where created < ?", before)
        done = after = 0
        while after < last:
            to = _end_of_batch(connection, job, "main.orders", after, f"and created < {before}")
            done += connection.execute(COPY, {"after": after, "to": to, "before": before}).rowcount
            after = to
            job.advance(done, total)
            job.say(f"copied {done} of {total} old orders")
            job.rest()
        different = connection.execute(NOT_ARCHIVED, {"to": last, "before": before}).fetchone()[0]
        if different:
            raise RefusedError(f"{different} old orders are not in the archive as they are in the database")
        archived = _number(connection, "select count(*) from archive.orders")
        job.say(f"archived {archived}")
    finally:
        connection.close()


def delete_archived(job: Job) -> None:
    """Delete from the database what is, in every column, in the archive; refused without a backup."""
    if not job.home.backup.exists():
        raise RefusedError("there is no backup: nothing is deleted without one")
    _refuse_without_archive(job)
    _each_batch(job, DELETE, "deleted")
    job.say("what is in the archive is no longer in the database")


def restore_archived(job: Job) -> None:
    """Put every archived order back into the database, and compare every one."""
    _refuse_when_sealed(job)
    if not job.home.archive.exists():
        job.say("there is no archive: nothing to bring back")
        return
    _each_batch(job, BRING_BACK, "brought back")
    connection = _open(job)
    try:
        _refuse_when_only_archived(connection)
    finally:
        connection.close()
    job.say("every archived order is in the database again")


def drop_archive(job: Job) -> None:
    """Remove the archive, once every order in it is in the database again."""
    _refuse_when_sealed(job)
    if not job.home.archive.exists():
        job.say("there is no archive")
        return
    connection = _open(job)
    try:
        _refuse_when_only_archived(connection)
    finally:
        connection.close()
    job.home.archive.unlink()
    job.say("the archive is gone; the database has every order")


def seal_archive(job: Job) -> None:
    """Close the archive for good: from here no archived order comes back by itself."""
    _refuse_without_archive(job)
    if job.home.sealed.exists():
        job.say("the archive is sealed")
        return
    connection = _open(job)
    try:
        verdict = connection.execute("pragma archive.integrity_check").fetchone()[0]
        if verdict != "ok":
            raise RefusedError(f"the archive is damaged: {verdict}")
        digest = hashlib.sha256()
        rows = 0
        for row in connection.execute(f"select {COLUMNS} from archive.orders order by id"):  # noqa: S608
            digest.update(repr(row).encode())
            rows += 1
    finally:
        connection.close()
    job.home.archive.chmod(0o400)
    write_json(job.home.sealed, {"rows": rows, "sha256": digest.hexdigest()})
    job.say(f"sealed {rows}")


def _open(job: Job) -> sqlite3.Connection:
    connection = open_database(job.home.database)
    archive_schema(connection, job.home)
    return connection


def _each_batch(job: Job, statement: str, word: str) -> None:
    """Run a statement over the archive's orders, one transaction for each batch of them."""
    job.advance(0, 1)
    connection = _open(job)
    try:
        last = _number(connection, "select max(id) from archive.orders")
        total = _number(connection, "select count(*) from archive.orders")
        seen = done = after = 0
        while after < last:
            to = _end_of_batch(connection, job, "archive.orders", after)
            done += connection.execute(statement, {"after": after, "to": to}).rowcount
            after = to
            seen = min(seen + int(job.options["batch"]), total)
            job.advance(seen, total)
            job.say(f"{word} {done}: {seen} of {total} archived orders seen")
            job.rest()
    finally:
        connection.close()


def _end_of_batch(connection: sqlite3.Connection, job: Job, table: str, after: int, condition: str = "") -> int:
    query = f"select max(id) from (select id from {table} where id > ? {condition} order by id limit ?)"  # noqa: S608
    return _number(connection, query, after, int(job.options["batch"]))


def _number(connection: sqlite3.Connection, query: str, *values: int) -> int:
    return int(connection.execute(query, values).fetchone()[0] or 0)


def _refuse_when_only_archived(connection: sqlite3.Connection) -> None:
    missing = _number(connection, ONLY_ARCHIVED)
    if missing:
        raise RefusedError(f"{missing} archived orders are not in the database")


def _refuse_without_archive(job: Job) -> None:
    if not job.home.archive.exists():
        raise RefusedError("there is no archive yet")


def _refuse_when_sealed(job: Job) -> None:
    if job.home.sealed.exists():
        raise RefusedError("the archive is sealed: its orders come back by a whole restore only")
