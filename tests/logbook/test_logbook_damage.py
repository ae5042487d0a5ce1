"""Damaged, torn, missing, foreign and forked files: both recorders' union is what counts."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from logbook_nights import HALT, ME, SESSION, FlakyPlan, Night, kinds_of, note, raws_of, write

from quarterdeck.errors import LogbookError
from quarterdeck.logbook import disk, recorder, recovery, sqlite
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.recorder import FlightRecorder, _sealed, scan
from quarterdeck.logbook.session_log import Seams, SessionLog
from quarterdeck.logbook.sqlite import SqliteLogbook
from quarterdeck.session.event import decode, digest, encode
from quarterdeck.session.events import ReplicaBurned, payload
from quarterdeck.session.told import Told

Nights = Callable[[Path], Night]

COUNT = 25

WRITE_AND_DIE = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from logbook_nights import Night, write
night = Night(Path(sys.argv[1]))
log = night.open()
write(log, int(sys.argv[3]))
log.append_samples([])
from quarterdeck.logbook.session_log import SessionLog
import time
end = time.monotonic() + 10
while set(lane.confirmed for lane in log._writer._lanes) != {int(sys.argv[3])} and time.monotonic() < end:
    time.sleep(0.01)
os._exit(0)
"""


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a station that was killed after so many events: its write-ahead log still lies there."""
    home = tmp_path_factory.mktemp("crashed") / "home"
    command = [sys.executable, "-c", WRITE_AND_DIE, str(home), str(Path(__file__).parent.parent / "kits"), str(COUNT)]
    subprocess.run(command, check=True, timeout=60)
    assert Night(home).wal.stat().st_size > 0
    return home


@pytest.fixture
def hurt(crashed: Path, tmp_path: Path, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A copy of it, to be hurt, that passes for the original: a copy would go on as another replica anyway."""
    original = Night(crashed)

    def kept(fd: int) -> str:
        copied = str(Path(f"/proc/self/fd/{fd}").readlink())
        with Path(copied.replace(str(tmp_path / "home"), str(original.home))).open() as file:
            return disk.identity(file.fileno())

    for module in (sqlite, recorder):
        monkeypatch.setattr(module, "identity", kept)
    shutil.copytree(crashed, tmp_path / "home")
    return nights(tmp_path / "home")


def expected(crashed: Path) -> list[bytes]:
    return [raw for _, raw in scan(Night(crashed).recorder.read_bytes()).lines]


