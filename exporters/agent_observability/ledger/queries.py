"""Reading a ledger by time: events, daily aggregates and facts, in pages, so that no reader holds anything up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import select, text, tuple_

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.schema import DAILY, DIMENSION, EVENT, FACT

__all__ = ["DailySum", "StoredEvent", "daily", "events", "facts", "minutely"]

_PAGE = 5_000
_MINUTE_MS = 60_000
_HALF = 10**9
_labels = msgspec.json.Decoder(tuple[str, ...])


class StoredEvent(NamedTuple):
    """An event as `batch.Event` describes it; `timestamp` in ms."""

    timestamp: int
    id: str
    kind: str
    labels: tuple[str, ...]
    data: bytes


class DailySum(NamedTuple):
    """A daily aggregate: how many events, and the exact sums of their amounts."""

    day: int
    kind: str
    labels: tuple[str, ...]
    events: int
    amounts: tuple[int, ...]


def events(
    backend: Backend, *, kinds: Sequence[str] = (), start: int | None = None, end: int | None = None
) -> Iterator[StoredEvent]:
    """Events with `start` <= timestamp < `end` (ms), oldest first."""
    query = (
        select(EVENT.c.timestamp, EVENT.c.id, EVENT.c.kind, DIMENSION.c.labels, EVENT.c.data)
        .join(DIMENSION, DIMENSION.c.id == EVENT.c.dimension)
        .order_by(EVENT.c.timestamp, EVENT.c.id)
        .limit(_PAGE)
    )
    if kinds:
        query = query.where(EVENT.c.kind.in_(kinds))
    if start is not None:
        query = query.where(EVENT.c.timestamp >= start)
    if end is not None:
        query = query.where(EVENT.c.timestamp < end)
    page = query
    while True:
        with backend.read() as connection:
            rows = connection.execute(page).all()
        for timestamp, id_, kind, labels, data in rows:
            yield StoredEvent(timestamp, id_, kind, _labels.decode(labels), bytes(data))
        if len(rows) < _PAGE:
            return
        page = query.where(tuple_(EVENT.c.timestamp, EVENT.c.id) > rows[-1][:2])


def minutely(backend: Backend, *, kind: str, field: str, start: int) -> list[tuple[int, tuple[str, ...], int]]:
    """Exact sums of a whole number in the events' JSON, by minutes (ms of their beginning) and labels, since `start`.

    The storage adds them up, so that a busy hour takes a moment, and nothing else waits for it.
    """
    with backend.read() as connection:
        if connection.dialect.name == "sqlite":
            number = f"COALESCE(json_extract(CAST(event.data AS TEXT), '$.{field}'), 0)"
            # In two halves: the sum of many large ones would not fit.
            sums = f"SUM({number} / {_HALF}), SUM({number} % {_HALF})"
        else:
            sums = f"SUM((convert_from(event.data, 'UTF8')::json->>'{field}')::numeric), 0"
        query = text(
            f"SELECT event.timestamp / {_MINUTE_MS} AS minute, dimension.labels, {sums}"  # noqa: S608 - of our own words
            " FROM event JOIN dimension ON dimension.id = event.dimension"
            " WHERE event.timestamp >= :start AND event.kind = :kind GROUP BY minute, dimension.labels"
        )
        rows = connection.execute(query, {"start": start, "kind": kind}).all()
        scale = _HALF if connection.dialect.name == "sqlite" else 1
    return [
        (minute * _MINUTE_MS, _labels.decode(labels), int(high or 0) * scale + int(low))
        for minute, labels, high, low in rows
    ]


def daily(
    backend: Backend, *, kinds: Sequence[str] = (), first: int | None = None, last: int | None = None
) -> list[DailySum]:
    """Aggregates of the days `first` to `last`, both included."""
    query = (
        select(DAILY.c.day, DAILY.c.kind, DIMENSION.c.labels, DAILY.c.events, DAILY.c.amounts)
        .join(DIMENSION, DIMENSION.c.id == DAILY.c.dimension)
        .order_by(DAILY.c.day, DAILY.c.kind, DIMENSION.c.labels)
    )
    if kinds:
        query = query.where(DAILY.c.kind.in_(kinds))
    if first is not None:
        query = query.where(DAILY.c.day >= first)
    if last is not None:
        query = query.where(DAILY.c.day <= last)
    with backend.read() as connection:
        rows = connection.execute(query).all()
    return [
        DailySum(day, kind, _labels.decode(labels), number, tuple(map(int, amounts.split())))
        for day, kind, labels, number, amounts in rows
    ]


def facts(backend: Backend, kind: str) -> dict[str, bytes]:
    """All facts of a kind, by key."""
    with backend.read() as connection:
        rows = connection.execute(select(FACT.c.key, FACT.c.data).where(FACT.c.kind == kind)).all()
    return {key: bytes(data) for key, data in rows}
