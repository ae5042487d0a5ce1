"""An output page by page is the output: redacted as in the record, also while it grows and where it is cut."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from quarterdeck.errors import StationError
from quarterdeck.procedure.check import parse
from quarterdeck.procedure.model import Procedure
from quarterdeck.runner.spool import SpoolReader, SpoolWriter
from quarterdeck.session.event import Blob
from quarterdeck.session.state import Run
from quarterdeck.station.commands.output import seal_output
from quarterdeck.station.commands.pages import LONG, KeptFile, KeptText, Pages, open_output
from quarterdeck.station.commands.redaction import Redactor
from quarterdeck.station.commands.values import Values

SECRET = "hunter-2-canary"


def spooled(path: Path, content: bytes, *, head: int = 1 << 25, ring: int = 1 << 25) -> SpoolWriter:
    writer = SpoolWriter(path, head=head, ring=ring)
    writer.write(content)
    return writer


def whole(pages: Pages) -> bytes:
    return b"".join(pages.content(page) for page in pages.numbers())


def shown(pages: Pages) -> list[str]:
    return [line.text for page in pages.numbers() for line in pages.lines(page)]


def noise(seed: int) -> bytes:
    """Lines of every length, secrets at every place, with and without ends of lines, characters of several bytes."""
    chance = random.Random(seed)
    parts = []
    for _ in range(chance.randrange(20, 90)):
        kind = chance.random()
        parts.append(
            SECRET.encode() if kind < 0.1 else "é✅\u0301漢".encode() * chance.randrange(9) if kind < 0.3
            else b"\n" if kind < 0.6 else b"\r" if kind < 0.65 else b"x" * chance.randrange(300)
            if kind < 0.95 else b"password=abc-%d " % chance.randrange(99)
        )  # fmt: skip
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [100, 700])
def test_all_pages_together_are_what_the_record_holds(tmp_path: Path, seed: int, size: int) -> None:
    content = noise(seed)
    spooled(tmp_path / "output", content).close()
    pages = Pages(SpoolReader(tmp_path / "output"), Redactor([SECRET]), over=True, page=size)
    read = whole(pages)
    backwards, page = [], pages.last
    while True:
        backwards.append(pages.content(page))
        before = pages.before(page)
        if before is None:
            break
        page = before
    lines = sum(pages.lines_on(page) for page in pages.numbers())
    assert lines == sum(line.number >= 0 for page in pages.numbers() for line in pages.lines(page))
    blob = seal_output(tmp_path / "output", tmp_path / "blobs", Redactor([SECRET]))
    kept = (tmp_path / "blobs" / blob.sha256).read_bytes()
    assert read == kept == b"".join(reversed(backwards))
    assert SECRET.encode() not in read
    recorded = Pages(KeptFile(tmp_path / "blobs" / blob.sha256), None, over=True, page=size)
    assert whole(recorded) == kept
    assert "".join(shown(recorded)).replace("\r", "") == kept.decode().replace("\n", "").replace("\r", "")


def test_while_it_grows_no_part_of_a_secret_is_shown_and_nothing_is_shown_twice(tmp_path: Path) -> None:
    content = noise(3) + SECRET.encode() + b"\nend\n"
    writer = SpoolWriter(tmp_path / "output", head=1 << 25, ring=1 << 25)
    pages = Pages(SpoolReader(tmp_path / "output"), Redactor([SECRET]), over=False, page=256)
    whole_of = Redactor([SECRET]).all(content)
    for start in range(0, len(content), 397):
        writer.write(content[start : start + 397])
        assert pages.look()
        for page in pages.numbers():
            pages.lines(page)
        so_far = whole(pages)
        assert whole_of.startswith(so_far)
        assert not any(SECRET[:5] in line.text for page in pages.numbers() for line in pages.lines(page))
    assert so_far == whole_of
    assert not pages.look()


@pytest.mark.parametrize(("head", "ring"), [(300_000, 900_000), (0, 900_000)])
def test_what_a_spool_gave_up_is_said_in_its_place_and_the_rest_is_there(
    tmp_path: Path, head: int, ring: int
) -> None:
    lines = b"".join(b"line %07d password=canary%d\n" % (number, number) for number in range(100_000))
    writer = spooled(tmp_path / "output", lines[:200_000], head=head, ring=ring)
    pages = Pages(SpoolReader(tmp_path / "output"), Redactor(), over=False, page=20_000)
    first = shown(pages)
    writer.write(lines[200_000:])
    assert pages.look()
    assert pages.epoch == 1
    read = shown(pages)
    (gap,) = [at for at, line in enumerate(read) if "bytes are not kept here" in line]
    assert f"[… {pages.cut} of {len(lines)} bytes are not kept here …]" == read[gap]
    assert read[: min(gap - 1, 100)] == first[: min(gap - 1, 100)]
    assert read[-1] == "line 0099999 password=[redacted]"
    numbers = [int(line[5:12]) for line in read[gap + 1 :]]
    assert numbers == list(range(numbers[0], 100_000))
    assert len(numbers) > 15_000
    assert "canary" not in "".join(read)
    pages_before = [pages.before(page) for page in pages.numbers()]
    assert pages_before == [None, *[*pages.numbers()][:-1]]


def test_a_line_without_an_end_is_shown_in_pieces_and_counts_once() -> None:
    pages = Pages(KeptText("a\n" + "x" * 300_000 + "\nb"), None, over=True)
    numbered = [line for page in pages.numbers() for line in pages.lines(page) if line.number >= 0]
    assert [line.text[:1] for line in numbered] == ["a", "x", "b"]
    assert max(len(line) for line in shown(pages)) == LONG
    assert sum(pages.lines_on(page) for page in pages.numbers()) == 3


def test_each_state_of_a_progress_bar_is_there_one_below_the_other() -> None:
    pages = Pages(KeptText("copying\r\n10 %\r20 %\r\r100 %\r\ndone"), None, over=True)
    assert [(line.text, line.number) for line in pages.lines(0)] == [
        ("copying", 0), ("10 %", 1), ("20 %", -1), ("100 %", -1), ("done", 2),
    ]  # fmt: skip


# -- which file it is read from


def procedure(secret: str = "") -> Procedure:
    text = f"""
