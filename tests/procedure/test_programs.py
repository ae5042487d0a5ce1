from __future__ import annotations

import pytest

from quarterdeck.procedure.model import Step
from quarterdeck.procedure.programs import programs


@pytest.mark.parametrize(
    ("argv", "program"),
    [
        (["/usr/bin/psql", "-c", "select 1"], "psql"),
        (["sudo", "-n", "-u", "postgres", "psql"], "psql"),
        (["sudo", "--", "timeout", "-s", "INT", "60", "psql"], "psql"),
        (["env", "-u", "PGHOST", "PGPORT=1", "nice", "-n", "5", "psql"], "psql"),
        (["runuser", "-u", "postgres", "--", "psql"], "psql"),
        (["bash", "-ec", "cd /tmp && exec psql"], "psql"),
        (["flock", "-w", "5", "/run/lock/x", "ssh", "db01"], "ssh"),
        (["${tool}", "-c", "x"], "${tool}"),
    ],
)
def test_the_program_of_an_argv_is_found_behind_what_wraps_it(argv: list[str], program: str) -> None:
    *_, found = programs(Step(id="x", title="X", command=tuple(argv)))
    assert found[0] == program


def test_a_script_gives_each_of_its_commands() -> None:
    script = """
    set -e
    if ! psql -c "select 'a; b'"; then exit 1; fi   # ssh is not run here
    PGHOST=db01 pg_dump -Fc shop | ssh backup 'cat > shop.dump' &
    long \\
      --option
    cat <<EOF
    kubectl is only text
    EOF
    (cd /tmp; docker ps)
    """
    assert [words[0] for words in programs(Step(id="x", title="X", shell=script))] == [
        "set", "psql", "exit", "fi", "pg_dump", "ssh", "long", "cat", "cd", "docker",
    ]  # fmt: skip


def test_a_script_that_no_shell_would_read_is_no_reason_to_fail() -> None:
    assert next(programs(Step(id="x", title="X", shell="echo 'never closed"))) == ["echo", "'never", "closed"]
