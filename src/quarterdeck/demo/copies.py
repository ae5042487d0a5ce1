"""Whole copies of the database: the online backup, its proof, and the restore that loses nothing.

A copy is made beside its place and moved there only when it is proven. A restore works only
while the service refuses writes, and takes with it every order that the backup does not know yet.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from quarterdeck.demo.database import COLUMNS, open_database
from quarterdeck.demo.job import Job, RefusedError

__all__ = ["accept_writes", "backup", "refuse_writes", "restore_whole", "verify_backup"]

# Only the names of columns are put into these texts.
BRING_NEWER = f"insert or ignore into main.orders ({COLUMNS}) select {COLUMNS} from {{source}}.orders order by id"  # noqa: S608
LEFT_BEHIND = (
    f"select count(*) from (select {COLUMNS} from {{source}}.orders"  # noqa: S608
    f" except select {COLUMNS} from main.orders)"
)


def backup(job: Job) -> None:
    """Copy the database while the service uses it; the copy counts only after it is proven."""
    draft = job.home.backup.with_suffix(".partial")
    _copy(job.home.database, draft)
    rows = _prove(draft)
    _move(draft, job.home.backup)
    job.say(f"backup {rows} orders, {job.home.backup.stat().st_size / 2**20:.1f} MiB")


def verify_backup(job: Job) -> None:
    """Read the whole backup and count its orders; refused where it is missing or damaged."""
    if not job.home.backup.exists():
        raise RefusedError("there is no backup")
    job.say(f"backup is whole: {_prove(job.home.backup)} orders")


def refuse_writes(job: Job) -> None:
    """Make the service refuse writes; when this returns no order is on its way in."""
    job.home.read_only.touch()
    connection = open_database(job.home.database)
    try:
        connection.execute("begin immediate")
        connection.execute("rollback")
    finally:
        connection.close()
    job.say("the service refuses writes")


def accept_writes(job: Job) -> None:
    """Let the service take orders again."""
    job.home.read_only.unlink(missing_ok=True)
    job.say("the service takes orders")


def restore_whole(job: Job) -> None:
    """Put the backup in the database's place, with every order taken or archived since.

    The database is replaced in one transaction: killed at any moment, it is the old one or the new one.
    """
    home = job.home
    if not home.read_only.exists():
        raise RefusedError("the service takes orders: refuse writes first")
    verify_backup(job)
    draft = home.database.with_suffix(".restored")
    _copy(home.backup, draft)
    sources = {"live": home.database, **({"archived": home.archive} if home.archive.exists() else {})}
    restored = open_database(draft)
    try:
        for name, path in sources.items():
            restored.execute(f"attach database ? as {name}", (f"{path.absolute().as_uri()}?mode=rw",))
            newer = restored.execute(BRING_NEWER.format(source=name)).rowcount
            job.say(f"{newer} orders are newer than the backup or missing in it ({name})")
            left = restored.execute(LEFT_BEHIND.format(source=name)).fetchone()[0]
            if left:
                raise RefusedError(f"{left} orders would be lost: nothing was restored")
    finally:
        restored.close()
    rows = _prove(draft)
    _copy(draft, home.database, create_it=False)
    draft.unlink()
    job.say(f"restored {rows}")


def _copy(source: Path, target: Path, *, create_it: bool = True) -> None:
    """Copy a database in one read transaction and one write transaction, waiting for locks."""
    if create_it:
        target.unlink(missing_ok=True)
        target.with_name(f"{target.name}-journal").unlink(missing_ok=True)
    reading = open_database(source)
    writing = open_database(target, create_it=create_it)
    try:
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()


def _prove(path: Path) -> int:
    """Return how many orders a copy has; refuses one that is damaged or empty."""
    connection = open_database(path)
    try:
        verdict = connection.execute("pragma integrity_check").fetchone()[0]
        if verdict != "ok":
            raise RefusedError(f"{path.name} is damaged: {verdict}")
        rows = int(connection.execute("select count(*) from orders").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise RefusedError(f"{path.name} cannot be read: {error}") from error
    finally:
        connection.close()
    if not rows:
        raise RefusedError(f"{path.name} holds no orders")
    return rows


def _move(draft: Path, place: Path) -> None:
    """Move a finished file to its place, durably."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
