"""Builds PromQL from metric declarations, together with the Grafana unit of the result.

A `Scope` knows which targets a page looks at; its methods select series of one family. Everything else combines `Expr`.
Unknown metrics and labels raise ValueError when the page is built.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from agent_observability.metric import Kind, Metric
from agent_observability.registry import CATALOGUE
from dashboards.external import EXTERNAL_METRICS
from dashboards.rules import rule_book

__all__ = ["Expr", "Match", "Scope", "aggregate", "family", "one_of", "ratio", "topk"]

SCRAPE_LABELS = frozenset({"job", "instance", "cluster"})
"""Labels Prometheus attaches; `cluster` where several send to one store."""

# Stands behind every selector until the text is asked for, so that one expression can also be read a day earlier.
_TIME = "\0"

_GAUGE_UNITS = {"seconds": "s", "bytes": "bytes", "ratio": "percentunit", "celsius": "celsius", "usd": "currencyUSD"}
# Seconds per second are a share of the time.
_RATE_UNITS = {"seconds": "percentunit", "bytes": "Bps", "usd": "currencyUSD", "": "cps"}


@dataclass(frozen=True, slots=True)
class Match:
    """A label matcher's operator and value."""

    operator: str
    value: str


def one_of(*values: str) -> Match:
    """Matches any of the values, which are regular expressions."""
    return Match("=~", "|".join(values))


@dataclass(frozen=True, slots=True)
class Expr:
    """A PromQL expression, its Grafana unit, the names of the series it needs, its labels (None: not known here)."""

    template: str
    unit: str
    families: frozenset[str]
    labels: frozenset[str] | None

    @property
    def text(self) -> str:
        return self.template.replace(_TIME, "")

    def day_before(self) -> Expr:
        """The same value 24 hours earlier."""
        return replace(self, template=self.template.replace(_TIME, " offset 1d"))

    def as_unit(self, unit: str) -> Expr:
        """The same value in a Grafana unit the declaration cannot know, such as `Bps` of a difference."""
        return replace(self, unit=unit)

    def or_zero(self) -> Expr:
        """0 where nothing matches; only for an expression without labels, since the 0 has none."""
        if self.labels != frozenset():
            raise ValueError(f"{self.text!r}: or_zero needs an expression without labels")
        return replace(self, template=f"{self.template} or vector(0)")

    def age(self) -> Expr:
        """Time passed since a Unix time."""
        return replace(self, template=f"time() - {self.template}", unit="dtdurations")

    def __add__(self, other: Self) -> Expr:
        return self._combine("+", other, self.unit)

    def __sub__(self, other: Self) -> Expr:
        return self._combine("-", other, self.unit)

    def _combine(self, operator: str, other: Expr, unit: str) -> Expr:
        labels = None if self.labels is None or other.labels is None else self.labels & other.labels
        return Expr(f"({self.template} {operator} {other.template})", unit, self.families | other.families, labels)


def ratio(part: Expr, whole: Expr) -> Expr:
    """`part` divided by `whole`, whose labels must be the same."""
    return part._combine("/", whole, "percentunit")


def aggregate(operator: str, expr: Expr, by: Iterable[str] = ()) -> Expr:
    """`sum`, `max`, `min`, `avg` or `count` of an expression, by labels it has."""
    by = tuple(by)
    _check_labels(expr, by)
    grouping = f" by ({', '.join(by)})" if by else ""
    unit = "short" if operator == "count" else expr.unit
    return Expr(f"{operator}{grouping} ({expr.template})", unit, expr.families, frozenset(by))


def topk(count: int, expr: Expr) -> Expr:
    """The `count` largest series at each moment."""
    return replace(expr, template=f"topk({count}, {expr.template})")


def _check_labels(expr: Expr, names: Iterable[str]) -> None:
    for name in names:
        if expr.labels is not None and name not in expr.labels:
            raise ValueError(f"{expr.text!r} has no label {name!r}; it has {sorted(expr.labels)}")


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

    def buckets(self, name: str, by: Iterable[str] = ()) -> Expr:
        """A histogram's observations per second in each bucket."""
        metric = _histogram(name)
        rate = _over_time("rate", "$__rate_interval", self._selector(metric, f"{name}_bucket", "cps", {}))
        return aggregate("sum", replace(rate, labels=(rate.labels or frozenset()) | {"le"}), (*by, "le"))

    def quantile(self, q: float, name: str, by: Iterable[str] = ()) -> Expr:
        """A quantile (0-1) of a histogram, in the histogram's unit."""
        buckets = self.buckets(name, by)
        return Expr(
            f"histogram_quantile({q:g}, {buckets.template})",
            _GAUGE_UNITS[family(name).unit],
            buckets.families,
            frozenset(by),
        )

    def recorded(self, name: str, **labels: str | Match) -> Expr:
        """A series the suite's rules record; its unit follows from the last parts of its name."""
        book = rule_book()
        if name not in book.records:
            near = difflib.get_close_matches(name, book.records, n=3)
            raise ValueError(f"no rule records {name!r}" + (f", did you mean {', '.join(near)}?" if near else ""))
        selector = f"{name}{{{_matchers(self.matchers, labels)}}}{_TIME}"
        return Expr(selector, _recorded_unit(name), book.families(name), None)

    def _selector(self, metric: Metric, sample: str, unit: str, labels: dict[str, str | Match]) -> Expr:
        known = frozenset(metric.label_names) | SCRAPE_LABELS
        for label in (*labels, *(name for name, _ in self.matchers)):
            if label not in known:
                raise ValueError(f"{metric.name} has no label {label!r}; it has {sorted(known)}")
        text = f"{sample}{{{_matchers(self.matchers, labels)}}}{_TIME}"
        return Expr(text, unit, frozenset({metric.name}), known)


def _over_time(function: str, window: str, selector: Expr) -> Expr:
    return replace(selector, template=f"{function}({selector.template.replace(_TIME, f'[{window}]{_TIME}')})")


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
    _, measured, operation = name.split(":")
    if operation.startswith("ratio"):
        return "percentunit"
    unit = measured.rpartition("_")[2]
    return _RATE_UNITS.get(unit, "cps") if operation.startswith("rate") else _GAUGE_UNITS.get(unit, "short")
