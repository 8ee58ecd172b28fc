"""Metric families kept by a ledger: exact integers inside, published only once they are committed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from agent_observability.exposition import RenderedFamily
from agent_observability.family import Labels, Series
from agent_observability.ledger.batch import Count
from agent_observability.ledger.transaction import SeriesRow, labels_text
from agent_observability.metric import Kind, Metric
from agent_observability.series import SeriesStore

__all__ = ["LedgerFamilies", "Pending", "layout"]

_labels = msgspec.json.Decoder(tuple[str, ...])


@dataclass(slots=True)
class Pending:
    """Counts of a transaction that is not committed yet: amounts per series and slot, exemplars, ids of new rows."""

    amounts: dict[Series, list[int]] = field(default_factory=dict)
    exemplars: dict[Series, dict[int, str]] = field(default_factory=dict)
    new: dict[Series, int] = field(default_factory=dict)


class LedgerFamilies(SeriesStore):
    """The ledger-backed counters and histograms of one exporter, as a collector.

    Only the writer changes them: it sums counts in a `Pending`, stores the `rows` that these make, and after the commit
    lets `publish` show them. Nothing is exposed but until `exposed_until` (monotonic), as far as the lease reaches.

    `ttl` (seconds, by family) removes series that long after their last count; counted again, they restart at 0.
    """

    def __init__(
        self,
        name: str,
        metrics: Iterable[Metric],
        caps: Mapping[str, int] | None = None,
        ttl: Mapping[Metric, float] | None = None,
    ) -> None:
        declared = tuple(metrics)
        if wrong := [metric.name for metric in declared if metric.kind not in (Kind.COUNTER, Kind.HISTOGRAM)]:
            raise ValueError(f"a ledger keeps counters and histograms, not {', '.join(wrong)}")
        super().__init__(name, declared, caps)
        self.declared = declared
        self._ttl = {metric: round(seconds * 1000) for metric, seconds in (ttl or {}).items()}
        self._ids: dict[Series, int] = {}
        self._updated: dict[Series, int] = {}
        self.exposed_until = 0.0

    def sum(self, pending: Pending, counts: Iterable[Count]) -> None:
        """Sum up counts. Label values are admitted here, and stay admitted even if the transaction fails."""
        amounts = pending.amounts
        families = self._families
        with self._lock:
            for metric, labels, steps, exemplar in counts:
                series = families[metric].series.get(labels) or self._series(metric, labels)
                if series is None:
                    continue
                sums = amounts.get(series)
                if sums is None:
                    sums = amounts[series] = [0] * len(series.values)
                for slot, amount in steps:
                    sums[slot] += amount
                if exemplar is not None:
                    # A histogram's exemplar shows the observation, which is what its sum rises by.
                    shown = steps[-1][1] / metric.scale
                    pending.exemplars.setdefault(series, {})[steps[0][0]] = exemplar.render(shown)

    def rows(self, pending: Pending, first_id: int, now: int) -> tuple[list[SeriesRow], list[tuple[str, int, int]]]:
        """What to store: new series, numbered from `first_id`, and (value, updated, id) of known ones."""
        new: list[SeriesRow] = []
        changed: list[tuple[str, int, int]] = []
        ids = self._ids
        for series, sums in pending.amounts.items():
            text = _packed([value + amount for value, amount in zip(series.values, sums, strict=True)])
            if (id_ := ids.get(series)) is not None:
                changed.append((text, now, id_))
            else:
                id_ = pending.new[series] = first_id + len(new)
                new.append((series.metric.name, labels_text(series.labels), text, now, id_))
        return new, changed

    def publish(self, pending: Pending, now: int) -> None:
        """Show what has been committed."""
        with self._lock:
            for series, sums in pending.amounts.items():
                series.values = [value + amount for value, amount in zip(series.values, sums, strict=True)]
                if series in pending.exemplars:
                    series.exemplars.update(pending.exemplars[series])
                series.block.dirty = True
                if series.metric in self._ttl:
                    self._updated[series] = now
            self._ids.update(pending.new)

    def load(self, rows: Iterable[SeriesRow], admitted: Mapping[str, Sequence[str]], now: int) -> list[int]:
        """Take over what is committed; the ids of rows that do not fit their family.

        What is exposed already goes on from the committed value. What was not, is born at it, or at 0 without a row.
        """
        by_name = {metric.name: metric for metric in self.declared}
        misfits = []
        exposed = self._exposed()
        with self._lock:
            for label, known in admitted.items():
                self.admission.restore(label, known)
            self._ids.clear()
            self._updated.clear()
            for name, text, packed, updated, id_ in rows:
                metric = by_name[name]
                values: list[float] = [int(part) for part in packed.split()]
                labels = _labels.decode(text)
                if len(labels) != len(metric.labels) or len(values) != self._families[metric].width:
                    misfits.append(id_)
                    continue
                series = self._take_over(metric, labels, values, exposed=exposed)
                self._ids[series] = id_
                if metric in self._ttl:
                    self._updated[series] = updated
            if not exposed:
                self._bear_others(now)
        return misfits

    def expired(self, now: int) -> dict[Series, int]:
        """Series whose last count is longer ago than their family allows, and the ids of their rows."""
        with self._lock:
            gone = [series for series, updated in self._updated.items() if now - updated > self._ttl[series.metric]]
            return {series: self._ids[series] for series in gone if series in self._ids}

    def forget(self, gone: Iterable[Series]) -> None:
        """Remove series whose rows are deleted."""
        with self._lock:
            for series in gone:
                self._ids.pop(series, None)
                self._updated.pop(series, None)
                self._families[series.metric].remove(series.labels)

    def everything(self) -> Pending:
        """All series that have counted, with nothing to add: what a new, empty ledger has to be told."""
        with self._lock:
            self._ids.clear()
            every = [series for metric in self.declared for series in self._families[metric].series.values()]
            return Pending({series: [0] * len(series.values) for series in every if any(series.values)})

    def collect(self) -> list[RenderedFamily]:
        return super().collect() if self._exposed() else []

    def _exposed(self) -> bool:
        return time.monotonic() < self.exposed_until

    def _take_over(self, metric: Metric, labels: Labels, values: list[float], *, exposed: bool) -> Series:
        family = self._families[metric]
        series = family.series.get(labels)
        if series is not None and exposed:
            series.values = values
            series.block.dirty = True
            return series
        if series is not None:
            family.remove(labels)
        return self._create(family, labels, values)

    def _bear_others(self, now: int) -> None:
        for metric in self.declared:
            family = self._families[metric]
            for labels, old in list(family.series.items()):
                if old in self._ids:
                    continue
                family.remove(labels)
                series = self._create(family, labels)
                if metric in self._ttl:
                    self._updated[series] = now


def layout(metric: Metric) -> str:
    """What the numbers of the family's rows mean; rows of another layout are not taken over."""
    return json.dumps({"labels": metric.label_names, "buckets": metric.buckets, "scale": metric.scale})


def _packed(values: Iterable[float]) -> str:
    return " ".join([str(value) for value in values])
