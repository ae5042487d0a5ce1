"""What differs between hosts: boot clock, peer credentials, process identity, mounts, names, the socket folder.

Standard library only, and the slower parts of that only where they are used, because the runner shim starts with
it for every command. It reads and reports; it never decides, never waits for a network (no DNS), and changes nothing
but the folder that `runtime_folder` makes. Linux is the measure; macOS gets the nearest
thing it has.
"""

from __future__ import annotations

import os
import pwd
import stat
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quarterdeck.errors import StationError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = [
    "SOCKET_PATH_MAX",
    "Clocks",
    "HostNames",
    "Mount",
    "Peer",
    "Process",
    "ThisMachine",
    "boot_clock",
    "boot_clock_ns",
    "boot_id",
    "filesystem_of",
    "host_names",
    "identity_of",
    "is_network_filesystem",
    "login_name",
    "mounts",
    "own_identity",
    "peer_of",
    "runtime_folder",
    "same_process",
    "socket_path",
]

LINUX = sys.platform.startswith("linux")
PROC = Path("/proc")

SOCKET_PATH_MAX = 103 if sys.platform == "darwin" else 107
"""Bytes that a Unix socket's path may have (sun_path less its final zero)."""

_NETWORK = (
    "nfs nfs4 cifs smb2 smb3 smbfs afs afpfs ceph glusterfs lustre gfs gfs2 ocfs2 9p beegfs gpfs sshfs webdav davfs"
    " ncpfs coda orangefs pvfs2 virtiofs moosefs fuse.glusterfs fuse.sshfs fuse.davfs2 fuse.s3fs fuse.rclone"
    " fuse.gcsfuse fuse.mfs fuse.cephfs fuse.nfs fuse.smb fuse.curlftpfs"
)
NETWORK_FILESYSTEMS = frozenset(_NETWORK.split())
"""Types on which locks, renames or syncs are not what SQLite needs."""


class Peer(NamedTuple):
    """Who is at the other end of a Unix socket, as the kernel says (R18)."""

    pid: int
    """0 where the system does not tell it."""
    uid: int


class Process(NamedTuple):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    start: int
    """Clock ticks since boot (Linux), seconds since 1970 (macOS)."""


class Mount(NamedTuple):
    """One mounted file system."""

    point: Path
    fstype: str
    source: str
    device: str = ""
    """What the kernel numbers it by, `8:1`: the same wherever else it is mounted. Empty where that is not told."""
    number: str = ""
    """Its own, and that of the mount in which its point lies; empty where they are not told."""
    parent: str = ""


class HostNames(NamedTuple):
    """This host's names; `full` equals `short` where nothing local knows a longer one."""

    short: str
    full: str


def boot_clock_ns() -> int:
    """Nanoseconds since boot, running on during suspend, untouched by changes of the wall clock."""
    if LINUX:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)  # macOS counts the sleep in this one


def boot_clock() -> float:
    """Seconds since boot; see `boot_clock_ns`."""
    return boot_clock_ns() / 1e9


@cache
def boot_id() -> str:
    """A text that is the same until the next boot; read once, so that no later shortage of files matters."""
    if LINUX:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    found = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def peer_of(connection: socket.socket) -> Peer:
    """The process and user at the other end of a connected Unix socket; OSError where it is not one."""
    import socket

    if LINUX:
        pid, uid, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
        return Peer(pid, uid)
    local_peercred, local_peerpid = 1, 2  # sys/un.h of macOS
    credentials = connection.getsockopt(0, local_peercred, 76)
    uid = struct.unpack_from("=II", credentials)[1]
    (pid,) = struct.unpack("=i", connection.getsockopt(0, local_peerpid, 4))
    return Peer(pid, uid)


def identity_of(pid: int) -> Process | None:
    """The process with this number, or None where there is none that still runs (a zombie does not).

    OSError where it can't be looked at (no file descriptor is left): that says nothing of the process.
    """
    if LINUX:
        try:
            text = (PROC / str(pid) / "stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = text.rpartition(b")")[2].split()  # the name in brackets may hold anything
        return None if fields[0] in (b"Z", b"X", b"x") else Process(pid, int(fields[19]))
    asked = ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)]
    words = subprocess.run(asked, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}).stdout.split()
    if len(words) < 6 or words[0].startswith("Z"):
        return None
    return Process(pid, int(time.mktime(time.strptime(" ".join(words[1:6]), "%a %b %d %H:%M:%S %Y"))))


def own_identity() -> Process:
    """This process."""
    return identity_of(os.getpid()) or Process(os.getpid(), 0)


