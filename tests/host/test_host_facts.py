"""host.py against this very machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarterdeck import host
from quarterdeck.errors import StationError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_the_boot_clock_runs_forward_and_the_boot_id_stays() -> None:
    first = host.boot_clock_ns()
    assert host.boot_clock_ns() >= first
    assert abs(host.boot_clock() - first / 1e9) < 5
    assert host.boot_id() == host.boot_id() != ""


def test_the_peer_of_a_unix_socket_is_who_the_kernel_says() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert host.peer_of(left) == host.Peer(os.getpid(), os.getuid())


def test_a_process_is_known_by_pid_and_start_and_a_zombie_is_not_running() -> None:
    with subprocess.Popen(["sleep", "30"]) as child:
        found = host.identity_of(child.pid)
        assert found is not None
        assert host.same_process(child.pid, found.start)
        assert not host.same_process(child.pid, found.start + 1)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, not reaped
        assert not host.same_process(child.pid, found.start)
    assert host.identity_of(child.pid) is None


@linux
def test_a_process_name_full_of_brackets_is_parsed(tmp_path: Path) -> None:
    odd = tmp_path / ") R 1 1 (x"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "30"]) as child:
        found = host.identity_of(child.pid)
        child.kill()
    assert found is not None
    assert abs(found.start / os.sysconf("SC_CLK_TCK") - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


@linux
def test_mountinfo_is_parsed_with_spaces_and_optional_fields() -> None:
    text = (
        "36 35 98:0 / / rw,noatime - ext4 /dev/root rw\n"
        "37 36 0:40 / /mnt/a\\040b rw shared:1 master:2 - nfs4 server:/export rw,vers=4.2\n"
    )
    mounts = host._parse_mountinfo(text)
    assert mounts == [
        host.Mount(Path("/"), "ext4", "/dev/root", "98:0", "36", "35"),
        host.Mount(Path("/mnt/a b"), "nfs4", "server:/export", "0:40", "37", "36"),
    ]
    assert host.is_network_filesystem(mounts[1].fstype)
    assert not host.is_network_filesystem(mounts[0].fstype)


def test_the_filesystem_of_a_path_that_does_not_exist_yet_is_its_parents(tmp_path: Path) -> None:
    found = host.filesystem_of(tmp_path / "not" / "there")
    assert found.point == host.filesystem_of(tmp_path).point
    assert found.fstype != "unknown"


def test_the_login_name_does_not_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.setenv("LOGNAME", "mallory")
    assert host.login_name() != "mallory"


def test_host_names_come_from_the_hosts_file_without_a_name_server(tmp_path: Path) -> None:
    name = os.uname().nodename
    hosts = tmp_path / "hosts"
    short = name.partition(".")[0]
    hosts.write_text(f"# comment\n127.0.0.1 localhost\n10.1.2.3 {short}.example.org {name} # me\n")
    found = host.host_names(hosts)
    assert found.short == short
    assert found.full == (name if "." in name else f"{short}.example.org")
    assert host.host_names(tmp_path / "none").short == short


def test_this_machine_knows_its_names_and_finds_programs_as_a_command_would(tmp_path: Path) -> None:
    here = host.ThisMachine()
    assert {"localhost", "::1", os.uname().nodename.lower(), host.host_names().short.lower()} <= here.names
    assert "db01.example" not in here.names
    plugin = tmp_path / "check_fine"
    plugin.write_text("#!/bin/sh\n")
    assert not here.finds("./check_fine", str(tmp_path))
    plugin.chmod(0o755)
    assert here.finds("./check_fine", str(tmp_path))
    assert here.finds(str(plugin))
    assert here.finds("sh")
    assert not here.finds("check_fine", str(tmp_path))


def test_the_socket_folder_is_private_and_a_deep_key_gives_a_short_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = host.socket_path("/x" * 2000)
    assert path.parent == tmp_path / "quarterdeck"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path == host.socket_path("/x" * 2000) != host.socket_path("/x" * 1999)
    (tmp_path / "quarterdeck").chmod(0o755)
    assert host.runtime_folder().stat().st_mode & 0o777 == 0o700


def test_without_a_runtime_dir_the_temporary_folder_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert host.runtime_folder() == tmp_path / f"qd-{os.getuid()}"


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "quarterdeck").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StationError, match="is a link"):
        host.runtime_folder()


def test_a_socket_folder_that_others_can_write_to_is_refused_and_not_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    host.runtime_folder().chmod(0o777)
    for _ in range(2):
        with pytest.raises(StationError, match="Others can write"):
            host.runtime_folder()


def test_a_socket_path_that_is_too_long_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(StationError, match="XDG_RUNTIME_DIR"):
        host.socket_path("session")
