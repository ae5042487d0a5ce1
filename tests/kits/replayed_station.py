"""A station of an older version, as far as its recorded side of the wire goes: it answers what it was once asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any, Self

__all__ = ["Replay"]


class Replay:
    """Listens at a socket's path and says to each visitor what was recorded; use it as a context manager."""

    def __init__(self, path: Path, script: Path) -> None:
        lines = [line.split(b" ", 1) for line in script.read_bytes().splitlines()]
        self._greeting: list[bytes] = []
        self._answers: list[tuple[dict[str, Any], list[bytes]]] = []
        """Each intent that was asked, and everything that was said until the next one."""
        saying = self._greeting
        for direction, line in lines:
            frame = json.loads(line)
            if direction == b"<":
                if frame["f"] != "Pong":
                    saying.append(line + b"\n")
            elif frame["f"] == "Ask":
                saying = []
                self._answers.append((frame["intent"], saying))
        self.hellos: list[dict[str, Any]] = []
        self.not_understood: list[dict[str, Any]] = []
        """Frames that nothing was recorded for."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="replay", daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._listening, *self._connections):
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:  # the visitor went
            self.hellos.append(json.loads(lines.readline()))
            connection.sendall(b"".join(self._greeting))
            for line in lines:
                if not self._hear(connection, json.loads(line)):
                    return

    def _hear(self, visitor: socket.socket, frame: dict[str, Any]) -> bool:
        """Answer one frame; False when the visitor leaves."""
        match frame["f"]:
            case "Ping":
                visitor.sendall(b'{"f":"Pong","id":%d}\n' % frame["id"])
            case "Ask":
                self._answer(visitor, frame)
            case "Leave":
                return False
            case "Seen" | "Present":
                pass
            case _:
                self.not_understood.append(frame)
        return True

    def _answer(self, visitor: socket.socket, ask: dict[str, Any]) -> None:
        said = next((said for intent, said in self._answers if intent == ask["intent"]), None)
        if said is None:
            self.not_understood.append(ask)
            refusal = {"f": "Answered", "id": ask["id"], "refusal": "nothing was recorded for this"}
            said = [json.dumps(refusal).encode() + b"\n"]
        for line in said:
            frame = json.loads(line)
            if frame["f"] == "Answered":
                line = json.dumps({**frame, "id": ask["id"]}).encode() + b"\n"  # noqa: PLW2901 - asked under another id
            visitor.sendall(line)
