"""What an exporter's factory returns: its collectors and its life."""

from __future__ import annotations

import abc
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from agent_observability.collector import Collector
from agent_observability.errors import StartError
from agent_observability.metric import Metric

if TYPE_CHECKING:
    from agent_observability.intake.intake import Intake
    from agent_observability.ledger.ledger import Ledger

__all__ = ["Action", "CollectorReport", "Context", "Runtime", "SourceStatus"]

SectionT = TypeVar("SectionT")

Action = Callable[[Mapping[str, str]], AsyncGenerator[Mapping[str, Any], None]]
"""Takes parameters; tells as it goes, in JSON objects. Raises ValueError for a parameter that makes no sense,
AgentObsError for what cannot be done."""


class Context:
    """What a process gives one of its exporters besides its section. `limits`: caps of labels by name.

    The ledger and the intake are made for the first exporter of a process that asks for them, in its factory;
    `asked_ledger` and `asked_intake` are None if this one did not.
    """

    def __init__(
        self,
        limits: Mapping[str, int] | None = None,
        open_ledger: Callable[[], Ledger] | None = None,
        open_intake: Callable[[], Intake] | None = None,
    ) -> None:
        self.limits = limits or {}
        self._open_ledger = open_ledger
        self._open_intake = open_intake
        self.asked_ledger: Ledger | None = None
        self.asked_intake: Intake | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger of this exporter's process. Raises ConfigError or StartError."""
        if self.asked_ledger is None:
            if self._open_ledger is None:
                raise StartError("this exporter needs a ledger, and its process has none")
            self.asked_ledger = self._open_ledger()
        return self.asked_ledger

    @property
    def intake(self) -> Intake:
        """The intake of this exporter's process. Raises StartError."""
        if self.asked_intake is None:
            if self._open_intake is None:
                raise StartError("this exporter needs an intake, and its process has none")
            self.asked_intake = self._open_intake()
        return self.asked_intake


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

    def actions(self) -> Mapping[str, Action]:
        """What can be asked of it by `POST /-/<name>`, behind the same access control as reloads."""
        return {}
