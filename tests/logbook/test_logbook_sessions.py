"""A session's log as the station uses it: append, samples, blobs, folders, ids, reading beside an owner."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from logbook_nights import ME, SESSION, Night, kinds_of, moment, note, raws_of, write

from quarterdeck.errors import LogbookError, UsageError
from quarterdeck.logbook.blobs import read_blob
from quarterdeck.logbook.chain import verify_raws
from quarterdeck.logbook.folder import find_session, home, list_sessions, new_session_id, sessions_folder
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.samples import batch_hash, digest_of
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.session.event import Moment, decode
from quarterdeck.session.events import Draft, StepDone, payload
from quarterdeck.session.parts import Watch


async def test_events_are_there_at_once_and_durable_when_the_future_says_so(night: Night) -> None:
    log = night.open()
    appended = log.append([note("a"), note("b")], ME, "plan hash")
    assert [event.aseq for event in appended.events] == [1, 2]
    assert appended.raws == raws_of(log)
    assert appended.events[0].plan == "plan hash"
    health = await asyncio.wrap_future(appended.durable)
    assert health.level == "green"
    assert log.saved == 2


def test_many_producers_get_one_dense_chain(night: Night) -> None:
    log = night.open()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: log.append([note(str(number))], ME, "p").durable, range(200)))
    assert {each.result(20).level for each in done} == {"green"}
    found = verify_raws(SESSION, raws_of(log))
    assert found.chains[log.replica].aseq == 200
    assert not found.problems


def test_waiting_for_durability_cannot_be_called_off(night: Night) -> None:
    appended = night.open().append([note("a")], ME, "p")
    assert not appended.durable.cancel()
    assert appended.durable.result(20).level == "green"


def test_a_closed_log_refuses_and_says_so(night: Night) -> None:
    log = night.open()
    write(log, 1)
    assert log.close()
    with pytest.raises(LogbookError, match="closed"):
        log.append([note("x")], ME, "p")
    assert log.saved == 1


def test_reopening_goes_on_with_the_same_replica_and_says_nothing(night: Night) -> None:
    log = night.open()
    raws = write(log, 3)
    replica = log.replica
    log.close()
    log = night.open()
    assert raws_of(log) == raws
    assert log.replica == replica
    assert decode(write(log, 1)[0]).aseq == 4


def test_the_folder_has_to_be_that_of_the_session(night: Night) -> None:
    with pytest.raises(LogbookError, match="not that of the session"):
        SessionLog.open(night.folder, session_id="2026-01-01-else-bcdf", actor=ME, moment=moment)


def test_the_flight_recorder_can_lie_on_another_disk(night: Night, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    log = night.open(recorder_dir=elsewhere)
    raws = write(log, 2)
    assert (elsewhere / f"{SESSION}.jsonl").exists()
    assert not (night.home / "recorder").exists()
    assert read_session(night.folder, recorder_dir=elsewhere).raws == raws


# ---------------------------------------------------------------- samples


def readings(number: int) -> list[Moment]:
    return [Moment(wall=number + step / 10) for step in range(3)]


def done(log: SessionLog, watch: Watch) -> Watch:
    appended = log.append([Draft(data=StepDone(watch=watch), step="s")], ME, "p")
    appended.durable.result(20)
    found = payload(appended.events[0])
    assert isinstance(found, StepDone)
    assert found.watch is not None
    return found.watch


def test_an_event_names_the_digest_of_the_batches_since_the_last_one(night: Night) -> None:
    log = night.open()
    batches = [log.append_samples(readings(number)) for number in range(3)]
    watch = done(log, log.watch({"here.cpu": 4.5, "api.status": "ok", "gone": None}))
    assert watch.batches == 3
    assert watch.digest == digest_of(batch.hash for batch in batches)
    assert watch.snapshot == {"here.cpu": 4.5, "api.status": "ok", "gone": None}
    nothing = done(log, log.watch({}))
    assert (nothing.digest, nothing.batches) == ("", 0)


def test_a_watch_that_was_taken_and_not_used_loses_no_batch(night: Night) -> None:
    log = night.open()
    log.append_samples(readings(1))
    log.watch({})
    early = log.watch({})
    late = log.append_samples(readings(2))
    watch = done(log, early)
    assert watch.batches == 2
    assert watch.digest != early.digest
    assert late.number == 2


def test_the_digest_goes_on_over_a_restart(night: Night) -> None:
    log = night.open()
    log.append_samples(readings(1))
    done(log, log.watch({}))
    second = log.append_samples(readings(2))
    log.close()
    log = night.open()
    third = log.append_samples(readings(3))
    assert [second.number, third.number] == [2, 3]
    watch = done(log, log.watch({}))
    assert (watch.batches, watch.digest) == (2, digest_of([second.hash, third.hash]))


def test_samples_are_read_back_as_they_were_written_with_and_without_an_owner(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = night.open()
    batches = [log.append_samples(readings(number)) for number in range(4)]
    write(log, 1)
    log.append([note("x")], ME, "p").durable.result(20)
    assert read_session(night.folder).owned
    assert list(read_session(night.folder).samples) == batches
    log.close()
    (night.home / "recorder" / f"{SESSION}.samples.jsonl").unlink()
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    copy = read_session(night.folder)
    assert not list((tmp_path / "copies").iterdir()), "what is killed now leaves nothing behind"
    assert list(copy.samples) == batches
    assert all(batch_hash(batch.raw) == batch.hash for batch in copy.samples)


# ---------------------------------------------------------------- blobs


def test_a_blob_is_stored_under_its_hash_once(night: Night, tmp_path: Path) -> None:
    log = night.open()
    source = tmp_path / "report.txt"
    source.write_bytes(b"x" * 3_000_000)
    blob = log.store_blob(source, "report.txt")
    again = log.store_blob(b"x" * 3_000_000, "other name")
    assert (blob.len, blob.sha256) == (3_000_000, again.sha256)
    assert [path.name for path in log.place.blobs.iterdir()] == [blob.sha256]
    assert read_blob(log.place.blobs, blob) == source.read_bytes()


def test_a_changed_blob_is_found_out(night: Night) -> None:
    log = night.open()
    blob = log.store_blob(b"truth", "x")
    (log.place.blobs / blob.sha256).write_bytes(b"lie")
    with pytest.raises(LogbookError, match="was changed"):
        read_blob(log.place.blobs, blob)


def test_what_is_no_regular_file_is_refused_without_waiting(night: Night, tmp_path: Path) -> None:
    log = night.open()
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", tmp_path, tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(LogbookError):
            log.store_blob(source, "x")
    assert list(log.place.blobs.iterdir()) == []


# ---------------------------------------------------------------- reading beside an owner


def test_a_living_session_is_read_from_the_flight_recorder_and_sqlite_is_not_touched(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = night.open()
    raws = write(log, 5)
    monkeypatch.setattr("quarterdeck.logbook.sqlite.connect", None)
    copy = read_session(night.folder)
    assert copy.owned
    assert copy.raws == raws
    assert not copy.problems
    assert copy.blobs == night.folder / "blobs"


def test_a_line_that_is_just_being_written_is_no_problem(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    with night.recorder.open("ab") as file:
        file.write(b'{"hash":"12')
    copy = read_session(night.folder)
    assert copy.raws == raws
    assert not copy.problems
    log.close()


def test_reading_a_session_that_nobody_owns_changes_no_file(night: Night) -> None:
    log = night.open()
    write(log, 3)
    log.close()
    before = {path: path.read_bytes() for path in night.home.rglob("*") if path.is_file()}
    assert len(read_session(night.folder).events) == 3
    assert {path: path.read_bytes() for path in night.home.rglob("*") if path.is_file()} == before


def test_an_owner_may_come_while_somebody_reads(night: Night) -> None:
    night.open().close()
    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read_session, night.folder) for _ in range(12)]
        for _ in range(4):
            night.open().close()
        for each in reading:
            each.result(30)
    assert kinds_of(night.open()) == []


def test_a_session_that_is_not_there_is_told(night: Night) -> None:
    with pytest.raises(LogbookError, match="no such session"):
        read_session(night.folder)


# ---------------------------------------------------------------- names and places


def test_an_id_can_be_said_and_its_letters_make_no_word(tmp_path: Path) -> None:
    name = new_session_id(dt.date(2026, 11, 29), "Rebuild orders_index!", folder=tmp_path)
    front, _, letters = name.rpartition("-")
    assert front == "2026-11-29-rebuild-orders-index"
    assert len(letters) == 4
    assert not set(letters) & set("aeiouy")


def test_an_id_that_is_taken_is_not_given_again(tmp_path: Path) -> None:
    letters = iter("bbbbbbbbcccc")
    (tmp_path / "2026-11-29-x-bbbb").mkdir()
    assert new_session_id(dt.date(2026, 11, 29), "x", folder=tmp_path, choose=lambda _: next(letters)).endswith(
        "cccc"
    )


def test_a_session_is_found_by_any_part_that_names_one_alone(tmp_path: Path) -> None:
    for name in (
        "2026-11-29-rebuild-orders-index-kfwz",
        "2026-11-29-rebuild-orders-index-bcdf",
        "2026-11-30-failover-kfwb",
    ):
        (tmp_path / name).mkdir()
    assert find_session("kfwz", tmp_path).name == "2026-11-29-rebuild-orders-index-kfwz"
    assert find_session("FAILOVER", tmp_path).name == "2026-11-30-failover-kfwb"
    assert find_session("2026-11-30", tmp_path).name == "2026-11-30-failover-kfwb"
    with pytest.raises(UsageError, match="2 sessions fit 'rebuild'"):
        find_session("rebuild", tmp_path)
    with pytest.raises(UsageError, match="No session fits 'xyz'"):
        find_session("xyz", tmp_path)
    with pytest.raises(UsageError, match="no session on this machine"):
        find_session("x", tmp_path / "nothing")


def test_the_list_says_which_sessions_have_an_owner(night: Night) -> None:
    log = night.open()
    (night.folder.parent / "2026-01-01-else-bcdf").mkdir()
    assert [(found.id, found.owned) for found in list_sessions(night.folder.parent)] == [
        ("2026-01-01-else-bcdf", False),
        (SESSION, True),
    ]
    log.close()
    assert not any(found.owned for found in list_sessions(night.folder.parent))


def test_the_home_is_the_state_folder_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    assert sessions_folder() == tmp_path / "home" / "sessions"
    monkeypatch.delenv("QUARTERDECK_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert home().name == "quarterdeck"
