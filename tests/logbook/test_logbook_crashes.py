"""Rows of the process group that concern the logbook: what was acknowledged before a kill -9 is there after it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from logbook_nights import SESSION, Night, raws_of

from quarterdeck.logbook.chain import verify_raws
from quarterdeck.logbook.read_only import read_session

HERE = Path(__file__).parent.parent / "kits"

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from logbook_nights import ME, Night, note
log = Night(Path(sys.argv[1])).open()
most = int(sys.argv[3])
number = 0
while number < most:
    number += 1
    if number % 7 == 0:
        log.append_samples([])
    appended = log.append([note(f"{sys.argv[4]} {number} " + "x" * (number % 900))], ME, "p")
    if appended.durable.result(60).level != "red":
        sys.stdout.write(appended.events[0].id + "\\n")
        sys.stdout.flush()
log.close()
"""


def command(home: Path, most: int, name: str) -> list[str]:
    return [sys.executable, "-c", WRITER, str(home), str(HERE), str(most), name]


def kill_after(home: Path, count: int, name: str) -> list[str]:
    """Run a writer and kill it after so many acknowledgements; the ids that it acknowledged."""
    with subprocess.Popen(command(home, 100_000, name), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip() for _ in range(count)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [
            line.strip() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")
        ]
    return acknowledged


def prove(night: Night, acknowledged: list[str]) -> None:
    """All of them are there, in whole chains, by reading and by opening."""
    copy = read_session(night.folder)
    harmless = {"torn"} if acknowledged else {"torn", "missing"}  # killed while the files were made
    assert not [problem for problem in copy.problems if problem.what not in harmless]
    assert set(acknowledged) <= {event.id for event in copy.events}
    log = night.open()
    assert not log.read_only
    found = verify_raws(SESSION, raws_of(log))
    assert not found.problems
    assert set(acknowledged) <= {event.id for event, _ in found.events}
    assert "replica.burned" not in {event.kind for event, _ in found.events}
    log.close()


def rounds(night: Night, count: int, seed: int) -> None:
    rng = random.Random(seed)
    acknowledged: list[str] = []
    for number in range(count):
        acknowledged += kill_after(night.home, rng.randrange(1, 60), f"round {number}")
        prove(night, acknowledged)


def test_kill_9_at_random_moments_loses_nothing_acknowledged(night: Night) -> None:
    rounds(night, 4, seed=1)


def test_control_one_recorder_killed_and_the_other_one_lost_does_lose(night: Night) -> None:
    acknowledged = kill_after(night.home, 30, "x")
    night.recorder.write_bytes(b"".join(night.recorder.read_bytes().splitlines(keepends=True)[:10]))
    night.wal.unlink()
    with pytest.raises(AssertionError):
        prove(night, acknowledged)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_kill_9_at_random_moments_for_long(night: Night) -> None:
    rounds(night, 60, seed=int.from_bytes(os.urandom(4)))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("call", ["fdatasync", "fsync", "write", "pwrite64", "ftruncate", "unlink"])
def test_kill_9_at_every_call_that_writes(tmp_path: Path, call: str) -> None:
    """One run for each Nth such call, until a run is through."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    step = {"write": 3, "pwrite64": 5, "fdatasync": 3}.get(call, 1)
    for when in range(1, 400, step):
        night = Night(tmp_path / f"home{when}")
        traced = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
        inject = ["-e", f"inject={call}:signal=KILL:when={when}"]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run(
            [*traced, *inject, *command(night.home, 12, "x")],
            stdout=subprocess.PIPE, text=True, check=False, env=environment, timeout=120,
        )  # fmt: skip
        acknowledged = ended.stdout.split()
        if night.database.exists() or night.recorder.exists():
            prove(night, acknowledged)
        else:
            assert not acknowledged
        shutil.rmtree(night.home, ignore_errors=True)
        if ended.returncode == 0:
            assert len(acknowledged) == 12
            return


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["fdatasync", "fsync", "write", "pwrite64"])
def test_an_error_of_every_call_that_writes_is_survived(tmp_path: Path, call: str, error: str) -> None:
    """The Nth call fails, in a process of its own: nothing acknowledged is lost, the chain is whole."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    for when in range(1, 60, 4):
        night = Night(tmp_path / f"home{when}")
        paths = ["-P", str(night.recorder), "-P", str(night.database), "-P", str(night.wal)]
        traced = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", *paths]
        ended = subprocess.run(
            [*traced, "-e", f"inject={call}:error={error}:when={when}", *command(night.home, 20, "x")],
            stdout=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
        if night.database.exists() or night.recorder.exists():
            prove(night, ended.stdout.split())
        shutil.rmtree(night.home, ignore_errors=True)
