"""Stateful metric families: births and caps applied, rendered in blocks so that a scrape only joins bytes.

Birth: a new or restored series shows its base value (0, or the restored one) for one scrape before it shows what has
happened since, because `increase()` counts only what lies between two samples.
"""

from __future__ import annotations

import bisect
import itertools
import math
import threading
from collections.abc import Iterable, Mapping, Sequence

from agent_observability.admission import Admission, Labels
from agent_observability.exemplar import Exemplar
from agent_observability.exposition import Block, RenderedFamily, format_value, label_text
from agent_observability.metric import Kind, Metric
from agent_observability.suite import SERIES, SERIES_DROPPED

__all__ = ["SeriesStore"]

_BLOCK_SERIES = 250
_EMPTY = Block(b"")


class _Series:
    """One series: its current values and, while it is being born, those it still shows."""

    __slots__ = ("block", "exemplars", "labels", "shown", "values")

    def __init__(self, labels: Labels, values: list[float], block: _BlockBuilder) -> None:
        self.labels = labels
        # One value, or for a histogram a count per bucket (+Inf last) and then the sum.
        self.values = values
        self.shown: list[float] | None = list(values)
        self.exemplars: dict[int, str] = {}
        self.block = block


class _BlockBuilder:
    """Up to `_BLOCK_SERIES` series and their rendered form, made anew only after a change."""

    __slots__ = ("block", "dirty", "series")

    def __init__(self) -> None:
        self.series: list[_Series] = []
        self.block = _EMPTY
        self.dirty = True


