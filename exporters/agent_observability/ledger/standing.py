"""What a process is to its ledger: writer, standby or cut off; and what follows for its families and metrics."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from agent_observability.ledger.books import Books
from agent_observability.ledger.errors import LedgerFormatError, LedgerStandbyError, words
from agent_observability.ledger.reports import Reports

__all__ = ["Standing", "State"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """Whether this process writes to the ledger now and, if not, why; `standby` while another one does."""

    up: bool
    reason: str = "is being opened"
    standby: bool = False


class Standing:
    """Changed by the writer alone, read by anybody. `changed(state)` is called in its thread."""

    def __init__(self, name: str, books: Books, reports: Reports, changed: Callable[[State], None]) -> None:
        self._name = name
        self._books = books
        self._reports = reports
        self._changed = changed
        self._sure = -math.inf
        self.state = State(up=False)
        self.exposed_until = -math.inf
        """Monotonic time until which this process may show what the ledger counts."""

    def leads(self, sure: float, lease_seconds: float) -> None:
        """The lease was good at the monotonic time `sure`."""
        self._sure = sure
        self._expose(sure + lease_seconds)

    def up(self) -> None:
        log.info("the ledger %s is open", self._name)
        self._set(State(up=True, reason=""))

    def down(self, error: BaseException) -> str:
        """Note why it cannot be written, and log what is new; the reason in words."""
        reason = words(error)
        standby = isinstance(error, LedgerStandbyError)
        if standby:
            # Whatever goes wrong next, this process does not lead any more.
            self._sure = -math.inf
        if self.state.up or self.state.reason != reason:
            fatal = isinstance(error, LedgerFormatError)
            level = logging.INFO if standby else logging.CRITICAL if fatal else logging.ERROR
            log.log(level, "the ledger %s: %s", self._name, reason)
        self._set(State(up=False, reason=reason, standby=standby))
        return reason

    def wait(self, lease_seconds: float) -> None:
        """Until it is up again a standby shows nothing, and one that was cut off nothing beyond its lease."""
        self._expose(self._sure if self._sure == -math.inf else self._sure + lease_seconds)

    def end(self) -> None:
        """The process stops."""
        self._set(State(up=False, reason="is closed"))

    def _expose(self, until: float) -> None:
        self.exposed_until = until
        self._books.expose(until)

    def _set(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._reports.state(up=state.up, standby=state.standby)
            self._changed(state)
