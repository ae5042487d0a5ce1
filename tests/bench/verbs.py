"""CLI verbs without a screen, held against the interpreter alone and against the imports that a verb needs anyway.

`--version` is answered before argparse is imported; `lint` reads one file, and cannot do that without YAML.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.measure import Measurement, Row, interleaved, p50
from tests.bench.world import procedure, world

__all__ = ["MEASUREMENTS", "command"]

HEAVY = ("textual", "rich")
"""What no verb without a screen may import."""


def command() -> list[str]:
    """How the command line is called here: by its script, as people do, where it is installed."""
    script = Path(sys.executable).with_name("quarterdeck")
    return [str(script)] if script.exists() else [sys.executable, "-m", "quarterdeck"]


def _run(arguments: list[str]) -> None:
    nowhere = subprocess.DEVNULL
    subprocess.run(arguments, check=True, stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _imports(arguments: list[str]) -> list[str]:
    """Which of the heavy packages a verb imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "quarterdeck", *arguments],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    return [name for name in HEAVY if name in loaded]


def _rows(quick: bool) -> list[Row]:
    """`--version`, `lint`, and what the others import."""
    rounds = 5 if quick else 40
    python, ours = sys.executable, command()
    with world() as home:
        file = home / "one.yaml"
        file.write_text(procedure(30))
        nothing, version, imports, lint = interleaved(
            rounds,
            lambda: _run([python, "-c", "pass"]),
            lambda: _run([*ours, "--version"]),
            lambda: _run([python, "-c", "import argparse, msgspec, yaml"]),
            lambda: _run([*ours, "lint", str(file)]),
        )
        others = [["--version"], ["lint", str(file)], ["schema"], ["show", str(file)], ["sessions"], ["--help"]]
        screens = [words[0] for words in others if _imports(words)]
    return [
        Row(
            row="version", what="quarterdeck --version", ours=p50(version) * 1e3, unit="ms",
            reference=p50(nothing) * 1e3, against="python -c pass", mark=1.3,
        ),
        Row(
            row="lint", what="quarterdeck lint of one file", ours=p50(lint) * 1e3, unit="ms",
            reference=p50(imports) * 1e3, against="import argparse, msgspec, yaml", mark=1.3,
        ),
        Row(
            row="verbs-textual",
            what="verbs without a screen that import Textual", ours=len(screens), unit="", mark=0,
            note=", ".join(screens),
        ),
    ]  # fmt: skip


MEASUREMENTS = (Measurement(("version", "lint", "verbs-textual"), _rows),)
