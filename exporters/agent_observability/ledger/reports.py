"""What the ledger says about itself (`agent_obs_ledger_*`)."""

from __future__ import annotations

from collections.abc import Mapping

from agent_observability.ledger.batch import Outcome
from agent_observability.series import SeriesStore
from agent_observability.suite import (
    LEADER,
    LEDGER_COMMIT_DURATION,
    LEDGER_COMMIT_FAILURES,
    LEDGER_EVENTS,
    LEDGER_METRICS,
    LEDGER_ROWS,
    LEDGER_SIZE,
    LEDGER_UP,
)

__all__ = ["Reports"]


class Reports:
    """The families and what changes them. `store` is a collector named `ledger`."""

    def __init__(self) -> None:
        self.store = SeriesStore("ledger", LEDGER_METRICS)
        self.state(up=False, standby=False)

    def state(self, *, up: bool, standby: bool) -> None:
        """Whether this process writes, or could as soon as the one that does has gone."""
        self.store.set(LEDGER_UP, (), int(up or standby))
        self.store.set(LEADER, (), int(up))

    def committed(self, seconds: float) -> None:
        self.store.observe(LEDGER_COMMIT_DURATION, (), seconds)

    def failed(self) -> None:
        self.store.add(LEDGER_COMMIT_FAILURES, ())

    def stored(self, kind: str, outcome: Outcome) -> None:
        new = sum(outcome.stored)
        for result, number in (("stored", new), ("duplicate", len(outcome.stored) - new)):
            if number:
                self.store.add(LEDGER_EVENTS, (kind, result), number)

    def rejected(self, kind: str, number: int) -> None:
        """Events that were refused for what they are."""
        self.store.add(LEDGER_EVENTS, (kind, "rejected"), number)

    def sizes(self, rows: Mapping[str, int], size: int) -> None:
        for table, number in rows.items():
            self.store.set(LEDGER_ROWS, (table,), number)
        self.store.set(LEDGER_SIZE, (), size)
