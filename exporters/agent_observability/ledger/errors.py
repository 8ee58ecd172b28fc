"""What can go wrong with a ledger.

LedgerError
├── LedgerUnavailableError   nothing can be committed now: down, disk full, stopping; go on once it is ready again
│   ├── LedgerBusyError      its queue is full
│   ├── LedgerStaleError     the source was read from a position where the ledger is not (any more)
│   └── LedgerStandbyError   another process writes to it
├── LedgerDataError          a batch that can never be stored
└── LedgerFormatError        the tables are of a newer version, or cannot be migrated
"""

from __future__ import annotations

from agent_observability.errors import AgentObsError

__all__ = [
    "LedgerBusyError",
    "LedgerDataError",
    "LedgerError",
    "LedgerFormatError",
    "LedgerStaleError",
    "LedgerStandbyError",
    "LedgerUnavailableError",
    "words",
]


def words(error: BaseException) -> str:
    """One line without statements and parameters, which SQLAlchemy would add, and without credentials."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split()) or type(cause).__name__


class LedgerError(AgentObsError):
    """The base of all; the message is one line and holds no credentials."""


class LedgerUnavailableError(LedgerError):
    """Nothing was promised. Whoever has something to commit keeps it, and goes on from `Ledger.positions` later."""


class LedgerBusyError(LedgerUnavailableError):
    """The queue of the writer is full: the source must slow down."""


class LedgerStaleError(LedgerUnavailableError):
    """Somebody has read the source in the meantime, maybe this very process: go on from `Ledger.positions`."""


class LedgerStandbyError(LedgerUnavailableError):
    """Another process leads: this one exposes nothing of the ledger and waits for its turn."""


class LedgerDataError(LedgerError):
    """The data itself cannot be stored; trying again is no use."""


class LedgerFormatError(LedgerError):
    """The stored tables are not what this version can work with; nothing was changed."""
