"""Stateful metric families: births and caps applied, rendered in blocks so that a scrape only joins bytes."""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import threading
from collections.abc import Iterable, Mapping, Sequence

from agent_observability.admission import Admission
from agent_observability.births import Births
from agent_observability.exemplar import Exemplar
from agent_observability.exposition import RenderedFamily
from agent_observability.family import Family, Labels, Series
from agent_observability.metric import Kind, Metric
from agent_observability.suite import SERIES, SERIES_DROPPED

__all__ = ["SeriesStore"]


class SeriesStore:
    """A collector over families whose values the process itself keeps. Thread-safe; every update costs O(1).

    Label values come in the order of `Metric.labels` and are admitted on the way in (`admission.py`). The store itself
    exposes `agent_obs_series` and `agent_obs_series_dropped_total` for its capped families.

    A birth is over once whoever scrapes has been shown it (`births.py`), which `RenderedFamily.on_shown` tells.
    """

    def __init__(self, name: str, metrics: Iterable[Metric], caps: Mapping[str, int] | None = None) -> None:
        self.name = name
        declared = tuple(metrics)
        self._capped = tuple(metric for metric in declared if metric.capped)
        self.metrics = (*declared, SERIES, SERIES_DROPPED) if self._capped else declared
        self._lock = threading.Lock()
        self._families = {metric: Family(metric) for metric in self.metrics}
        self._births: Births[Series] = Births()
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

    def observe_all(self, metric: Metric, labels: Labels, values: Iterable[float]) -> None:
        """Count several values in one histogram. None of them may be NaN."""
        edges = metric.buckets
        with self._lock:
            if series := self._series(metric, labels):
                counts = series.values
                for value in values:
                    counts[bisect.bisect_left(edges, value)] += 1
                    counts[-1] += value
                series.block.dirty = True

    def remove(self, metric: Metric, labels: Labels) -> None:
        with self._lock:
            self._families[metric].remove(labels)

    def refuse(self, metric: Metric, label: str) -> None:
        """Count a sample that the cap of a label has refused outside of this store, in a family kept elsewhere."""
        with self._lock:
            self._count_dropped(metric, label)

    def collect(self) -> list[RenderedFamily]:
        with self._lock:
            for metric in self._capped:
                self._set_own(SERIES, (metric.name,), len(self._families[metric].series))
            self._end_births()
            shown = functools.partial(self._note_shown, self._births.latest)
            return [family.render(shown) for family in self._families.values()]

    def _note_shown(self, latest: int, scraper: str | None) -> None:
        self._births.shown(latest, scraper)

    def _end_births(self) -> None:
        for series in self._births.born():
            series.shown = None
            series.block.dirty = True

    def _series(self, metric: Metric, labels: Labels) -> Series | None:
        family = self._families[metric]
        series = family.series.get(labels)
        if series is None:
            admitted = self.admission.admit(metric, labels, family.fits)
            if admitted is None:
                return None
            series = family.series.get(admitted) or self._create(family, admitted)
        return series

    def _create(self, family: Family, labels: Labels, values: list[float] | None = None) -> Series:
        series = family.create(labels, values)
        if family.metric.kind in (Kind.COUNTER, Kind.HISTOGRAM):
            self._births.add(series)
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
