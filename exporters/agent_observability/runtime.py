"""What an exporter's factory returns: its collectors and its life."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent_observability.collector import Collector
from agent_observability.metric import Metric

__all__ = ["CollectorReport", "Context", "Runtime", "SourceStatus"]

SectionT = TypeVar("SectionT")


@dataclass(frozen=True, slots=True)
class Context:
    """What a process gives each of its exporters besides its section. `limits`: caps of labels by name."""

    limits: Mapping[str, int] = field(default_factory=dict)


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