def same_process(pid: int, start: int) -> bool:
    """Whether the process that had this number and start time still runs; by its number alone where /proc is shut."""
    try:
        found = identity_of(pid)
    except OSError:
        return _answers(pid)
    return found is not None and found.start == start


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def mounts() -> list[Mount]:
    """All mounted file systems, in the order of mounting (a later one covers an earlier one)."""
    if LINUX:
        return _parse_mountinfo((PROC / "self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    found = []
    listing = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():  # /dev/disk1s1 on / (apfs, local, journaled)
        source, _, rest = line.partition(" on ")
        point, _, options = rest.rpartition(" (")
        found.append(Mount(Path(point), options.split(",")[0].rstrip(")"), source))
    return found


def _parse_mountinfo(text: str) -> list[Mount]:
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fstype, source = (*right.split(" "), "", "")[:2]
        number, parent, device, _, point, *_ = left.split(" ")
        found.append(Mount(Path(_unescape(point)), fstype, _unescape(source), device, number, parent))
    return found


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def filesystem_of(path: Path) -> Mount:
    """The mount that holds `path`, or would hold it where it does not exist yet."""
    whole = Path(os.path.realpath(path))
    best = Mount(Path("/"), "unknown", "")
    for mount in mounts():
        longer = len(mount.point.parts) >= len(best.point.parts)
        if longer and (whole == mount.point or mount.point in whole.parents):
            best = mount
    return best


def is_network_filesystem(fstype: str) -> bool:
    """Whether locks and syncs of this type depend on another host."""
    return fstype.lower() in NETWORK_FILESYSTEMS


def login_name() -> str:
    """The name of the user that this process runs as (R18): never an environment variable's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def host_names(hosts_file: Path = Path("/etc/hosts")) -> HostNames:
    """This host's names, from the kernel and /etc/hosts alone: a dead name server must not stop a start."""
    name = os.uname().nodename
    short = name.partition(".")[0]
    if "." in name:
        return HostNames(short, name)
    try:
        lines = hosts_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        names = line.partition("#")[0].split()[1:]
        longer = [entry for entry in names if "." in entry and entry.partition(".")[0] == short]
        if name in names and longer:
            return HostNames(short, longer[0])
    return HostNames(short, short)


class ThisMachine:
    """What lint and the observer may ask of the machine that they run on."""

    @property
    def names(self) -> frozenset[str]:
        """What it is called, in small letters: by its names, or as the machine that asks."""
        own = (*host_names(), os.uname().nodename)
        return frozenset({name.lower() for name in own} | {"local", "localhost", "127.0.0.1", "::1"})

    def finds(self, program: str, folder: str = "") -> bool:
        """Whether a program is there, as a command in `folder` would be found."""
        from shutil import which

        path = os.path.join(folder or "/", program) if os.path.dirname(program) else program  # noqa: PTH118, PTH120
        return which(path) is not None


def runtime_folder() -> Path:
    """The private folder for sockets, made where it is missing. StationError where it is not ours alone."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        folder = Path(base) / "quarterdeck"
    else:
        folder = _temporary_folder() / f"qd-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StationError(f"The folder for sockets cannot be made: {error.strerror}", where=str(folder)) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StationError(
            "The folder for sockets is a link or belongs to somebody else",
            where=str(folder),
            hint="remove it, or set XDG_RUNTIME_DIR to a private folder of yours",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IWOTH:
        raise StationError(
            f"Others can write to the folder for sockets (mode {mode:04o}): a socket in it may be theirs",
            where=str(folder),
            hint=f"rm -r {folder}",
        )
    if mode != 0o700:
        folder.chmod(0o700)
    return folder


def _temporary_folder() -> Path:
    """As `tempfile` finds it, but without trying to write: on a full disk a station is where it was before."""
    named = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP"))
    places = (Path(name).absolute() for name in (*named, "/tmp", "/var/tmp") if name)  # noqa: S108 - a private folder in it
    return next((place for place in places if place.is_dir()), Path("/tmp"))  # noqa: S108 - the same


def socket_path(key: str) -> Path:
    """A socket's path for `key` (a session's folder, say): short whatever the key's length."""
    import hashlib

    path = runtime_folder() / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        raise StationError(
            f"The path of the socket is longer than {SOCKET_PATH_MAX} bytes",
            where=str(path),
            hint="set XDG_RUNTIME_DIR to a shorter folder",
        )
    return path


class Clocks(NamedTuple):
    """The clocks of a sample, in one place so that tests can turn them.

    The wall clock (seconds since the epoch) is for people and the record; ages and intervals use the boot clock
    (seconds since the machine started), which counts suspended time too and never steps.
    """

    wall: Callable[[], float] = time.time
    boot: Callable[[], float] = boot_clock
