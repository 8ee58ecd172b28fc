"""What a reflector follows, whom it tells, and how it fares."""

from __future__ import annotations

import abc
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import msgspec

__all__ = ["Health", "Listing", "Resource", "Sink"]


@dataclass(frozen=True, slots=True)
class Resource:
    """What to follow: `name` for metrics (`agenticsessions`), `path` of its collection, and selectors."""

    name: str
    path: str
    labels: str = ""
    fields: str = ""

    def parameters(self) -> dict[str, str]:
        selectors = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in selectors.items() if value}


class Listing(abc.ABC):
    """A picture in the making, aside from the one that is shown."""

    @abc.abstractmethod
    def add(self, item: msgspec.Raw) -> None:
        """One object of the list."""

    @abc.abstractmethod
    async def finish(self) -> None:
        """The list is complete: from now on this is the picture. Never called for one that broke off."""


class Sink(abc.ABC):
    """Whoever wants the objects. Called in order, on the event loop."""

    @abc.abstractmethod
    def listing(self) -> Listing:
        """Begin a new picture."""

    @abc.abstractmethod
    async def changed(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], item: msgspec.Raw) -> None:
        """An object is new, different or gone."""

    @abc.abstractmethod
    async def missing(self) -> None:
        """The API has no such resource, and has said so twice: while it starts, it may say so in error."""


@dataclass(slots=True)
class Health:
    """How a reflector fares; times are Unix time, 0 for never. `problem` says what is wrong now.

    `refused`: the API has answered that there is no such resource, or that it is not for us.
    """

    synced: bool = False
    refused: bool = False
    problem: str = "not listed yet"
    last_sync: float = 0.0
    last_event: float = 0.0
    lists: Counter[str] = field(default_factory=Counter)
    watches: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
