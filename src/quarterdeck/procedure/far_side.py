"""Which commands only ask a server or another machine for work: stopping them here may stop nothing there.

The one list of such clients. Lint asks their steps for `stop` and `gone`; the session says what it does not know when
one was ended. Pure, and a guess from the words of the command: what hides behind a script's name is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from quarterdeck.procedure.model import Step
from quarterdeck.procedure.programs import programs

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


def remote_unknown(step: Step) -> bool:
    """Whether nobody knows what the other side does once the local command was ended: its owner says so (R6)."""
    return step.gone is None and bool(step.stop or client_of(step))


def client_of(step: Step) -> str:
    """The name of the first remote client that a step's command runs; empty where it is none that is known."""
    for program, *arguments in programs(step):
        if program in CLIENTS or (program in SOMETIMES and SOMETIMES[program](arguments)):
            return program
    return ""


def _leading_options(words: Sequence[str]) -> list[str]:
    """The options before a program's own command, without their values."""
    found = []
    for word in words:
        if not word.startswith("-"):
            break
        found.append(word.partition("=")[0])
    return found