class _Family:
    """All series of one metric."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.series: dict[Labels, _Series] = {}
        self.blocks: list[_BlockBuilder] = []
        # Values per series.
        self.width = len(metric.buckets) + 2 if metric.kind is Kind.HISTOGRAM else 1
        self._edges = [f'le="{format_value(float(edge))}"' for edge in metric.buckets] + ['le="+Inf"']

    def fits(self, labels: Labels) -> bool:
        cap = self.metric.series_cap
        return cap is None or len(self.series) < cap or labels in self.series

    def create(self, labels: Labels, values: list[float] | None = None) -> _Series:
        if not self.blocks or len(self.blocks[-1].series) >= _BLOCK_SERIES:
            self.blocks.append(_BlockBuilder())
        block = self.blocks[-1]
        series = self.series[labels] = _Series(labels, list(values) if values else [0] * self.width, block)
        block.series.append(series)
        block.dirty = True
        return series

    def remove(self, labels: Labels) -> None:
        series = self.series.pop(labels, None)
        if series is None:
            return
        series.block.series.remove(series)
        series.block.dirty = True
        if not series.block.series:
            self.blocks.remove(series.block)

    def render(self) -> RenderedFamily:
        for builder in self.blocks:
            if builder.dirty:
                text = "".join([self._lines(series, exemplars=False) for series in builder.series]).encode()
                openmetrics = text
                if any(series.exemplars for series in builder.series):
                    openmetrics = "".join([self._lines(series, exemplars=True) for series in builder.series]).encode()
                builder.block = Block(text, openmetrics)
                builder.dirty = False
        return RenderedFamily(self.metric, [builder.block for builder in self.blocks])

    def _lines(self, series: _Series, *, exemplars: bool) -> str:
        name = self.metric.name
        values = series.values if series.shown is None else series.shown
        notes = series.exemplars if exemplars and series.shown is None else {}
        labels = label_text(self.metric.label_names, series.labels)
        suffix = f"{{{labels}}}" if labels else ""
        if self.metric.kind is not Kind.HISTOGRAM:
            return f"{name}{suffix} {format_value(values[0])}{notes.get(0, '')}\n"
        counts = list(itertools.accumulate(values[:-1]))
        comma = "," if labels else ""
        lines = [
            f"{name}_bucket{{{labels}{comma}{edge}}} {format_value(count)}{notes.get(index, '')}\n"
            for index, (edge, count) in enumerate(zip(self._edges, counts, strict=True))
        ]
        lines.append(f"{name}_sum{suffix} {format_value(values[-1])}\n")
        lines.append(f"{name}_count{suffix} {format_value(counts[-1])}\n")
        return "".join(lines)


class SeriesStore:
    """A collector over families whose values the process itself keeps. Thread-safe; every update costs O(1).

    Label values come in the order of `Metric.labels` and are admitted on the way in (`admission.py`). The store itself
    exposes `agent_obs_series` and `agent_obs_series_dropped_total` for its capped families.

    Each `collect` counts as one scrape: births it has shown are over.
    """

    def __init__(self, name: str, metrics: Iterable[Metric], caps: Mapping[str, int] | None = None) -> None:
        self.name = name
        declared = tuple(metrics)
        self._capped = tuple(metric for metric in declared if metric.capped)
        self.metrics = (*declared, SERIES, SERIES_DROPPED) if self._capped else declared
        self._lock = threading.Lock()
        self._families = {metric: _Family(metric) for metric in self.metrics}
        self._born: list[_Series] = []
        self.admission = Admission(self._count_dropped, caps)
        for metric in declared:
            if metric.kind in (Kind.COUNTER, Kind.HISTOGRAM):
                self.expect(metric)
        for metric in self._capped:
            for label in metric.labels:
                if label.cap is not None:
                    self._create(self._families[SERIES_DROPPED], (metric.name, label.name))

    def expect(self, metric: Metric, known: Mapping[str, Iterable[str]] | None = None) -> None:
        """Bear every series whose labels are enums or listed in `known`; nothing if another label is open."""
        choices: list[Sequence[str]] = [
            label.values or tuple((known or {}).get(label.name, ())) for label in metric.labels
        ]
        with self._lock:
            for labels in itertools.product(*choices):
                self._series(metric, labels)

    def restore(self, metric: Metric, labels: Labels, values: list[float]) -> None:
        """Bear a series at what an earlier process had committed: `[value]`, or counts per bucket and the sum.

        Raises ValueError where the labels or values are not as many as the family has.
        """
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.label_names}, got {labels!r}")
        family = self._families[metric]
        if len(values) != family.width:
            raise ValueError(f"{metric.name} holds {family.width} values per series, got {len(values)}")
        with self._lock:
            family.remove(labels)
            self._create(family, labels, values)

    def add(self, metric: Metric, labels: Labels, delta: float = 1, exemplar: Exemplar | None = None) -> None:
        """Count. Raises ValueError for a negative delta on a counter: it would look like a reset.

        Also for an exemplar on anything else, which OpenMetrics does not allow.
        """
        if metric.kind is Kind.COUNTER:
            if not delta >= 0:
                raise ValueError(f"{metric.name} cannot count {delta}")
        elif exemplar:
            raise ValueError(f"{metric.name} is no counter and takes no exemplar here")
        with self._lock:
            if series := self._series(metric, labels):
                series.values[0] += delta
                if exemplar:
                    series.exemplars[0] = exemplar.render(delta)
                series.block.dirty = True

    def set(self, metric: Metric, labels: Labels, value: float) -> None:
        """Set a gauge, or a counter whose absolute value is kept elsewhere."""
        with self._lock:
            if series := self._series(metric, labels):
                series.values[0] = value
                series.block.dirty = True

    def observe(self, metric: Metric, labels: Labels, value: float, exemplar: Exemplar | None = None) -> None:
        """Count `value` in a histogram. Raises ValueError for NaN, which belongs to no bucket."""
        if math.isnan(value):
            raise ValueError(f"{metric.name} cannot observe NaN")
        with self._lock:
            if series := self._series(metric, labels):
                index = bisect.bisect_left(metric.buckets, value)
                series.values[index] += 1
                series.values[-1] += value
                if exemplar:
                    series.exemplars[index] = exemplar.render(value)
                series.block.dirty = True

    def remove(self, metric: Metric, labels: Labels) -> None:
        with self._lock:
            self._families[metric].remove(labels)

    def collect(self) -> list[RenderedFamily]:
        with self._lock:
            for metric in self._capped:
                self._set_own(SERIES, (metric.name,), len(self._families[metric].series))
            rendered = [family.render() for family in self._families.values()]
            for series in self._born:
                series.shown = None
                series.block.dirty = True
            self._born.clear()
            return rendered

    def _series(self, metric: Metric, labels: Labels) -> _Series | None:
        family = self._families[metric]
        series = family.series.get(labels)
        if series is None:
            admitted = self.admission.admit(metric, labels, family.fits)
            if admitted is None:
                return None
            series = family.series.get(admitted) or self._create(family, admitted)
        return series

    def _create(self, family: _Family, labels: Labels, values: list[float] | None = None) -> _Series:
        series = family.create(labels, values)
        if family.metric.kind in (Kind.COUNTER, Kind.HISTOGRAM):
            self._born.append(series)
        else:
            series.shown = None
        return series

    def _set_own(self, metric: Metric, labels: Labels, value: float) -> None:
        family = self._families[metric]
        series = family.series.get(labels) or self._create(family, labels)
        if series.values[0] != value:
            series.values[0] = value
            series.block.dirty = True

    def _count_dropped(self, metric: Metric, label: str) -> None:
        family = self._families[SERIES_DROPPED]
        series = family.series.get((metric.name, label)) or self._create(family, (metric.name, label))
        series.values[0] += 1
        series.block.dirty = True
