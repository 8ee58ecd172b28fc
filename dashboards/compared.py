"""Cards that compare a value with others, and say whether an alert fires that no single number decides."""

from __future__ import annotations

from typing import Any

import attr

from dashboards.panels import Query, Stat
from dashboards.panels.base import by_query, fixed
from dashboards.promql import Scope, aggregate
from dashboards.rules import rule_book
from dashboards.theme import Colour, State
from dashboards.thresholds import Thresholds

__all__ = ["Compared", "firing", "firing_state"]


@attr.s(auto_attribs=True, kw_only=True)
class Compared(Stat):
    """The first value in the suite's colour, those after it in grey.

    With `thresholds` they are those of the last query, which is shown as icon and word.
    """

    def overrides(self) -> list[dict[str, Any]]:
        refs = [chr(ord("A") + index) for index in range(len(self.queries))]
        state = [by_query(refs.pop(), mappings=self.thresholds.mappings())] if self.thresholds.steps else []
        colours = [Colour.VIOLET, *[Colour.MUTED] * (len(refs) - 1)]
        return [*(by_query(ref, color=fixed(colour)) for ref, colour in zip(refs, colours, strict=True)), *state]


def firing(scope: Scope, name: str) -> Query:
    """How many alerts of a name fire, for `firing_state`."""
    alerts = scope.gauge("ALERTS", alertname=name, alertstate="firing")
    return Query(aggregate("count", alerts).or_zero(), "state", instant=True)


def firing_state(name: str) -> Thresholds:
    """A warning from one firing alert on: for alerts that compare two series. Raises ValueError for an unknown name."""
    sources = tuple(f"{name} ({alert.severity})" for alert in rule_book().alerts if alert.name == name)
    if not sources:
        raise ValueError(f"there is no alert {name!r}")
    return Thresholds(State.OK, ((1, State.WARN),), sources)
