"""What a report knows, whichever source it has it from.

Money is whole pico-dollars; None means that there is no data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from agent_observability.llm_cost.metrics import PICO
from agent_observability.report.period import Period

__all__ = ["DIMENSIONS", "Alerts", "BudgetUse", "Counts", "Figures", "Key", "Live", "Slots", "pico_of"]

DIMENSIONS = ("provider", "model", "project", "feature", "driver")
"""Of a driver, the key is (provider, model, project, feature); of a model (provider, model); of the others one name."""

Key = tuple[str, ...]

Slots = Sequence[int | None]
"""A figure of each period of the history, the reported one last."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in one period. Tokens by type are disjoint; `unpriced` requests are in no sum of money."""

    requests: int
    failed: int
    tokens: Mapping[str, int] | None
    unpriced: int | None


class BudgetUse(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a budget is used.

    Of one per month: `spent` in the month so far, as the report's period ends. Of one per day: `spent` on the dearest
    day of the period, and `over` how many of its days exceeded the limit, None where only the dearest is known.
    """

    name: str
    scope: str
    key: str
    period: str
    limit: int
    spent: int | None
    over: int | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Money by dimension and period, and what the money was for.

    `end` is the last day of the reported period that has begun. `slots` are the periods of the history. `total` and
    the figures in `money` are by slot: None where the source has nothing of that period, or only a part of it, unless
    it is the reported one. `since` is the first day of the source, `empty_days` how many days of the period up to
    `end` are without anything. `month` is spent from the beginning of the month of `end` up to then. `units` are
    counts of sessions, tests and issues by (feature, unit), of this period and the one before. `notes` says what is
    missing, and `approximate` whether sums are estimates.
    """

    source: str
    end: int
    slots: tuple[Period, ...]
    total: Slots
    money: Mapping[str, Mapping[Key, Slots]]
    counts: Counts | None
    counts_before: Counts | None
    unpriced: Mapping[Key, int] = {}
    units: Mapping[Key, tuple[int | None, int | None]] = {}
    budgets: Sequence[BudgetUse] = ()
    month: int | None = None
    since: int | None = None
    empty_days: int = 0
    approximate: bool = False
    notes: Sequence[str] = ()


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Firing alerts of one name and severity."""

    name: str
    severity: str
    number: int


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What only Prometheus knows, as the period ended; alerts as of now. `notes` says what is missing and why.

    `projected` is what the month will have cost, `low` and `high` the band around it. `capture` is metered by billed
    dollars per provider. `sessions` are those that ended, by phase, in the period and the one before.
    """

    projected: int | None = None
    low: int | None = None
    high: int | None = None
    capture: Mapping[str, float] | None = None
    sessions: Mapping[str, int] | None = None
    sessions_before: Mapping[str, int] | None = None
    alerts: Sequence[Alerts] | None = None
    notes: Sequence[str] = ()


def pico_of(usd: float) -> int:
    """Pico-dollars of a number of dollars as it was written, which binary fractions would miss by some."""
    return int((Decimal(repr(usd)) * PICO).to_integral_value())
