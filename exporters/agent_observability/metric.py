"""What a metric family is: declared once as data, read by exporters, documentation, dashboards and rule checks."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["OTHER", "OVERFLOW", "Kind", "Label", "Metric", "check_unique"]

OVERFLOW = "__overflow__"
"""The value a capped label takes once its cap is reached."""

OTHER = "other"
"""The value an enum label takes for anything outside the enum."""

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Scrapers attach these themselves; an exporter that sets them loses its own value to `exported_…`.
_SCRAPER_LABELS = frozenset({"job", "instance", "pod", "container", "service", "endpoint"})
_UNITS = ("seconds", "bytes", "ratio", "celsius", "usd")


class Kind(enum.Enum):
    """A family's type as the contract writes it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"
    UNTYPED = "untyped"


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a family and what bounds its values.

    `values` makes it an enum: anything else becomes `other`. `cap` admits that many distinct values and folds the
    rest into `__overflow__`. With neither, the source itself is bounded (a machine has only so many CPUs).
    """

    name: str
    values: tuple[str, ...] = ()
    cap: int | None = None

    def __post_init__(self) -> None:
        if not _LABEL_NAME.fullmatch(self.name) or self.name.startswith("__"):
            raise ValueError(f"{self.name!r} is no label name")
        if self.name in _SCRAPER_LABELS:
            raise ValueError(f"label {self.name!r} belongs to the scraper")
        if self.values and self.cap is not None:
            raise ValueError(f"label {self.name!r} is either an enum or capped")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric family: `name` as PromQL sees it (counters end in `_total`), base units, no format suffixes.

    Compared and hashed by identity: a family is declared once, so the object is the family.

    `buckets` are the finite upper edges of a histogram, ascending from 0 or more; `+Inf` is implied. `series_cap` is
    the hard limit of series in the family, whatever its labels allow; only families that can grow have one. Values kept
    as exact integers are in units of 1/`scale`: money in pico-dollars has the scale 10**12.

    Raises ValueError for a declaration that could not be exposed correctly.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    series_cap: int | None = None
    scale: int = 1

    def __post_init__(self) -> None:
        if not _METRIC_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no metric name")
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: counters, and only counters, end in _total")
        if self.kind is Kind.INFO and not self.name.endswith("_info"):
            raise ValueError(f"{self.name}: an info metric ends in _info")
        if (self.kind is Kind.HISTOGRAM) != bool(self.buckets):
            raise ValueError(f"{self.name}: histograms, and only histograms, have buckets")
        # A negative edge would allow negative observations, and with them a `_sum` that is no counter.
        finite = all(math.isfinite(edge) and edge >= 0 for edge in self.buckets)
        if not finite or list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"{self.name}: bucket edges must be finite, not negative, distinct and ascending")
        names = self.label_names
        if len(set(names)) != len(names) or (self.kind is Kind.HISTOGRAM and "le" in names):
            raise ValueError(f"{self.name}: label names clash: {names}")
        if not self.help or self.help.endswith("."):
            raise ValueError(f"{self.name}: help is one phrase without a final full stop")

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def capped(self) -> bool:
        """Whether the number of series depends on input and is therefore watched by `agent_obs_series`."""
        return self.series_cap is not None or any(label.cap is not None for label in self.labels)

    @property
    def family(self) -> str:
        """The OpenMetrics family name: without `_total` or `_info`."""
        suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")
        return self.name.removesuffix(suffix)

    @property
    def unit(self) -> str:
        """The base unit, or "" where the family name does not end in one (the only case OpenMetrics allows)."""
        if self.kind is Kind.INFO:
            return ""
        return next((unit for unit in _UNITS if self.family.endswith(f"_{unit}")), "")

    @property
    def sample_names(self) -> tuple[str, ...]:
        """Every sample name the family exposes, as PromQL may select it."""
        if self.kind is Kind.HISTOGRAM:
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def check_unique(metrics: Iterable[Metric]) -> None:
    """Raise ValueError when two families would collide in one exposition."""
    owners: dict[str, Metric] = {}
    for metric in metrics:
        for name in {metric.name, metric.family, *metric.sample_names}:
            if owners.setdefault(name, metric) is not metric:
                raise ValueError(f"{metric.name} and {owners[name].name} both expose {name}")
