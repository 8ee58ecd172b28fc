"""Retention: what is old, or too much, goes in small steps that never hold up the writer for long."""

from __future__ import annotations

from agent_observability.ledger.config import RetentionConfig
from agent_observability.ledger.transaction import Transaction

__all__ = ["STEP", "Retention"]

STEP = 2_000
"""Rows of one step: about 10 ms."""

_DAY_MS = 86_400_000
# A clock that jumps ahead must not delete everything: retention's time runs at most this far ahead of the events'.
_AHEAD_MS = _DAY_MS


class Retention:
    """Deletes by age, and the oldest events while the ledger holds more than it may. `facts`: seconds kept by kind."""

    def __init__(self, config: RetentionConfig) -> None:
        self._config = config
        self.facts: dict[str, float] = {}
        self.floor = 0
        """Events before this time (ms) are deleted as they come."""

    def step(self, transaction: Transaction, now: int, most: int = STEP) -> bool:
        """Delete up to `most` rows of each kind as of `now` (ms); whether there is more to do at once."""
        digests = "DELETE FROM digest WHERE digest IN (SELECT digest FROM digest WHERE expires < ? LIMIT ?)"
        gone = transaction.delete(digests, (now, most))
        for kind, seconds in self.facts.items():
            old = "SELECT kind, key FROM fact WHERE kind = ? AND updated < ? LIMIT ?"
            statement = f"DELETE FROM fact WHERE (kind, key) IN ({old})"  # noqa: S608 - a constant
            gone += transaction.delete(statement, (kind, now - _ms(seconds), most))
        newest = transaction.newest_event()
        if newest is not None:
            now = min(now, newest + _AHEAD_MS)
        gone += transaction.delete("DELETE FROM daily WHERE day < ?", ((now - _ms(self._config.daily)) // _DAY_MS,))
        if newest is not None:
            limit = now - _ms(self._config.events)
            if transaction.used() > self._config.size:
                limit = max(limit, transaction.oldest_events(most) or limit)
            gone += transaction.delete_events(limit, most)
            self.floor = limit
        return gone > 0


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
