"""A station that dies while a session waits for it: the next one takes up every such wait, planned sessions too."""

from __future__ import annotations

import os
import signal

import pytest
from faultkit import Night, gone, wait_until

from quarterdeck.errors import StationError
from quarterdeck.session import intents
from quarterdeck.session.events import CommandEnded, payload
from quarterdeck.station.sessions import open_session, read_window
from quarterdeck.station.wire.blocking_client import ask_once

HEAD = """
quarterdeck: 1
id: waits
title: What waits for the station
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
"""
THERE = '{command: [test, -e, "${quarterdeck.home}/there"], within: 120s, every: 0.1s}'
"""Read again and again until the test makes the file: the step is `verifying` for as long as that."""
STAGES = """
stages:
  - id: work
    title: Work
    steps:
      - {id: first, title: First, kind: manual, duration: 5s, mutates: false}
"""
GATED = f"""{HEAD}
preconditions:
  - {{id: gate, title: The copy is there, kind: check, duration: 5s, verify: [{THERE}]}}
  - {{id: ask, title: Ready, kind: poll, duration: 5s, question: Ready?, roles: [dba], timeout: 2s, after: gate}}
{STAGES}
"""
KINDS = f"""{HEAD}
stages:
  - id: work
    title: Work
    steps:
      - {{id: check, title: Look, kind: check, duration: 5s, after: [], verify: [{THERE}]}}
      - id: command
        title: Run
        kind: command
        duration: 5s
        after: []
        command: ["true"]
        mutates: false
        verify: [{THERE}]
      - {{id: hand, title: By hand, kind: manual, duration: 5s, after: [], mutates: false, verify: [{THERE}]}}
      - {{id: wait, title: Wait, kind: wait, duration: 5s, after: [], until: window.start+3s}}
      - id: flaky
        title: Succeed the second time
        kind: command
        duration: 5s
        after: []
        command: [test, -e, "${{quarterdeck.home}}/there"]
        mutates: false
        on_fail: {{retry: {{max: 9, every: 1s}}}}
"""


def fresh_station(night: Night, number: signal.Signals = signal.SIGKILL) -> None:
    """End the station, let what it waited for come, and start another."""
    pid = night.station()
    os.kill(pid, number)
    wait_until(lambda: gone(pid), 30, "the station's end")
    (night.home / "there").touch()
    night.start_station()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_precondition_that_was_being_read_is_read_again(night: Night, number: signal.Signals) -> None:
    night.open(GATED)
    night.do(intents.StartStep(step="gate"))
    assert night.session().steps["gate"].state == "verifying"
    fresh_station(night, number)
    night.until("gate", "done")
    assert night.session().state == "planned"
    assert not any(event.kind == "station.restarted" for event in night.events()), "nothing was live"


def test_a_precondition_whose_poll_was_open_is_closed_by_its_timeout(night: Night) -> None:
    night.open(GATED)
    (night.home / "there").touch()
    night.do(intents.StartStep(step="gate"))
    night.until("gate", "done")
    night.do(intents.StartStep(step="ask"))
    fresh_station(night)
    wait_until(lambda: night.session().polls["ask"].result == "timeout", 30, "the poll's end")
    assert night.session().steps["ask"].state == "pending"


@pytest.mark.parametrize("step", ["check", "command", "hand", "wait"])
def test_a_live_step_that_waits_for_the_station_is_taken_up_again(night: Night, step: str) -> None:
    night.open(KINDS)
    night.do(intents.StartSession())
    night.do(intents.StartStep(step=step))
    if step == "hand":
        night.do(intents.FinishStep(step=step))
    night.until(step, "running" if step == "wait" else "verifying")
    fresh_station(night)
    night.until(step, "done")
    assert night.session().state == "paused"


def test_a_retry_that_was_due_waits_for_the_lead_and_comes_when_work_goes_on(night: Night) -> None:
    night.open(KINDS)
    night.do(intents.StartSession())
    night.do(intents.StartStep(step="flaky"))
    wait_until(lambda: night.session().steps["flaky"].retry_at, 30, "a failure")
    fresh_station(night)
    assert night.session().steps["flaky"].state == "failed", "nothing is run again while it is paused"
    night.do(intents.GoOn())
    night.until("flaky", "done")


