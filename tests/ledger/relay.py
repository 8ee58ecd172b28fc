"""A relay to a database server that can hang up in the middle of a commit, or go silent as a dead machine does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

__all__ = ["Relay", "relay"]


@dataclass(slots=True)
class Relay:
    """`on_commit`: what becomes of the next COMMIT: `pass`, `lose the answer`, `lose the request`."""

    port: int = 0
    on_commit: str = "pass"
    cut: int = 0
    silent: bool = False
    open: bool = True
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def drop(self) -> None:
        """Cut every connection now."""
        for writer in self.writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def relay(target: int) -> AsyncIterator[Relay]:
    """Forward connections to `target` on this machine."""
    it = Relay()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not it.open:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
        ends = {writer, server_writer}
        it.writers |= ends
        lost = False

        async def requests() -> None:
            nonlocal lost
            while data := await reader.read(65536):
                while it.silent:
                    await asyncio.sleep(0.01)
                if it.on_commit != "pass" and b"COMMIT" in data:
                    lost = it.on_commit == "lose the answer"
                    it.on_commit = "pass"
                    it.cut += 1
                    if not lost:
                        return
                server_writer.write(data)

        async def answers() -> None:
            while data := await server_reader.read(65536):
                while it.silent:
                    await asyncio.sleep(0.01)
                if lost:
                    return
                writer.write(data)

        tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for end in ends:
                end.transport.abort()
            it.writers -= ends

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    async with server:
        yield it
        it.silent = False
        it.drop()
