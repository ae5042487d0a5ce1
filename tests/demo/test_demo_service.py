"""The order service: what it acknowledges, what it refuses, and how it tells its health."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from quarterdeck.demo import faults
from quarterdeck.demo.database import OLD_INDEX
from quarterdeck.demo.files import Home
from quarterdeck.demo.service import OrderServer

RunTool = Callable[..., int]
Ask = Callable[..., tuple[int, Any, dict[str, str]]]
Shop = Callable[..., tuple[int, Any, dict[str, str]]]


@pytest.fixture
def shop(home: Home, ask: Ask) -> Iterator[Shop]:
    server = OrderServer(home, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield partial(ask, url)
    server.shutdown()
    thread.join()
    server.server_close()


def order(key: str, **other: object) -> dict[str, object]:
    """An order that the service takes."""
    return {"key": key, "customer": 7, "item": "lamp", "quantity": 1, "cents": 1999, **other}


def known(home: Home, key: str) -> int:
    connection = sqlite3.connect(home.database)
    try:
        return int(connection.execute("select count(*) from orders where key = ?", (key,)).fetchone()[0])
    finally:
        connection.close()


def test_an_acknowledged_order_is_in_the_database(home: Home, shop: Shop) -> None:
    status, answer, _ = shop("POST", "/orders", order("a"))
    assert (status, answer["key"]) == (201, "a")
    assert known(home, "a") == 1


def test_the_same_key_again_is_the_same_order(home: Home, shop: Shop) -> None:
    first = shop("POST", "/orders", order("a"))
    second = shop("POST", "/orders", order("a"))
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert known(home, "a") == 1


def test_a_repeated_order_that_was_archived_meanwhile_is_not_taken_twice(
    home: Home, shop: Shop, run_tool: RunTool
) -> None:
    late = order("late", created=int(time.time()) - 950 * 86_400)
    first = shop("POST", "/orders", late)
    for verb in ("backup", "archive", "delete-archived"):
        assert run_tool(home, verb) == 0
    assert known(home, "late") == 0
    assert shop("POST", "/orders", late)[:2] == (200, first[1])
    assert known(home, "late") == 0


def test_a_new_order_never_gets_the_number_of_an_archived_one(home: Home, shop: Shop, run_tool: RunTool) -> None:
    late = shop("POST", "/orders", order("late", created=int(time.time()) - 950 * 86_400))[1]["id"]
    for verb in ("backup", "archive", "delete-archived"):
        assert run_tool(home, verb) == 0
    assert shop("POST", "/orders", order("next"))[1]["id"] > late
    assert run_tool(home, "restore-archived") == 0
    assert known(home, "late") == known(home, "next") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"customer": "seven"},
        {"quantity": 0},
        {"quantity": True},
        {"cents": 19.99},
        {"item": 5},
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(shop: Shop, wrong: dict[str, object]) -> None:
    status, answer, _ = shop("POST", "/orders", {**order("a"), **wrong})
    assert status == 400
    assert next(iter(wrong)) in answer["error"]


def test_what_is_no_order_is_refused(shop: Shop) -> None:
    assert shop("POST", "/orders", ["no", "order"])[0] == 400
    assert shop("GET", "/orders?customer=x")[0] == 400
    assert shop("GET", "/nowhere")[0] == 404


def test_orders_of_a_customer_come_newest_first(shop: Shop) -> None:
    now = int(time.time())
    for number in range(3):
        shop("POST", "/orders", order(f"k{number}", customer=19_999, created=now + number))
    orders = shop("GET", "/orders?customer=19999")[1]["orders"]
    assert [one["key"] for one in orders[:3]] == ["k2", "k1", "k0"]


def test_writes_are_refused_while_maintenance_says_so_and_reads_go_on(
    home: Home, shop: Shop, run_tool: RunTool
) -> None:
    assert run_tool(home, "refuse-writes") == 0
    status, _, headers = shop("POST", "/orders", order("a"))
    assert (status, headers["Retry-After"]) == (503, "1")
    assert shop("GET", "/shop")[0] == 200
    assert run_tool(home, "accept-writes") == 0
    assert shop("POST", "/orders", order("a"))[0] == 201


def test_health_is_health_json_with_a_measured_latency(shop: Shop) -> None:
    status, health, headers = shop("GET", "/health")
    assert (status, headers["Content-Type"]) == (200, "application/health+json")
    assert health["status"] in ("pass", "warn")
    assert health["checks"]["orders:queryLatency"][0]["observedUnit"] == "ms"
    assert health["checks"]["orders:queryLatency"][0]["observedValue"] > 0
    assert health["checks"]["orders:latestNumber"][0]["observedValue"] == 3_000
    assert health["checks"]["disk:free"][0]["observedValue"] > 0


def test_a_database_that_cannot_be_read_fails_the_health(home: Home, shop: Shop) -> None:
    connection = sqlite3.connect(home.database)
    connection.execute("alter table orders rename to gone")
    connection.close()
    status, health, _ = shop("GET", "/health")
    assert (status, health["status"]) == (503, "fail")
    assert "no such table" in health["output"]
    assert shop("GET", "/shop")[0] == 503


def test_the_fault_switches_slow_errors_and_disk_show(home: Home, shop: Shop) -> None:
    faults.turn_on(home, "slow")
    assert shop("GET", "/health")[1]["checks"]["orders:queryLatency"][0]["observedValue"] > 200
    faults.clear(home, "slow")
    faults.turn_on(home, "disk")
    assert shop("GET", "/health")[1]["checks"]["disk:free"][0]["observedValue"] == 40
    faults.turn_on(home, "errors")
    assert shop("GET", "/shop")[0] == shop("POST", "/orders", order("a"))[0] == 500
    assert known(home, "a") == 0
    faults.clear(home, "errors")
    assert shop("GET", "/shop")[0] == 200
    with pytest.raises(ValueError, match="no fault named 'fire'"):
        faults.turn_on(home, "fire")


def test_the_front_page_is_planned_with_the_index(home: Home) -> None:
    connection = sqlite3.connect(home.database)
    try:
        query = "explain query plan select * from orders where customer = 1 order by created desc limit 2"
        assert OLD_INDEX in str(connection.execute(query).fetchall())
        connection.execute(f"drop index {OLD_INDEX}")
        connection.execute("analyze")
        assert "orders_customer" not in str(connection.execute(query).fetchall())
    finally:
        connection.close()
