"""Which commands only ask a server or another machine for work: stopping them here may stop nothing there.

The one list of such clients. Lint asks their steps for `stop` and `gone`; the session says what it does not know when
one was ended. Pure, and a guess from the words of the command: what hides behind a script's name is not seen.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from quarterdeck.procedure.model import Step

__all__ = ["CLIENTS", "REMOTE_UNKNOWN", "client_of", "remote_unknown"]

REMOTE_UNKNOWN = "local client stopped, remote state unknown"
"""What is said of a command that was ended, has a far side, and no `gone` to look there (R6)."""

_CLIENTS = (
    "ssh autossh mosh scp sftp pssh pscp parallel-ssh pdsh clush fab"
    " psql pg_dump pg_dumpall pg_restore pg_basebackup pgbench vacuumdb reindexdb clusterdb createdb dropdb pg_repack"
    " mysql mysqldump mysqladmin mysqlcheck mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin mariadb-check"
    " mariadb-import mariadb-backup xtrabackup mongo mongosh mongodump mongorestore mongoimport mongoexport redis-cli"
    " valkey-cli sqlplus expdp impdp rman sqlcmd bcp db2 cqlsh nodetool clickhouse-client influx etcdctl"
    " kubectl oc helm docker docker-compose nerdctl crictl virsh nomad consul"
    " ansible ansible-playbook salt salt-ssh salt-run knife bolt"
    " aws gcloud gsutil az oci openstack doctl hcloud terraform tofu pulumi govc"
)
CLIENTS = frozenset(_CLIENTS.split())
"""Programs whose work is always done elsewhere: by a server (also one on this machine), a daemon, another host."""

_REMOTE_PATH = re.compile(r"(?!-)[^/\s]+:|[a-z]+://")
_CURL_WRITES = re.compile(
    r"-[sSfkLvigI]*[dFT]|--(data|json|form|upload-file)|-X(POST|PUT|PATCH|DELETE)|--request=(?!GET)"
)
_WGET_WRITES = re.compile(r"--(post|body|method)")
_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

SOMETIMES: dict[str, Callable[[Sequence[str]], bool]] = {
    "rsync": lambda words: any(map(_REMOTE_PATH.match, words)),
    "rclone": lambda words: any(map(_REMOTE_PATH.match, words)),
    "podman": lambda words: bool({"--remote", "-r", "--url", "--connection"} & set(_leading_options(words))),
    "systemctl": lambda words: any(word.startswith(("-H", "--host")) for word in words),
    "curl": lambda words: any(word in _METHODS or _CURL_WRITES.match(word) for word in words),
    "wget": lambda words: any(map(_WGET_WRITES.match, words)),
}
"""Programs that work elsewhere only with some arguments; a request over HTTP counts where it changes something."""

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


def remote_unknown(step: Step) -> bool:
    """Whether nobody knows what the other side does once the local command was ended: its owner says so (R6)."""
    return step.gone is None and bool(step.stop or client_of(step))


def client_of(step: Step) -> str:
    """The name of the remote client that a step's command runs; empty where it is none that is known."""
    return _in_words(step.command) if step.command else _in_script(step.shell)


def _in_script(text: str) -> str:
    return next((found for words in _commands(text) if (found := _in_words(words))), "")


def _in_words(words: Sequence[str]) -> str:
    """The client that these words run, behind whatever they are wrapped in."""
    rest = list(words)
    while rest:
        if rest[0] in _KEYWORDS or _ASSIGNMENT.match(rest[0]):
            del rest[0]
            continue
        program, arguments = rest[0].rpartition("/")[2], rest[1:]
        if program in _TAKES_TEXT and (script := _script_of(arguments)) is not None:
            return _in_script(script)
        if program not in _WRAPPERS:
            known = program in CLIENTS or (program in SOMETIMES and SOMETIMES[program](arguments))
            return program if known else ""
        rest = _behind(arguments, *_WRAPPERS[program])
    return ""


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


def _leading_options(words: Sequence[str]) -> list[str]:
    """The options before a program's own command, without their values."""
    found = []
    for word in words:
        if not word.startswith("-"):
            break
        found.append(word.partition("=")[0])
    return found


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
