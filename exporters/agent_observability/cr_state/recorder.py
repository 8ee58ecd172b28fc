"""What has happened on its way into the ledger: counted exactly once, whatever becomes of a commit's answer.

Counts and the facts they follow from are taken together and committed together. Each commit takes the number after the
one in the ledger, so that sending it again when its answer was lost cannot count it twice. While the ledger is down,
counts add up and facts replace each other: what waits is bounded by the objects there are.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence

from agent_observability.ledger.batch import Batch, Count, check_text, observe
from agent_observability.ledger.errors import LedgerDataError, LedgerError, LedgerStaleError
from agent_observability.ledger.ledger import Ledger
from agent_observability.metric import Metric

__all__ = ["Recorder"]

log = logging.getLogger(__name__)

_SOURCE = "cr_state"
# What happens within this time shares a commit.
_GATHER_SECONDS = 0.05
_AGAIN_SECONDS = 0.2

Labels = tuple[str, ...]


class Recorder:
    """Of one life of the exporter's picture: `start` fits it to the ledger, `run` commits until it is cancelled."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._number = 0
        self._at = ""
        # Tells this one's commits from those of another process that has led in between.
        self._token = secrets.token_hex(4)
        self._steps: dict[tuple[Metric, Labels], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._facts: dict[tuple[str, str], bytes | None] = {}
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()

    async def start(self) -> None:
        """Wait until the ledger can be written."""
        self._at = (await self._ledger.ready()).get(_SOURCE, "")
        self._number = int(self._at.partition(" ")[0] or "0")

    def count(self, metric: Metric, labels: Labels, amount: int = 1) -> None:
        """Add to a counter."""
        self._steps[metric, labels][0] += amount
        self._wake()

    def observe(self, metric: Metric, labels: Labels, value: float) -> None:
        """Add to a histogram. Raises ValueError for a value that belongs to no bucket."""
        steps = observe(metric, labels, value).steps
        sums = self._steps[metric, labels]
        for slot, amount in steps:
            sums[slot] += amount
        self._wake()

    def fact(self, kind: str, key: str, data: bytes | None) -> None:
        """Remember something; None forgets it."""
        self._facts[kind, key] = data
        self._wake()

    async def recorded(self) -> None:
        """Wait until all that has been handed in is committed."""
        await self._none.wait()

    async def run(self) -> None:
        """Raises LedgerStaleError once somebody else has written: what is known here is out of date."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._some.clear()
            await self._commit(self._take())
            if not self._some.is_set():
                self._none.set()

    def _wake(self) -> None:
        self._some.set()
        self._none.clear()

    def _take(self) -> Batch:
        counts = [Count(metric, labels, tuple(sums.items())) for (metric, labels), sums in self._steps.items()]
        facts = self._facts
        self._steps.clear()
        self._facts = {}
        return self._batch(counts, facts)

    def _batch(self, counts: Sequence[Count], facts: Mapping[tuple[str, str], bytes | None]) -> Batch:
        following = {_SOURCE: f"{self._number + 1} {self._token}"}
        return Batch(counts=counts, facts=facts, positions=following, after={_SOURCE: self._at}, kind="objects")

    async def _commit(self, batch: Batch) -> None:
        tried = False
        while True:
            try:
                await self._ledger.submit(batch)
            except LedgerStaleError:
                # After a commit whose answer was lost, this is the answer.
                if not tried or self._ledger.positions.get(_SOURCE) != batch.positions[_SOURCE]:
                    raise
                break
            except LedgerDataError as error:
                # All texts are cleaned on their way in, so this is a fault of ours; nothing else must suffer from it.
                rest = self._batch(*_storable(batch))
                log.error("%d counts and facts are lost: %s", batch.size - rest.size, error)
                if rest.size == batch.size:
                    return
                batch = rest
            except LedgerError:
                tried = True
                await asyncio.sleep(_AGAIN_SECONDS)
                await self._ledger.ready()
            else:
                break
        self._number += 1
        self._at = f"{self._number} {self._token}"


def _storable(batch: Batch) -> tuple[list[Count], dict[tuple[str, str], bytes | None]]:
    """Counts and facts whose texts a ledger can hold."""
    return (
        [one for one in batch.counts if _holds(one.labels)],
        {key: data for key, data in batch.facts.items() if _holds(key)},
    )


def _holds(texts: Sequence[str]) -> bool:
    try:
        check_text(*texts)
    except ValueError:
        return False
    return True
