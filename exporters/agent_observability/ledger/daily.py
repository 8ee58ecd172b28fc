"""Daily aggregates: exact sums per day, kind and label tuple, kept in memory while they change."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from agent_observability.ledger.transaction import Transaction

__all__ = ["DailySums", "Key"]

Key = tuple[int, str, int]
"""Day, kind and dimension."""

# Days that are still added to; older ones are read again when a late event needs them.
_KEPT = 20_000


class DailySums:
    """Sums of the aggregates that were touched lately. Used by the writer alone."""

    def __init__(self) -> None:
        self._saved: dict[Key, list[int]] = {}
        self._changed: dict[Key, list[int]] = {}

    def add(self, transaction: Transaction, key: Key, rows: Sequence[tuple[int, ...]]) -> None:
        """Add the amounts of some events to the aggregate of (day, kind, dimension), which begins with their number.

        It grows when later events have more amounts.
        """
        sums = self._changed.get(key)
        if sums is None:
            sums = self._saved.get(key)
        if sums is None:
            row = transaction.daily(*key)
            sums = [row[0], *map(int, row[1].split())] if row else [0]
        more = [len(rows), *map(sum, itertools.zip_longest(*rows, fillvalue=0))]
        self._changed[key] = [one + other for one, other in itertools.zip_longest(sums, more, fillvalue=0)]

    def save(self, transaction: Transaction) -> None:
        """Store what has changed."""
        transaction.put_daily([(*key, sums[0], " ".join(map(str, sums[1:]))) for key, sums in self._changed.items()])

    def committed(self) -> None:
        """What was saved is true now."""
        if len(self._saved) > _KEPT:
            self._saved.clear()
        self._saved.update(self._changed)
        self._changed = {}

    def rolled_back(self) -> None:
        """What was added since the last commit never happened."""
        self._changed = {}

    def clear(self) -> None:
        """Forget everything: another process may have written."""
        self._saved = {}
        self._changed = {}
