"""What a window will need from this machine, looked at before it begins: `quarterdeck doctor`.

Each look is a small function that returns a finding and changes nothing but files of its own, which it removes;
other programs get five seconds, and what a procedure watches is read as a session would. It never judges a session.
"""

from __future__ import annotations

from pathlib import Path

from quarterdeck.procedure.model import Procedure
from quarterdeck.station.doctor import machine, needs, storage, terminal
from quarterdeck.station.doctor.finding import Finding

__all__ = ["Finding", "probe", "report"]

_WORDS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}


def probe(home: Path, procedure: Procedure | None = None, *, recorder: Path | None = None) -> list[Finding]:
    """Look at everything that a session in `home` needs, and `procedure` too where one is given.

    `recorder` is the flight recorder's folder where the settings name one. Takes up to some seconds.
    """
    found = [
        storage.folder(home),
        storage.filesystem(home),
        storage.sync(home),
        storage.space(home),
        storage.recorder(home, recorder or home / "recorder"),
        storage.sqlite(),
        machine.clock(),
        machine.sockets(home),
        machine.logout(),
        machine.open_files(),
        *terminal.terminal(),
    ]
    if procedure is not None:
        from quarterdeck.station.doctor.watching import watching

        needed = needs.needs(procedure)
        named = {finding.title for finding in needed}
        found += needed + [finding for finding in watching(procedure) if finding.title not in named]
    return found


def report(findings: list[Finding]) -> str:
    """The findings for a person: problems first, each with what to do; ends with a line that counts them."""
    lines = []
    for level in ("problem", "warning", "ok"):
        for finding in findings:
            if finding.level == level:
                lines.append(f"{_WORDS[level]:<9}{finding.title}: {finding.message}")
                lines += [f"{'':<9}  {line}" for line in finding.what_to_do.splitlines()]
    counts = [sum(finding.level == level for finding in findings) for level in ("problem", "warning")]
    lines.append(f"{_count(counts[0], 'problem')}, {_count(counts[1], 'warning')}")
    return "\n".join(lines)


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
