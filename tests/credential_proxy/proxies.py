"""Listeners that stand for the proxy, and probes of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from agent_observability.credential_proxy.config import ProbesConfig
from agent_observability.credential_proxy.probes import Probes
from agent_observability.exposition import Format, write
from agent_observability.units import Duration
from tests.collectors import scraped

TIMEOUT = 0.3


class Proxy:
    """A listener of which a test says when it takes connections; `heard` is what clients said, per connection."""

    def __init__(self, listener: socket.socket, target: str) -> None:
        self.listener = listener
        self.target = target
        self.heard: list[bytes] = []

    async def serve(self) -> None:
        """One connection after the other, each until its client has closed it."""
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self.listener)
            with client:
                self.heard.append(await loop.sock_recv(client, 1_000))


@contextlib.contextmanager
def listening(where: Path | int, backlog: int = 16) -> Iterator[Proxy]:
    """A Unix socket at a path, or a TCP socket on a port."""
    if isinstance(where, Path):
        listener, target = socket.socket(socket.AF_UNIX), f"unix://{where}"
        listener.bind(str(where))
    else:
        listener, target = socket.socket(), f"tcp://127.0.0.1:{where}"
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", where))
    with listener:
        listener.listen(backlog)
        listener.setblocking(False)
        yield Proxy(listener, target)


@contextlib.asynccontextmanager
async def serving(proxy: Proxy) -> AsyncIterator[None]:
    task = asyncio.create_task(proxy.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


@contextlib.asynccontextmanager
async def probing(*targets: str, interval: float = 0.02, timeout: float = TIMEOUT) -> AsyncIterator[Probes]:
    """The targets as probes `a`, `b`, …"""
    probes = Probes(config_of(*targets, interval=interval, timeout=timeout))
    task = asyncio.create_task(probes.run())
    try:
        yield probes
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait((task,))


def config_of(*targets: str, interval: float = 0.02, timeout: float = TIMEOUT) -> ProbesConfig:
    """Quicker than a configuration may be."""
    named = dict(zip("abcdef", targets, strict=False))
    return ProbesConfig(targets=named, interval=Duration(interval), timeout=Duration(timeout))


def samples(probes: Probes) -> dict[str, float]:
    text = write(scraped(probes), Format.TEXT).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def up(probes: Probes, name: str = "a") -> float | None:
    return samples(probes).get(f'credential_proxy_up{{probe="{name}"}}')


def taken(probes: Probes, name: str = "a") -> float:
    """How many connections were timed."""
    return samples(probes)[f'credential_proxy_probe_duration_seconds_count{{probe="{name}"}}']


def errors(probes: Probes) -> list[str]:
    """What is wrong, by probe."""
    return ["" if source.healthy else source.detail for source in probes.sources()]
