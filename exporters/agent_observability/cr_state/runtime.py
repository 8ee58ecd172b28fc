"""The CR state exporter: follows the Kubernetes API, and shows one whole picture of it at any time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from agent_observability.collector import Collector, LiveCollector, Sample
from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.config import CrStateConfig
from agent_observability.cr_state.curtain import Scenery
from agent_observability.cr_state.following import Following
from agent_observability.cr_state.probes import Probes
from agent_observability.cr_state.recorder import Recorder
from agent_observability.cr_state.world import FACTS, PARTS, World
from agent_observability.kube.client import KubeClient
from agent_observability.kube.credentials import credentials
from agent_observability.ledger.errors import LedgerStaleError
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.queries import facts
from agent_observability.metric import Metric
from agent_observability.runtime import Context, Runtime, SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.suite import EVENT_DELAY
from agent_observability.workers import Workers

__all__ = ["CrStateRuntime", "create"]

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 2.0
_LAST_WORDS_SECONDS = 2.0
# Of these every project has a series from the start. Histograms, with all their buckets, come with their first value.
_PER_PROJECT = (m.CREATED, m.COMPLETED, m.RESTARTS, m.CREATED_REPOS, m.JOBS_CREATED, m.JOBS_COMPLETED)


class _Part:
    """A collector that shows a part of whichever picture is current."""

    def __init__(self, name: str, runtime: CrStateRuntime) -> None:
        self.name = name
        self.metrics = PARTS[name]
        self._runtime = runtime

    def collect(self) -> Scenery:
        world = self._runtime.shown
        # A replica that has stopped leading leaves the stage to its successor, with all that it knows.
        if world is None or self._runtime.withheld:
            return ()
        return world.curtain.see(self.name)


class _FollowingCollector(LiveCollector):
    """How following the API goes."""

    name = "following"
    metrics = m.FOLLOWING

    def __init__(self, runtime: CrStateRuntime) -> None:
        super().__init__()
        self._runtime = runtime

    def read(self) -> Sequence[tuple[Metric, Sequence[Sample]]]:
        return [] if self._runtime.withheld else list(self._runtime.following.samples())


class CrStateRuntime(Runtime[CrStateConfig]):
    """Lives through one world after the other: a new one after a reload, and once somebody else has led."""

    def __init__(self, section: CrStateConfig, context: Context) -> None:
        self._section = section
        self._ledger = context.ledger
        self._limits = context.limits
        self._counted = LedgerFamilies("counted", m.COUNTED, context.limits)
        self._ledger.keep(self._counted)
        self._probes = Probes()
        self._delays = SeriesStore("delays", (EVENT_DELAY,))
        self.following = Following()
        self.shown: World | None = None
        self._world: World | None = None
        self._changed = asyncio.Event()
        self._stopping = False
        self._workers = Workers("cr-state")
        self._task: asyncio.Task[None] | None = None
        parts = [_Part(name, self) for name in PARTS]
        self._collectors: Sequence[Collector] = (
            *parts,
            _FollowingCollector(self),
            self._counted,
            self._probes,
            self._delays,
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        return self._collectors

    def reload(self, section: CrStateConfig) -> None:
        self._section = section
        self._changed.set()

    @property
    def withheld(self) -> bool:
        """Whether somebody else may show the platform."""
        return bool(self._ledger.not_ready())

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._stopping = True
            self._changed.set()
            done, _ = await asyncio.wait((self._task,), timeout=_LAST_WORDS_SECONDS)
            if not done:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task

    def not_ready(self) -> str:
        if self.shown is not None:
            return ""
        return self._world.settled() if self._world is not None else "the ledger has not been read yet"

    def sources(self) -> Sequence[SourceStatus]:
        return self.following.sources()

    async def _run(self) -> None:
        while not self._stopping:
            self._changed.clear()
            try:
                await self._live(self._section)
            except* LedgerStaleError:
                log.warning("somebody else has counted in the meantime: all is read again")
            except* Exception:
                log.exception("following the API failed; next try in %.0f s", _AGAIN_SECONDS)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _live(self, section: CrStateConfig) -> None:
        recorder = Recorder(self._ledger)
        await recorder.start()
        for component in section.components:
            self._counted.expect(m.COMPONENT_RESTARTS, {"component": [component]})
        backend = self._ledger.backend
        known = await self._workers.run(lambda: {kind: facts(backend, kind) for kind in FACTS})
        client = KubeClient(credentials(section.kubernetes))
        # In a worker, since facts of a busy platform take a second to read.
        world = self._world = await self._workers.run(
            lambda: World(
                section, recorder, known, limits=self._limits, new_project=self._expect, delayed=self._delayed
            )
        )
        self.following = world.following
        try:
            async with asyncio.TaskGroup() as tasks:
                recording = tasks.create_task(recorder.run())
                following = [
                    tasks.create_task(world.run(client)),
                    tasks.create_task(self._probes.run(section.probes)),
                    tasks.create_task(self._show(world)),
                ]
                await self._changed.wait()
                for task in following:
                    task.cancel()
                # What is not recorded by then is found again by the next one, as if it had just happened.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(recorder.recorded(), _LAST_WORDS_SECONDS / 2)
                recording.cancel()
        finally:
            await client.close()

    async def _show(self, world: World) -> None:
        """Replace the old picture by the new one once that is whole."""
        await world.whole.wait()
        self.shown = world

    def _expect(self, project: str) -> None:
        for metric in _PER_PROJECT:
            self._counted.expect(metric, {"project": [project]})

    def _delayed(self, seconds: float) -> None:
        self._delays.observe(EVENT_DELAY, ("agenticsessions",), seconds)


def create(section: CrStateConfig, context: Context) -> CrStateRuntime:
    """The registry's factory."""
    return CrStateRuntime(section, context)
