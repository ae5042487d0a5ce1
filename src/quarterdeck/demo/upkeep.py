"""The rest of the demo's maintenance: indexes, VACUUM, ANALYZE, restart, and everything that only reads.

Building and dropping are safe to repeat; what reads changes nothing and says one fact a
line.
"""

from __future__ import annotations

import hashlib
import json
import time

from quarterdeck.demo.database import (
    COLUMNS,
    CUSTOMERS,
    NEW_INDEX,
    OLD_INDEX,
    attach_archive,
    build_index,
    has_index,
    open_database,
)
from quarterdeck.demo.files import read_json, write_json
from quarterdeck.demo.job import Job, RefusedError
from quarterdeck.demo.loopback import fetch
from quarterdeck.demo.receipts import count

__all__ = [
    "analyze",
    "build_new_index",
    "check_index",
    "checksum",
    "drop_new_index",
    "drop_old_index",
    "integrity_check",
    "progress",
    "rebuild_old_index",
    "receipts",
    "restart",
    "row_count",
    "survey",
    "vacuum",
]

RESTART_SECONDS = 30.0


def build_new_index(job: Job) -> None:
    """Build the new index beside the old one."""
    _build(job, NEW_INDEX)


def rebuild_old_index(job: Job) -> None:
    """Build the old index again, with its statistics."""
    _build(job, OLD_INDEX)
    analyze(job)


def drop_old_index(job: Job) -> None:
    """Drop the old index; with `require_new` only where the new one is there."""
    _drop(job, OLD_INDEX, instead=NEW_INDEX if job.options["require_new"] else "")


def drop_new_index(job: Job) -> None:
    """Drop the new index; with `require_old` only where the old one is there."""
    _drop(job, NEW_INDEX, instead=OLD_INDEX if job.options["require_old"] else "")


def check_index(job: Job) -> None:
    """Say which of the two indexes there are; refused where `name` is not among them."""
    connection = open_database(job.home.database)
    try:
        present = [name for name in (OLD_INDEX, NEW_INDEX) if has_index(connection, name)]
    finally:
        connection.close()
    job.say(f"indexes {' '.join(present) or 'none'}")
    if job.options["name"] not in present:
        raise RefusedError(f"there is no index {job.options['name']}")


def vacuum(job: Job) -> None:
    """Rewrite the database without its holes."""
    before = job.home.database.stat().st_size
    connection = open_database(job.home.database)
    try:
        connection.execute("vacuum")
    finally:
        connection.close()
    after = job.home.database.stat().st_size
    job.say(f"{before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after")


def analyze(job: Job) -> None:
    """Renew the statistics that the query planner goes by."""
    connection = open_database(job.home.database)
    try:
        connection.execute("analyze")
    finally:
        connection.close()
    job.say("statistics are new")


def restart(job: Job) -> None:
    """Have the supervisor restart the service, and wait until it answers again."""
    old = read_json(job.home.service)
    write_json(job.home.restart_asked, {"down": job.options["down"]})
    job.say(f"stopping the service, process {old.get('pid')}; it stays down for {job.options['down']:g} s")
    deadline = time.monotonic() + RESTART_SECONDS
    while time.monotonic() < deadline:
        new = read_json(job.home.service)
        if new.get("pid") != old.get("pid") and _answers(int(new["port"])):
            job.say(f"the service answers again, process {new['pid']}")
            return
        time.sleep(0.1)
    raise RefusedError(f"the service did not answer again within {RESTART_SECONDS:g} s")


def integrity_check(job: Job) -> None:
    """Read every page of the database."""
    connection = open_database(job.home.database)
    try:
        problems = [row[0] for row in connection.execute("pragma integrity_check").fetchall()]
    finally:
        connection.close()
    if problems != ["ok"]:
        raise RefusedError(f"the database is damaged: {problems[0]}")
    job.say("integrity ok")


def row_count(job: Job) -> None:
    """Count the orders in the database and in the archive; one in both counts once."""
    connection = open_database(job.home.database)
    try:
        live = connection.execute("select count(*), max(id) from orders").fetchone()
        archived = both = 0
        if attach_archive(connection, job.home):
            archived = connection.execute("select count(*) from archive.orders").fetchone()[0]
            both = connection.execute(
                "select count(*) from archive.orders a join main.orders o on o.id = a.id"
            ).fetchone()[0]
    finally:
        connection.close()
    job.say(f"live {live[0]}\narchived {archived}\ntotal {live[0] + archived - both}\nlatest {live[1]}")


def checksum(job: Job) -> None:
    """Hash every order up to number `up_to`, wherever it is; moving an order changes nothing."""
    queries = [f"select {COLUMNS} from main.orders where id <= :to"]  # noqa: S608 - names of columns
    connection = open_database(job.home.database)
    digest = hashlib.sha256()
    try:
        if attach_archive(connection, job.home):
            queries.append(f"select {COLUMNS} from archive.orders where id <= :to")  # noqa: S608
        for row in connection.execute(f"{' union '.join(queries)} order by id", {"to": job.options["up_to"]}):
            digest.update(repr(row).encode())
    finally:
        connection.close()
    job.say(f"sha256 {digest.hexdigest()}")


def receipts(job: Job) -> None:
    """Look for every acknowledged order; refused where one is missing."""
    orders, missing = count(job.home.folder)
    job.say(f"acknowledged {orders}\nmissing {missing}")
    if missing:
        raise RefusedError(f"{missing} orders are missing")


def survey(job: Job) -> None:
    """Count the orders of some customers, one after the other, as a report for the new index would."""
    total = int(job.options["customers"])
    job.advance(0, total)
    orders = most = 0
    connection = open_database(job.home.database)
    try:
        for number in range(1, total + 1):
            customer = number * 37 % CUSTOMERS + 1
            found = connection.execute(
                "select count(*), max(created) from orders where customer = ?", (customer,)
            ).fetchone()[0]
            orders, most = orders + found, max(most, found)
            if number % 50 == 0 or number == total:
                job.advance(number, total)
                job.say(f"{number} of {total} customers surveyed: {orders} orders, {most} at most")
            job.rest()
    finally:
        connection.close()


def progress(job: Job) -> None:
    """Print how far the running command is, in per cent."""
    known = read_json(job.home.progress)
    job.say(str(100 * int(known.get("done", 0)) // max(1, int(known.get("total", 0)))))


def _build(job: Job, name: str) -> None:
    began = time.monotonic()
    connection = open_database(job.home.database)
    try:
        build_index(connection, name)
    finally:
        connection.close()
    job.say(f"index {name} is there after {time.monotonic() - began:.1f} s")


def _drop(job: Job, name: str, *, instead: str) -> None:
    connection = open_database(job.home.database)
    try:
        if instead and not has_index(connection, instead):
            raise RefusedError(f"index {instead} is not there: without it {name} must stay")
        connection.execute(f"drop index if exists {name}")
    finally:
        connection.close()
    job.say(f"index {name} is gone")


def _answers(port: int) -> bool:
    try:
        return bool(json.loads(fetch(f"http://127.0.0.1:{port}/health", 2))["status"] in ("pass", "warn"))
    except OSError:
        return False
