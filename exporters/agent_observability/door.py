"""A listening HTTP application: bounded connections, and TLS that can be replaced while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from agent_observability.listen import listen

__all__ = ["SHUTDOWN_SECONDS", "Door"]

# Longer than the slowest usual scrape interval, so that scrapers keep their connection; also the time within which a
# client must have sent a whole request.
_KEEPALIVE_SECONDS = 75
_HANDSHAKE_SECONDS = 10
# Two of these (finish, then cancel) and the runtime's own stop fit into the five seconds an exit may take.
SHUTDOWN_SECONDS = 2


class Door:
    """`options` go to aiohttp's protocol."""

    def __init__(
        self, app: web.Application, addresses: Sequence[str], connections: int, log: logging.Logger, **options: Any
    ) -> None:
        self._addresses = addresses
        self._connections = connections
        self._sockets: list[socket.socket] = []
        self._listeners: list[asyncio.Server] = []
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_HTTPLog(log),
            keepalive_timeout=_KEEPALIVE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
            **options,
        )

    @property
    def ports(self) -> list[int]:
        """The ports in use, known after `bind` even where the configuration says 0."""
        return [sock.getsockname()[1] for sock in self._sockets]

    def bind(self) -> None:
        """Take the addresses. Raises StartError; nothing is answered before `open`."""
        for address in self._addresses:
            self._sockets += listen(address)

    async def open(self, context: ssl.SSLContext | None) -> None:
        await self._runner.setup()
        await self.secure(context)

    async def secure(self, context: ssl.SSLContext | None) -> None:
        """Use `context` for new connections; the sockets stay open, so none is refused meanwhile.

        Raises OSError, with what was in use before still in use, when the process has no descriptor left.
        """
        listeners: list[asyncio.Server] = []
        try:
            for sock in self._sockets:
                listeners.append(await self._listener(sock, context))  # noqa: PERF401 - a failure needs those before it
        except OSError:
            for listener in listeners:
                listener.close()
            raise
        old, self._listeners = self._listeners, listeners
        loop = asyncio.get_running_loop()
        for listener in old:
            for accepting in listener.sockets:
                loop.remove_reader(accepting.fileno())
        # What was accepted just now has a task that needs its listener open; without it the client would hang.
        await asyncio.sleep(0)
        for listener in old:
            listener.close()

    def close(self) -> None:
        """Refuse new connections."""
        for listener in self._listeners:
            listener.close()
        for sock in self._sockets:
            sock.close()

    async def end(self) -> None:
        """Let running requests end, then close their connections."""
        await self._runner.cleanup()

    async def _listener(self, sock: socket.socket, context: ssl.SSLContext | None) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            self._connection,
            sock=sock.dup(),
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
        )

    def _connection(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._connections:
            return _Refusal()
        return server()


class _HTTPLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log without tracebacks of malformed requests, whose text would quote the bytes: maybe a password."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **kwargs: Any) -> None:
        if isinstance(exc_info, HttpProcessingError):
            self.debug("malformed request: %s", type(exc_info).__name__)
        else:
            super().exception(msg, *args, exc_info=exc_info, **kwargs)


class _Refusal(asyncio.Protocol):
    """Closes a connection above the bound at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        with contextlib.suppress(AttributeError):
            transport.abort()  # type: ignore[attr-defined]