quarterdeck: 1
id: night
title: Night
revision: 1
roles: {{lead: {{title: Lead}}}}
{secret}
stages:
  - {{id: one, title: One, owner: lead, steps: [{{id: a, title: A, kind: manual, duration: 1m, mutates: false}}]}}
"""
    loaded = parse(text, path="night.yaml")
    assert loaded.procedure is not None, loaded.problems
    return loaded.procedure


WITH_SECRET = 'params:\n  token: {secret: true, default: "env:TOKEN"}'


def test_a_run_is_read_from_its_spool_and_then_from_the_record(tmp_path: Path) -> None:
    (tmp_path / "spool" / "a-1").mkdir(parents=True)
    spooled(tmp_path / "spool" / "a-1" / "output", f"x {SECRET} password=abc\n".encode())
    run = Run(1, "a-1")
    assert whole(open_output(tmp_path, procedure(), run)) == f"x {SECRET} password=[redacted]\n".encode()
    (tmp_path / "spool" / "a-1" / "secrets").write_text('["aHVudGVyLTItY2FuYXJ5"]')
    live = open_output(tmp_path, procedure(WITH_SECRET), run)
    assert whole(live) == b"x [redacted] password=[redacted]\n"
    assert live.is_growing
    blob = seal_output(tmp_path / "spool" / "a-1" / "output", tmp_path / "blobs", Redactor([SECRET]))
    run.outcome, run.blobs = "exited", (Blob(blob.sha256, blob.length, blob.name),)
    kept = open_output(tmp_path, procedure(WITH_SECRET), run)
    assert whole(kept) == b"x [redacted] password=[redacted]\n"
    assert not kept.is_growing


def test_a_secret_that_is_known_later_is_taken_out_of_what_runs_already(tmp_path: Path) -> None:
    run, plan, mine = tmp_path / "spool" / "a-1", procedure(WITH_SECRET), Values(tmp_path, {})
    run.mkdir(parents=True)
    spooled(run / "output", f"x {SECRET}\n".encode())
    assert mine.learn(plan) == {"token": "env:TOKEN"}
    mine.keep(run)
    mine.give({"TOKEN": SECRET})
    assert mine.learn(plan) == {}
    assert whole(open_output(tmp_path, plan, Run(1, "a-1"))) == b"x [redacted]\n"


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    def why(run: Run, folder: Path = tmp_path, secret: str = "") -> str:
        with pytest.raises(StationError) as caught:
            open_output(folder, procedure(secret), run)
        return str(caught.value)

    assert "withheld" in why(Run(1, "a-1", withheld=True))
    assert "sealed" in why(Run(1, "a-1", sealed=True))
    assert "printed nothing" in why(Run(1, "a-1", outcome="exited"))
    assert "nothing so far" in why(Run(1, "a-1"))
    assert "files are not here" in why(Run(1, "a-1"), tmp_path / "elsewhere")
    assert "is gone" in why(Run(1, "a-1", outcome="exited", blobs=(Blob("0" * 64, 1, "a.txt"),)))
    (tmp_path / "spool" / "a-1").mkdir(parents=True)
    spooled(tmp_path / "spool" / "a-1" / "output", b"x\n")
    assert "sealed" in why(Run(1, "a-1"), secret=WITH_SECRET), "nobody kept what it is redacted by"
    (tmp_path / "spool" / "a-1" / "output").unlink()
    (tmp_path / "spool" / "a-1" / "output").symlink_to("/etc/hostname")
    assert "may not read" in why(Run(1, "a-1"))
