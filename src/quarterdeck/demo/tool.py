"""The demo's maintenance tool: `python -m quarterdeck.demo.tool VERB --home DIR`, what the steps run.

Each verb prints what it does line by line, and exits 0 when it is done and proven, 1 when it refuses or
fails. It may be killed at any moment; running it again finishes the work. One that changes something runs
alone.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quarterdeck.demo import archiving, copies, faults, upkeep
from quarterdeck.demo.database import NEW_INDEX, OLD_INDEX
from quarterdeck.demo.files import Home
from quarterdeck.demo.job import Job, RefusedError, alone, idle

__all__ = ["VERBS", "main", "parser"]


@dataclass(frozen=True)
class Verb:
    """One maintenance command."""

    work: Callable[[Job], None]
    changes: bool = True
    """It takes the lock that lets one command change something at a time."""
    forward: bool = False
    """It belongs to a plan's forward part, so that the `step` fault may make it fail before it begins."""


VERBS: dict[str, Verb] = {
    "backup": Verb(copies.backup),
    "verify-backup": Verb(copies.verify_backup, changes=False),
    "integrity-check": Verb(upkeep.integrity_check, changes=False),
    "row-count": Verb(upkeep.row_count, changes=False),
    "checksum": Verb(upkeep.checksum, changes=False),
    "receipts": Verb(upkeep.receipts, changes=False),
    "check-index": Verb(upkeep.check_index, changes=False),
    "survey": Verb(upkeep.survey, changes=False),
    "idle": Verb(idle, changes=False),
    "progress": Verb(upkeep.progress, changes=False),
    "archive": Verb(archiving.archive, forward=True),
    "delete-archived": Verb(archiving.delete_archived, forward=True),
    "build-new-index": Verb(upkeep.build_new_index, forward=True),
    "drop-old-index": Verb(upkeep.drop_old_index, forward=True),
    "vacuum": Verb(upkeep.vacuum, forward=True),
    "analyze": Verb(upkeep.analyze, forward=True),
    "restart": Verb(upkeep.restart, forward=True),
    "seal-archive": Verb(archiving.seal_archive, forward=True),
    "restore-archived": Verb(archiving.restore_archived),
    "drop-archive": Verb(archiving.drop_archive),
    "drop-new-index": Verb(upkeep.drop_new_index),
    "rebuild-old-index": Verb(upkeep.rebuild_old_index),
    "refuse-writes": Verb(copies.refuse_writes),
    "accept-writes": Verb(copies.accept_writes),
    "restore-whole": Verb(copies.restore_whole),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns its exit code."""
    options = parser().parse_args(arguments)
    verb = VERBS[options.verb]
    job = Job(Home(options.home), vars(options))
    try:
        _run(verb, job)
    except RefusedError as refusal:
        return _fail(str(refusal))
    except (sqlite3.Error, OSError) as error:
        return _fail(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        return _fail("stopped; what was begun was taken back", code=130)
    return 0


def _run(verb: Verb, job: Job) -> None:
    if verb.forward and faults.take_step_fault(job.home):
        raise RefusedError("this step was told to fail; nothing was changed")
    if not verb.changes:
        verb.work(job)
        return
    with alone(job.home):
        verb.work(job)


def _fail(text: str, code: int = 1) -> int:
    sys.stderr.write(f"tool: {text}\n")
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of the tool's command line."""
    found = argparse.ArgumentParser(prog="quarterdeck.demo.tool", description="The demo's maintenance commands.")
    found.add_argument("verb", choices=sorted(VERBS))
    found.add_argument("--home", type=Path, required=True, help="the demo's folder")
    found.add_argument("--batch", type=int, default=5_000, help="orders in one transaction")
    found.add_argument("--pause", type=float, default=0.0, help="seconds left to the customers between two batches")
    found.add_argument("--older-than", type=int, default=700, help="days after which an order is old")
    found.add_argument("--up-to", type=int, default=2**62, help="the last order that the checksum takes in")
    found.add_argument("--down", type=float, default=0.0, help="seconds that a restart leaves the service down")
    found.add_argument("--customers", type=int, default=1_000, help="how many the survey asks for")
    found.add_argument("--name", choices=(OLD_INDEX, NEW_INDEX), default=OLD_INDEX, help="an index")
    found.add_argument("--require-new", action="store_true", help="drop the old index only beside the new one")
    found.add_argument("--require-old", action="store_true", help="drop the new index only beside the old one")
    return found


if __name__ == "__main__":
    sys.exit(main())
