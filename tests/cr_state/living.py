"""A demo platform behind its API, and the exporter that follows it, in one event loop and with a real ledger."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.cr_state.config import CrStateConfig
from agent_observability.cr_state.metrics import SESSIONS
from agent_observability.cr_state.runtime import CrStateRuntime
from agent_observability.cr_state.scene import SCOPE
from agent_observability.demo.kube_api import KubeApi
from agent_observability.demo.kube_store import KubeStore
from agent_observability.demo.platform import Platform
from agent_observability.exposition import Format, write
from agent_observability.kube import reflector
from agent_observability.kube.backoff import Backoff
from agent_observability.kube.credentials import KubernetesConfig
from agent_observability.ledger.batch import Batch
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.runtime import Context
from tests.collectors import scraped
from tests.support import wait_until_async

DAY = 86_400
Samples = Mapping[str, Mapping[tuple[str, ...], float]]
"""By name and label values, in the order of the exposition."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of reflectors are short."""
    monkeypatch.setattr(reflector, "Backoff", lambda: Backoff(0.01, 0.1))
    monkeypatch.setattr(reflector, "_UNAVAILABLE_SECONDS", 0.05)


@dataclass(slots=True)
class Life:
    """`work` lets things happen; `exporter` is the one that runs now."""

    api: KubeApi
    platform: Platform
    ledger_file: Path
    config: CrStateConfig
    exporter: CrStateRuntime | None = None
    began: float | None = None
    """When the ledger shall believe that it began."""
    _ledger: Ledger | None = None

    async def start(self) -> None:
        """A new process, so to say."""
        self._ledger = Ledger(SqliteBackend(self.ledger_file), LedgerConfig())
        context = Context({}, lambda: self._ledger)  # type: ignore[arg-type, return-value]
        self.exporter = CrStateRuntime(self.config, context)
        assert context.ledger is self._ledger
        self._ledger.start()
        if self.began is not None:
            await self._ledger.ready()
            await self._ledger.submit(Batch(facts={(SCOPE, "began"): repr(self.began).encode()}))
        await self.exporter.start()

    async def stop(self) -> None:
        assert self.exporter is not None
        assert self._ledger is not None
        await self.exporter.stop()
        await self._ledger.stop()
        self.exporter = None

    async def synced(self) -> None:
        await wait_until_async(lambda: self.exporter and not self.exporter.not_ready(), 20, what="the first list")
        assert self.exporter is not None
        healths = [one.reflector.health for one in self.exporter.following.followed]
        await wait_until_async(lambda: all(health.synced or health.refused for health in healths), 20, what="all lists")

    async def work(self, events: int, *, at_once: int = 20) -> None:
        """Let things happen, and let the API tell of them meanwhile."""
        for _ in range(0, events, at_once):
            self.platform.run_events(at_once)
            await asyncio.sleep(0.001)

    def samples(self) -> Samples:
        """What a scrape shows."""
        assert self.exporter is not None
        families = [family for collector in self.exporter.collectors for family in scraped(collector)]
        found: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for family in text_string_to_metric_families(write(families, Format.TEXT).decode()):
            for sample in family.samples:
                key = tuple(sample.labels.values())
                assert key not in found[sample.name], f"{sample.name}{sample.labels} stands twice"
                found[sample.name][key] = sample.value
        return found

    def sessions(self) -> float:
        """How many sessions a scrape shows, quickly."""
        assert self.exporter is not None
        families = self.exporter.collectors[0].collect()
        [blocks] = [family.blocks for family in families if family.metric is SESSIONS]
        return sum(float(line.rpartition(b" ")[2]) for block in blocks for line in block.text.splitlines())

    async def agrees(self, truth: Mapping[str, Mapping[tuple[str, ...], float]], seconds: float = 20) -> Samples:
        """Wait until the exporter shows exactly this; zeros need not be told."""
        different: list[str] = []

        def same() -> bool:
            different[:] = differences(truth, samples := self.samples())
            nonlocal last
            last = samples
            return not different

        last: Samples = {}
        try:
            await wait_until_async(same, seconds)
        except AssertionError:
            raise AssertionError("\n".join(different[:20])) from None
        return last


def differences(truth: Mapping[str, Mapping[tuple[str, ...], float]], samples: Samples) -> list[str]:
    return [
        f"{name}{labels}: {shown.get(labels)} instead of {expected.get(labels)}"
        for name, expected in truth.items()
        for shown in (samples.get(name, {}),)
        for labels in {*expected, *shown}
        if abs(shown.get(labels, 0.0) - expected.get(labels, 0.0)) > 1e-6
    ]


@contextlib.asynccontextmanager
async def living(
    tmp_path: Path, *, config: CrStateConfig | None = None, sessions: int = 60, seed: int = 1, untimed: float = 0.0
) -> AsyncIterator[Life]:
    """A platform with a past; the exporter is not started yet."""
    store = KubeStore()
    # What happens in the tests takes hours of the platform's time and has to be over by now.
    platform = Platform(store, now=time.time() - 3 * DAY, seed=seed, per_hour=120, untimed=untimed)
    platform.populate(sessions=sessions)
    platform.begin()
    api = KubeApi(store, bookmark_seconds=0.1)
    port = await api.start()
    url = KubernetesConfig(url=f"http://127.0.0.1:{port}", page=37)
    life = Life(
        api, platform, tmp_path / "ledger.db", msgspec.structs.replace(config or CrStateConfig(), kubernetes=url)
    )
    try:
        yield life
    finally:
        if life.exporter is not None:
            await life.stop()
        await api.stop()


@contextlib.contextmanager
def away(life: Life) -> Iterator[None]:
    """What happens meanwhile is not seen; call `back` on the truth once the exporter can look again."""
    life.platform.truth.away = True
    try:
        yield
    finally:
        life.platform.truth.back()
