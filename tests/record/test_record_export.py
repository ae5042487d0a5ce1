"""Export never waits for a good moment: finished, live, crashed, damaged and newer sessions all give a record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from record_nights import ADA, BOB, START, Night, copy_home, whole_night

from quarterdeck.errors import UsageError
from quarterdeck.record.export import FORMATS, Exported, export_session, formats_of
from quarterdeck.record.recompile import verify_record
from quarterdeck.record.verbs import export_to, open_record
from quarterdeck.session import events as e
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.told import Told


def everything(folder: Path, out: Path) -> tuple[Exported, dict[str, str]]:
    done = export_session(folder, out, FORMATS)
    return done, {path.suffix[1:]: path.read_text() for path in done.paths if path.suffix != ".py"}


def test_each_format_names_the_sha256_of_the_lines(finished: Path, tmp_path: Path) -> None:
    done, texts = everything(finished, tmp_path / "out")
    assert set(texts) == set(FORMATS)
    assert done.problems == ()
    for name in ("json", "md", "html", "csv"):
        assert done.sha256 in texts[name]
    assert verify_record(done.paths[0]).problems == []


def test_the_same_session_gives_the_same_lines_twice(finished: Path, tmp_path: Path) -> None:
    one = export_session(finished, tmp_path / "a", ("jsonl",))
    two = export_session(finished, tmp_path / "b", ("jsonl",))
    assert one.sha256 == two.sha256


def test_exporting_changes_nothing_in_the_session(finished: Path, tmp_path: Path) -> None:
    def look() -> dict[str, tuple[int, int]]:
        # The lock is taken meanwhile, so that no station begins to write.
        kept = (path for path in finished.parent.parent.rglob("*") if path.name != "lock")
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in kept}

    before = look()
    everything(finished, tmp_path / "out")
    assert look() == before


def test_a_live_session_is_exported_up_to_now_and_says_so(tmp_path: Path) -> None:
    night = Night(tmp_path / "home")
    night.begin()
    night.command("count")
    night.put(e.StepGranted(), e.StepStarted(run="build-1", argv=("echo",)), step="build", attempt=1)
    try:
        done, texts = everything(night.folder, tmp_path / "out")
    finally:
        night.close()
    assert done.live
    assert "NOT OVER: RUNNING" in texts["html"]
    assert "NOT OVER: RUNNING" in texts["md"]
    report = verify_record(done.paths[0])
    assert report.problems == []
    assert not report.outcome


def test_a_session_that_was_only_planned_is_exported(tmp_path: Path) -> None:
    _, texts = everything(Night(tmp_path / "home").close(), tmp_path / "out")
    assert "was not started" in texts["html"]


def test_a_crashed_session_is_exported_with_what_was_durable(tmp_path: Path) -> None:
    night = Night(tmp_path / "home")
    night.begin()
    night.command("count")
    copy = copy_home(night.folder, tmp_path / "crashed")
    night.close()
    recorder = copy.parent.parent / "recorder" / f"{copy.name}.jsonl"
    with recorder.open("ab") as file:
        file.write(b'{"hash":"0000')  # a torn last line
    done, texts = everything(copy, tmp_path / "out")
    assert verify_record(done.paths[0]).problems == []
    assert any("unfinished" in problem for problem in done.problems)
    assert "unfinished" in texts["html"]


def test_a_session_whose_logbook_is_damaged_is_exported_from_the_other_recorder(
    finished: Path, tmp_path: Path
) -> None:
    copy = copy_home(finished, tmp_path / "home")
    database = bytearray((copy / "logbook.db").read_bytes())
    for place in range(5000, len(database), 700):
        database[place] ^= 0xFF
    (copy / "logbook.db").write_bytes(bytes(database))
    done, texts = everything(copy, tmp_path / "out")
    report = verify_record(done.paths[0])
    assert report.events == verify_record(export_session(finished, tmp_path / "b", ("jsonl",)).paths[0]).events
    assert done.problems
    assert "damaged" in texts["md"]


def test_a_gap_is_said_in_every_format_and_by_verify(finished: Path, tmp_path: Path) -> None:
    copy = copy_home(finished, tmp_path / "home")
    (copy / "logbook.db").unlink()
    recorder = copy.parent.parent / "recorder" / f"{copy.name}.jsonl"
    lines = recorder.read_bytes().splitlines(keepends=True)
    recorder.write_bytes(b"".join(lines[:30] + lines[31:]))
    done, texts = everything(copy, tmp_path / "out")
    for name in ("json", "md", "html"):
        assert "are missing" in texts[name]
    assert any("kept apart" in problem.text for problem in verify_record(done.paths[0]).problems)


def test_a_kind_of_a_newer_version_is_kept_and_shown(tmp_path: Path) -> None:
    class Toasted(e.Payload, frozen=True, kw_only=True):
        kind = "bread.toasted"
        slices: int = 2

        def sentence(self, told: Told) -> str:
            return f"{self.slices} slices toasted for {told.role()}"

    try:
        night = whole_night(tmp_path / "home")
        night.put(Toasted())
        folder = night.close()
    finally:
        del e.KINDS["bread.toasted"]
    done, texts = everything(folder, tmp_path / "out")
    assert b"bread.toasted" in done.paths[0].read_bytes()
    assert "does not know" in texts["html"]
    assert verify_record(done.paths[0]).problems == []


def test_a_missing_file_is_said_and_keeps_nothing_from_being_exported(finished: Path, tmp_path: Path) -> None:
    copy = copy_home(finished, tmp_path / "home")
    gone, changed, *_ = sorted((copy / "blobs").iterdir())
    gone.unlink()
    changed.write_bytes(b"another output")
    done, texts = everything(copy, tmp_path / "out")
    assert len(done.problems) == 2
    assert "MISSING in this record" in texts["html"]
    assert "MISSING in this record" in texts["md"]
    assert len(verify_record(done.paths[0]).problems) == 2


def test_the_json_tells_the_night_as_it_was(finished: Path, tmp_path: Path) -> None:
    _, texts = everything(finished, tmp_path / "out")
    session = json.loads(texts["json"])["session"]
    steps = {step["id"]: step for step in session["steps"]}
    assert session["headline"] == "ROLLED BACK WITH EXCEPTIONS"
    assert [row["weight"] for row in session["deviations"]] == sorted(
        (row["weight"] for row in session["deviations"]), key="exception".__ne__
    )
    assert steps["build"]["word"] == "done, undone"
    assert "4 of 6 steps were done, 1 of them undone again" in session["summary"]
    assert steps["freeze"]["word"] == "done, undo skipped"
    assert len(steps["build"]["attempts"]) == 2
    assert steps["count"]["planned"]["start"] == pytest.approx(START)
    assert steps["count"]["planned"]["end"] == pytest.approx(START + 60)
    assert steps["seal"]["word"] == "not run"
    assert steps["freeze"]["forecast"]["start"] == pytest.approx(START + 30)
    assert session["rollback"]["rows"][0]["effect"] == "full"
    assert session["rollback"]["rows"][1]["word"] == "skipped"
    assert [stop["kind"] for stop in session["stops"]] == ["pause", "proposal", "halt"]
    api = next(target for target in session["health"]["targets"] if target["target"] == "api")
    assert api["critical"] > 0
    assert api["series"][0]["high"] == pytest.approx(0.95)
    assert api["series"][0]["warning"] == pytest.approx(0.4)
    assert {person["login"] for person in session["people"]} == {"ada", "bob"}


def test_times_are_utc_with_the_local_offset_and_spans_beside_them(finished: Path, tmp_path: Path) -> None:
    _, texts = everything(finished, tmp_path / "out")
    assert "2026-11-30 01:00:00 UTC (02:00:00 +01:00)" in texts["html"]
    assert "UTC (02:00:00 +01:00)" in texts["md"]
    for text in texts["md"], texts["html"], texts["json"]:
        assert "STARTED: window 01:00 to 03:00 UTC" in text, "its sentences have no other zone than its tables"


def test_two_terminals_of_one_login_are_told_apart_in_every_line(tmp_path: Path) -> None:
    night = Night(tmp_path)
    for number in 3, 7:
        night.put(e.NoteAdded(text="ready"), by=msgspec.structs.replace(BOB, tty=f"/dev/pts/{number}"))
    night.put(e.NoteAdded(text="ready"), by=msgspec.structs.replace(ADA, tty="/dev/pts/3"))
    _, texts = everything(night.close(), tmp_path / "out")
    notes = [line["by"] for line in json.loads(texts["json"])["session"]["log"] if "ready" in line["text"]]
    assert notes == ["bob (pts/3)", "bob (pts/7)", "ada"]


def test_formats_are_read_and_strange_ones_refused() -> None:
    assert formats_of("jsonl, html,jsonl") == ("jsonl", "html")
    for text in ("pdf", "", ","):
        with pytest.raises(UsageError):
            formats_of(text)


def test_the_demo_gets_the_paths_and_the_console_gets_the_page(finished: Path, tmp_path: Path) -> None:
    copy = copy_home(finished, tmp_path / "home")
    paths = export_to(copy, tmp_path / "out", ("md", "html"))
    assert [path.suffix for path in paths] == [".md", ".html"]
    page = open_record(copy)
    assert page.read_text().startswith("<!doctype html>")
    assert open_record(copy) == page


def test_lines_and_their_check_load_no_template_engine(finished: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from quarterdeck.record.verbs import export_to
from quarterdeck.record.recompile import verify_record
paths = export_to(Path(sys.argv[1]), Path(sys.argv[2]), ("jsonl", "json"))
assert not verify_record(paths[0]).problems
print("jinja2" in sys.modules, "textual" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(finished), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_a_session_of_two_stations_is_one_record(tmp_path: Path) -> None:
    """A restored old copy goes on as another replica: two chains in one file."""
    night = Night(tmp_path / "home")
    night.begin()
    night.put(e.NoteAdded(text="before"))
    copy = copy_home(night.folder, tmp_path / "restored")
    night.close()
    from quarterdeck.logbook.session_log import SessionLog

    log = SessionLog.open(copy, session_id=copy.name, actor=ADA, moment=night._moment)
    log.append([], ADA, "")
    log.close()
    done, _ = everything(copy, tmp_path / "out")
    report = verify_record(done.paths[0])
    assert report.problems == []
    assert len(report.heads) == 2
    shutil.rmtree(tmp_path / "restored")


def test_what_was_undone_alone_and_the_halt_before_it_are_told_alike_everywhere(tmp_path: Path) -> None:
    night = Night(tmp_path / "home")
    night.begin()
    night.command("build")
    night.done("build")
    night.put(e.HaltCalled(nonce="n1", reason="wrong index"))
    night.wait(20)
    night.put(e.SessionWentOn(answers=("n1",), reason="only that"), step="build", attempt=1)
    items = (UndoItem("drop-new", "build", "dba", 60),)
    night.put(e.UndoOpened(items=items), step="build", attempt=1)
    night.command("drop-new")
    night.done("drop-new")
    night.put(e.UndoFinished(), step="build", attempt=1)
    night.put(e.SessionAbandoned(reason="another night", handover="nobody"))
    _, texts = everything(night.close(), tmp_path / "out")
    report = json.loads(texts["json"])["session"]
    words = {step["id"]: step["word"] for step in report["steps"]}
    assert (words["build"], words["drop-new"]) == ("undone", "done")
    halt = next(stop for stop in report["stops"] if stop["kind"] == "halt")
    assert halt["answer"] == "undo of 5 Build the index alone, by ada"


def test_a_manual_step_that_was_not_begun_is_not_told_as_undone(tmp_path: Path) -> None:
    night = Night(tmp_path / "home")
    night.begin()
    night.put(e.StepGranted(), e.StepStarted(), step="freeze", attempt=1)
    night.put(e.HaltCalled(nonce="n1", reason="look"))
    night.put(e.EffectDeclared(effect="none", not_begun=True), step="freeze", attempt=1)
    night.put(e.SessionAbandoned(reason="another night", handover="nobody"))
    _, texts = everything(night.close(), tmp_path / "out")
    words = {step["id"]: step["word"] for step in json.loads(texts["json"])["session"]["steps"]}
    assert words["freeze"] == "not begun"
