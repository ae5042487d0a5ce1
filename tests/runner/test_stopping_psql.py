"""A real psql on a real PostgreSQL: no further statement of a terminated step reaches the server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from machine import needs
from postgres import Cluster, server_programs

if TYPE_CHECKING:
    from tests.runner.conftest import Bench

CASES = {
    "two lines": 'psql -Xqc "select pg_sleep(90)"\npsql -Xqc "drop table old_data"',
    "under timeout": 'timeout 60 psql -Xqc "select pg_sleep(90)"\npsql -Xqc "drop table old_data"',
    "in a pipe": 'psql -Xqc "select pg_sleep(90)" | cat\npsql -Xqc "drop table old_data"',
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    programs = server_programs()
    needs("psql", "bash", "timeout", *(() if programs else ("initdb",)))
    assert programs is not None
    made = Cluster(programs)
    yield made
    made.close()


@pytest.fixture
def table(cluster: Cluster) -> Cluster:
    cluster.ask("drop table if exists old_data")
    cluster.ask("create table old_data as select 1 as id")
    return cluster


@pytest.mark.parametrize("how", ["halt", "timeout"])
@pytest.mark.parametrize("case", CASES)
async def test_the_table_that_the_next_line_would_drop_is_still_there(
    bench: Bench, table: Cluster, case: str, how: str
) -> None:
    run = f"psql-{secrets.token_hex(4)}"
    name = f"quarterdeck/test/{run}"
    bench.env |= table.env | {"PGAPPNAME": name}
    limit = 1.5 if how == "timeout" else 0.0
    bench.start(run, argv=["bash", "-c", CASES[case]], on_halt="terminate", timeout=limit)
    asked = f"select count(*) from pg_stat_activity where application_name = '{name}' and state = 'active'"
    async with asyncio.timeout(45):
        while table.ask(asked) != "1":  # noqa: ASYNC110 - the server tells nobody when it begins
            await asyncio.sleep(0.05)
    if how == "halt":
        bench.halt("n1")
    result = await bench.result(run)
    assert result.ended_by == how
    assert table.ask("select to_regclass('old_data')") == "old_data"
    assert table.ask(asked) == "0"  # the interrupt cancelled it on the server too
    assert result.seconds < limit + 7
