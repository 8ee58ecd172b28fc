"""What a round of reading comes to: one batch for the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent_observability.ledger.batch import MAX_TEXT, Batch, Count, count
from agent_observability.tail.metrics import TAIL_LINES, TAIL_LOST, TAIL_ROTATIONS
from agent_observability.tail.place import digest
from agent_observability.tail.reading import Round
from agent_observability.tail.state import State
from agent_observability.tail.trail import Trail

__all__ = ["Proposal", "Share", "name_of"]


@dataclass(frozen=True, slots=True)
class Share:
    """What a round has made of one trail."""

    trail: Trail
    before: State
    after: State
    text: str


@dataclass(slots=True)
class Proposal:
    """One round: what is to be committed, and taken over once it is. `first`: nothing has been read yet.

    `dropped` are paths that are not followed any more, `facts` what the reader remembers.
    """

    work: Round
    first: bool = False
    shares: list[Share] = field(default_factory=list)
    positions: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    facts: Mapping[tuple[str, str], bytes | None] = field(default_factory=dict)

    @property
    def more(self) -> bool:
        """Whether there may be more to read at once."""
        return self.first or self.work.full

    def move(self, key: str, before: str, after: str | None) -> None:
        """Move a position; None forgets it."""
        self.positions[key] = after
        self.after[key] = before

    def batch(self, source: str) -> Batch:
        """As one commit."""
        taken = self.work.taken
        events = [event for one in taken for event in one.events]
        counts = [one for part in taken for one in part.counts]
        counts += self._own(source)
        return Batch(events, counts, self.positions, self.after, self.facts, kind=source)

    def _own(self, source: str) -> Iterator[Count]:
        taken = self.work.taken
        states = [share.after for share in self.shares]
        for metric, labels, amount in (
            (TAIL_LINES, ("parsed",), sum(one.parsed for one in taken)),
            (TAIL_LINES, ("ignored",), sum(one.ignored for one in taken)),
            (TAIL_LINES, ("malformed",), sum(one.malformed for one in taken)),
            (TAIL_LINES, ("oversize",), self.work.oversize),
            (TAIL_LOST, (), sum(state.lost for state in states)),
            (TAIL_ROTATIONS, ("rename",), sum(state.renames for state in states)),
            (TAIL_ROTATIONS, ("truncate",), sum(state.truncations for state in states)),
        ):
            if amount:
                yield count(metric, (source, *labels), amount)


def name_of(prefix: str, text: str) -> str:
    """The key of a position, one that a ledger can hold."""
    whole = prefix + text
    return whole if len(whole.encode()) < MAX_TEXT and "\0" not in whole else prefix + "#" + digest(text.encode())
