"""Between a tailer and the exporter that reads its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent_observability.ledger.batch import Count, Event

__all__ = ["Reader", "Taken"]


@dataclass(slots=True, kw_only=True)
class Taken:
    """What a reader makes of some lines: committed together with the position behind them.

    `parsed`, `ignored` and `malformed` say how many lines were which. `newest` is the event time of the newest record
    (Unix seconds), 0.0 without one. `committed` is called on the event loop once all is stored.
    """

    parsed: int = 0
    ignored: int = 0
    malformed: int = 0
    newest: float = 0.0
    counts: Sequence[Count] = ()
    events: Sequence[Event] = ()
    committed: Callable[[], None] = lambda: None


class Reader(Protocol):
    """An exporter's share: parses lines and counts what they tell."""

    def take(self, path: str, lines: Sequence[bytes]) -> Taken:
        """Called in a worker thread, never twice at once, in the order of the log. Each line has its newline.

        May change what it remembers: if what it returns cannot be committed, `restore` is called before the next
        lines, with what the ledger holds by then. Never raises for anything that lines may hold.
        """
        ...

    def facts(self) -> Mapping[tuple[str, str], bytes | None]:
        """What is remembered now and was not when it was last asked for: committed with all that was taken since then.

        Called in the same thread. None forgets a fact.
        """
        ...

    def restore(self) -> None:
        """Read again from the ledger what is remembered between lines. In a worker; raises what the driver raises."""
        ...
