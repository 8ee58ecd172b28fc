"""Builds PromQL from metric declarations, together with the Grafana unit of the result.

A `Scope` knows which targets a page looks at; its methods select series of one family. `expr.py` combines them.
Unknown metrics and labels raise ValueError when the page is built.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent_observability.metric import Kind, Metric
from agent_observability.registry import CATALOGUE
from dashboards.expr import TIME, Expr, aggregate, median, ratio, share, topk
from dashboards.external import EXTERNAL_METRICS
from dashboards.rules import rule_book

__all__ = ["Expr", "Match", "Scope", "aggregate", "family", "median", "one_of", "ratio", "share", "topk"]

SCRAPE_LABELS = frozenset({"job", "instance", "cluster"})
"""Labels Prometheus attaches; `cluster` where several send to one store."""

_GAUGE_UNITS = {"seconds": "s", "bytes": "bytes", "ratio": "percentunit", "celsius": "celsius", "usd": "currencyUSD"}
# Seconds per second are a share of the time.
_RATE_UNITS = {"seconds": "percentunit", "bytes": "Bps", "usd": "currencyUSD", "": "cps"}
# Recorded series whose names are fixed and do not end in a unit.
_FIXED_UNITS = {
    "vteam:session_completion_rate": "percentunit",
    "vteam:session_duration_avg": "s",
    "vteam:session_run_duration": "s",
    "vteam:session_queue_duration": "s",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A label matcher's operator and value."""

    operator: str
    value: str


def one_of(*values: str) -> Match:
    """Matches any of the values, which are regular expressions."""
    return Match("=~", "|".join(values))


_FAMILIES: dict[str, Metric] = CATALOGUE | {metric.name: metric for metric in EXTERNAL_METRICS}


def family(name: str) -> Metric:
    """The declaration of a family. Raises ValueError naming the nearest ones."""
    if name not in _FAMILIES:
        near = difflib.get_close_matches(name, _FAMILIES, n=3)
        raise ValueError(f"unknown metric {name!r}" + (f", did you mean {', '.join(near)}?" if near else ""))
    return _FAMILIES[name]


