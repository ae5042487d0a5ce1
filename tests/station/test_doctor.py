"""Doctor on this machine, and its judgements on what others would say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quarterdeck.procedure.model import Procedure, Stage, Step, Target
from quarterdeck.station import doctor
from quarterdeck.station.doctor import machine, needs, storage, terminal
from quarterdeck.station.doctor.finding import Finding, ask


def procedure(*steps: Step) -> Procedure:
    return Procedure(id="p", title="P", revision=1, stages=(Stage(id="s", title="S", steps=steps),))


def found(findings: list[Finding], title: str) -> Finding:
    (finding,) = (finding for finding in findings if finding.title == title)
    return finding


def test_a_probe_of_this_machine_looks_at_everything_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    home = tmp_path / "state"
    home.mkdir(mode=0o700)
    findings = doctor.probe(home)
    assert {"State folder", "File system", "Sync", "SQLite", "Clock", "Sockets", "After logout"} <= {
        finding.title for finding in findings
    }
    assert found(findings, "State folder").level == "ok"
    assert found(findings, "Sockets").level == "ok"
    assert found(findings, "Flight recorder").level == "warning"  # the same disk
    assert list(home.iterdir()) == []
    assert list((tmp_path / "quarterdeck").iterdir()) == []
    assert all(finding.what_to_do for finding in findings if finding.level == "problem")


def test_a_state_folder_that_does_not_exist_yet_is_judged_by_where_it_would_be(tmp_path: Path) -> None:
    home = tmp_path / "not" / "yet"
    assert storage.folder(home).level == "ok"
    assert storage.sync(home).level in {"ok", "warning"}
    assert not home.exists()


def test_an_open_a_linked_and_a_locked_state_folder_are_told_apart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    assert storage.folder(home).what_to_do == f"chmod 700 {home}"
    (tmp_path / "link").symlink_to(home)
    assert "symbolic link" in storage.folder(tmp_path / "link").message
    (tmp_path / "file").touch()
    assert storage.folder(tmp_path / "file" / "state").level == "problem"
    if os.getuid() == 0:
        os.chown(home, 65534, 65534)
        assert "somebody else" in storage.folder(home).message


@pytest.mark.parametrize(
    ("median", "level", "words"),
    [(2e-6, "warning", "too fast"), (4e-4, "ok", "0.400 ms"), (0.5, "warning", "500.0 ms")],
)
def test_a_sync_that_is_too_fast_or_too_slow_is_named(median: float, level: str, words: str) -> None:
    finding = storage.judge_sync(median)
    assert finding.level == level
    assert words in finding.message


def test_an_old_sqlite_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 36, 9))
    assert storage.sqlite().level == "problem"


def test_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from quarterdeck.host import Mount

    monkeypatch.setattr(storage, "filesystem_of", lambda _: Mount(Path("/home"), "nfs4", "server:/home"))
    finding = storage.filesystem(tmp_path)
    assert finding.level == "problem"
    assert "server:/home" in finding.message


def test_little_space_is_a_warning_and_less_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = 500 * storage.MIB

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    assert storage.space(tmp_path).level == "warning"
    Usage.free = 10 * storage.MIB
    assert storage.space(tmp_path).level == "problem"


def test_the_kernels_answer_about_the_clock_is_understood() -> None:
    assert machine.judge_clock(0, 0x2001, 0.02).message.endswith("0.020 s at most")
    assert machine.judge_clock(5, 0x40, 16.0).level == "warning"
    assert machine.judge_clock(-1, 0, 0).level == "warning"


def test_sockets_that_cannot_be_made_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "quarterdeck").symlink_to(tmp_path)
    assert machine.sockets(tmp_path).level == "problem"


def test_a_logout_that_kills_is_a_problem_and_lingering_cures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = machine.judge_logout
    assert judge(login="ann", manager=True, kills=True, lingers=False).level == "problem"
    assert judge(login="ann", manager=True, kills=True, lingers=True).level == "ok"
    assert judge(login="ann", manager=False, kills=False, lingers=False).level == "ok"
    monkeypatch.setattr(machine, "runtime_folder", lambda: Path("/run/user/1000/quarterdeck"))
    assert judge(login="ann", manager=True, kills=False, lingers=False).what_to_do == "loginctl enable-linger ann"


def test_a_poor_terminal_is_described_thing_by_thing() -> None:
    levels = [finding.level for finding in terminal.judge_terminal({"TERM": "dumb"}, 60, 20, "ANSI_X3.4-1968")]
    assert levels == ["problem", "warning", "warning"]
    levels = [finding.level for finding in terminal.judge_terminal({"TERM": "xterm-256color"}, 120, 36, "UTF-8")]
    assert levels == ["ok", "ok", "ok"]


def test_programs_that_a_step_names_are_looked_for_here_unless_it_runs_elsewhere() -> None:
    here = Step(id="a", title="A", kind="command", command=("quarterdeck-no-such",))
    there = Step(id="b", title="B", kind="command", command=("quarterdeck-not-either",), host=("elsewhere.example",))
    value = Step(id="c", title="C", kind="command", command=("${tool}",))
    finding = found(needs.needs(procedure(here, there, value)), "Programs")
    assert finding.message == "not found here: quarterdeck-no-such (step a)"
    assert found(needs.needs(procedure(Step(id="d", title="D", command=("true",)))), "Programs").level == "ok"
    assert needs.needs(procedure(Step(id="e", title="E"))) == []


def test_targets_that_would_stay_unknown_are_found(tmp_path: Path) -> None:
    plugin = tmp_path / "check_fine"
    plugin.write_text("#!/bin/sh\nexit 0\n")
    plugin.chmod(0o755)
    targets = {
        "gone": Target(type="command", options={"argv": ["quarterdeck-no-such", "-w"]}),
        "fine": Target(type="command", options={"argv": "./check_fine", "cwd": str(tmp_path)}),
        "here": Target(type="local", options={"host": "localhost"}),
        "there": Target(type="local", options={"host": "db01.example"}),
        "open": Target(type="local", options={"host": "${host}"}),
    }
    findings = needs.needs(Procedure(id="p", title="P", revision=1, targets=targets))
    assert [(finding.title, finding.level) for finding in findings] == [
        ("Target gone", "problem"),
        ("Target there", "warning"),
    ]
    assert found(findings, "Target gone").message == "its program is not found here: quarterdeck-no-such"
    assert "it watches db01.example, which is not this host" in found(findings, "Target there").message


def test_sudo_is_probed_only_where_a_step_becomes_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(id="a", title="A", kind="command", command=("true",), become="root")
    monkeypatch.setattr("os.getuid", lambda: 1000)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    sudo = bin_folder / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n")
    sudo.chmod(0o755)
    finding = found(needs.needs(procedure(step)), "sudo")
    assert finding.level == "problem"
    assert "a password is required" in finding.message
    sudo.write_text('#!/bin/sh\n[ "$1" = -n ]\n')
    assert found(needs.needs(procedure(step)), "sudo").level == "ok"


def test_ssh_without_an_agent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    step = Step(id="a", title="A", kind="command", command=("ssh", "host", "true"))
    assert found(needs.needs(procedure(step)), "ssh").level == "warning"


def test_a_program_that_cannot_be_asked_is_no_answer() -> None:
    assert ask("/no/such/program") == (None, "/no/such/program is not installed")
    assert ask("sh", "-c", "echo a; exit 3") == (3, "a")


def test_a_report_puts_problems_first_and_counts() -> None:
    findings = [
        Finding("ok", "SQLite", "3.45"),
        Finding("problem", "sudo", "asks for a password", "NOPASSWD"),
        Finding("warning", "Clock", "not kept", "start chrony"),
    ]
    assert doctor.report(findings).splitlines() == [
        "PROBLEM  sudo: asks for a password",
        "           NOPASSWD",
        "warning  Clock: not kept",
        "           start chrony",
        "ok       SQLite: 3.45",
        "1 problem, 1 warning",
    ]
    assert doctor.report([]) == "no problems, no warnings"
