"""A real server around the test exporter, on a free port of this machine, and clients for it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from agent_observability.config import WebConfig
from agent_observability.runtime import Context
from agent_observability.server import Reload, Server
from agent_observability.service import Service
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers
from tests.probe import PROBE, ProbeConfig

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, its body as it travelled."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Site:
    """A running server. `get` opens a connection of its own each time unless it is given a session."""

    server: Server
    service: Service
    client_context: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        return self.server.ports[0]

    @property
    def base(self) -> str:
        return f"{'https' if self.client_context else 'http'}://127.0.0.1:{self.port}"

    def session(self, context: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
        return session(self.base, context or self.client_context)

    async def request(
        self,
        method: str,
        path: str,
        *,
        context: ssl.SSLContext | None = None,
        auth: tuple[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Header names are written with underscores."""
        async with self.session(context) as client:
            return await ask(client, method, path, auth=auth, **headers)

    async def get(self, path: str, **options: object) -> Answer:
        return await self.request("GET", path, **options)  # type: ignore[arg-type]

    async def settle(self) -> None:
        """Let a scraper come twice, by which every birth so far is over."""
        for _ in range(2):
            await self.get("/metrics", X_Prometheus_Scrape_Timeout_Seconds="10")


def session(base: str, context: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """A client that sends no header on its own and leaves bodies as they are."""
    return aiohttp.ClientSession(
        base,
        connector=aiohttp.TCPConnector(ssl=context if context else True, limit=0),
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=20),
    )


async def ask(
    client: aiohttp.ClientSession, method: str, path: str, *, auth: tuple[str, str] | None = None, **headers: str
) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if auth:
        sent["Authorization"] = f"Basic {base64.b64encode(':'.join(auth).encode()).decode()}"
    async with client.request(method, path, headers=sent) as response:
        return Answer(response.status, response.headers, await response.read())


async def _nothing_to_reload() -> str:
    return ""


@contextlib.asynccontextmanager
async def serving(
    section: ProbeConfig | None = None,
    *,
    web: WebConfig | None = None,
    security: WebSecurity | None = None,
    client_context: ssl.SSLContext | None = None,
    reload: Reload = _nothing_to_reload,
) -> AsyncIterator[Site]:
    """The test exporter behind a real server, stopped afterwards as a process stops it."""
    workers = Workers("test")
    service = Service(PROBE, section or ProbeConfig(), workers, Context(), process_metrics=True)
    server = Server(service, web or WebConfig(), ["127.0.0.1:0"], workers, reload)
    server.bind()
    await service.runtime.start()
    await server.start(security or WebSecurity())
    try:
        yield Site(server, service, client_context)
    finally:
        await server.stop()
        await service.runtime.stop()


async def connect(port: int, send: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A raw connection that has sent `send`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(send)
    await writer.drain()
    return reader, writer


async def closed_by_server(reader: asyncio.StreamReader, seconds: float) -> bytes:
    """What the server still sent before it closed; TimeoutError if it does not close within `seconds`."""
    async with asyncio.timeout(seconds):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Block the exporter's blocking collector meanwhile."""
    path.touch()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
