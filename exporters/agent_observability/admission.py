"""Admission: keeps every family bounded, whatever label values the input brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agent_observability.metric import OTHER, OVERFLOW, Kind, Label, Metric

__all__ = ["SERIES_CAP", "Admission"]

SERIES_CAP = "*"
"""Stands for the label in `agent_obs_series_dropped_total` when it was the family's own cap that was reached."""

Labels = tuple[str, ...]


class Admission:
    """Decides under which labels a sample is counted.

    Values outside an enum become `other`. A capped label admits values until its cap, shared by all families of the
    exporter so that a model admitted for tokens is admitted for dollars; past it only that label's value becomes
    `__overflow__`. Info and gauge families are not folded, since a sum of states means nothing: they stop admitting.

    `caps` overrides the declared caps by label name. `dropped(metric, label)` is called for each fold or refusal.
    """

    def __init__(self, dropped: Callable[[Metric, str], None], caps: Mapping[str, int] | None = None) -> None:
        self._dropped = dropped
        self._caps = dict(caps or {})
        self._admitted: dict[str, set[str]] = {}
        self._fresh: list[tuple[str, str]] = []

    def admitted(self, label: str) -> frozenset[str]:
        """Values admitted so far for a capped label."""
        return frozenset(self._admitted.get(label, ()))

    def fresh(self) -> list[tuple[str, str]]:
        """(Label, value) pairs admitted since this was last asked: for whoever keeps them."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def restore(self, label: str, values: Iterable[str]) -> None:
        """Take over values admitted by an earlier process; they stay admitted even if the cap has shrunk since."""
        self._admitted.setdefault(label, set()).update(values)

    def admit(self, metric: Metric, labels: Labels, fits: Callable[[Labels], bool]) -> Labels | None:
        """The labels to count under, or None if the sample is refused.

        `fits` says whether the family has a series for some labels or may still grow. Labels that already have one
        need not be admitted again.
        """
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.label_names}, got {labels!r}")
        folds = metric.kind in (Kind.COUNTER, Kind.HISTOGRAM)
        admitted = []
        for label, value in zip(metric.labels, labels, strict=True):
            if label.values:
                admitted.append(value if value in label.values else OTHER)
            elif label.cap is None or value == OVERFLOW or self._admits(label, value):
                admitted.append(value)
            else:
                self._dropped(metric, label.name)
                if not folds:
                    return None
                admitted.append(OVERFLOW)
        if fits(tuple(admitted)):
            return tuple(admitted)
        self._dropped(metric, SERIES_CAP)
        if not folds or not any(label.cap is not None for label in metric.labels):
            return None
        return tuple(
            OVERFLOW if label.cap is not None else value for label, value in zip(metric.labels, admitted, strict=True)
        )

    def _admits(self, label: Label, value: str) -> bool:
        known = self._admitted.setdefault(label.name, set())
        if value in known:
            return True
        if len(known) >= self._caps.get(label.name, label.cap or 0):
            return False
        known.add(value)
        self._fresh.append((label.name, value))
        return True
