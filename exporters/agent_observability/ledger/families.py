"""Metric families kept by a ledger: exact integers inside, published only once they are committed."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from agent_observability.exposition import RenderedFamily
from agent_observability.family import Family, Labels, Series
from agent_observability.ledger.batch import Count, Shape, check_text
from agent_observability.ledger.transaction import SeriesChange, SeriesRow, labels_text
from agent_observability.metric import Kind, Metric
from agent_observability.series import SeriesStore
from agent_observability.suite import SERIES, SERIES_DROPPED

__all__ = ["LedgerFamilies", "Pending", "layout"]

# The clock is looked at every few seconds; what passes between two looks beyond this is no time.
_JUMP_MS = 600_000

_labels = msgspec.json.Decoder(tuple[str, ...])


@dataclass(slots=True)
class Pending:
    """Counts of a transaction that is not committed yet.

    `amounts` by series and slot, exemplars; of what was written, the id of its row, whether the series has lived, and
    its values.
    """

    amounts: dict[Series, list[int]] = field(default_factory=dict)
    exemplars: dict[Series, dict[int, str]] = field(default_factory=dict)
    written: dict[Series, tuple[int, bool, list[float]]] = field(default_factory=dict)


class LedgerFamilies(SeriesStore):
    """The ledger-backed counters and histograms of one exporter, as a collector.

    Only the writer changes them: it sums counts in a `Pending`, stores the `rows` that these make, and after the commit
    lets `publish` show them. Nothing is exposed but until `exposed_until` (monotonic), as far as the lease reaches.

    A birth at 0 is over once whoever scrapes has been shown it *and* the ledger has noted that. So a process that is
    killed in between is followed by one that bears the series at 0 again, and `increase()` misses nothing.

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
        self._unnoted: set[Series] = set()
        self._looked = 0
        self._updated: dict[Series, int] = {}
        self.exposed_until = 0.0
        self.wake: Callable[[], None] = lambda: None
        """Called when `births` may have found something."""

    def sum(self, pending: Pending, counts: Iterable[Count]) -> None:
        """Sum up counts. Label values are admitted here, and stay admitted even if the transaction fails."""
        amounts = pending.amounts
        families = self._families
        with self._lock:
            for metric, labels, steps, exemplar in counts:
                series = families[metric].series.get(labels)
                if series is None:
                    # Before anything is admitted: what cannot be stored would make every later commit fail.
                    check_text(*labels)
                    series = self._series(metric, labels)
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

    def sum_shape(self, pending: Pending, shape: Shape, amounts: Sequence[int]) -> None:
        """Add one amount to each slot of a shape."""
        with self._lock:
            for (metric, labels, slot), amount in zip(shape.slots, amounts, strict=True):
                self._sums(pending, metric, labels)[slot] += amount

    def _sums(self, pending: Pending, metric: Metric, labels: Labels) -> list[int]:
        """What is to be added to one series; of one that is refused, what is thrown away."""
        family = self._families[metric]
        series = family.series.get(labels)
        if series is None:
            check_text(*labels)
            series = self._series(metric, labels)
        if series is None:
            return [0] * family.width
        sums = pending.amounts.get(series)
        if sums is None:
            sums = pending.amounts[series] = [0] * family.width
        return sums

    def rows(self, pending: Pending, first_id: int, now: int) -> tuple[list[SeriesRow], list[SeriesChange]]:
        """What to store: new series, numbered from `first_id`, and changes of known ones."""
        new: list[SeriesRow] = []
        changed: list[SeriesChange] = []
        for series, sums in pending.amounts.items():
            values = [*map(operator.add, series.values, sums)]
            text = " ".join(map(str, values))
            lived = series.lived or series.seen
            if row := series.row:
                changed.append((text, now, lived, row))
            else:
                row = first_id + len(new)
                new.append((series.metric.name, labels_text(series.labels), text, now, lived, row))
            pending.written[series] = (row, lived, values)
        return new, changed

    def publish(self, pending: Pending, now: int) -> None:
        """Show what has been committed."""
        with self._lock:
            self._look_at_clock(now)
            for series, sums in pending.amounts.items():
                series.row, series.lived, series.values = pending.written[series]
                if series in pending.exemplars:
                    series.exemplars.update(pending.exemplars[series])
                self._show(series)
                if series.metric in self._ttl and any(sums):
                    self._updated[series] = now

    def births(self) -> Pending:
        """Series whose birth is over for all who scrape, but not yet in their rows; nothing is added to them."""
        with self._lock:
            self._end_births()
            # One without a row has never counted; its first count will note it.
            self._unnoted = {series for series in self._unnoted if series.row and not series.lived}
            return Pending({series: [0] * len(series.values) for series in self._unnoted})

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
            for metric in self.declared:
                for series in self._families[metric].series.values():
                    series.row, series.lived = 0, False
            self._updated.clear()
            for name, text, packed, updated, lived, row in rows:
                metric = by_name[name]
                values: list[float] = [int(part) for part in packed.split()]
                labels = _labels.decode(text)
                if len(labels) != len(metric.labels) or len(values) != self._families[metric].width:
                    misfits.append(row)
                    continue
                series = self._take_over(metric, labels, values, lived=bool(lived), exposed=exposed)
                series.row = row
                if metric in self._ttl:
                    self._updated[series] = updated
            if not exposed:
                self._bear_others(now)
                self._births.forget_scrapers()
        return misfits

    def expired(self, now: int) -> list[Series]:
        """Series whose last count is longer ago than their family allows. A clock that jumps ages none of them."""
        with self._lock:
            self._look_at_clock(now)
            return [series for series, updated in self._updated.items() if now - updated > self._ttl[series.metric]]

    def forget(self, gone: Iterable[Series]) -> None:
        """Remove series whose rows are deleted."""
        with self._lock:
            for series in gone:
                self._updated.pop(series, None)
                self._families[series.metric].remove(series.labels)

    def everything(self) -> Pending:
        """All series that have counted, with nothing to add: what a new, empty ledger has to be told."""
        with self._lock:
            every = [series for metric in self.declared for series in self._families[metric].series.values()]
            for series in every:
                series.row = 0
            return Pending({series: [0] * len(series.values) for series in every if any(series.values)})

    def collect(self) -> list[RenderedFamily]:
        return super().collect() if self._exposed() else []

    def _look_at_clock(self, now: int) -> None:
        """Before any time is compared or noted: those from before a jump move along."""
        jump = now - self._looked if self._looked else 0
        self._looked = now
        if abs(jump) > _JUMP_MS:
            self._updated = {series: updated + jump for series, updated in self._updated.items()}

    def _exposed(self) -> bool:
        return time.monotonic() < self.exposed_until

    def _note_shown(self, latest: int, scraper: str | None) -> None:
        super()._note_shown(latest, scraper)
        if self._births:
            self.wake()

    def _create(self, family: Family, labels: Labels, values: list[float] | None = None) -> Series:
        series = super()._create(family, labels, values)
        # What the store says of itself lives as long as the process.
        series.lived = family.metric in (SERIES, SERIES_DROPPED)
        return series

    def _end_births(self) -> None:
        for series in self._births.born():
            series.seen = True
            self._show(series)
            if not series.lived:
                self._unnoted.add(series)

    @staticmethod
    def _show(series: Series) -> None:
        # Shown before it is noted, a value would look like a reset if the next process bore the series at 0 again.
        if series.seen and series.lived:
            series.shown = None
        series.block.dirty = True

    def _take_over(self, metric: Metric, labels: Labels, values: list[float], *, lived: bool, exposed: bool) -> Series:
        family = self._families[metric]
        series = family.series.get(labels)
        if series is not None and exposed:
            series.values = values
            series.lived = lived
            self._show(series)
            return series
        if series is not None:
            family.remove(labels)
        series = self._create(family, labels, values)
        series.lived = lived
        if not lived:
            series.shown = [0] * family.width
        return series

    def _bear_others(self, now: int) -> None:
        for metric in self.declared:
            family = self._families[metric]
            for labels, old in list(family.series.items()):
                if old.row:
                    continue
                family.remove(labels)
                series = self._create(family, labels)
                if metric in self._ttl:
                    self._updated[series] = now


def layout(metric: Metric) -> str:
    """What the numbers of the family's rows mean; rows of another layout are not taken over."""
    return json.dumps({"labels": metric.label_names, "buckets": metric.buckets, "scale": metric.scale})
