"""Exporters made for tests: they block, fail, refuse and grow when their configuration says so."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from agent_observability.collector import Collector, LiveCollector, Sample
from agent_observability.decode import Secret
from agent_observability.exemplar import Exemplar
from agent_observability.metric import Kind, Label, Metric
from agent_observability.registry import Exporter
from agent_observability.runtime import Context, Runtime, SourceStatus
from agent_observability.series import SeriesStore
from agent_observability.units import Duration, Size

TEXT = Metric("probe_info", Kind.INFO, "Text of the configuration", (Label("text"),))
RUNS = Metric("probe_blocking_runs", Kind.GAUGE, "Finished runs of the collector that may block")
JOBS = Metric("probe_jobs_total", Kind.COUNTER, "Jobs by kind", (Label("kind", cap=5),))
DURATION = Metric("probe_job_duration_seconds", Kind.HISTOGRAM, "Job durations", buckets=(0.5, 1.0))
FILLER = Metric("probe_filler_total", Kind.COUNTER, "Series that make a response large", (Label("number"),))


class ProbeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`hold` blocks a collector while that file exists; `counts` is the number of jobs per kind so far."""

    text: str = "steady"
    password: Secret = Secret("")
    every: Duration = Duration(30)
    size: Size = Size(1024)
    pattern: re.Pattern[str] | None = None
    hold: Path | None = None
    fail: str = ""
    refuse: str = ""
    unready: str = ""
    counts: dict[str, int] = {}
    filler: int = 0


class _Steady(LiveCollector):
    name = "steady"
    metrics = (TEXT,)

    def __init__(self, section: ProbeConfig) -> None:
        super().__init__()
        self._section = section

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        if self._section.fail:
            raise OSError(self._section.fail)
        yield TEXT, [((self._section.text,), 1)]


def blocked(hold: Path) -> Path:
    """The file that says that a scrape has begun to wait for `hold` to go away."""
    return hold.with_suffix(".blocked")


class _Blocking(LiveCollector):
    name = "blocking"
    metrics = (RUNS,)

    def __init__(self, hold: Path | None) -> None:
        super().__init__()
        self._hold = hold
        self._runs = 0

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        while self._hold and self._hold.exists():
            blocked(self._hold).touch()
            time.sleep(0.005)
        self._runs += 1
        yield RUNS, [((), self._runs)]


class ProbeRuntime(Runtime[ProbeConfig]):
    """Counts the rise of `counts` at each reload."""

    def __init__(self, section: ProbeConfig, context: Context) -> None:
        self.store = SeriesStore("jobs", (JOBS, DURATION, FILLER), context.limits)
        for number in range(section.filler):
            self.store.add(FILLER, (f"{number:06d}",))
        self._section = ProbeConfig()
        self._blocking = _Blocking(section.hold)
        self._steady = _Steady(section)
        self.reload(section)

    @property
    def collectors(self) -> Sequence[Collector]:
        return (self._steady, self._blocking, self.store)

    def reload(self, section: ProbeConfig) -> None:
        if section.refuse:
            raise ValueError(section.refuse)
        for kind, count in section.counts.items():
            self.store.add(JOBS, (kind,), count - self._section.counts.get(kind, 0))
            self.store.observe(DURATION, (), 0.75, Exemplar({"trace_id": f"trace-{kind}"}, time.time()))
        self._section = section
        self._steady = _Steady(section)

    def not_ready(self) -> str:
        return self._section.unready

    def sources(self) -> Sequence[SourceStatus]:
        return (SourceStatus(f"source of {self._section.text}", True, "3 s", ""),)


def create(section: ProbeConfig, context: Context) -> ProbeRuntime:
    """The factory both exporters name."""
    return ProbeRuntime(section, context)


def _exporter(name: str, port: int) -> Exporter:
    metrics = (TEXT, RUNS, JOBS, DURATION, FILLER)
    return Exporter(name, port, f"Exporter {name} of the tests", metrics, ProbeConfig, "tests.probe:create")


PROBE = _exporter("probe", 19801)
SECOND = _exporter("second", 19802)
EXPORTERS = (PROBE, SECOND)
