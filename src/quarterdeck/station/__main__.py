"""Entry of the station: `python -m quarterdeck.station --session FOLDER [--linger SECONDS] [--foreground]`.

It forks twice, so that it belongs to no terminal, and answers to
whoever started it through its exit code: 0 when consoles may come, 75 when another station has the session, 1 with a
line on stderr. With `--open PROCEDURE` instead of a session it opens one first, of what stdin says
(`station.opener`), and says on stdout which, or what is wrong.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

LOG = "station.log"
MOST_LOG = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Run the station, in the background unless told otherwise."""
    os.umask(0o077)
    if arguments[:1] == ["--open"]:
        return _open()
    options = _options(arguments)
    if options is None:
        sys.stderr.write("usage: python -m quarterdeck.station --session FOLDER [--linger SECONDS] [--foreground]\n")
        return 2
    return _start(*options)


def _open() -> int:
    """Open a session and be its station; where that fails, whoever connects starts one, and is told why."""
    from quarterdeck.station.opener import opened, tell

    answer = opened()
    if answer.folder:
        options = _options(["--session", answer.folder])
        assert options is not None
        _start(*options)
    tell(answer)
    return 0


def _start(folder: Path, linger: float | None, foreground: bool) -> int:
    """Serve, in the background unless told otherwise."""
    if foreground:
        return _serve(folder, linger, _say_on_stderr)
    told, tell = os.pipe()
    if os.fork() > 0:
        os.close(tell)
        return _wait_for(told)
    os.close(told)
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    _detach(folder)
    said = False

    def ready(why: str, code: int) -> None:
        nonlocal said
        if not said:
            said = True
            os.write(tell, f"{code} {why}".encode())
            os.close(tell)

    try:
        code = _serve(folder, linger, ready)
    except BaseException as error:
        ready(f"The station broke: {error!r}", 1)
        raise
    return code


def _serve(folder: Path, linger: float | None, ready: Callable[[str, int], None]) -> int:
    import asyncio

    from quarterdeck.errors import QuarterdeckError
    from quarterdeck.logbook.lock import is_held
    from quarterdeck.station.station import LINGER, Station
    from quarterdeck.station.wire.start_station import ALREADY

    async def run() -> None:
        station = Station(folder, linger=LINGER if linger is None else linger)
        await station.run(lambda: ready("", 0))

    try:
        asyncio.run(run())
    except QuarterdeckError as error:
        ready(str(error), ALREADY if is_held(folder / "lock") else 1)
        return 1
    return 0


def _options(arguments: list[str]) -> tuple[Path, float | None, bool] | None:
    folder: Path | None = None
    linger = os.environ.get("QUARTERDECK_LINGER", "")
    foreground = False
    words = iter(arguments)
    for word in words:
        if word == "--session":
            folder = Path(os.path.realpath(next(words, "")))
        elif word == "--linger":
            linger = next(words, "")
        elif word == "--foreground":
            foreground = True
        else:
            return None
    try:
        seconds = float(linger) if linger else None
    except ValueError:
        return None
    return None if folder is None else (folder, seconds, foreground)


def _detach(folder: Path) -> None:
    """No terminal, no inherited files: output goes to the session's own log."""
    os.chdir("/")
    from quarterdeck.regular_files import open_regular

    null = os.open(os.devnull, os.O_RDWR)
    log = null
    if folder.is_dir():
        path = folder / LOG
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        if path.exists() and path.stat().st_size > MOST_LOG:
            flags |= os.O_TRUNC
        with contextlib.suppress(OSError):  # without a log it works all the same
            log = open_regular(path, flags)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _wait_for(told: int) -> int:
    """What the station in the background says: its exit code and why."""
    said = b""
    while chunk := os.read(told, 4096):
        said += chunk
    code, _, why = said.decode(errors="replace").partition(" ")
    if why:
        sys.stderr.write(why + "\n")
    return int(code) if code.isdigit() else 1


def _say_on_stderr(why: str, code: int) -> None:
    sys.stderr.write(f"{why or 'ready'}\n" if code or not why else "")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
