"""Which programs a step's command or script runs, as far as its text shows.

Wrappers (`sudo`, `timeout`, `env` …), keywords and assignments before a program are passed over; `bash -c TEXT` is
looked into. A program that a variable names, or that another script starts, stays unseen. Pure; read by lint and by
the rules of the session.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from quarterdeck.procedure.model import Step

__all__ = ["SHELLS", "programs", "script_programs"]

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"})
_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "exec", "command", "nohup"}
)
_ENDS = frozenset({";", ";;", "&&", "||", "|", "|&", "&", "(", ")", "\n"})
_WRAPPERS: dict[str, tuple[str, int]] = {
    "sudo": ("ugpCrtTUhDR", 0),
    "doas": ("uC", 0),
    "env": ("uCS", 0),
    "timeout": ("sk", 1),
    "nice": ("n", 0),
    "setsid": ("", 0),
    "ionice": ("cnp", 0),
    "runuser": ("ugG", 0),
    "stdbuf": ("ioe", 0),
    "flock": ("wE", 1),
}
"""Wrapper to its options that take a word, and how many words it takes before the program."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")


def programs(step: Step) -> list[tuple[str, ...]]:
    """The commands of a step's `command` or `shell`, each as its words from the program on."""
    if step.shell:
        return script_programs(step.shell)
    return [found for found in _behind_shells(tuple(step.command)) if found]


def script_programs(script: str) -> list[tuple[str, ...]]:
    """The commands of a shell script, each as its words from the program on; what cannot be read is left out."""
    return [found for words in _simple_commands(script) for found in _behind_shells(words) if found]


def _behind_shells(words: Sequence[str]) -> list[tuple[str, ...]]:
    bare = _bare(words)
    if bare and bare[0] in SHELLS:
        for index, word in enumerate(bare[1:], 1):
            if re.fullmatch(r"-[a-z]*c", word) and index + 1 < len(bare):
                return script_programs(bare[index + 1])
    return [bare]


def _bare(words: Sequence[str]) -> tuple[str, ...]:
    """Without what stands before the program; the program without its folder."""
    rest = list(words)
    while rest:
        first = rest[0].rpartition("/")[2]
        if first in _KEYWORDS or _ASSIGNMENT.match(rest[0]):
            rest.pop(0)
        elif first in _WRAPPERS:
            rest = _unwrapped(rest[1:], *_WRAPPERS[first])
        else:
            return (first, *rest[1:])
    return ()


def _unwrapped(rest: list[str], with_word: str, own: int) -> list[str]:
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if len(option) == 2 and option[1] in with_word and rest:
            rest.pop(0)
    while rest and _ASSIGNMENT.match(rest[0]):
        rest.pop(0)
    return rest[own:]


def _simple_commands(script: str) -> Iterator[tuple[str, ...]]:
    for line in _logical_lines(script):
        reader = shlex.shlex(line, posix=True, punctuation_chars="();|&\n")
        reader.whitespace_split = True
        reader.whitespace = " \t"
        words: list[str] = []
        try:
            for word in reader:
                if word in _ENDS or (word and not set(word) - set("();|&\n")):
                    yield tuple(words)
                    words = []
                else:
                    words.append(word)
        except ValueError:  # a quotation that is never closed: the shell will say so
            words = []
        yield tuple(words)


def _logical_lines(script: str) -> Iterator[str]:
    """Lines with their continuations and quoted line breaks; without the bodies of here documents."""
    pending, until = "", ""
    for line in script.replace("\\\n", " ").splitlines():
        if until:
            if line.strip() == until:
                until = ""
            continue
        pending = f"{pending}\n{line}" if pending else line
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            continue
        if heredoc := _HEREDOC.search(pending):
            until = heredoc[2]
        yield pending
        pending = ""
    if pending:
        yield pending
