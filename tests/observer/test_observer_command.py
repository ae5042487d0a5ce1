"""Checks of type command (Nagios plugins) and tcp, with real processes and sockets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from machine import needs
from msgspec.structs import replace

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context, Result, SettingError
from quarterdeck.observer.checks.command import perfdata
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server, Watching


def plugin(script: str, **options: str) -> Target:
    return Target(type="command", options={"argv": ["sh", "-c", script], **options}, timeout=0.4)


async def once(script: str, **options: str) -> Result:
    return await asyncio.wait_for(build(plugin(script, **options), Context(name="it")).sample(), 45)


@pytest.mark.parametrize(
    ("code", "status", "beyond"),
    [(0, "ok", "ok"), (1, "warning", "warning"), (2, "critical", "critical"), (3, "unknown", "unknown")]
    + [(code, "critical", "unknown") for code in (4, 126, 127, 255)],
)
async def test_exit_codes_mean_what_nagios_core_says_and_beyond_says_icinga(
    code: int, status: str, beyond: str
) -> None:
    found = await once(f"echo DISK fine; exit {code}")
    assert found.status == status
    assert "DISK fine" in found.message
    assert (await once(f"exit {code}", beyond="unknown")).status == beyond


async def test_what_a_plugin_said_on_stderr_is_said_where_stdout_is_empty() -> None:
    found = await once("echo; echo 'no such database' >&2; echo more >&2; exit 2")
    assert (found.status, found.message) == ("critical", "stderr: no such database")
    assert (await once("echo noise >&2; echo fine")).message == "fine"
    assert (await once("exit 2")).message == "it said nothing"
    assert "it may be missing), which is none of 0 to 3: stderr: " in (await once("check_not_here")).message


async def test_a_flood_on_stderr_holds_nothing_up() -> None:
    assert (await once("yes | head -c 3000000 >&2; echo fine")).message == "fine"


async def test_the_time_that_a_plugin_ran_is_not_its_latency() -> None:
    found = await once("sleep 0.1; echo 'PING OK|rta=0.03ms'")
    assert "latency" not in found.values
    assert float(found.values["run_time"]) > 0.1
    assert found.values["value[rta]"] == pytest.approx(0.00003)


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


@pytest.mark.parametrize("text", ["U", "nan", "", "5parsecs", "1e999", "1e400", "5Mb", "5M", "1:2", "-", "~"])
def test_perfdata_that_is_no_number_is_kept_as_text(text: str) -> None:
    assert perfdata(f"a={text};1;2") == ({"value[a]": text}, {}, "")


@pytest.mark.parametrize(("text", "left"), [("a", "a"), ("=5", "=5"), ("'=1", "'=1"), ("a=1 b", "b")])
def test_what_is_no_perfdata_is_said(text: str, left: str) -> None:
    assert perfdata(text)[2] == f"no perfdata: {left}"


def test_more_perfdata_than_is_kept_is_said() -> None:
    values, _, unread = perfdata(" ".join(f"a{number}=1" for number in range(201)))
    assert (len(values), unread) == (200, "only the first 200 values are kept")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        *[("2d", 172800.0, "s"), ("2h", 7200.0, "s"), ("2m", 120.0, "s"), ("2s", 2.0, "s"), ("2ms", 0.002, "s")],
        *[("2us", 2e-6, "s"), ("2\N{MICRO SIGN}s", 2e-6, "s"), ("2\N{GREEK SMALL LETTER MU}s", 2e-6, "s")],
        *[("2ns", 2e-9, "s"), ("2B", 2.0, "B"), ("2KB", 2048.0, "B"), ("2MiB", 2.0 * 2**20, "B")],
        *[("2PB", 2.0 * 2**50, "B"), ("2EiB", 2.0 * 2**60, "B"), ("2B/s", 2.0, "B/s"), ("2MB/s", 2.0 * 2**20, "B/s")],
        *[("8bps", 1.0, "B/s"), ("8Mbps", 1e6, "B/s"), ("2/s", 2.0, "/s"), ("2%", 2.0, "%"), ("2c", 2.0, "")],
        *[("-2.5e1", -25.0, ""), ("2c/s", 2.0, "/s")],
    ],
)
def test_units_of_perfdata_become_base_units(text: str, value: float, unit: str) -> None:
    values, units, _ = perfdata(f"a={text}")
    assert values == {"value[a]": pytest.approx(value)}
    assert units.get("value[a]", "") == unit


def test_perfdata_takes_a_decimal_comma_and_quoted_quotes() -> None:
    assert perfdata("'it''s'=1,5s") == ({"value[it's]": 1.5}, {"value[it's]": "s"}, "")


@pytest.mark.parametrize(("beyond", "status"), [({}, "critical"), ({"beyond": "unknown"}, "unknown")])
async def test_a_program_that_is_not_there_is_critical_as_an_exit_code_beyond_is(
    beyond: dict[str, str], status: str, tmp_path: Path
) -> None:
    target = Target(type="command", options={"argv": ["/nowhere/check_x"], **beyond})
    found = await build(target, Context(name="it")).sample()
    assert found.status == status
    assert found.message == "/nowhere/check_x cannot be started: no such file or directory"
    (tmp_path / "check_y").write_text("not executable", "utf-8")
    target = Target(type="command", options={"argv": [str(tmp_path / "check_y")], **beyond})
    assert (await build(target, Context(name="it")).sample()).status == status


async def test_a_program_that_cannot_be_started_for_our_own_want_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def starved(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "no process left")

    check = build(plugin("echo"), Context(name="it"))
    monkeypatch.setattr(asyncio.get_running_loop(), "subprocess_exec", starved)
    assert (await check.sample()).status == "unknown"


PLUGINS = Path("/usr/lib/nagios/plugins")


@pytest.mark.parametrize(
    ("argv", "status", "unit"),
    [
        (["check_disk", "-w", "1B", "-c", "1B", "-p", "/"], "ok", ("value[/]", "B")),
        (["check_load", "-w", "9999", "-c", "9999"], "ok", ("value[load1]", "")),
        (["check_file_age", "-w", "0", "-c", "999999999", "/etc/passwd"], "warning", ("value[age]", "s")),
        (["check_dummy", "2", "oops"], "critical", None),
        (["check_tcp", "-H", "127.0.0.1", "-p", "1"], "critical", None),
        (["check_disk"], "unknown", None),
    ],
)
async def test_plugins_of_debian_are_read(argv: list[str], status: str, unit: tuple[str, str] | None) -> None:
    needs(str(PLUGINS / "check_disk"))
    options: dict[str, str | list[str]] = {"argv": [str(PLUGINS / argv[0]), *argv[1:]]}
    found = await asyncio.wait_for(build(Target(type="command", options=options), Context(name="it")).sample(), 30)
    assert found.status == status, found.message
    assert found.message
    if unit is not None:
        assert isinstance(found.values[unit[0]], float)
        assert found.units.get(unit[0], "") == unit[1]


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
    late = f"sleep 60 & echo $$ $! >> {pids}; trap '' TERM; wait"
    watched = watching(replace(plugin(late), every=0.5))
    while not pids.exists():  # a busy machine may not have begun it before its time was up
        told = await watched.next()
        assert told.raw == "critical"
        assert "not done within 400 ms" in told.message
    for pid in pids.read_text().split():
        await gone(int(pid))


def test_a_sample_that_is_cut_off_returns_when_its_plugin_is_gone_and_reaped() -> None:
    async def cut_off() -> set[psutil.Process]:
        before = set(psutil.Process().children())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await build(plugin("exec sleep 60"), Context(name="it")).sample()
        return set(psutil.Process().children()) - before

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert [asyncio.run(cut_off()) for _ in range(5)] == [set()] * 5
        gc.collect()
    assert not said, "a loop ended before it had heard of its plugin's end"


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
