"""Which commands are seen to work on another side."""

from __future__ import annotations

import pytest

from quarterdeck.procedure.check import lint_text
from quarterdeck.procedure.far_side import client_of, remote_unknown
from quarterdeck.procedure.model import Step, VerifyItem


def of(*words: str) -> str:
    return client_of(Step(id="a", title="A", command=words))


def of_script(text: str) -> str:
    return client_of(Step(id="a", title="A", shell=text))


@pytest.mark.parametrize(
    ("words", "client"),
    [
        (("ssh", "db01", "exec sleep 777"), "ssh"),
        (("/usr/lib/postgresql/15/bin/psql", "-c", "select 1"), "psql"),
        (("sudo", "-n", "-u", "postgres", "--", "pg_dump", "shop"), "pg_dump"),
        (("timeout", "-k", "5", "60", "psql"), "psql"),
        (("env", "-u", "PGHOST", "PGPORT=5433", "nice", "-n", "5", "vacuumdb"), "vacuumdb"),
        (("runuser", "-u", "postgres", "--", "psql"), "psql"),
        (("su", "-", "postgres", "-c", "psql -c 'select 1'"), "psql"),
        (("sh", "-ec", "true; docker ps"), "docker"),
        (("sshpass", "-p", "x", "ssh", "db01"), "ssh"),
        (("xargs", "-n", "1", "kubectl", "delete", "pod"), "kubectl"),
        (("rsync", "-a", "data/", "db02:/var/data"), "rsync"),
        (("rsync", "-a", "rsync://db02/data", "."), "rsync"),
        (("podman", "--remote", "run", "x"), "podman"),
        (("systemctl", "--host=db01", "restart", "orders"), "systemctl"),
        (("curl", "-sSX", "POST", "http://api/drain"), "curl"),
        (("curl", "-sd", "on=1", "http://api/drain"), "curl"),
        (("curl", "-XDELETE", "http://api/pods/1"), "curl"),
        (("wget", "--post-data=x", "http://api/drain"), "wget"),
    ],
)
def test_a_client_is_seen_behind_what_it_is_wrapped_in(words: tuple[str, ...], client: str) -> None:
    assert of(*words) == client


@pytest.mark.parametrize(
    "words",
    [
        ("echo", "ssh"),
        ("rsync", "-a", "/a/b:c/", "/d"),
        ("podman", "run", "x"),
        ("systemctl", "restart", "orders"),
        ("curl", "-fsSL", "-o", "File", "http://api/health"),
        ("curl", "-oFile", "http://api/health"),
        ("${client}", "x"),
        ("sh", "run.sh"),
        ("sudo", "-n"),
        ("timeout", "60"),
    ],
)
def test_what_works_here_is_no_client(words: tuple[str, ...]) -> None:
    assert of(*words) == ""


@pytest.mark.parametrize(
    ("script", "client"),
    [
        ("set -e\n# don't forget\npsql -c 'drop table x'\n", "psql"),
        ("rows=$(mysql -e 'select 1')", "mysql"),
        ('echo "$(date) $(redis-cli dbsize)"', "redis-cli"),
        ("if ! ssh db01 true; then echo no; fi", "ssh"),
        ("cat dump.sql | sudo -n psql shop", "psql"),
        ("for host in a b; do scp f $host:; done", "scp"),
        ("PGPASSWORD=$word psql", "psql"),
        ("psql <<'SQL'\nselect 1;\nSQL\n", "psql"),
        ("true && { helm upgrade x; }", "helm"),
        ("echo a \\\n  && (az vm stop)", "az"),
        ("`aws s3 ls`", "aws"),
    ],
)
def test_a_client_is_seen_in_a_script(script: str, client: str) -> None:
    assert of_script(script) == client


@pytest.mark.parametrize(
    "script",
    [
        "echo 'run; psql x'",
        'echo "first psql, then; mysql x"',
        "# ssh db01",
        "cat <<EOF\nssh db01\nEOF\n",
        "echo it\\'s ssh",
        "echo ${host#ssh}",
        "echo 'never closed; ls",
        "",
    ],
)
def test_what_a_script_only_says_is_no_client(script: str) -> None:
    assert of_script(script) == ""


def test_a_far_side_is_unknown_unless_something_looks_at_it() -> None:
    looks = VerifyItem(command=("true",))
    assert remote_unknown(Step(id="a", title="A", command=("ssh", "db01")))
    assert remote_unknown(Step(id="a", title="A", command=("own-client",), stop=("own-client", "stop")))
    assert not remote_unknown(Step(id="a", title="A", command=("ssh", "db01"), gone=looks))
    assert not remote_unknown(Step(id="a", title="A", command=("sleep", "1")))


PLAN = """
quarterdeck: 1
id: far
title: Far side
revision: 1
roles:
  lead: {{title: Lead, backup: dba}}
  dba: {{title: DBA}}
stages:
  - id: work
    title: Work
    steps:
      - {{id: there, title: There, kind: command, duration: 5s, mutates: false, {says}}}
"""
STOP, GONE = "stop: [ssh, db01, pkill x]", "gone: {command: [ssh, db01, '! pgrep x'], expect: {exit_code: 0}}"


@pytest.mark.parametrize(
    ("says", "missing"),
    [
        ("command: [ssh, db01, x]", "add `stop` and `gone`"),
        (f"command: [ssh, db01, x], {STOP}", "add `gone`"),
        (f"command: [ssh, db01, x], {GONE}", "add `stop`"),
        ("shell: 'date; kubectl drain x'", "add `stop` and `gone`"),
    ],
)
def test_lint_warns_of_a_client_that_nothing_stops_or_proves_gone(says: str, missing: str) -> None:
    [found] = lint_text(PLAN.format(says=says), "plan.yaml")
    assert found.level == "warning"
    assert found.message.endswith(missing)
    assert found.line == 13


@pytest.mark.parametrize("says", [f"command: [ssh, db01, x], {STOP}, {GONE}", "command: [sleep, '5']"])
def test_lint_is_content_where_the_far_side_is_looked_after(says: str) -> None:
    assert lint_text(PLAN.format(says=says), "plan.yaml") == []
