"""Frames on the pipe between station and observer: four bytes of length, big endian, then msgpack.

Both ends: `encode` makes a frame's bytes; `frames` reads them from an asyncio stream until it ends. A frame
that is too long or does not decode ends the connection with `FrameError`, because what follows it cannot be found.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec

from quarterdeck.errors import StationError

__all__ = ["MAX_FRAME", "FrameError", "encode", "frames"]

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; a Watch of 10,000 targets is about 3 MiB."""

_encoder = msgspec.msgpack.Encoder()
T = TypeVar("T")


class FrameError(StationError):
    """What came over the pipe is no frame of ours."""


def encode(message: msgspec.Struct) -> bytes:
    """One message as a frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


async def frames(stream: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[T]) -> AsyncIterator[T]:
    """The messages of a stream until it ends; a half frame at the end is dropped (its sender died)."""
    while True:
        try:
            size = int.from_bytes(await stream.readexactly(4), "big")
            if size > MAX_FRAME:
                raise FrameError(f"a frame of {size} bytes on the observer's pipe is too long")
            body = await stream.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        try:
            yield decoder.decode(body)
        except ValueError as error:
            raise FrameError(f"a frame on the observer's pipe does not decode: {error}") from error
