"""Checks of type command (Nagios plugins) and tcp, with real processes and sockets."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context, Result, SettingError
from quarterdeck.observer.checks.command import perfdata
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server, Watching


def plugin(script: str) -> Target:
    return Target(type="command", options={"argv": ["sh", "-c", script]}, timeout=0.4)


async def once(script: str) -> Result:
    return await asyncio.wait_for(build(plugin(script), Context(name="it")).sample(), 10)


@pytest.mark.parametrize(
    ("code", "status"), [(0, "ok"), (1, "warning"), (2, "critical"), (3, "unknown"), (4, "unknown"), (126, "unknown")]
)
async def test_exit_codes_mean_what_plugins_mean(code: int, status: str) -> None:
    found = await once(f"echo DISK fine; exit {code}")
    assert found.status == status
    assert "DISK fine" in found.message


async def test_perfdata_becomes_values_in_base_units() -> None:
    first = "DISK OK|'free space'=5GB;1;2 time=25ms;;;0 load=0.5 users=3c pct=90%"
    found = await once(f'echo "{first}"; echo long; echo "x|more=1s"')
    assert found.message == "DISK OK"
    assert found.values["value[free space]"] == 5 * 2.0**30
    assert found.values["value[time]"] == pytest.approx(0.025)
    assert found.values["value[load]"] == 0.5
    assert found.values["value[users]"] == 3
    assert found.values["value[more]"] == 1
    assert found.units == {
        "value[free space]": "B",
        "value[time]": "s",
        "value[pct]": "%",
        "value[more]": "s",
    }


@pytest.mark.parametrize("text", ["a=U", "a=nan", "a=", "a", "=5", "a=5parsecs", "a=1e999", "a=1e400", "'=1"])
def test_perfdata_that_is_no_number_is_left_out(text: str) -> None:
    assert perfdata(text) == ({}, {})


def test_perfdata_takes_a_decimal_comma_and_quoted_quotes() -> None:
    assert perfdata("'it''s'=1,5s") == ({"value[it's]": 1.5}, {"value[it's]": "s"})


async def test_a_program_that_is_not_there_is_unknown() -> None:
    target = Target(type="command", options={"argv": ["/nowhere/check_x"]})
    found = await build(target, Context(name="it")).sample()
    assert found.status == "unknown"
    assert found.message == "/nowhere/check_x cannot be started: no such file or directory"


async def test_a_plugin_that_dies_is_unknown_and_says_how() -> None:
    found = await once("kill -9 $$")
    assert found.status == "unknown"
    assert "signal 9" in found.message


async def test_output_without_end_is_thrown_away() -> None:
    found = await once("echo fine; yes | head -c 30000000; exit 0")
    assert (found.status, found.message) == ("ok", "fine")


async def test_binary_output_is_printable_in_a_message() -> None:
    found = await once(r"printf '\033]0;x\007\377\n'")
    assert found.message.isprintable()


async def test_a_plugin_that_is_late_is_killed_with_its_children(watching: Watching, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    told = await watching(plugin(f"echo $$ > {pids}; sleep 60 & echo $! >> {pids}; trap '' TERM; wait")).next()
    assert told.raw == "critical"
    assert "not done within 400 ms" in told.message
    for pid in pids.read_text().split():
        await gone(int(pid))


async def gone(pid: int) -> None:
    """Wait until a process has ended (a zombie that nobody reaps has)."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{pid} still runs")


async def test_a_child_that_keeps_the_pipe_does_not_hold_up_the_result(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    began = time.monotonic()
    found = await once(f"setsid sh -c 'echo $$ > {pid}; exec sleep 30' & echo fine; exit 1")
    assert time.monotonic() - began < 2
    assert (found.status, found.message) == ("warning", "fine")
    os.kill(int(pid.read_text()), 9)


async def test_it_runs_where_it_should(tmp_path: Path) -> None:
    target = Target(type="command", options={"argv": ["pwd"], "cwd": str(tmp_path)})
    assert (await build(target, Context(name="it")).sample()).message == str(tmp_path)


@pytest.mark.parametrize("argv", [[], [""], ["a", "b\0c"]])
def test_an_argv_that_names_nothing_is_refused(argv: list[str]) -> None:
    with pytest.raises(SettingError):
        build(Target(type="command", options={"argv": argv}), Context(name="it"))


async def test_a_port_that_listens_is_ok(server: Server) -> None:
    target = Target(type="tcp", options={"host": "127.0.0.1", "port": str(server.port)})
    found = await build(target, Context(name="it")).sample()
    assert found.status == "ok"
    assert 0 < float(found.values["latency"]) < 1


async def test_a_port_where_nobody_listens_is_critical(server: Server) -> None:
    await server.stop()
    target = Target(type="tcp", options={"host": "127.0.0.1", "port": str(server.port)})
    found = await build(target, Context(name="it")).sample()
    assert found.status == "critical"
    assert found.message.endswith("connection refused")


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "no\x1bname"])
async def test_a_host_that_is_no_name_is_not_ok(host: str) -> None:
    target = Target(type="tcp", options={"host": host, "port": "80"})
    try:
        found = await build(target, Context(name="it")).sample()
    except SettingError:
        return
    assert found.status == "critical"
    assert found.message.isprintable()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8" * 50])
def test_a_port_out_of_range_is_refused(port: str) -> None:
    with pytest.raises(SettingError):
        build(Target(type="tcp", options={"host": "x", "port": port}), Context(name="it"))


def test_an_unknown_type_says_which_was_meant() -> None:
    with pytest.raises(SettingError, match="did you mean http"):
        build(Target(type="htttp"), Context(name="it"))
    with pytest.raises(SettingError, match="there are command, "):
        build(Target(type="quantum"), Context(name="it"))
