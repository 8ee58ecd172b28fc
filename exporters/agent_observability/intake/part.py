"""What an exporter makes of a request: its part of the transaction, and what to do once that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from agent_observability.intake.errors import Rejected
from agent_observability.ledger.batch import Count, Event

__all__ = ["Caller", "Part", "Taker"]

InputT_contra = TypeVar("InputT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends. `project` is the one its key is for; "" where it says itself for which project an item is."""

    name: str
    project: str


def _nothing() -> None:
    """For parts that keep nothing in memory."""


@dataclass(slots=True, kw_only=True)
class Part:
    """`items` came in; `rejected` are not stored, `ignored` are left out on purpose.

    `exclusive`: it follows from what earlier parts have left behind, so that no other may be under way. `stored` is
    called once it is committed, with what was new of `events`; for a repeated request nothing is called. `failed` is
    called when it is not known whether it is committed.
    """

    items: int = 0
    events: Sequence[Event] = ()
    counts: Sequence[Count] = ()
    facts: Mapping[tuple[str, str], bytes | None] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()
    ignored: int = 0
    exclusive: bool = False
    stored: Callable[[Sequence[bool]], None] = lambda _: None
    failed: Callable[[], None] = _nothing


class Taker(Protocol, Generic[InputT_contra]):
    """One exporter's share in a kind of request. `lock` is held around parts that are exclusive."""

    lock: asyncio.Lock

    def take(self, given: InputT_contra, caller: Caller, now: float) -> Part:
        """What to commit. Changes nothing: called again if it turns out to be exclusive. Raises RefusedError.

        Maybe in a worker, but never twice at once, nor while `stored` runs.
        """
        ...

    def not_ready(self) -> str:
        """Why nothing can be taken now, or ""."""
        ...
