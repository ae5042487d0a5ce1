"""Processes that die, multiply, or get nothing from the kernel, in the middle of a session."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from faultkit import PROCEDURE, Night, gone, injected, wait_until
from ptyterminal import is_halt_shown

from quarterdeck.errors import StationError
from quarterdeck.session import intents

MANY = """
quarterdeck: 1
id: many
title: Many commands
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
"""
ONE = """
      - id: s{number}
        title: Step {number}
        kind: command
        duration: 10s
        after: []
        command: [sh, -c, 'echo "$1" >> "$0"; sleep 0.{number}', "${{quarterdeck.home}}/ran", s{number}]
        undo:
          - {{id: u{number}, title: Undo {number}, kind: command, duration: 1s, command: ["true"], idempotent: true}}
"""


@pytest.mark.parametrize("steps", [4, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_kill_9_of_the_station_at_random_times_runs_no_command_twice_and_loses_none(night: Night, steps: int) -> None:
    night.open(MANY + "".join(ONE.format(number=number) for number in range(1, steps + 1)))
    night.do(intents.StartSession())
    chance = random.Random(steps)
    acknowledged: set[str] = set()
    for number in range(1, steps + 1):
        until = time.monotonic() + chance.uniform(0.0, 0.3)
        pid = night.station()
        killer = subprocess.Popen(["sh", "-c", f"sleep {max(0.0, until - time.monotonic()):.3f}; kill -9 {pid}"])
        try:
            acknowledged.update(night.do(intents.StartStep(step=f"s{number}")).events)
            for note in range(100):
                acknowledged.update(night.do(intents.AddNote(text=f"{number} {note}")).events)
        except (StationError, AssertionError):
            pass  # killed in the middle of an answer: nothing is known
        killer.wait()
        wait_until(partial(gone, pid))
        night.do(intents.AddNote(text="it is there again"))
        if night.session().state == "paused":
            night.do(intents.GoOn())
    ran = (night.home / "ran").read_text().split()
    wait_until(lambda: not night.session().running())
    session = night.session()
    events = night.events()
    assert acknowledged <= {event.id for event in events}
    assert [event.aseq for event in events] == list(range(1, len(events) + 1))
    assert len(ran) == len(set(ran)), "nothing is run again by itself"
    started = {event.step for event in events if event.kind == "step.started"}
    assert set(ran) <= started, "an effect that the record does not know"
    assert {step for step in started if session.steps[step].state in {"done", "unknown", "interrupted"}} == started
    assert sum(session.steps[step].state == "done" for step in started) >= len(started) / 2
    assert night.verb("export", night.folder.name, "-o", str(night.scratch / "record")).returncode == 0
    verified = night.verb("verify", str(night.scratch / "record"))
    assert verified.returncode == 0, verified


HASTY = """
import time
from quarterdeck.station import journal
from quarterdeck.logbook import writer
write = writer.Lane._write
def slowly(self, jobs, batches):
    time.sleep(0.5)
    return write(self, jobs, batches)
writer.Lane._write = slowly
"""
"""A disk that takes half a second."""
LYING = """
whole = journal.Journal.append
def at_once(self, drafts, by, plan, *, urgent):
    kept = whole(self, drafts, by, plan, urgent=urgent)
    done = kept.durable.get_loop().create_future()
    done.set_result("")
    return kept._replace(durable=done)
