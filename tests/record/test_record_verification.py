"""Every class of tampering with a record is found; what is cut off is said."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import record_nights
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_nights import ADA, SESSION, START

from quarterdeck import __version__
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.procedure import check
from quarterdeck.record import verify
from quarterdeck.record.export import export_session
from quarterdeck.record.recompile import verify_record
from quarterdeck.record.verbs import verify as verify_verb
from quarterdeck.session import events as e
from quarterdeck.session.event import Moment, digest
from quarterdeck.session.events import Draft
from quarterdeck.station.sessions import plan_hash


def sealed(lines: list[bytes]) -> bytes:
    """The lines with a last line that fits them, as a forger who knows the format makes it."""
    body = b"".join(line + b"\n" for line in lines)
    events = [line for line in lines if b'"kind":' in line[:4000] and line.startswith(b'{"v"')]
    heads: dict[str, dict[str, object]] = {}
    for raw in events:
        event = json.loads(raw)
        heads[event["replica"]] = {"aseq": event["aseq"], "hash": digest(raw)}
    closing = {
        "end": 1,
        "session": json.loads(lines[0])["session"],
        "events": len(events),
        "held": 0,
        "samples": sum(1 for line in lines if line.startswith(b'{"samples"')),
        "heads": heads,
        "sha256": sha256(body).hexdigest(),
    }
    return body + msgspec.json.encode(closing) + b"\n"


def lines_of(record: Path) -> list[bytes]:
    return record.read_bytes().splitlines()


def test_an_untouched_record_fits(record: Path) -> None:
    report = verify_record(record)
    assert report.problems == []
    assert report.events > 50
    assert report.files > 3
    assert report.samples > 5


def test_the_forger_of_these_tests_knows_the_format(record: Path) -> None:
    assert sealed(lines_of(record)[:-1]) == record.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_a_changed_byte_anywhere_is_found(record: Path, place: float, bits: int) -> None:
    data = bytearray(record.read_bytes())
    data[int(place * len(data))] ^= bits
    assert verify.check_lines(io.BytesIO(data)).problems


def test_a_changed_byte_in_every_line_is_found_even_under_a_new_closing_line(record: Path) -> None:
    lines = lines_of(record)[:-1]
    for index in range(1, len(lines)):
        changed = bytearray(lines[index])
        place = changed.index(b'"t":{"wall":') + 14 if b'"t":{"wall":' in changed else len(changed) - 12
        changed[place] = ord("7") if changed[place] != ord("7") else ord("8")
        last_event = index + 1 == len(lines) or (
            lines[index].startswith(b'{"v"') and not lines[index + 1].startswith(b'{"v"')
        )
        forged = sealed([*lines[:index], bytes(changed), *lines[index + 1 :]])
        problems = verify.check_lines(io.BytesIO(forged)).problems
        # The last event of a chain is held by nothing but the head: that is why heads are printed and compared.
        assert problems or last_event, index


def tampered(change: Callable[[list[bytes]], list[bytes]], record: Path) -> list[str]:
    forged = sealed(change(lines_of(record)[:-1]))
    return [f"{problem.where}: {problem.text}" for problem in verify.check_lines(io.BytesIO(forged)).problems]


def test_a_removed_event_is_found_where_it_was(record: Path) -> None:
    problems = tampered(lambda lines: lines[:20] + lines[21:], record)
    assert any(problem.startswith("line 21:") for problem in problems)


def test_swapped_events_are_found(record: Path) -> None:
    problems = tampered(lambda lines: [*lines[:20], lines[21], lines[20], *lines[22:]], record)
    assert any("line 21" in problem and "belongs" in problem for problem in problems)


def test_a_repeated_event_is_found(record: Path) -> None:
    assert tampered(lambda lines: [*lines[:20], lines[19], *lines[20:]], record)


def test_an_added_event_is_found(record: Path) -> None:
    def add(lines: list[bytes]) -> list[bytes]:
        event = json.loads(lines[20])
        event["aseq"] += 1
        event["prev"] = digest(lines[20])
        event["lamport"] += 1
        return [*lines[:21], msgspec.json.encode(event), *lines[21:]]

    assert tampered(add, record)


def test_an_event_of_another_session_is_found(record: Path) -> None:
    def add(lines: list[bytes]) -> list[bytes]:
        return [*lines[:5], lines[5].replace(b"kfwz", b"qqqq", 1), *lines[6:]]

    assert any("another session" in problem for problem in tampered(add, record))


def first_batch(lines: list[bytes]) -> int:
    return next(index for index, line in enumerate(lines) if line.startswith(b'{"samples"'))


def test_a_removed_batch_of_samples_is_found(record: Path) -> None:
    problems = tampered(lambda lines: lines[: first_batch(lines)] + lines[first_batch(lines) + 1 :], record)
    assert any("samples" in problem and "missing" in problem for problem in problems)


def test_changed_samples_with_a_new_hash_are_found(record: Path) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        index = first_batch(lines)
        batch = lines[index].replace(b"0.05", b"0.04")
        raw = batch[batch.index(b',"batch":') + 9 : -1]
        old = json.loads(batch)["hash"].encode()
        return [*lines[:index], batch.replace(old, sha256(b"qds1\0" + raw).hexdigest().encode()), *lines[index + 1 :]]

    assert any("were changed" in problem for problem in tampered(change, record))


def test_a_changed_plan_with_a_new_chain_behind_it_is_found(record: Path) -> None:
    """A forger who chains everything anew still has to make text, hash and compiled plan fit."""

    def rechained(change: Callable[[bytes], bytes]) -> list[bytes]:
        lines, link = lines_of(record)[:-1], None
        for index, line in enumerate(lines):
            if not line.startswith(b'{"v"'):
                continue
            changed = change(line)
            if link is not None:
                changed = changed.replace(json.loads(changed)["prev"].encode(), link.encode(), 1)
            link = digest(changed)
            lines[index] = changed
        return lines

    def texts(line: bytes) -> bytes:
        return line.replace(b"title: Seal\\n", b"title: Sell\\n")

    record.write_bytes(sealed(rechained(texts)))
    problems = verify_record(record).problems
    assert any("do not give the hash" in problem.text for problem in problems)
    assert any("does not compile" in problem.text for problem in problems)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.77, 0.999])
def test_a_truncated_record_says_not_closed(record: Path, keep: float) -> None:
    data = record.read_bytes()
    record.write_bytes(data[: int(len(data) * keep)])
    report = verify_record(record)
    assert report.problems
    assert any("not closed" in line for line in verify.printed(report))


def test_a_tail_cut_by_a_forger_fits_and_says_not_closed(record: Path) -> None:
    lines = [line for line in lines_of(record)[:-1] if b'"kind":"session.ended"' not in line]
    record.write_bytes(sealed(lines))
    report = verify_record(record)
    said = "\n".join(verify.printed(report))
    assert "not closed" in said
    assert "UNSIGNED" in said


def test_no_report_ever_says_authentic(record: Path) -> None:
    assert "authentic" not in "\n".join(verify.printed(verify_record(record))).lower()
    assert "authentic" not in Path(verify.__file__).read_text().lower()


def test_a_changed_and_a_missing_file_are_found(record: Path) -> None:
    first, second, *_ = sorted((record.parent / "blobs").iterdir())
    first.write_bytes(first.read_bytes() + b"x")
    second.unlink()
    problems = {problem.where: problem.text for problem in verify_record(record).problems}
    assert "changed" in problems[f"blobs/{first.name}"]
    assert "missing" in problems[f"blobs/{second.name}"]


ALL = ("jsonl", "json", "md", "html", "csv")


@pytest.fixture
def whole(finished: Path, tmp_path: Path) -> Path:
    """The lines of a record in all formats."""
    return export_session(finished, tmp_path / "whole", ALL).paths[0]


def test_what_lies_beside_the_lines_is_made_again_of_them_and_proven(whole: Path) -> None:
    report = verify_record(whole)
    assert (report.problems, report.remarks, report.unproven) == ([], [], [])
    alone = verify.check(whole)
    assert alone.unproven == list(ALL[1:]), "without Quarterdeck nothing can make them again"
    assert "json, md, html, csv: NOT PROVEN" in "\n".join(verify.printed(alone))


def test_the_record_of_a_live_session_is_made_again_whether_its_station_lived_or_not(tmp_path: Path) -> None:
    night = record_nights.Night(tmp_path)
    night.begin()
    night.command("count", "1\n")
    for name in ("a station lives", "none lives"):
        path = export_session(night.folder, tmp_path / name, ALL).paths[0]
        report = verify_record(path)
        assert (report.problems, report.unproven) == ([], []), name
        night.close()


@pytest.mark.parametrize("ending", ALL[1:4])
def test_one_changed_word_beside_intact_lines_is_found(whole: Path, ending: str) -> None:
    part = whole.with_suffix(f".{ending}")
    text = part.read_text()
    at = text.index("plain words")
    part.write_text(text[:at] + "other words" + text[at + 11 :])
    (problem,) = verify_record(whole).problems
    assert problem.where == part.name
    assert problem.text.startswith(f"line {text[:at].count(chr(10)) + 1} is not what these lines give")


def test_a_changed_table_is_not_proven(whole: Path) -> None:
    part = whole.with_suffix(".csv")
    part.write_text(part.read_text().replace("Count", "Amount"))
    assert verify_record(whole).unproven == ["csv"]


def test_what_another_version_wrote_is_named_as_not_proven(whole: Path) -> None:
    for ending in ALL[1:4]:
        part = whole.with_suffix(f".{ending}")
        part.write_text(part.read_text().replace(f"quarterdeck {__version__}", "quarterdeck 0.9.9"))
    report = verify_record(whole)
    assert (report.problems, report.unproven) == ([], list(ALL[1:]))


def test_a_foreign_file_a_missing_part_and_a_changed_script_are_named(whole: Path) -> None:
    (whole.parent / "blobs" / "x").write_bytes(b"")
    whole.with_suffix(".html").unlink()
    script = whole.parent / "verify.py"
    script.write_text("print('every hash fits')\n")
    report = verify_record(whole)
    assert "blobs/x: no event names it" in report.remarks
    assert "html: not there beside these lines" in report.remarks
    assert [problem.where for problem in report.problems] == ["verify.py"]
    script.unlink()
    assert "verify.py: not there beside these lines" in verify_record(whole).remarks
    os.mkfifo(script)
    assert [problem.where for problem in verify_record(whole).problems] == ["verify.py"]


def test_two_records_in_one_folder_have_no_foreign_files(whole: Path, tmp_path: Path) -> None:
    night = record_nights.Night(tmp_path / "second")
    night.begin()
    night.command("count", "only here\n")
    lines = export_session(night.close(), tmp_path / "second" / "out", ("jsonl",)).paths[0]
    for blob in (lines.parent / "blobs").iterdir():
        (whole.parent / "blobs" / blob.name).write_bytes(blob.read_bytes())
    assert any("no event names it" in remark for remark in verify_record(whole).remarks)
    (whole.parent / "second.jsonl").write_bytes(lines.read_bytes())
    assert not any("no event names it" in remark for remark in verify_record(whole).remarks)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999", "1" * 5_000, "1" * 30, "-1", "null"])
@pytest.mark.parametrize("field", ["aseq", "lamport", "samples", "batches", "len", "record", "v"])
def test_no_number_stops_the_check(record: Path, field: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    data = record.read_bytes()
    begins = [data.index(b'"%b":' % field.encode())]
    begins.append(data.rindex(b'"%b":' % field.encode()))
    for begin in begins:
        end = begin + len(field) + 3
        rest = data[end:].lstrip(b"0123456789")
        record.write_bytes(data[:end] + number.encode() + rest)
        assert verify_verb(argparse.Namespace(record=str(record))) == 1
        assert "WRONG" in capsys.readouterr().out


def test_a_page_of_another_export_is_found(record: Path, finished: Path, tmp_path: Path) -> None:
    from quarterdeck.record.export import export_session

    export_session(finished, tmp_path / "record", ("json", "md", "html"))
    assert verify_record(record).problems == []
    for ending in ("json", "md", "html"):
        page = record.with_suffix(f".{ending}")
        page.write_text(page.read_text().replace(verify_record(record).sha256, "0" * 64))
    assert {p.where for p in verify_record(record).problems} == {record.with_suffix(f".{e}").name
                                                                for e in ("json", "md", "html")}  # fmt: skip


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\n", b"\0" * 100, b"{}\n" * 5, b"[" * 100_000, b'{"record":1,"session":5,"problems":3}\n', b"\xff\xfe\n",
     b'{"record":1,"session":"s","problems":[]}\n{"v":1,"kind":3}\n{"end":1}\n'],
)  # fmt: skip
def test_garbage_is_told_and_never_raises(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(garbage)
    assert verify_record(path).problems


def test_the_script_beside_the_record_says_the_same_without_quarterdeck(record: Path) -> None:
    command = [sys.executable, "-I", "-S", str(record.parent / "verify.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == verify.printed(verify_record(record))
    record.write_bytes(record.read_bytes()[:-200])
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_the_script_answers_by_its_exit_code_whatever_takes_its_words(record: Path) -> None:
    script = f'exec "{sys.executable}" -I -S "{record.parent / "verify.py"}"'
    for stream, code in ((">/dev/full", 1), (">&-", 0), ("2>&-", 0), (">/dev/full 2>&1", 1)):
        done = subprocess.run(["sh", "-c", f"{script} {stream}"], capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), stream
    assert not [child for child in record.parent.iterdir() if child.name == "__pycache__"]


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules)\nimport runpy\nrunpy.run_path(sys.argv[1])\n"
    code += "print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    command = [sys.executable, "-I", "-S", "-c", code, verify.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {"[]", "['__main__']"}


def test_the_verb_prints_heads_and_ends_with_1_where_something_is_wrong(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    assert verify_verb(argparse.Namespace(record=str(record.parent))) == 0
    assert "head " in capsys.readouterr().out
    record.write_bytes(record.read_bytes().replace(b"plain words", b"other words", 1))
    assert verify_verb(argparse.Namespace(record=str(record))) == 1
    assert "WRONG" in capsys.readouterr().out


def test_a_record_of_0_1_0_still_fits_though_plans_compile_otherwise_now(tmp_path: Path) -> None:
    kits = Path(__file__).parents[1] / "kits"
    text, stored = (kits / "plan-of-0.1.0.yaml").read_text(), (kits / "plan-of-0.1.0.json").read_bytes().strip()
    plan = e.PlanRevised(text=text, hash=plan_hash(text, {}, {}), compiled=msgspec.Raw(stored))
    opened = e.SessionOpened(title="Rotate the archive", procedure="nightly", lead="ada", version=__version__)
    folder = tmp_path / "sessions" / SESSION
    log = SessionLog.open(folder, session_id=SESSION, actor=ADA, moment=lambda: Moment(START, "boot", 1, 60, "CET"))
    log.append([Draft(opened), Draft(plan)], ADA, plan.hash).durable.result(20)
    log.close()
    report = verify_record(export_session(folder, tmp_path / "record", ("jsonl",)).paths[0])
    assert (report.problems, report.remarks) == ([], ["json, md, html: not there beside these lines"])


def test_a_record_stays_right_though_lint_has_grown_stricter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plan was worked by; a rule that came later does not make the record wrong."""
    text = record_nights.TEXT.replace('url: "http://127.0.0.1:1/"', 'url: "http://127.0.0.1:1/"\n    verify: "false"')
    assert check.parse(text, path="p").procedure is None
    earlier = check.Loaded(check.recompile(text, {}), ())
    monkeypatch.setattr(record_nights, "parse", lambda *_, **__: earlier)
    night = record_nights.Night(tmp_path, text)
    night.begin()
    written = export_session(night.close(), tmp_path / "record", ("jsonl",)).paths[0]
    report = verify_record(written)
    assert report.problems == []
    assert not any("compile" in remark for remark in report.remarks)
