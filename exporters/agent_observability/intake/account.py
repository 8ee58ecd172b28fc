"""What became of the items of a request, for its sender and for the metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agent_observability.intake.commit import Committed
from agent_observability.intake.errors import Rejected
from agent_observability.series import SeriesStore
from agent_observability.suite import INTAKE_ITEMS, INTAKE_LAST_ITEM

__all__ = ["Account"]


@dataclass(frozen=True, slots=True)
class Account:
    """`rejected` is in the order of the items."""

    items: int
    accepted: int
    duplicates: int
    ignored: int
    rejected: list[Rejected]

    @classmethod
    def of(cls, committed: Committed) -> Account:
        """Items are counted once, however many take from them: ignored are those that nobody has a use for."""
        parts = committed.parts
        items = max(part.items for part in parts)
        # What one exporter cannot use is said, whatever the others make of it.
        rejected = {one.index: one for part in parts for one in part.rejected}
        ignored = min(part.ignored for part in parts)
        taken = max(0, items - len(rejected) - ignored)
        known = max(len(new) - sum(new) for new in committed.stored)
        duplicates = taken if committed.duplicate else min(taken, known)
        ordered = [rejected[index] for index in sorted(rejected)]
        return cls(items, taken - duplicates, duplicates, ignored, ordered)

    @property
    def result(self) -> str:
        """What metrics call it."""
        if not self.rejected:
            return "accepted"
        return "invalid" if len(self.rejected) >= self.items else "partial"

    def count(self, store: SeriesStore, name: str) -> None:
        """Count the items of an intake of that name."""
        for result, number in (
            ("accepted", self.accepted),
            ("duplicate", self.duplicates),
            ("rejected", len(self.rejected)),
            ("ignored", self.ignored),
        ):
            if number:
                store.add(INTAKE_ITEMS, (name, result), number)
        if self.accepted:
            store.set(INTAKE_LAST_ITEM, (name,), time.time())
