"""A ledger whose commits fail, or happen without an answer, as a test wants it."""

from __future__ import annotations

from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger

__all__ = ["FaultyLedger"]


class FaultyLedger(Ledger):
    """A real one. Loses the answers of so many commits; while it is `down`, takes nothing."""

    lost_answers = 0
    down = False
    commits = 0
    refused = 0

    async def submit(self, batch: Batch) -> Outcome:
        if self.down:
            self.refused += 1
            raise LedgerUnavailableError("down")
        outcome = await super().submit(batch)
        self.commits += 1
        if self.lost_answers:
            self.lost_answers -= 1
            raise LedgerUnavailableError("the ledger does not say whether it has stored this")
        return outcome
