"""Worlds for the demo's tests: real processes over a small real database, ended whatever happens."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from quarterdeck.demo import tool
from quarterdeck.demo.database import create
from quarterdeck.demo.files import Home
from quarterdeck.demo.world import World

Answer = tuple[int, Any, dict[str, str]]


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for something that other processes do."""

    def wait(what: Callable[[], bool], seconds: float = 45.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Ask a service: `ask(url, method, path, body)` gives status, document and headers."""

    def answer(url: str, method: str, path: str, body: object = None) -> Answer:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            got = connection.getresponse()
            text = got.read().decode()
            html = "html" in got.headers["Content-Type"]
            return got.status, text if html else json.loads(text), dict(got.headers)
        finally:
            connection.close()

    return answer


@pytest.fixture
def start_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Start worlds; all end with the test."""
    worlds: list[World] = []

    def start(rows: int = 3_000) -> World:
        world = World.start(tmp_path / f"world{len(worlds)}", rows=rows)
        worlds.append(world)
        return world

    yield start
    for world in worlds:
        world.end()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A database of 3,000 orders without any process."""
    folder = tmp_path / "home"
    folder.mkdir()
    create(Home(folder), 3_000)
    return Home(folder)


@pytest.fixture
def run_tool() -> Callable[..., int]:
    """Run a verb of the maintenance tool in this process: `run_tool(home, verb, …)` gives its exit code."""

    def run(home: Home, *words: str) -> int:
        return tool.main([*words, "--home", str(home.folder)])

    return run