def flip(path: Path, at: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def lose(path: Path) -> None:
    path.unlink(missing_ok=True)


def without_logbook(night: Night) -> None:
    lose(night.database)
    lose(night.wal)


def clean(night: Night) -> list[bytes]:
    """Everything that it opens with; nothing may be wrong with it afterwards, and it goes on."""
    log = night.open()
    assert not log.read_only
    found = raws_of(log)
    more = write(log, 1, "later")
    log.close()
    copy = read_session(night.folder)
    assert copy.raws == found + more
    book = SqliteLogbook(night.database, SESSION)
    book.open()
    assert {event.raw for event in book.read()} == set(copy.raws), "repaired: the logbook alone holds everything"
    book.close()
    recorder = FlightRecorder(night.recorder, SESSION)
    assert {event.raw for event in recorder.read()} == set(copy.raws), "and so does the flight recorder"
    assert not [problem for problem in copy.problems if problem.what not in ("damaged", "torn")]
    return found


def test_samples_of_a_damaged_logbook_go_into_the_one_that_takes_its_place(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.logbook.recovery._AT_A_TIME", 7)
    log = night.open()
    batches = [log.append_samples([note("x" * 3000)]) for _ in range(60)]
    write(log, 1)
    log.close()
    with night.database.open("r+b") as file:
        file.seek(night.database.stat().st_size * 2 // 3)
        file.write(b"\xff" * 9000)
    clean(night)
    book = SqliteLogbook(night.database, SESSION)
    book.open()
    kept = list(book.samples())
    book.close()
    assert 40 < len(kept) < 60, "some lay on the pages that were hurt"
    assert set(kept) < set(batches)
    assert list(read_session(night.folder).samples) == batches, "the file beside the flight recorder has them all"


# ---------------------------------------------------------------- torn


def test_a_torn_last_line_at_every_byte_loses_no_acknowledged_event(
    crashed: Path, tmp_path: Path, nights: Nights
) -> None:
    whole = Night(crashed).recorder.read_bytes()
    raws = expected(crashed)
    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(whole)):
        path = tmp_path / "torn.jsonl"
        path.write_bytes(whole[:cut])
        recorder = FlightRecorder(path, SESSION)
        recorder.open("r")
        lines = [raw for link, raw in recorder.found.lines if link]
        recorder.close()
        # The line without its newline is whole, so it counts.
        assert lines == (raws if cut == len(whole) - 1 else raws[:-1]), cut
        assert path.read_bytes().endswith(b"\n")
    for cut in random.Random(3).sample(range(last + 1, len(whole)), 4):
        home = tmp_path / f"home{cut}"
        shutil.copytree(crashed, home)
        night = nights(home)
        night.recorder.write_bytes(whole[:cut])
        assert clean(night)[:COUNT] == raws


def test_control_without_mending_the_next_event_is_lost_in_the_torn_line(
    crashed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_bytes(Night(crashed).recorder.read_bytes()[:-30])
    monkeypatch.setattr(FlightRecorder, "_mend", lambda *_: None)
    recorder = FlightRecorder(path, SESSION)
    recorder.open()
    before = len(list(recorder.read()))
    raw = encode(msgspec.structs.replace(decode(expected(crashed)[0]), replica="r9"))
    from quarterdeck.logbook.protocol import StoredEvent

    recorder.append([StoredEvent("r9", 1, digest(raw), raw)])
    assert len(list(recorder.read())) == before
    recorder.close()


# ---------------------------------------------------------------- bit flips


@pytest.mark.parametrize("part", ["database", "wal", "recorder"])
def test_bit_flips_in_one_file_lose_nothing(crashed: Path, tmp_path: Path, nights: Nights, part: str) -> None:
    rng = random.Random(part)
    raws = expected(crashed)
    bitten = 0
    for round_ in range(15):
        home = tmp_path / f"home{round_}"
        shutil.copytree(crashed, home)
        night = nights(home)
        path: Path = getattr(night, part)
        if part == "database":  # all of it is still in the log: move it into the file first
            fold_log_in(night)
        for _ in range(3):
            flip(path, rng.randrange(path.stat().st_size), rng.randrange(8))
        bitten += alone(night, part) != raws
        assert clean(night)[:COUNT] == raws, round_
    assert bitten > 5, "control: read alone, the hurt file did lose something"


def fold_log_in(night: Night) -> None:
    connection = sqlite3.connect(night.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def alone(night: Night, part: str) -> list[bytes]:
    """What a reader gets that believes one file as it is."""
    try:
        if part == "recorder":
            return [raw for _, raw in scan(night.recorder.read_bytes()).lines]
        copy = night.home / "copy.db"
        shutil.copy(night.database, copy)
        if night.wal.exists():
            shutil.copy(night.wal, night.home / "copy.db-wal")
        connection = sqlite3.connect(copy)
        try:
            return [bytes(raw) for (raw,) in connection.execute("SELECT raw FROM events ORDER BY position")]
        finally:
            connection.close()
    except (sqlite3.Error, TypeError):
        return []


def test_a_truncated_or_missing_log_is_filled_from_the_flight_recorder(
    crashed: Path, tmp_path: Path, nights: Nights
) -> None:
    raws = expected(crashed)
    size = Night(crashed).wal.stat().st_size
    for number, left in enumerate([None, 0, 31, 1000, size // 3, size // 2, size - 9000]):
        home = tmp_path / f"home{number}"
        shutil.copytree(crashed, home)
        night = nights(home)
        if left is None:
            lose(night.wal)
        else:
            night.wal.write_bytes(night.wal.read_bytes()[:left])
        assert len(alone(night, "wal")) < COUNT, "control: the log alone lost events"
        assert clean(night)[:COUNT] == raws


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_a_logbook_that_is_no_database_is_set_aside_and_made_anew(hurt: Night, crashed: Path, content: bytes) -> None:
    lose(hurt.wal)
    hurt.database.write_bytes(content)
    assert clean(hurt)[:COUNT] == expected(crashed)
    aside = list(hurt.folder.glob("damaged-*"))
    assert bool(aside) == bool(content)


def test_each_recorder_alone_is_enough_and_the_other_one_is_made_again(
    hurt: Night, crashed: Path, tmp_path: Path, nights: Nights
) -> None:
    raws = expected(crashed)
    other = nights(tmp_path / "other")
    shutil.copytree(crashed, other.home)
    lose(hurt.recorder)
    without_logbook(other)
    for night in (hurt, other):
        assert clean(night)[:COUNT] == raws
        assert [event.raw for event in FlightRecorder(night.recorder, SESSION).read()][:COUNT] == raws


def test_a_logbook_damaged_while_it_is_open_is_made_anew_from_memory(night: Night) -> None:
    plan = FlakyPlan(after_all=False)
    log = night.open(Seams(connector=plan))
    raws = write(log, 5)
    log.append([HALT], ME, "plan", urgent=True).durable.result(20)
    night.wal.write_bytes(b"")
    night.database.write_bytes(b"garbage" * 5000)
    plan.failures = 1
    write(log, 1)
    log.close()
    assert log.health() == {"logbook": "ok", "recorder": "ok"}
    assert [path.name for path in night.folder.glob("damaged-*.db")] == ["damaged-1.logbook.db"]
    book = SqliteLogbook(night.database, SESSION)
    book.open()
    assert [event.raw for event in book.read()] == raws_of(log)
    assert raws_of(log)[:5] == raws
    book.close()


def test_a_damaged_logbook_alone_gives_every_row_that_can_still_be_read(hurt: Night, crashed: Path) -> None:
    fold_log_in(hurt)
    lose(hurt.recorder)
    data = bytearray(hurt.database.read_bytes())
    page = data.index(b'"aseq":%d,' % COUNT) // 4096
    data[page * 4096 : page * 4096 + 8] = b"\xff" * 8  # the page of the newest events
    hurt.database.write_bytes(data)
    found = clean(hurt)
    old = [raw for raw in found if raw in set(expected(crashed))]
    assert old == expected(crashed)[: len(old)]
    assert 0 < len(old) < COUNT


def test_a_repair_is_told_by_an_event(night: Night) -> None:
    log = night.open()
    raws = write(log, 3)
    log.close()
    night.recorder.write_bytes(night.recorder.read_bytes()[:-20])
    log = night.open()
    assert raws_of(log)[:3] == raws
    news = decode(raws_of(log)[3])
    assert news.kind == "recorder.changed"
    assert b"events written into it again: 1" in bytes(news.data)
    log.close()
    log = night.open()
    assert len(log.events) == 4


def test_events_that_only_the_flight_recorder_had_go_into_the_logbook_and_the_other_way_round(night: Night) -> None:
    log = night.open()
    raws = write(log, 8)
    log.close()
    lines = night.recorder.read_bytes().splitlines(keepends=True)
    night.recorder.write_bytes(b"".join(lines[:4] + lines[6:]))  # without two in the middle
    connection = sqlite3.connect(night.database)
    connection.execute("DROP TRIGGER events_are_not_deleted")
    connection.execute("DELETE FROM events WHERE aseq IN (1, 7, 8)")
    connection.close()
    assert clean(night)[:8] == raws


HEADS = random.Random(18)


def every_place(night: Night, part: str) -> list[int]:
    """Where a flight recorder says what it is, and where a logbook says so and how its tables look."""
    data = (night.recorder if part == "recorder" else night.database).read_bytes()
    if part == "recorder":
        return list(range(data.index(b"\n") + 1))
    schema = [at for at in range(100, 4096) if data[at]]
    return [18, 19, 44, 47, *range(56, 72), *HEADS.sample(range(100), 20), *HEADS.sample(schema, 25)]


@pytest.mark.parametrize("part", ["recorder", "database"])
def test_one_damaged_bit_of_what_a_file_says_it_is_keeps_no_session_from_going_on(
    crashed: Path, tmp_path: Path, nights: Nights, part: str
) -> None:
    raws = expected(crashed)
    shutil.copytree(crashed, tmp_path / "closed")
    closed = nights(tmp_path / "closed")
    closed.open().close()
    for at in every_place(closed, part):
        home = tmp_path / f"home{at}"
        shutil.copytree(closed.home, home)
        night = nights(home)
        flip(getattr(night, part), at, HEADS.randrange(8))
        log = night.open()
        assert (log.read_only, log.health()) == ("", {"logbook": "ok", "recorder": "ok"}), at
        assert raws_of(log)[:COUNT] == raws, at
        write(log, 1, "later")
        log.close()
        assert log.health() == {"logbook": "ok", "recorder": "ok"}, at
        shutil.rmtree(home)


@pytest.mark.parametrize("reader", [clean, lambda night: read_session(night.folder).raws])
def test_a_value_whose_type_one_bit_changed_is_damage_and_no_crash(
    hurt: Night, crashed: Path, reader: Callable[[Night], list[bytes]]
) -> None:
    fold_log_in(hurt)
    head = b"\x00\x1d\x01\x81\x0d"  # of a record: a position, eight letters, a number, 64 letters; then the bytes
    flip(hurt.database, hurt.database.read_bytes().index(head) + len(head) + 1)
    connection = sqlite3.connect(hurt.database)
    assert {type(raw) for (raw,) in connection.execute("SELECT raw FROM events")} == {bytes, str}, "the fault"
    connection.close()
    assert reader(hurt)[:COUNT] == expected(crashed)


# ---------------------------------------------------------------- both


def hurt_event(night: Night, aseq: int) -> None:
    """Damage one event in both recorders."""
    fold_log_in(night)
    for path in (night.database, night.recorder):
        data = bytearray(path.read_bytes())
        at = data.index(b'"aseq":%d,' % aseq)
        data[at + 2] ^= 1
        path.write_bytes(data)


def test_both_damaged_at_one_place_opens_read_only_and_hides_no_halt(hurt: Night, crashed: Path) -> None:
    hurt_event(hurt, 12)
    log = hurt.open()
    assert "12 to 12" in log.read_only
    assert raws_of(log) == expected(crashed)[:11]
    assert len(log.held) == COUNT - 12
    with pytest.raises(LogbookError):
        log.append([HALT], ME, "plan")
    log.close()
    copy = read_session(hurt.folder)
    assert {problem.what for problem in copy.problems} >= {"gap", "damaged"}
    assert len(copy.held) == COUNT - 12


def test_both_damaged_at_the_end_goes_on_under_another_replica(hurt: Night, crashed: Path) -> None:
    hurt_event(hurt, COUNT)
    log = hurt.open()
    assert raws_of(log)[: COUNT - 1] == expected(crashed)[:-1]
    assert "replica.burned" in kinds_of(log)
    assert log.replica != log.events[0][0].replica
    write(log, 1)


def hurt_both_ends(night: Night) -> None:
    """The last line's head, so that nobody can say what stood there, and the logbook's page of the newest events."""
    flip(night.recorder, night.recorder.read_bytes().rindex(b"\n", 0, -1) + 3)
    fold_log_in(night)
    data = bytearray(night.database.read_bytes())
    page = data.index(b'"aseq":%d,' % COUNT) // 4096
    data[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    night.database.write_bytes(data)


def tear_both(night: Night) -> None:
    """The recorder's last line is torn, and the log was cut before its last events."""
    night.recorder.write_bytes(night.recorder.read_bytes()[:-40])
    night.wal.write_bytes(night.wal.read_bytes()[: night.wal.stat().st_size // 2])


def lose_one_and_hurt_the_other(night: Night) -> None:
    """The recorder is gone, and the logbook's page of the newest events is damaged."""
    hurt_both_ends(night)
    lose(night.recorder)


def cut_both(night: Night) -> None:
    """Both end in the middle of the night, as if they had never held more: the log is gone, and half of the lines."""
    lines = night.recorder.read_bytes().splitlines(keepends=True)
    night.recorder.write_bytes(b"".join(lines[: len(lines) // 2]))
    night.wal.write_bytes(b"")


@pytest.mark.parametrize("hurting", [hurt_both_ends, tear_both, lose_one_and_hurt_the_other, cut_both])
def test_what_both_lost_at_the_end_is_said_and_no_id_of_it_is_used_again(
    hurt: Night, crashed: Path, hurting: Callable[[Night], None]
) -> None:
    hurting(hurt)
    log = hurt.open()
    left = [raw for raw in raws_of(log) if raw in set(expected(crashed))]
    assert 0 < len(left) < COUNT
    assert left == expected(crashed)[: len(left)]
    (burned,) = [payload(event) for event, _ in log.events if event.kind == "replica.burned"]
    assert isinstance(burned, ReplicaBurned)
    assert burned.last == len(left), "the gap is in the record"
    assert f"nothing after event {len(left)} of" in burned.sentence(Told(log.events[-1][0], None))
    assert not reused(log, crashed)


def reused(log: SessionLog, crashed: Path) -> set[str]:
    """Ids that other events had before."""
    before = expected(crashed)
    return {decode(raw).id for raw in before} & {decode(raw).id for raw in raws_of(log) if raw not in before}


def test_control_without_looking_at_the_ends_ids_of_lost_events_are_used_again(
    hurt: Night, crashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_lost_its_end", lambda *_: False)
    shutil.rmtree(hurt.folder / "shown")
    hurt_both_ends(hurt)
    assert reused(hurt.open(), crashed)


def test_what_comes_to_light_after_its_replica_was_burned_does_not_count(hurt: Night, crashed: Path) -> None:
    hurt_both_ends(hurt)
    log = hurt.open()
    write(log, 1)
    known = raws_of(log)
    log.close()
    for raw in expected(crashed):
        if raw not in known:
            append_line(hurt, raw)
    assert read_session(hurt.folder).raws == known
    log = hurt.open()
    assert (log.read_only, raws_of(log)[: len(known)]) == ("", known)


def test_a_hurt_end_that_the_other_recorder_holds_keeps_the_replica(hurt: Night, crashed: Path) -> None:
    flip(hurt.recorder, hurt.recorder.read_bytes().rindex(b"\n", 0, -1) + 3)
    assert hurt.open().replica == decode(expected(crashed)[0]).replica


def test_both_recorders_gone_is_a_new_session_and_not_an_old_one_cut_short(hurt: Night) -> None:
    without_logbook(hurt)
    lose(hurt.recorder)
    assert list(hurt.open().events) == []


# ---------------------------------------------------------------- forks, formats, copies


def append_line(night: Night, raw: bytes) -> None:
    with night.recorder.open("ab") as file:
        file.write(b'{"hash":"%b","event":%b}\n' % (digest(raw).encode(), raw))


def test_a_fork_opens_read_only_with_a_message_and_stays_readable(night: Night) -> None:
    log = night.open()
    raws = write(log, 5)
    log.close()
    append_line(night, encode(msgspec.structs.replace(decode(raws[3]), step="other")))
    log = night.open()
    assert "does not fit" in log.read_only
    assert raws_of(log) == raws[:3]
    assert log.level() == "read_only"
    with pytest.raises(LogbookError, match="does not fit"):
        log.append([note("x")], ME, "plan")
    log.close()
    assert "fork" in {problem.what for problem in read_session(night.folder).problems}


def test_replayed_events_of_another_session_are_ignored_and_told(night: Night) -> None:
    log = night.open()
    raws = write(log, 3)
    log.close()
    append_line(night, encode(msgspec.structs.replace(decode(raws[0]), session="2026-01-01-else-bcdf")))
    log = night.open()
    assert raws_of(log)[:3] == raws
    assert kinds_of(log)[3:] == ["fact.noted"]


def test_a_newer_event_format_opens_read_only(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    log.close()
    last = decode(raws[-1])
    append_line(night, encode(msgspec.structs.replace(last, v=2, aseq=3, prev=digest(raws[-1]))))
    log = night.open()
    assert "newer version" in log.read_only
    assert len(log.events) == 3


def test_newer_tables_open_read_only_with_what_the_flight_recorder_holds(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    log.close()
    connection = sqlite3.connect(night.database)
    connection.execute("PRAGMA user_version = 2")
    connection.execute("INSERT INTO about VALUES ('tables', '2')")
    connection.commit()
    connection.close()
    before = night.database.read_bytes()
    log = night.open()
    assert "newer version" in log.read_only
    assert raws_of(log) == raws
    log.close()
    assert night.database.read_bytes() == before


def test_a_newer_flight_recorder_opens_read_only(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    log.close()
    head, _, rest = night.recorder.read_bytes().partition(b"\n")
    newer = head.rpartition(b',"seal"')[0].replace(b'{"recorder":1,', b'{"recorder":2,')
    text = _sealed(newer + b"}") + b"\n" + rest
    night.recorder.write_bytes(text)
    log = night.open()
    assert "newer version" in log.read_only
    assert raws_of(log) == raws
    log.close()
    assert night.recorder.read_bytes() == text


def test_a_database_of_another_program_is_set_aside(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    log.close()
    lose(night.database)
    connection = sqlite3.connect(night.database)
    connection.execute("CREATE TABLE things (x)")
    connection.close()
    assert clean(night)[:2] == raws
    assert list(night.folder.glob("damaged-1.logbook.db"))


def restore_old_copy(night: Night, tmp_path: Path) -> tuple[list[bytes], list[bytes]]:
    """Three events, a backup, two more, and the backup put back: what was there then, and what came after."""
    log = night.open()
    old = write(log, 3)
    log.close()
    shutil.copytree(night.home, tmp_path / "backup")
    log = night.open()
    lost = write(log, 2, "after the backup")
    log.close()
    night.home.rename(tmp_path / "broken")
    shutil.copytree(tmp_path / "backup", night.home)
    return old, lost


def test_a_restored_old_copy_burns_its_replica_and_goes_on_as_another(night: Night, tmp_path: Path) -> None:
    old, lost = restore_old_copy(night, tmp_path)
    log = night.open()
    assert raws_of(log)[:3] == old
    assert kinds_of(log)[3:] == ["replica.burned"]
    assert log.replica != decode(old[0]).replica
    ids = {decode(raw).id for raw in old + lost}
    assert not ids & {decode(raw).id for raw in write(log, 3)}
    replica = log.replica
    log.close()
    log = night.open()
    assert log.replica == replica
    assert kinds_of(log).count("replica.burned") == 1


def test_control_without_the_files_identity_a_restored_copy_forks(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.logbook.sqlite.identity", lambda _: "same")
    monkeypatch.setattr("quarterdeck.logbook.recorder.identity", lambda _: "same")
    old, lost = restore_old_copy(night, tmp_path)
    again = write(night.open(), 2, "again")
    assert [decode(raw).id for raw in again] == [decode(raw).id for raw in lost]
    assert again != lost
    assert old


def test_a_home_that_was_only_moved_keeps_its_replica(night: Night, tmp_path: Path, nights: Nights) -> None:
    log = night.open()
    write(log, 2)
    replica = log.replica
    log.close()
    night.home.rename(tmp_path / "moved")
    moved = nights(tmp_path / "moved").open()
    assert moved.replica == replica
    assert len(moved.events) == 2


def test_a_logbook_whose_disk_is_gone_opens_on_the_flight_recorder_alone(night: Night) -> None:
    log = night.open()
    raws = write(log, 2)
    log.close()

    def refuse(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    log = night.open(Seams(connector=refuse))
    assert log.level() == "amber"
    assert raws_of(log)[:2] == raws
    assert kinds_of(log)[2:] == ["recorder.changed"]
    write(log, 2)
    log.close()
    expected_now = raws_of(log)
    log = night.open()
    assert raws_of(log)[:5] == expected_now
    assert kinds_of(log)[5:] == ["recorder.changed"]
    log.close()
    book = SqliteLogbook(night.database, SESSION)
    book.open()
    assert [event.raw for event in book.read()] == raws_of(log)
    book.close()
