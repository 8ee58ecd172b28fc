"""The collector protocol: what an exporter implements, and a base for collectors that read live values."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import Protocol

from agent_observability.exposition import Block, RenderedFamily, format_value, label_text
from agent_observability.metric import Metric

__all__ = ["Collector", "LabelCache", "LiveCollector", "Sample"]

Sample = tuple[tuple[str, ...], float]
"""Label values in the order of `Metric.labels`, and the value."""


class Collector(Protocol):
    """One topic of an exporter.

    `collect` runs in a worker thread, never twice at once. It may raise: `scrape.py` reports that, and the other
    collectors are served all the same. `metrics` are all families it may return.
    """

    @property
    def name(self) -> str: ...

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    def collect(self) -> Iterable[RenderedFamily]: ...


class LabelCache:
    """Renders live samples of one collector, remembering each series' text so that a scrape only formats values.

    Bounded: series that come and go (mounts, devices) empty a family's memory once it holds far more than a scrape.
    """

    def __init__(self) -> None:
        self._prefixes: dict[Metric, dict[tuple[str, ...], str]] = {}
        self._last: dict[Metric, tuple[Sequence[Sample], RenderedFamily]] = {}

    def render(self, metric: Metric, samples: Sequence[Sample]) -> RenderedFamily:
        """The family, rendered only if it has changed since the last scrape. `samples` is kept and must not change."""
        last = self._last.get(metric)
        if last is not None and last[0] == samples:
            return last[1]
        prefixes = self._prefixes.get(metric)
        if prefixes is None:
            prefixes = self._prefixes[metric] = {}
        if len(prefixes) > 4 * len(samples) + 64:
            prefixes.clear()
        lines = []
        for values, value in samples:
            prefix = prefixes.get(values)
            if prefix is None:
                labels = label_text(metric.label_names, values)
                prefix = prefixes[values] = f"{metric.name}{{{labels}}} " if labels else f"{metric.name} "
            lines.append(f"{prefix}{format_value(value)}\n")
        family = RenderedFamily(metric, (Block("".join(lines).encode()),))
        self._last[metric] = (samples, family)
        return family


class LiveCollector(abc.ABC):
    """A collector whose values are read at scrape time: subclasses name themselves and yield samples per family."""

    name: str
    metrics: tuple[Metric, ...]

    def __init__(self) -> None:
        self._cache = LabelCache()

    @abc.abstractmethod
    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        """Families with their samples, each family at most once; a family the system lacks is simply not yielded."""

    def collect(self) -> list[RenderedFamily]:
        return [self._cache.render(metric, samples) for metric, samples in self.read()]
