"""One exporter as a process runs it: its runtime, its self metrics, and the rendering of a scrape."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from agent_observability.collector import Collector, LabelCache
from agent_observability.exposition import Block, Format, RenderedFamily, write
from agent_observability.metric import Metric
from agent_observability.registry import Exporter
from agent_observability.runtime import CollectorReport, Context, SourceStatus
from agent_observability.scrape import CollectorStatus, Scraper
from agent_observability.selfmetrics import ProcessMetrics, suite_store
from agent_observability.suite import COLLECTOR_DURATION, COLLECTOR_SUCCESS, SCRAPE_DURATION
from agent_observability.workers import Workers

__all__ = ["Exposition", "Selection", "Service", "UnknownCollectorError"]

_SUITE_REPORT = CollectorReport(COLLECTOR_SUCCESS, COLLECTOR_DURATION)


class UnknownCollectorError(ValueError):
    """A scrape named a collector that does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What part of an exposition a scrape wants; everything by default. `collect` and `exclude` exclude each other."""

    collect: Collection[str] = ()
    exclude: Collection[str] = ()
    names: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Exposition:
    """A rendered scrape. `shown(scraper)` is to be called once it has been sent (see `RenderedFamily.on_shown`)."""

    body: bytes
    on_shown: Collection[Callable[[str | None], None]]

    def shown(self, scraper: str | None) -> None:
        for tell in self.on_shown:
            tell(scraper)


class Service:
    """One exporter on one port with a registry of its own."""

    def __init__(
        self,
        exporter: Exporter,
        section: msgspec.Struct,
        workers: Workers,
        context: Context,
        *,
        process_metrics: bool,
    ) -> None:
        self.exporter = exporter
        self.section = section
        self.runtime = exporter.create(section, context)
        self.store = suite_store(exporter.name)
        self._ledger = context.asked_ledger
        # Of several exporters that share it, the first shows how it fares.
        self._intake = intake if (intake := context.asked_intake) is not None and intake.claim() else None
        self._own: tuple[Collector, ...] = (
            self.store,
            *([self._ledger.reports.store] if self._ledger else ()),
            *([self._intake.store] if self._intake else ()),
            *([ProcessMetrics()] if process_metrics else ()),
        )
        self._reports = LabelCache()
        self.scraper = Scraper((*self.runtime.collectors, *self._own), workers)

    def reload(self, section: msgspec.Struct) -> None:
        """Take over a new section. Raises what the runtime raises; then the old one stays in use."""
        self.runtime.reload(section)
        self.section = section
        self.scraper.replace((*self.runtime.collectors, *self._own))

    def not_ready(self) -> str:
        """Why scrapes would not yet show the truth, or ""."""
        return (self._ledger.not_ready() if self._ledger else "") or self.runtime.not_ready()

    def sources(self) -> Sequence[SourceStatus]:
        """Where the exporter's numbers come from, and the ledger that keeps them."""
        sources = list(self.runtime.sources())
        if self._intake is not None:
            sources.append(self._intake.source())
        if self._ledger is not None:
            state = self._ledger.state
            detail = state.reason or self._ledger.name
            sources.append(SourceStatus("ledger", state.up or state.standby, lag="", detail=detail))
        return sources

    async def scrape(self, selection: Selection, format_: Format, *, gzip: bool, seconds: float) -> Exposition:
        """One exposition. Raises UnknownCollectorError."""
        started = time.perf_counter()
        names = self._selected(selection)
        told: list[Callable[[str | None], None]] = []

        def render(families: Sequence[RenderedFamily], statuses: Sequence[CollectorStatus]) -> bytes:
            # A scrape may be rendered again; the last rendering is the one that is sent.
            told[:] = dict.fromkeys(family.on_shown for family in families if family.on_shown is not None)
            return self._render(families, statuses, selection.names, format_, gzip=gzip)

        body = await self.scraper.scrape(names, seconds, render)
        self.store.observe(SCRAPE_DURATION, (), time.perf_counter() - started)
        return Exposition(body, tuple(told))

    def _selected(self, selection: Selection) -> Sequence[str]:
        known = self.scraper.names
        if selection.collect and selection.exclude:
            raise UnknownCollectorError("collect[] and exclude[] exclude each other; use one of them")
        unknown = sorted({*selection.collect, *selection.exclude} - set(known))
        if unknown:
            raise UnknownCollectorError(f"unknown collector {', '.join(unknown)}; this exporter has {', '.join(known)}")
        return [
            name
            for name in known
            if (name in selection.collect if selection.collect else name not in selection.exclude)
        ]

    def _render(
        self,
        families: Sequence[RenderedFamily],
        statuses: Sequence[CollectorStatus],
        names: Collection[str],
        format_: Format,
        *,
        gzip: bool,
    ) -> bytes:
        own = {collector.name for collector in self._own}
        theirs = [status for status in statuses if status.name not in own]
        reports = self._report(_SUITE_REPORT, statuses)
        for report in self.runtime.reports:
            reports += self._report(report, theirs)
        merged: dict[Metric, Sequence[Block]] = {}
        for metric, blocks, _ in (*families, *reports):
            if not names or not {metric.name, metric.family, *metric.sample_names}.isdisjoint(names):
                # Two collectors may share a family, which must still stand in one place.
                merged[metric] = (*merged[metric], *blocks) if metric in merged else blocks
        return write(itertools.starmap(RenderedFamily, merged.items()), format_, gzip=gzip)

    def _report(self, report: CollectorReport, statuses: Sequence[CollectorStatus]) -> list[RenderedFamily]:
        return [
            self._reports.render(report.success, [((status.name,), int(status.success)) for status in statuses]),
            self._reports.render(report.duration, [((status.name,), status.duration) for status in statuses]),
        ]