@dataclass(frozen=True, slots=True)
class Scope:
    """The targets a page or a panel looks at, as matchers every selector carries."""

    matchers: tuple[tuple[str, Match], ...]

    def gauge(self, name: str, **labels: str | Match) -> Expr:
        """The family's current values."""
        metric = family(name)
        return self._selector(metric, name, _GAUGE_UNITS.get(metric.unit, "short"), labels)

    def rate(self, name: str, **labels: str | Match) -> Expr:
        """Per second, over Grafana's rate interval. Raises ValueError for what is no counter."""
        metric = _counter(name)
        return _over_time(
            "rate", "$__rate_interval", self._selector(metric, name, _RATE_UNITS.get(metric.unit, "cps"), labels)
        )

    def increase(self, name: str, window: str, **labels: str | Match) -> Expr:
        """How much a counter grew within `window`, a PromQL duration or Grafana variable."""
        metric = _counter(name)
        return _over_time(
            "increase", window, self._selector(metric, name, _GAUGE_UNITS.get(metric.unit, "short"), labels)
        )

    def buckets(self, name: str, by: Iterable[str] = (), window: str = "", **labels: str | Match) -> Expr:
        """A histogram's observations in each bucket: per second, or how many within `window`."""
        counted = self._part(name, "bucket", window, labels)
        return aggregate("sum", replace(counted, labels=(counted.labels or frozenset()) | {"le"}), (*by, "le"))

    def quantile(self, q: float, name: str, by: Iterable[str] = (), window: str = "", **labels: str | Match) -> Expr:
        """A quantile (0-1) of a histogram, in its unit: over Grafana's rate interval, or over `window`.

        What happens seldom needs a window: between two events there is no quantile.
        """
        buckets = self.buckets(name, by, window, **labels)
        return Expr(
            f"histogram_quantile({q:g}, {buckets.template})",
            _GAUGE_UNITS[family(name).unit],
            buckets.families,
            frozenset(by),
        )

    def mean(self, name: str, window: str, by: Iterable[str] = (), **labels: str | Match) -> Expr:
        """The mean of what a histogram observed within `window`, in its unit; no value where that is nothing."""
        total, count = (aggregate("sum", self._part(name, what, window, labels), by) for what in ("sum", "count"))
        return share(total, count).as_unit(_GAUGE_UNITS[family(name).unit])

    def minutes(self, name: str, window: str, **labels: str | Match) -> Expr:
        """In how many minutes of `window` each series was there."""
        return _over_time("count_over_time", f"{window}:1m", self.gauge(name, **labels)).as_unit("m")

    def last_seen(self, name: str, window: str, **labels: str | Match) -> Expr:
        """When each series was last there, to the minute, as Unix time; nothing for longer than `window` ago."""
        selector = self.gauge(name, **labels)
        stamps = replace(selector, template=f"timestamp({selector.template.replace(TIME, '')}){TIME}")
        return _over_time("max_over_time", f"{window}:1m", stamps).as_unit("s")

    def recorded(self, name: str, **labels: str | Match) -> Expr:
        """A series the suite's rules record; its unit follows from the last parts of its name."""
        book = rule_book()
        if name not in book.records:
            near = difflib.get_close_matches(name, book.records, n=3)
            raise ValueError(f"no rule records {name!r}" + (f", did you mean {', '.join(near)}?" if near else ""))
        selector = f"{name}{{{_matchers(self.matchers, labels)}}}{TIME}"
        return Expr(selector, _recorded_unit(name), book.families(name), None)

    def _part(self, name: str, part: str, window: str, labels: dict[str, str | Match]) -> Expr:
        unit = "short" if window else "cps"
        selector = self._selector(_histogram(name), f"{name}_{part}", unit, labels)
        return _over_time("increase" if window else "rate", window or "$__rate_interval", selector)

    def _selector(self, metric: Metric, sample: str, unit: str, labels: dict[str, str | Match]) -> Expr:
        known = frozenset(metric.label_names) | SCRAPE_LABELS
        for label in (*labels, *(name for name, _ in self.matchers)):
            if label not in known:
                raise ValueError(f"{metric.name} has no label {label!r}; it has {sorted(known)}")
        text = f"{sample}{{{_matchers(self.matchers, labels)}}}{TIME}"
        return Expr(text, unit, frozenset({metric.name}), known)


def _over_time(function: str, window: str, selector: Expr) -> Expr:
    return replace(selector, template=f"{function}({selector.template.replace(TIME, f'[{window}]{TIME}')})")


def _matchers(scope: tuple[tuple[str, Match], ...], labels: dict[str, str | Match]) -> str:
    own = tuple((name, Match("=", match) if isinstance(match, str) else match) for name, match in labels.items())
    return ", ".join(f'{name}{match.operator}"{match.value}"' for name, match in (*scope, *own))


def _counter(name: str) -> Metric:
    metric = family(name)
    if metric.kind not in {Kind.COUNTER, Kind.UNTYPED}:
        raise ValueError(f"{name} is a {metric.kind.value}, not a counter")
    return metric


def _histogram(name: str) -> Metric:
    metric = family(name)
    if metric.kind is not Kind.HISTOGRAM:
        raise ValueError(f"{name} is a {metric.kind.value}, not a histogram")
    return metric


def _recorded_unit(name: str) -> str:
    level, measured, operation = name.split(":")
    if fixed := _FIXED_UNITS.get(f"{level}:{measured}"):
        return fixed
    if operation.startswith("ratio"):
        return "percentunit"
    unit = measured.rpartition("_")[2]
    return _RATE_UNITS.get(unit, "cps") if operation.startswith("rate") else _GAUGE_UNITS.get(unit, "short")
