"""The series of one metric family in rendered blocks, made anew only after a change."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from agent_observability.exposition import Block, RenderedFamily, format_value, label_text
from agent_observability.metric import Kind, Metric

__all__ = ["Family", "Labels", "Series"]

Labels = tuple[str, ...]

_BLOCK_SERIES = 250
_EMPTY = Block(b"")


class Series:
    """One series: its current values and, while it is being born, those it still shows.

    `seen`: whoever scrapes has been shown those. A ledger keeps it in the row `row` (0: nowhere yet), and has noted
    there that it is `lived`, so that no later process bears it again.
    """

    __slots__ = ("block", "exemplars", "labels", "lived", "metric", "row", "seen", "shown", "values")

    def __init__(self, metric: Metric, labels: Labels, values: list[float], block: _BlockBuilder) -> None:
        self.metric = metric
        self.labels = labels
        # In 1/`metric.scale` units: one value, or for a histogram a count per bucket (+Inf last) and then the sum.
        self.values = values
        self.shown: list[float] | None = list(values)
        self.exemplars: dict[int, str] = {}
        self.block = block
        self.row = 0
        self.seen = self.lived = False


class _BlockBuilder:
    """Up to `_BLOCK_SERIES` series and their rendered form."""

    __slots__ = ("block", "dirty", "series")

    def __init__(self) -> None:
        self.series: list[Series] = []
        self.block = _EMPTY
        self.dirty = True


class Family:
    """All series of one metric."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.series: dict[Labels, Series] = {}
        self.blocks: list[_BlockBuilder] = []
        # Values per series.
        self.width = len(metric.buckets) + 2 if metric.kind is Kind.HISTOGRAM else 1
        self._edges = [f'le="{format_value(float(edge))}"' for edge in metric.buckets] + ['le="+Inf"']

    def fits(self, labels: Labels) -> bool:
        cap = self.metric.series_cap
        return cap is None or len(self.series) < cap or labels in self.series

    def create(self, labels: Labels, values: Sequence[float] | None = None) -> Series:
        if not self.blocks or len(self.blocks[-1].series) >= _BLOCK_SERIES:
            self.blocks.append(_BlockBuilder())
        block = self.blocks[-1]
        series = Series(self.metric, labels, list(values) if values else [0] * self.width, block)
        self.series[labels] = series
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

    def render(self, on_shown: Callable[[str | None], None] | None = None) -> RenderedFamily:
        for builder in self.blocks:
            if builder.dirty:
                text = "".join([self._lines(series, exemplars=False) for series in builder.series]).encode()
                openmetrics = text
                if any(series.exemplars for series in builder.series):
                    openmetrics = "".join([self._lines(series, exemplars=True) for series in builder.series]).encode()
                builder.block = Block(text, openmetrics)
                builder.dirty = False
        return RenderedFamily(self.metric, [builder.block for builder in self.blocks], on_shown)

    def _lines(self, series: Series, *, exemplars: bool) -> str:
        name = self.metric.name
        values = series.values if series.shown is None else series.shown
        notes = series.exemplars if exemplars and series.shown is None else {}
        labels = label_text(self.metric.label_names, series.labels)
        suffix = f"{{{labels}}}" if labels else ""
        scale = self.metric.scale
        if self.metric.kind is not Kind.HISTOGRAM:
            # Division of integers is rounded once, correctly, however large they are.
            value = values[0] if scale == 1 else values[0] / scale
            return f"{name}{suffix} {format_value(value)}{notes.get(0, '')}\n"
        counts = list(itertools.accumulate(values[:-1]))
        comma = "," if labels else ""
        lines = [
            f"{name}_bucket{{{labels}{comma}{edge}}} {format_value(count)}{notes.get(index, '')}\n"
            for index, (edge, count) in enumerate(zip(self._edges, counts, strict=True))
        ]
        total = values[-1] if scale == 1 else values[-1] / scale
        lines.append(f"{name}_sum{suffix} {format_value(total)}\n")
        lines.append(f"{name}_count{suffix} {format_value(counts[-1])}\n")
        return "".join(lines)