journal.Journal.append = at_once
journal.Journal.saved = property(lambda self: len(self.log.events))
"""
"""A station that says saved before it is."""


@pytest.mark.parametrize("lying", [False, True])
def test_what_is_acknowledged_on_a_slow_disk_survives_kill_9(night: Night, lying: bool) -> None:
    night.open()
    night.start_station(HASTY + LYING * lying)
    night.do(intents.AddNote(text="first"))
    (event,) = night.do(intents.AddNote(text="acknowledged")).events
    night.kill_station()
    night.do(intents.AddNote(text="a new station"))
    kept = event in {each.id for each in night.events() if b"acknowledged" in bytes(each.data)}
    assert kept is not lying, "the control: without waiting for the disk it is lost"


def test_a_stale_lock_and_socket_keep_nobody_out(night: Night) -> None:
    night.open()
    night.begin()
    night.kill_station()
    (night.folder / "lock").write_text("1\n")
    said = night.verb("status", night.folder.name)
    assert said.returncode == 0, said.stderr
    night.do(intents.AddNote(text="a new station"))
    assert night.station() not in {0, 1}
    assert night.session().steps["long"].state == "running"


def test_a_machine_that_restarted_in_mid_command_leaves_it_unknown_and_runs_nothing_again(night: Night) -> None:
    night.open()
    night.begin()
    child, runner = night.child("long"), int(night.note("long")["runner"]["pid"])
    night.kill_station()
    for pid in (runner, child):
        os.kill(pid, signal.SIGKILL)
    night.start_station(
        "import quarterdeck.host as host\n"
        "host.boot_id = lambda: 'another boot'\n"
        "booted = host.boot_clock_ns() - 5_000_000_000\n"
        "whole = host.boot_clock_ns\n"
        "host.boot_clock_ns = lambda: whole() - booted\n"
        "host.boot_clock = lambda: host.boot_clock_ns() / 1e9\n"
    )
    session = night.session()
    assert session.state == "paused"
    assert (session.steps["long"].state, session.steps["long"].effect) == ("unknown", "unknown")
    assert session.started is not None
    since = session.clock(night.events()[-1].t) - session.started
    assert 0 <= since < 120, "time across the reboot is the wall clock's"
    assert sum(event.kind == "step.started" for event in night.events()) == 2


def test_no_file_descriptor_is_left_and_halt_works_within_a_second(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child, station = night.child("long"), night.station()
    used = len(list(Path(f"/proc/{station}/fd").iterdir()))
    resource.prlimit(station, resource.RLIMIT_NOFILE, (used, 4096))
    began = time.monotonic()
    terminal.send("H")
    terminal.until(is_halt_shown, 5)
    wait_until(lambda: gone(child), 5)
    assert time.monotonic() - began < 1.5
    resource.prlimit(station, resource.RLIMIT_NOFILE, (4096, 4096))
    wait_until(lambda: night.session().state == "halted")
    assert night.station() == station


def test_a_console_without_file_descriptors_halts_all_the_same(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child = night.child("long")
    used = len(list(Path(f"/proc/{terminal.pid}/fd").iterdir()))
    resource.prlimit(terminal.pid, resource.RLIMIT_NOFILE, (used, 4096))
    terminal.send("H")
    assert terminal.until(is_halt_shown, 5) < 1.0
    wait_until(lambda: gone(child), 5)


def test_a_station_without_memory_still_halts(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child, station = night.child("long"), night.station()
    size = int(Path(f"/proc/{station}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(station, resource.RLIMIT_AS, (size + 2**20, resource.RLIM_INFINITY))
    terminal.send("H")
    terminal.until(is_halt_shown, 10)
    wait_until(lambda: gone(child), 5)


def test_fork_fails_and_the_step_says_so(night: Night) -> None:
    night.open()
    night.do(intents.StartSession())
    with injected(
        night.station(), "-e", "trace=fork,vfork,clone,clone3", "-e", "inject=fork,vfork,clone,clone3:error=EAGAIN"
    ):
        night.do(intents.StartStep(step="hello"))
        night.until("hello", "failed")
    run = night.session().steps["hello"]
    assert run.effect == "none"
    night.do(intents.StartStep(step="hello"))
    night.until("hello", "done")


NO_FORK = """
import errno, subprocess
def refuse(*words, **options):
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
subprocess.Popen = refuse
"""


def test_fork_fails_for_a_console_and_it_is_one_line(night: Night) -> None:
    terminal = night.run("lead", str(night.write()), before=NO_FORK)
    assert terminal.ended() == 1
    terminal.drained()
    assert b"cannot be opened: Resource temporarily unavailable" in terminal.raw
    assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_a_procedure_that_changes_on_disk_after_the_start_changes_nothing(night: Night, how: str) -> None:
    night.open()
    night.begin()
    path = night.scratch / "procedure.yaml"
    before = night.session()
    assert before.plan is not None
    if how == "changed":
        path.write_text(PROCEDURE.replace("echo ended", "echo forged").replace("Undo it", "Forged undo"))
    else:
        path.unlink()
    night.kill_station()
    (night.home / "go").touch()
    night.do(intents.AddNote(text="a new station"))
    night.until("long", "done")
    session = night.session()
    assert session.plan is not None
    assert session.plan.hash == before.plan.hash
    assert session.plan.steps["undo-long"].title == "Undo it"
    blobs = b"".join(path.read_bytes() for path in (night.folder / "blobs").iterdir())
    assert b"ended" in blobs
    assert b"forged" not in blobs
    if how == "changed":  # the control: a new session takes the new text
        assert b"Forged undo" in bytes(open_again(night))


def open_again(night: Night) -> bytes:
    """What a new session of the same file plans."""
    night.kill_station()
    from quarterdeck.station.sessions import open_session

    folder = open_session(night.scratch / "procedure.yaml", home=night.home)
    return (night.home / "recorder" / f"{folder.name}.jsonl").read_bytes()
