"""What a commit costs, counted: one write and one sync of the flight recorder, one sync of the logbook's log."""

from __future__ import annotations

import threading

from logbook_nights import ME, FailingDisk, Night, note
from recording_vfs import Operation, recording

from quarterdeck.logbook.session_log import Seams


class Heard(list[Operation]):
    """What reached the files, and a bell for each sync."""

    def __init__(self) -> None:
        super().__init__()
        self.synced = threading.Semaphore(0)

    def append(self, operation: Operation) -> None:
        super().append(operation)
        if operation[0] == "s":
            self.synced.release()


def test_a_commit_is_one_sync_of_each_recorder_however_many_events_it_has(night: Night) -> None:
    heard, disk = Heard(), FailingDisk()
    log = night.open(Seams(disk=disk, connector=recording(heard)))
    while heard.synced.acquire(blocking=False):
        pass
    for events in (1, 1, 40):
        heard.clear()
        before = dict(disk.calls)
        log.append([note(f"{number}") for number in range(events)], ME, "plan").durable.result(20)
        assert heard.synced.acquire(timeout=20)
        assert {name: disk.calls[name] - before[name] for name in ("write", "sync")} == {"write": 1, "sync": 1}
        assert not heard.synced.acquire(timeout=0.05)
        assert [operation for operation in heard if operation[0] == "s"] == [("s", "logbook.db-wal")]
