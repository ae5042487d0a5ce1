"""The reader of a step: all of its output, its attempts, search, copy, file; live, after the end, in a halt."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fake_station import FakeStation
from hands_helm import Helm, helm
from textual.widgets import Static

from quarterdeck.console.panes.output import OutputPane
from quarterdeck.console.plain import PlainDesk
from quarterdeck.console.screens.step_reader import COPIED, StepReader
from quarterdeck.runner.spool import SpoolWriter
from quarterdeck.session import intents
from quarterdeck.session.event import Blob
from quarterdeck.session.rules.start import Launch
from quarterdeck.station.commands.redaction import redactor_of

THIRD = "".join(f"row {number} of 3000 was copied\n" for number in range(1, 3_001))


class Printing(FakeStation):
    """With the files in which outputs lie."""

    def starts(self, step: str) -> SpoolWriter:
        run = f"{step}-{self.session.steps[step].attempt + 1}"
        self.must(intents.StartStep(step=step, launch=Launch(run=run, host="db01")))
        folder = self.folder / "spool" / run
        folder.mkdir(parents=True)
        return SpoolWriter(folder / "output", head=1 << 25, ring=1 << 25)

    def kept(self, step: str, text: str, exit_code: int) -> None:
        """It ended, and what it printed is in the record."""
        content = redactor_of(frozenset()).all(text.encode())
        sha = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs").mkdir(exist_ok=True)
        (self.folder / "blobs" / sha).write_bytes(content)
        run = self.session.steps[step].runs[-1].id
        for path in (self.folder / "spool" / run).iterdir():
            path.unlink()
        self.ends(step, exit_code, blobs=(Blob(sha, len(content), f"{step}.txt"),))

    def tries(self, step: str, text: str, exit_code: int) -> None:
        self.starts(step).write(text.encode())
        self.kept(step, text, exit_code)
        if exit_code:
            self.must(intents.DeclareEffect(step=step, effect="none", sure=True, note="the log says so"))


@asynccontextmanager
async def reading(folder: Path, *, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[Helm, Printing]]:
    """A console on a session in which `copy` was tried twice and runs a third time."""
    station = Printing(folder=folder)
    station.must(intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"))
    station.tries("copy", "no connection to db01\n", 3)
    station.tries("copy", "password=abc was refused\n", 4)
    async with helm(station=station, size=size) as at:
        yield at, station


def lines(at: Helm) -> list[str]:
    strips = at.screen._compositor.render_strips()
    return ["".join(part.text for part in strip).rstrip() for strip in strips]


def shown(at: Helm) -> str:
    return "\n".join(lines(at))


def list_of(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def hints(at: Helm) -> str:
    return str(at.screen.query_one(".hint", Static).render())


async def test_it_reads_all_that_an_attempt_printed_while_it_runs_and_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with reading(tmp_path) as (at, station):
        spool = station.starts("copy")
        spool.write(THIRD[:-40].encode())
        await at.settle()
        await at.press("enter")
        assert isinstance(at.screen, StepReader)
        assert "attempt 3 of 3" in shown(at)
        assert "row 2998 of 3000 was copied" in shown(at), "it opens at the end"
        assert "follows the end" in shown(at)
        assert "end follow" not in hints(at)

        spool.write(THIRD[-40:].encode())
        at.app.tick()
        await at.settle()
        assert "3000 row 3000 of 3000 was copied" in shown(at), "and follows it"
        assert "line 3,000 of 3,000" in shown(at)

        await at.press("up")
        spool.write(b"one more\n")
        at.app.tick()
        await at.settle()
        assert "one more" not in shown(at)
        assert "stands still: End follows" in shown(at)
        assert "end follow" in hints(at)
        await at.press("home")
        assert "   1 row 1 of 3000 was copied" in shown(at)
        top = lines(at)[2]
        station.kept("copy", THIRD + "one more\n", 0)
        await at.settle()
        assert lines(at)[2] == top, "whoever reads goes on reading when it is in the record"
        assert "ended with code 0" in shown(at)
        assert "End follows" not in shown(at)
        await at.press("end")
        assert "3001 one more" in shown(at)


async def test_it_finds_what_is_looked_for_and_says_which_one_it_is(tmp_path: Path) -> None:
    async with reading(tmp_path) as (at, station):
        station.tries("copy", THIRD, 0)
        await at.settle()
        await at.press("ctrl+p")
        await at.write("read all output of")
        assert isinstance(at.screen, StepReader)
        await at.press("home", "/")
        await at.write("ROW 29".lower())
        assert "“row 29” 1 of 111" in shown(at)
        assert "  29 row 29 of 3000" in shown(at)
        await at.press("n", "n")
        assert "3 of 111" in shown(at)
        assert "row 291 of" in shown(at)
        await at.press("N", "N", "N")
        assert "111 of 111 · past the beginning, on from the end" in shown(at)
        assert "row 2999 of" in shown(at)
        await at.press("n")
        assert "1 of 111 · past the end, on from the beginning" in shown(at)
        assert "n N next, before" in hints(at)
        await at.press("/")
        await at.write("x and nothing else")
        assert "not found" in shown(at)
        await at.press("escape")
        assert isinstance(at.screen, StepReader)
        assert "n N" not in hints(at)
        await at.press("2")
        assert "/ search its output" in hints(at)
        await at.press("/")
        await at.write("row 7 ")
        assert "1 of 1" in shown(at), "from another part as well"
        await at.press("escape")
        await at.press("escape")
        assert not isinstance(at.screen, StepReader)


async def test_each_attempt_is_told_and_its_own_output_is_a_key_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with reading(tmp_path) as (at, station):
        station.starts("copy").write(THIRD.encode())
        await at.settle()
        await at.press("enter", "left")
        assert "attempt 2 of 3: ended with code 4" in shown(at)
        assert "password=[redacted] was refused" in shown(at)
        await at.press("left", "left")
        assert "no connection to db01" in shown(at)
        assert "attempt 1 of 3" in shown(at)

        await at.press("2")
        told = shown(at)
        assert "attempt 1" in told
        assert "by ada on db01" in told
        assert "ended with code 3" in told
        assert "output: 22 bytes kept" in told
        await at.press("up", "enter")
        assert "password=[redacted] was refused" in shown(at), "the one over the last"

        await at.press("y")
        assert at.app.clipboard == "password=[redacted] was refused"
        await at.press("w", "w")
        while any(worker.group == "write" for worker in at.app.workers):
            await at.settle()
        written = [path for path in list_of(tmp_path) if path.name.startswith("quarterdeck-copy-2-")]
        assert len(written) == 2, "never over another file"
        assert {path.read_text() for path in written} == {"password=[redacted] was refused\n"}
        assert {path.stat().st_mode & 0o777 for path in written} == {0o600}

        await at.press("right", "right")
        assert "row 3000 of" in shown(at)
        await at.press("y")
        assert len(at.app.clipboard.encode()) <= COPIED
        assert at.app.clipboard.endswith("row 3000 of 3000 was copied")
        await at.press("1")
        assert "attempt 3" in shown(at)
        await at.press("y")
        assert "row 3000" not in at.app.clipboard
        assert "command" in at.app.clipboard

        await at.press("3", "f9")
        assert not isinstance(at.screen, StepReader), "a halt turns all to the plan"
        await at.press("escape", "o")
        assert isinstance(at.screen, StepReader)


@pytest.mark.parametrize("size", [(40, 12), (250, 70)], ids=str)
async def test_it_fits_and_shows_its_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    async with reading(tmp_path, size=size) as (at, station):
        wild = "\x1b[31mred\x1b[0m \x07 \u202e e\u0301\u0301\u0301 漢字\n10 %\r20 %\r\n" + "x" * 900 + "\n"
        station.tries("copy", THIRD + wild + "the end", 0)
        await at.settle()
        await at.press("ctrl+p")
        await at.write("read all output of")
        for keys in (("end",), ("home", "pagedown", "up"), ("1",), ("2",)):
            await at.press(*keys)
            assert "2 Copy the table" in lines(at)[0]
            assert all(f"{key} " in hints(at) for key, _ in at.screen.hints())  # type: ignore[attr-defined]
            text = " ".join(shown(at).split())
            assert all(f"{key} {does.split()[0]}" in text for key, does in at.screen.hints())  # type: ignore[attr-defined]
            assert "HALT" in text
        await at.press("3", "end")
        pane = at.screen.query_one(OutputPane)
        assert "the end" in shown(at)
        seen: set[str] = set()
        while not any("row 3000 of" in line for line in seen):
            seen |= {line.strip() for line in lines(at)}
            await at.press("pageup")
        assert any("10 %" in line for line in seen)
        assert any("20 %" in line for line in seen)
        assert any("␛[31mred␛[0m ␇ <U+202E>" in line or "␛[31mred␛[0m" in line for line in seen)
        assert pane.size.height >= 3


async def test_plain_mode_reads_an_attempt_whole_or_in_part(tmp_path: Path) -> None:
    async with reading(tmp_path) as (_, station):
        station.tries("copy", THIRD, 0)
    out, typed = (
        io.StringIO(),
        ["output", "3", "/row 299", "output", "2", "", "output", "", "2-3", "output", "", "all"],
    )
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    for line in [*typed, None]:
        lines.put_nowait(line)
    await PlainDesk(station.connect, out).run(lines.get)
    parts = out.getvalue().split("Output of 2 Copy the table")
    assert "attempt 1: ended with code 3" in parts[1]
    assert "   299  row 299 of 3000 was copied" in parts[1]
    assert "11 lines shown" in parts[1]
    assert "     1  password=[redacted] was refused" in parts[2]
    assert "     3  row 3 of 3000" in parts[3]
    assert "     4  row" not in parts[3]
    assert parts[4].count("was copied") == 3_000


async def test_what_may_not_be_read_says_why_and_shows_what_the_station_sends(tmp_path: Path) -> None:
    async with reading(tmp_path) as (at, station):
        station.must(intents.StartStep(step="copy", launch=Launch(run="r", host="db01")))
        at.app.link.folder = tmp_path / "elsewhere"
        await at.settle()
        await at.press("enter", "3")
        assert "the session's files are not here" in shown(at)
        station.tails("copy", "live end\nof it\n")
        await at.settle()
        at.app.tick()
        await at.settle()
        assert "  2 of it" in shown(at)
        assert "only the live end" in shown(at)
        station.ends("copy", sealed="output is sealed")
        await at.settle()
        assert "sealed" in shown(at)
        assert "of it" not in shown(at)
