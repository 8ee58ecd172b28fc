"""What a commit changes besides the tables: families, daily sums and positions, kept in step with what is stored."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agent_observability.family import Series
from agent_observability.ledger.backend import Saved
from agent_observability.ledger.batch import Batch, Count, Event, Outcome, Shape, check_text
from agent_observability.ledger.daily import DailySums, Key
from agent_observability.ledger.errors import LedgerStaleError
from agent_observability.ledger.families import LedgerFamilies, Pending, layout
from agent_observability.ledger.transaction import SeriesRow, Transaction
from agent_observability.metric import Metric

__all__ = ["Books", "Entry"]

log = logging.getLogger(__name__)

_DAY_MS = 86_400_000


@dataclass(slots=True)
class Entry:
    """What one transaction will have changed once it is committed."""

    outcomes: list[Outcome | LedgerStaleError] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    positions: dict[str, str | None] = field(default_factory=dict)
    expired: list[Sequence[Series]] = field(default_factory=list)


class Books:
    """Used by the writer alone, but for `positions`, which is replaced, never changed."""

    def __init__(self) -> None:
        self.stores: list[LedgerFamilies] = []
        self.positions: dict[str, str] = {}
        self._owner: dict[Metric, int] = {}
        self._daily = DailySums()
        self._next_series = 1
        self._unsaved: list[tuple[str, str]] = []

    def register(self, store: LedgerFamilies) -> None:
        """Keep these families from now on. Raises ValueError for a family that another store has."""
        known = {metric.name for metric in self._owner}
        if twice := [metric.name for metric in store.declared if metric.name in known]:
            raise ValueError(f"two collectors keep {', '.join(twice)} in one ledger")
        self._owner |= dict.fromkeys(store.declared, len(self.stores))
        self.stores.append(store)

    def load(self, saved: Saved, transaction: Transaction, now: int) -> None:
        """Take over what is committed; rows of families that have changed since are deleted."""
        layouts = {metric.name: layout(metric) for metric in self._owner}
        changed = {name for name, text in layouts.items() if saved.families.get(name, text) != text}
        owners = {metric.name: index for metric, index in self._owner.items() if metric.name not in changed}
        rows: list[list[SeriesRow]] = [[] for _ in self.stores]
        misfits = []
        strangers = set()
        for row in saved.series:
            if (owner := owners.get(row[0])) is not None:
                rows[owner].append(row)
            elif row[0] in changed:
                misfits.append(row[5])
            else:
                strangers.add(row[0])
        with _uncollected():
            for store, of_store in zip(self.stores, rows, strict=True):
                scope = f"{store.name}:"
                admitted = {key.removeprefix(scope): v for key, v in saved.admitted.items() if key.startswith(scope)}
                misfits += store.load(of_store, admitted, now)
        if changed:
            log.warning("counters restart at 0, as their families have other labels or buckets now: %s", _list(changed))
        if strangers:
            log.warning("the ledger keeps counters that nothing exposes (any more): %s", _list(strangers))
        transaction.delete_series(misfits)
        transaction.put_families({name: text for name, text in layouts.items() if saved.families.get(name) != text})
        self._next_series = max((row[5] for row in saved.series), default=0) + 1
        self._daily.clear()
        self.positions = dict(saved.positions)

    def seed(self, transaction: Transaction, now: int) -> None:
        """Tell a new ledger in place of a lost one what this process has committed before."""
        self._next_series = 1
        self._daily.clear()
        transaction.put_families({metric.name: layout(metric) for metric in self._owner})
        for store in self.stores:
            pending = store.everything()
            new, _ = store.rows(pending, self._next_series, now)
            transaction.put_series(new, ())
            self._next_series += len(new)
            labels = {label.name for metric in store.declared for label in metric.labels if label.cap is not None}
            transaction.admit(
                [(f"{store.name}:{label}", v) for label in labels for v in store.admission.admitted(label)]
            )
            store.publish(pending, now)
        transaction.put_positions(self.positions)

    def expose(self, until: float) -> None:
        """Show the families to scrapes until a monotonic time."""
        for store in self.stores:
            store.exposed_until = until

    def write(self, transaction: Transaction, batches: Sequence[Batch], now: int, floor: int) -> Entry:
        """Store batches. Raises LedgerDataError, or the driver's errors, or ValueError for what cannot be stored.

        Events before `floor` (ms) are about to be deleted again, so that they are remembered by a digest for a day.
        """
        entry = Entry(pending=[store.births() for store in self.stores])
        live = [self._fresh(entry, transaction, batch) for batch in batches]
        dimension = transaction.dimension
        rows = [
            (event.timestamp, event.id, event.kind, dimension(event.labels), event.data)
            for batch, new in zip(batches, live, strict=True)
            if new
            for event in batch.events
        ]
        check_text(max((row[1] for row in rows), key=len, default=""))
        stored = transaction.insert_events(rows)
        early = bool(rows) and min([row[0] for row in rows]) < floor
        # Many events have the same shape and the same aggregate: those are added up column by column.
        shaped: defaultdict[Shape, list[tuple[int, ...]]] = defaultdict(list)
        daily: defaultdict[Key, list[tuple[int, ...]]] = defaultdict(list)
        first = 0
        for index, (batch, new) in enumerate(zip(batches, live, strict=True)):
            if not new:
                continue
            last = first + len(batch.events)
            flags = stored[first:last]
            if early:
                flags = [
                    is_new and (event.timestamp >= floor or _first_of_its_day(transaction, event, now))
                    for event, is_new in zip(batch.events, flags, strict=True)
                ]
            entry.outcomes[index] = Outcome(tuple(flags))
            counts: list[Count] = []
            for event, is_new, row in zip(batch.events, flags, rows[first:last], strict=True):
                if is_new:
                    _, _, kind, _, _, its_counts, day, amounts, shares, shape, added = event
                    if its_counts:
                        counts += its_counts
                    if shape is not None:
                        shaped[shape].append(added)
                    if amounts:
                        daily[day, kind, row[3]].append(amounts)
                    for share in shares:
                        daily[share.day, share.kind, dimension(share.labels)].append(share.amounts)
            counts += batch.counts
            self._sum(entry.pending, counts)
            if batch.facts:
                check_text(*max(batch.facts, key=lambda key: len(key[0]) + len(key[1])))
                transaction.put_facts(batch.facts, now)
            first = last
        for shape, amounts_of in shaped.items():
            # Made for one exporter, whose families are all in one store.
            owner = self._owner[shape.slots[0][0]]
            sums = [*map(sum, zip(*amounts_of, strict=True))]
            self.stores[owner].sum_shape(entry.pending[owner], shape, sums)
        for key, amounts_of in daily.items():
            self._daily.add(transaction, key, amounts_of)
        self._write_series(transaction, entry.pending, now)
        transaction.put_positions(entry.positions)
        self._daily.save(transaction)
        return entry

    def tidy(self, transaction: Transaction, now: int) -> Entry:
        """Note whose births are over; delete series that have not counted for as long as their family keeps them."""
        entry = Entry(pending=[store.births() for store in self.stores])
        self._write_series(transaction, entry.pending, now)
        for store in self.stores:
            gone = store.expired(now)
            transaction.delete_series(series.row for series in gone)
            entry.expired.append(gone)
        return entry

    def untidy(self, now: int) -> bool:
        """Whether `tidy` would find anything."""
        return any(store.births().amounts or store.expired(now) for store in self.stores)

    def committed(self, entry: Entry, now: int) -> None:
        """Publish what a transaction has changed."""
        for store, pending in zip(self.stores, entry.pending, strict=False):
            store.publish(pending, now)
        for store, gone in zip(self.stores, entry.expired, strict=False):
            store.forget(gone)
        if entry.positions:
            moved = {**self.positions, **entry.positions}
            self.positions = {source: at for source, at in moved.items() if at is not None}
        self._unsaved.clear()
        self._daily.committed()

    def rolled_back(self) -> None:
        """What was written since the last commit never happened."""
        self._daily.rolled_back()

    def _fresh(self, entry: Entry, transaction: Transaction, batch: Batch) -> bool:
        """Whether a batch is neither stale nor a duplicate; its outcome is noted, and where its sources are now."""
        for source, before in batch.after.items():
            at = entry.positions[source] if source in entry.positions else self.positions.get(source)
            if (at or "") != before:
                message = (
                    f"{source} was read from {before or 'its start'!r}, and the ledger is at {at or 'its start'!r}"
                )
                entry.outcomes.append(LedgerStaleError(message))
                return False
        for source in batch.positions:
            check_text(source)
        entry.positions |= batch.positions
        new = batch.digest is None or transaction.new_digest(*batch.digest)
        entry.outcomes.append(Outcome((False,) * len(batch.events), duplicate=not new))
        return new

    def _sum(self, pending: Sequence[Pending], counts: Iterable[Count]) -> None:
        if len(self.stores) == 1:
            self.stores[0].sum(pending[0], counts)
            return
        by_store: list[list[Count]] = [[] for _ in self.stores]
        for one in counts:
            by_store[self._owner[one.metric]].append(one)
        for store, of_store, its in zip(self.stores, by_store, pending, strict=True):
            if of_store:
                store.sum(its, of_store)

    def _write_series(self, transaction: Transaction, pending: Sequence[Pending], now: int) -> None:
        for store, its in zip(self.stores, pending, strict=True):
            new, changed = store.rows(its, self._next_series, now)
            transaction.put_series(new, changed)
            self._next_series += len(new)
            self._unsaved += [(f"{store.name}:{label}", value) for label, value in store.admission.fresh()]
        transaction.admit(self._unsaved)


def _first_of_its_day(transaction: Transaction, event: Event, now: int) -> bool:
    """Whether an event whose key will not be kept was not sent before, within a day."""
    key = hashlib.sha256(f"{event.timestamp} {event.id}".encode()).digest()
    return transaction.new_digest(key, now + _DAY_MS)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collections, which would search all that is being made here again and again, in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
