"""PromQL expressions and how they combine, each with the Grafana unit of its result.

Whatever names a label checks that the series have it, and raises ValueError when the page is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

__all__ = ["TIME", "Expr", "aggregate", "median", "ratio", "share", "topk"]

TIME = "\0"
"""Stands behind every selector until the text is asked for, so that one expression can also be read a day earlier."""

# Stands for the moment of that reading: `time()` takes no offset.
_NOW = "\1"
_SECONDS = {"1d": 86_400, "1w": 604_800}


@dataclass(frozen=True, slots=True)
class Expr:
    """A PromQL expression, its Grafana unit, the names of the series it needs, its labels (None: not known here)."""

    template: str
    unit: str
    families: frozenset[str]
    labels: frozenset[str] | None

    @property
    def text(self) -> str:
        return self.template.replace(TIME, "").replace(_NOW, "time()")

    def before(self, duration: str) -> Expr:
        """The same value earlier: `1d`, `1w`, or by `$__interval` where it needs no clock."""
        template = self.template.replace(TIME, f" offset {duration}")
        if _NOW in template:
            template = template.replace(_NOW, f"(time() - {_SECONDS[duration]})")
        return replace(self, template=template)

    def day_before(self) -> Expr:
        """The same value 24 hours earlier."""
        return self.before("1d")

    def rises(self) -> Expr:
        """Its value where it has grown since the step before, of whatever length steps are."""
        return self._combine(">", self.before("$__interval"), self.unit)

    def as_unit(self, unit: str) -> Expr:
        """The same value in a Grafana unit the declaration cannot know, such as `Bps` of a difference."""
        return replace(self, unit=unit)

    def or_zero(self) -> Expr:
        """0 where nothing matches; only for an expression without labels, since the 0 has none."""
        if self.labels != frozenset():
            raise ValueError(f"{self.text!r}: or_zero needs an expression without labels")
        return replace(self, template=f"{self.template} or vector(0)")

    def or_zero_where(self, other: Expr) -> Expr:
        """0 where this has no value and `other`, which has the same labels, has one."""
        if self.labels != other.labels:
            raise ValueError(f"{self.text!r} and {other.text!r} must have the same labels")
        return replace(
            self,
            template=f"({self.template} or {other.template} * 0)",
            families=self.families | other.families,
        )

    def positive(self) -> Expr:
        """Only values above 0."""
        return replace(self, template=f"({self.template} > 0)")

    def below(self, limit: float) -> Expr:
        """Only values below a limit."""
        return replace(self, template=f"({self.template} < {limit:g})")

    def rounded(self) -> Expr:
        """The nearest whole number: what grew by 5 is extrapolated to a little more."""
        return replace(self, template=f"round({self.template})")

    def age(self) -> Expr:
        """Time passed since a Unix time."""
        return replace(self, template=f"({_NOW} - {self.template})", unit="dtdurations")

    def only(self, other: Expr, on: Iterable[str]) -> Expr:
        """The series for which `other` has one with the same values of the labels `on`."""
        return self._filter("and", other, on)

    def unless(self, other: Expr, on: Iterable[str]) -> Expr:
        """The series for which `other` has none with the same values of the labels `on`."""
        return self._filter("unless", other, on)

    def with_labels(self, labels: Iterable[str], info: Expr, on: Iterable[str]) -> Expr:
        """The same value with `labels` of the series of `info`, which is 1 and unique in the labels `on`."""
        labels, on = tuple(labels), tuple(on)
        _check_labels(self, on)
        _check_labels(info, (*labels, *on))
        template = f"({self.template} * on ({', '.join(on)}) group_left ({', '.join(labels)}) {info.template})"
        own = None if self.labels is None else self.labels | set(labels)
        return Expr(template, self.unit, self.families | info.families, own)

    def share_of(self, whole: Expr, on: Iterable[str]) -> Expr:
        """What part of `whole` each series is, where `whole` has one series for several of these."""
        on = tuple(on)
        _check_labels(self, on)
        _check_labels(whole, on)
        template = f"({self.template} / on ({', '.join(on)}) group_left () {whole.positive().template})"
        return Expr(template, "percentunit", self.families | whole.families, self.labels)

    def __add__(self, other: Self) -> Expr:
        return self._combine("+", other, self.unit)

    def __sub__(self, other: Self) -> Expr:
        return self._combine("-", other, self.unit)

    def _combine(self, operator: str, other: Expr, unit: str) -> Expr:
        labels = None if self.labels is None or other.labels is None else self.labels & other.labels
        return Expr(f"({self.template} {operator} {other.template})", unit, self.families | other.families, labels)

    def _filter(self, operator: str, other: Expr, on: Iterable[str]) -> Expr:
        on = tuple(on)
        _check_labels(self, on)
        _check_labels(other, on)
        template = f"({self.template} {operator} on ({', '.join(on)}) {other.template})"
        return replace(self, template=template, families=self.families | other.families)


def ratio(part: Expr, whole: Expr) -> Expr:
    """`part` divided by `whole`, whose labels must be the same."""
    return part._combine("/", whole, "percentunit")


def share(part: Expr, whole: Expr) -> Expr:
    """The ratio of two counts; where there is nothing to have a share of, no value."""
    return part._combine("/", whole.positive(), "percentunit")


def aggregate(operator: str, expr: Expr, by: Iterable[str] = ()) -> Expr:
    """`sum`, `max`, `min`, `avg` or `count` of an expression, by labels it has."""
    by = tuple(by)
    _check_labels(expr, by)
    grouping = f" by ({', '.join(by)})" if by else ""
    unit = "short" if operator == "count" else expr.unit
    return Expr(f"{operator}{grouping} ({expr.template})", unit, expr.families, frozenset(by))


def median(expr: Expr) -> Expr:
    """The value half of the series are below of."""
    return replace(expr, template=f"quantile(0.5, {expr.template})", labels=frozenset())


def topk(count: int, expr: Expr) -> Expr:
    """The `count` largest series at each moment."""
    return replace(expr, template=f"topk({count}, {expr.template})")


def _check_labels(expr: Expr, names: Iterable[str]) -> None:
    for name in names:
        if expr.labels is not None and name not in expr.labels:
            raise ValueError(f"{expr.text!r} has no label {name!r}; it has {sorted(expr.labels)}")