TWICE = f"""{HEAD}
stages:
  - id: work
    title: Work
    steps:
      - id: command
        title: Run
        kind: command
        duration: 5s
        command: ["true"]
        mutates: false
        verify:
          - {{command: [test, -e, "${{quarterdeck.home}}/there"]}}
          - {{command: [sh, -c, 'while test -e "$0"; do sleep 0.05; done', "${{quarterdeck.home}}/slow"]}}
"""


def test_a_step_ended_by_hand_is_read_again_whatever_was_read_of_its_command(night: Night) -> None:
    night.open(TWICE)
    night.do(intents.StartSession())
    night.do(intents.StartStep(step="command"))
    wait_until(lambda: night.session().steps["command"].proofs, 30, "a failed verification")
    night.do(intents.FailStep(step="command", reason="the copy is missing"))
    (night.home / "slow").touch()
    night.do(intents.FinishStep(step="command", by_hand=True))
    night.kill_station()
    (night.home / "slow").unlink()
    (night.home / "there").touch()
    night.start_station()
    night.until("command", "done_manually")


FAR = f"""{HEAD}
params:
  word: {{type: string, secret: true}}
stages:
  - id: work
    title: Work
    steps:
      - id: far
        title: Work far away
        kind: command
        duration: 60s
        command: [sleep, "600"]
        on_halt: {{action: terminate, grace: 1s}}
        gone: {{command: [ls, "${{quarterdeck.home}}/there"], within: 120s, every: 0.1s}}
        undo: {{none: nothing is left}}
"""
DIES_AT = """
import os, signal
from {module} import {owner}
def dies(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)
{owner}.{name} = dies
"""
"""A station that is killed exactly where it would do something."""


def far_away(night: Night, before: str = "") -> int:
    """A command at work under a station that dies at a certain point; the station's pid."""
    night.open(FAR.replace("params:\n  word: {type: string, secret: true}\n", ""))
    pid = night.start_station(before)
    night.do(intents.StartSession())
    night.start("far")
    return pid


def test_a_stop_that_was_asked_for_and_not_yet_passed_on_is_passed_on(night: Night) -> None:
    pid = far_away(night, DIES_AT.format(module="quarterdeck.station.commands.runs", owner="Commands", name="stop"))
    (night.home / "there").touch()
    with pytest.raises(StationError):
        ask_once(night.folder, intents.StopCommand(step="far"))
    wait_until(lambda: gone(pid), 30, "the station's end")
    night.start_station()
    night.until("far", "interrupted")
    assert [event.kind for event in night.events()].count("command.stop_asked") == 1


def ended(night: Night) -> list[CommandEnded]:
    """What was written down of ends of commands."""
    said = [payload(event) for event in night.events() if event.kind == "command.ended"]
    return [each for each in said if isinstance(each, CommandEnded)]


def test_a_proof_that_was_being_read_of_a_lost_command_is_read_again(night: Night) -> None:
    far_away(night)
    night.kill_station()
    night.end_commands()
    night.start_station()
    night.until("far", "unknown")
    assert not ended(night), "its proof is still being read"
    fresh_station(night)
    wait_until(lambda: ended(night), 30, "the command's end")
    assert [(each.outcome, each.gone is not None and each.gone.ok) for each in ended(night)] == [("lost", True)]
    fresh_station(night)
    assert len(ended(night)) == 1, "told once"


def test_a_command_whose_proof_cannot_be_read_has_ended_all_the_same(night: Night) -> None:
    night.folder = open_session(
        night.write(FAR.replace("        undo:", '        env: {WORD: "${word}"}\n        undo:')),
        home=night.home,
        window=read_window("1h"),
        params={"word": "env:QD_TEST_WORD"},
    )
    night.start_station(QD_TEST_WORD="a-word-4711")
    night.do(intents.StartSession())
    night.start("far")
    night.kill_station()
    night.start_station()  # from another shell, which does not have the word
    night.do(intents.StopCommand(step="far"))
    night.until("far", "interrupted")
    (end,) = ended(night)
    assert end.gone is not None
    assert "QD_TEST_WORD" in end.gone.read
    assert night.session().steps["far"].unproven
