"""Sends requests that were made before over kept connections: as little work as can be beside the server's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

__all__ = ["Wire", "request"]


def request(path: str, body: bytes) -> bytes:
    """A POST of JSON, as it is sent."""
    lines = ("POST %s HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: %d", "", "")
    head = "\r\n".join(lines) % (path, len(body))
    return head.encode() + body


class Wire(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._got = b""

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return wire

    @classmethod
    async def each(cls, port: int, connections: int, use: Callable[[Self, int], Awaitable[None]]) -> None:
        """`use` so many connections at once, each with its number."""
        wires = [await cls.open(port) for _ in range(connections)]
        await asyncio.gather(*(use(wire, number) for number, wire in enumerate(wires)))
        for wire in wires:
            wire.close()

    async def send(self, given: bytes) -> int:
        """The status of the answer. Raises ConnectionError if it ends before."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(given)
        return await self._answer

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if end and len(body) >= int(length):
            self._got = b""
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the connection has ended before its answer"))
