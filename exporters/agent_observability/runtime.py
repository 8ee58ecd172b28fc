"""What an exporter's factory returns: its collectors and its life."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from agent_observability.collector import Collector
from agent_observability.errors import StartError
from agent_observability.metric import Metric

if TYPE_CHECKING:
    from agent_observability.ledger.ledger import Ledger

__all__ = ["CollectorReport", "Context", "Runtime", "SourceStatus"]

SectionT = TypeVar("SectionT")


class Context:
    """What a process gives one of its exporters besides its section. `limits`: caps of labels by name.

    The ledger is made for the first exporter that asks for it, in its factory; `asked_ledger` is None if none did.
    """

    def __init__(
        self, limits: Mapping[str, int] | None = None, open_ledger: Callable[[], Ledger] | None = None
    ) -> None:
        self.limits = limits or {}
        self._open_ledger = open_ledger
        self.asked_ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger of this exporter's process. Raises ConfigError or StartError."""
        if self.asked_ledger is None:
            if self._open_ledger is None:
                raise StartError("this exporter needs a ledger, and its process has none")
            self.asked_ledger = self._open_ledger()
        return self.asked_ledger


@dataclass(frozen=True, slots=True)
class CollectorReport:
    """Two families, labelled `collector`, under which an exporter repeats how its collectors fared."""

    success: Metric
    duration: Metric


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source as the landing page shows it. `lag` is free text ("3 s", "12 KiB"), "" where there is none."""

    name: str
    healthy: bool
    lag: str
    detail: str


class Runtime(abc.ABC, Generic[SectionT]):
    """A running exporter, without its HTTP surface. `SectionT` is its section of the configuration."""

    reports: Sequence[CollectorReport] = ()

    @property
    @abc.abstractmethod
    def collectors(self) -> Sequence[Collector]:
        """The collectors in exposition order; a new sequence after a reload may hold new ones."""

    @abc.abstractmethod
    def reload(self, section: SectionT) -> None:
        """Take over a new, valid section. May raise; then everything stays as it was."""

    async def start(self) -> None:
        """Begin background work (watches, tailers, pollers)."""

    async def stop(self) -> None:
        """End background work; called once no scrape is running any more."""

    def not_ready(self) -> str:
        """Why scrapes would not yet show the truth, or "" once every source has been synced."""
        return ""

    def sources(self) -> Sequence[SourceStatus]:
        return ()
