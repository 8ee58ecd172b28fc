"""What exporters have in common that keep in memory what the ledger holds."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from agent_observability.ledger.errors import LedgerError, words
from agent_observability.ledger.ledger import Ledger
from agent_observability.runtime import Runtime

__all__ = ["LOOK_SECONDS", "LedgerRuntime"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How soon the end of leading is noticed; a write that fails says so at once."""
_AGAIN_SECONDS = 2.0

SectionT = TypeVar("SectionT")
LifeT = TypeVar("LifeT")


class LedgerRuntime(Runtime[SectionT], Generic[SectionT, LifeT]):
    """Lives through one life after the other, which knows what the ledger held when it began.

    A life ends with its configuration, and once the ledger may hold what it does not know. `shown` is the one that
    scrapes see: also one that is over, as long as nobody else writes to the ledger. `clock` gives Unix time.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.shown: LifeT | None = None
        self._ledger = ledger
        self._changed = asyncio.Event()
        """Set to end the life that goes on."""

    @property
    def withheld(self) -> bool:
        """Whether somebody else may show what the ledger holds."""
        return bool(self._ledger.not_ready())

    @abc.abstractmethod
    async def _live(self) -> None:
        """Read a life from the ledger, let it be `shown`, and return once it is over."""

    def _lost(self) -> None:
        """Somebody else may show what the ledger holds."""
        self.shown = None

    async def _lives(self) -> None:
        """One after the other, until cancelled."""
        driver_errors = self._ledger.backend.driver_errors
        unreadable: tuple[type[Exception], ...] = (LedgerError, SQLAlchemyError, OSError, *driver_errors)
        while True:
            try:
                await self._leading()
                await self._live()
            except unreadable as error:
                log.warning("the ledger cannot be read, next try in %.0f s: %s", _AGAIN_SECONDS, words(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            except Exception:
                log.exception("%s has failed; next try in %.0f s", type(self).__name__, _AGAIN_SECONDS)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _leading(self) -> None:
        """Wait until this process writes to the ledger. What somebody else may have added to is not shown again."""
        while not self._ledger.state.up:
            if self.withheld:
                self._lost()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ledger.ready(), LOOK_SECONDS)
