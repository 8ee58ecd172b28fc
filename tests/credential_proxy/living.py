"""The whole exporter in this process: real HTTP, a real ledger, a real log in a folder, and a clock tests may turn."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec

from agent_observability.config import WebConfig
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.runtime import CredentialProxyRuntime
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.registry import BY_NAME
from agent_observability.runtime import Context
from agent_observability.server import Server
from agent_observability.service import Service
from agent_observability.tail.config import TailConfig
from agent_observability.units import Duration
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers
from tests.support import wait_until_async

__all__ = ["Living", "asked", "living", "section_of"]

SCRAPER = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}


async def _nothing_to_reload() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Living:
    """`log` is the file that it follows, unless a test says otherwise."""

    service: Service
    server: Server
    ledger: Ledger
    session: aiohttp.ClientSession
    log: Path

    @property
    def runtime(self) -> CredentialProxyRuntime:
        return cast("CredentialProxyRuntime", self.service.runtime)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.ports[0]}"

    def write(self, *lines: str | bytes, to: Path | None = None) -> None:
        """Append lines to the log, as a proxy does."""
        with (to or self.log).open("ab") as file:
            file.writelines((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)

    async def read(self, lines: int, seconds: float = 20) -> None:
        """Wait until so many lines of the log are counted, of all there ever were, and everybody has been told."""
        name = 'agent_obs_tail_lines_total{source="audit",result='
        await wait_until_async(lambda: self.counted(name) >= lines, seconds, what=f"{lines} lines")
        assert self.counted(name) == lines
        # The look after that comes behind what is done once a commit has an answer.
        before = self._looked()
        await wait_until_async(lambda: self._looked() is not before, what="another look at the log")

    def _looked(self) -> object:
        return self.runtime.shown and self.runtime.shown.tailer._shown

    def counted(self, prefix: str) -> int:
        """The sum of counters as they are stored, whatever is shown of them."""
        found = 0
        for family in self.runtime._counted._families.values():
            names = family.metric.label_names
            for labels, series in family.series.items():
                pairs = ",".join(f'{name}="{value}"' for name, value in zip(names, labels, strict=True))
                if f"{family.metric.name}{{{pairs}}}".startswith(prefix):
                    found += int(series.values[0])
        return found

    async def scrape(self, *families: str) -> list[str]:
        """Lines of these families, or all, as they stand: series may still be shown at 0."""
        lines = [line for line in (await self.text()).splitlines() if not line.startswith("#")]
        return [line for line in lines if line.startswith(families)] if families else lines

    async def text(self, accept: str = "text/plain") -> str:
        async with self.session.get(f"{self.url}/metrics", headers={**SCRAPER, "Accept": accept}) as response:
            assert response.status == 200
            return await response.text()

    async def shown(self, *families: str) -> list[str]:
        """Lines of these families once all births are over."""
        await self.scrape()
        await self._until_born()
        return await self.scrape(*families)

    async def value(self, name: str) -> float | None:
        """One sample as it stands; None without one."""
        found = dict(line.rsplit(" ", 1) for line in await self.scrape(name))
        return float(found[name]) if name in found else None

    async def values(self, *families: str) -> dict[str, float]:
        """Samples by name and labels, without those that are 0."""
        pairs = [line.rsplit(" ", 1) for line in await self.shown(*families)]
        return {name: float(value) for name, value in pairs if float(value)}

    async def _until_born(self) -> None:
        deadline = time.monotonic() + 20
        while not self._born():
            assert time.monotonic() < deadline, "births do not end"
            await self.scrape()

    def _born(self) -> bool:
        stores = (self.runtime._counted, self.runtime._delays, self.runtime._probes)
        return all(
            series.shown is None or series.shown == series.values
            for store in stores
            for family in store._families.values()
            for series in family.series.values()
        )


def section_of(log: Path, **fields: Any) -> CredentialProxyConfig:
    """The exporter's section for a log, with more looks at it per second than the default has."""
    return CredentialProxyConfig(log=TailConfig(paths=[str(log)], interval=Duration(0.05)), **fields)


@contextlib.asynccontextmanager
async def living(
    folder: Path,
    *,
    backend: Backend | None = None,
    clock: Callable[[], float] = time.time,
    wait: bool = True,
    **fields: Any,
) -> AsyncIterator[Living]:
    """Until the block ends, then stopped as a process stops it. `fields` are the exporter's own section."""
    log = folder / "audit.log"
    ledger = Ledger(backend or SqliteBackend(folder / "ledger.db"), LedgerConfig())
    workers = Workers("test")
    section = section_of(log)
    section = msgspec.structs.replace(section, **fields)
    service = Service(BY_NAME["credential_proxy"], section, workers, Context({}, lambda: ledger), process_metrics=False)
    server = Server(service, WebConfig(), ["127.0.0.1:0"], workers, _nothing_to_reload)
    cast("CredentialProxyRuntime", service.runtime).clock = clock
    server.bind()
    ledger.start()
    await service.runtime.start()
    await server.start(WebSecurity())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        it = Living(service, server, ledger, session, log)
        try:
            if wait:
                await wait_until_async(lambda: not service.not_ready(), 20, what=service.not_ready())
            yield it
        finally:
            await server.stop()
            await service.runtime.stop()
            await ledger.stop()


def asked(
    at: float,
    service: str = "github",
    operation: str = "clone",
    status: str = "GRANTED",
    *,
    container: str = "c0ffee000001",
    reason: str = "",
    milliseconds: float = 2,
    more: Mapping[str, Any] | None = None,
) -> str:
    """One line of the documented format, of the Unix time `at`."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "event_type": "credential_request",
        "request_id": f"{container}-{at:.6f}",
        "service": service,
        "operation": operation,
        "resource": "team/repository",
        "status": status,
        "requester": {"pid": 4711, "container_id": container, "user": "runner"},
        "response_time_ms": milliseconds,
    }
    if status == "GRANTED":
        record["credential"] = {"type": "token", "format": "opaque", "prefix": "demo_", "value_hash": "0" * 8}
    if reason:
        record["rejection_reason"] = reason
    return json.dumps(record | dict(more or {}))
