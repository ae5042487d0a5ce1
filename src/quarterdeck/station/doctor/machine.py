"""Doctor's looks at the machine: clock, sockets, what a logout does, open files."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import sys
from pathlib import Path

from quarterdeck.errors import StationError
from quarterdeck.host import login_name, peer_of, runtime_folder, socket_path
from quarterdeck.station.doctor.finding import Finding, ask

__all__ = ["clock", "judge_clock", "judge_logout", "logout", "open_files", "sockets"]

_TIME_ERROR, _STA_UNSYNC = 5, 0x40
_FILES = 256
LINGER = Path("/var/lib/systemd/linger")


def clock() -> Finding:
    """Whether something keeps the wall clock right."""
    if not sys.platform.startswith("linux"):
        return Finding(
            "warning", "Clock", "cannot be asked here whether it is kept by a time server", "see System Settings"
        )
    buffer = ctypes.create_string_buffer(512)  # struct timex, all zero: a question, no change
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    _, _, _, most, _, status = struct.unpack_from("@Illlli", buffer)
    return judge_clock(state, status, most / 1e6)


def judge_clock(state: int, status: int, most: float) -> Finding:
    """What the kernel's answer means; `most` is its largest possible error in seconds."""
    if state < 0:
        return Finding("warning", "Clock", "the kernel does not tell whether a time server keeps it")
    if state == _TIME_ERROR or status & _STA_UNSYNC:
        return Finding(
            "warning",
            "Clock",
            "no time server keeps it: times in the record may be off, and seats may differ",
            "start chrony, systemd-timesyncd or ntpd (timedatectl set-ntp true)",
        )
    return Finding("ok", "Clock", f"kept by a time server, off by {most:.3f} s at most")


def sockets(home: Path) -> Finding:
    """A socket in the private folder: made, connected to, and the peer known."""
    title = "Sockets"
    try:
        path = socket_path(f"{home}/doctor-{os.getpid()}")
    except StationError as error:
        return Finding("problem", title, f"{error.where}: {error.message}", error.hint)
    try:
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(str(path))
            server.listen(1)
            client.settimeout(2)
            client.connect(str(path))
            with server.accept()[0] as accepted:
                known = peer_of(accepted).uid == os.getuid()
    except OSError as error:
        return Finding("problem", title, f"{path}: {error.strerror}", "set XDG_RUNTIME_DIR to a private local folder")
    finally:
        path.unlink(missing_ok=True)
    if not known:
        return Finding(
            "problem", title, "the kernel does not say who connects", "this system cannot tell people apart"
        )
    return Finding("ok", title, str(path.parent))


def logout() -> Finding:
    """What becomes of a station when its ssh connection or desktop session ends."""
    if not Path("/run/systemd/seats").is_dir():
        return judge_logout(login=login_name(), manager=False, kills=False, lingers=False)
    code, said = ask(
        *("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1"),
        *("org.freedesktop.login1.Manager", "KillUserProcesses"),
    )
    lingers = (LINGER / login_name()).exists()
    return judge_logout(login=login_name(), manager=True, kills=code == 0 and "true" in said, lingers=lingers)


def judge_logout(*, login: str, manager: bool, kills: bool, lingers: bool) -> Finding:
    """What a logout does to a station of `login`."""
    title = "After logout"
    if not manager:
        return Finding("ok", title, "no session manager here ends processes")
    if lingers or login == "root":
        return Finding("ok", title, "processes and sockets of yours stay")
    enable = f"loginctl enable-linger {login}"
    if kills:
        return Finding(
            "problem",
            title,
            "this system ends all your processes: a dropped ssh would end the session's station and its commands",
            f"{enable}\nor start with: systemd-run --user --scope quarterdeck …",
        )
    if str(runtime_folder()).startswith("/run/user/"):
        return Finding(
            "warning",
            title,
            "processes stay, but your socket folder goes with the last login: a new console may not find its station",
            enable,
        )
    return Finding("ok", title, "processes and sockets of yours stay")


def open_files() -> Finding:
    """Descriptors for consoles, targets and files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        return Finding(
            "warning", "Open files", f"only {soft} at once", f"ulimit -n {min(1024, hard) if hard > 0 else 1024}"
        )
    return Finding("ok", "Open files", f"{soft} at once")
