"""Which programs a step's command or script runs, as far as its text shows.

Wrappers (`sudo`, `timeout`, `env` …), keywords and assignments before a program are passed over; `bash -c TEXT`,
pipes and substitutions are looked into. A guess from the words: what hides behind a variable or a script's name is
not seen. Pure; read by lint and by the rules of the session.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from quarterdeck.procedure.model import Step

__all__ = ["programs"]

_WRAPPERS: dict[str, tuple[str, int]] = {
    "sudo": ("ugpCrtThUDR", 0),
    "doas": ("uC", 0),
    "runuser": ("ugGws", 0),
    "timeout": ("ks", 1),
    "env": ("uC", 0),
    "nice": ("n", 0),
    "ionice": ("cnp", 0),
    "taskset": ("", 1),
    "chrt": ("TPD", 1),
    "stdbuf": ("ioe", 0),
    "time": ("fo", 0),
    "flock": ("wE", 1),
    "xargs": ("InPLdsaE", 0),
    "watch": ("n", 0),
    "sshpass": ("pfdP", 0),
} | dict.fromkeys(("nohup", "setsid", "command", "exec", "chronic", "unbuffer"), ("", 0))
"""Programs that run another one: their short options that take a value, and how many words stand before it."""
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh"})
_TAKES_TEXT = _SHELLS | {"su", "runuser", "flock"}
"""Programs whose `-c` is a script."""
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_HERE_DOCUMENT = re.compile(
    r"(?<!<)<<-?[ \t]*(['\"]?)(\w+)\1(?P<rest>[^\n]*)\n.*?^\s*\2[ \t]*$", re.DOTALL | re.MULTILINE
)
_TOKEN = re.compile(
    r"(?P<quoted>'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.)|(?P<comment>(?<![^\s;&|(])#[^\n]*)|(?P<end>\$\(|`|[;&|()\n])|.",
    re.DOTALL,
)


def programs(step: Step) -> Iterator[list[str]]:
    """The commands of a step's `command` or `shell`, each as its words from the program (without its folder) on."""
    yield from _in_words(step.command) if step.command else _in_script(step.shell)


def _in_script(text: str) -> Iterator[list[str]]:
    for words in _commands(text):
        yield from _in_words(words)


def _in_words(words: Sequence[str]) -> Iterator[list[str]]:
    rest = list(words)
    while rest:
        if rest[0] in _KEYWORDS or _ASSIGNMENT.match(rest[0]):
            del rest[0]
            continue
        program, arguments = rest[0].rpartition("/")[2], rest[1:]
        if program in _TAKES_TEXT and (script := _script_of(arguments)) is not None:
            yield from _in_script(script)
            return
        if program not in _WRAPPERS:
            yield [program, *arguments]
            return
        rest = _behind(arguments, *_WRAPPERS[program])


def _behind(arguments: list[str], valued: str, before: int) -> list[str]:
    """What a wrapper runs: the words behind its options and its own."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if len(option) == 2 and option[1] in valued and rest:
            del rest[0]
    while rest and _ASSIGNMENT.match(rest[0]):
        del rest[0]
    return rest[before:]


def _script_of(arguments: list[str]) -> str | None:
    """The text of `-c`, also in `-ec`; None where there is none."""
    for option, text in pairwise(arguments):
        if re.fullmatch(r"-[a-z]*c|--command", option):
            return text
    return None


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a script: every line, part of a pipe, and substitution."""
    part = ""
    for token in _TOKEN.finditer(_HERE_DOCUMENT.sub(r"\g<rest>\n", text) + "\n"):
        said = token[0]
        if token["end"]:
            yield _split(part)
            part = ""
        elif said == "\\\n":
            part += " "
        elif not token["comment"]:
            part += said
            if said.startswith('"') and ("$(" in said or "`" in said):
                yield from list(_commands(said[1:-1]))[1:]


def _split(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:  # a quote that is never closed
        return part.split()
