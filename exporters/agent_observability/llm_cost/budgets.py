"""How much of each budget is spent. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent_observability.llm_cost.books import Scope, Snapshot, by_scope
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import BudgetConfig
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.providers import canonical

__all__ = ["BudgetState", "budgets"]


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A budget in its present period, in pico-dollars; `reset` is when the next period begins, as Unix time.

    `spent` and `remaining`, which is negative once the budget is exceeded, are None while the books are not loaded.
    """

    budget: BudgetConfig
    limit: int
    spent: int | None
    remaining: int | None
    reset: float

    @property
    def labels(self) -> tuple[str, str, str, str]:
        """As the families of budgets have them: budget, scope, key, period."""
        return self.budget.name, *_scope(self.budget), self.budget.period


def budgets(
    configured: Sequence[BudgetConfig], calendar: Calendar, now: float, snapshot: Snapshot | None
) -> list[BudgetState]:
    """Every budget at the time of a snapshot, or at `now` (Unix time) while there is none.

    What a budget is for may never have spent anything: that is known, and 0.
    """
    day = calendar.today(now) if snapshot is None else snapshot.day
    resets = {"day": calendar.begin_of(day + 1), "month": calendar.begin_of(calendar.next_month(day))}
    spent: dict[str, dict[Scope, int]] = {}
    if snapshot is not None:
        spent = {"day": by_scope(snapshot.today), "month": by_scope(snapshot.month_to_date)}
    states = []
    for budget in configured:
        limit = round(budget.usd * PICO)
        used = spent[budget.period].get(_scope(budget), 0) if spent else None
        remaining = None if used is None else limit - used
        reset = resets[budget.period]
        states.append(BudgetState(budget=budget, limit=limit, spent=used, remaining=remaining, reset=reset))
    return states


def _scope(budget: BudgetConfig) -> Scope:
    """As the books have it: they know each provider by one name."""
    return budget.scope, canonical(budget.key) if budget.scope == "provider" else budget.key
