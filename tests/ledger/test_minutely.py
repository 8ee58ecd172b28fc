"""Sums by minutes, added up by the storage: exact, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json

from agent_observability.ledger.batch import Batch, Event
from agent_observability.ledger.queries import minutely
from tests.ledger.storage import NOW, Storage, families, opened

_MINUTE = 60_000


def told(number: int, at: int, model: str, kind: str = "usage", **data: int) -> Event:
    return Event(at, f"e{number}", kind, ("p", model), json.dumps(data).encode())


async def test_sums_by_minutes_and_labels(storage: Storage) -> None:
    begin = NOW // _MINUTE * _MINUTE
    # A million dollars in pico-dollars: ten of them are more than 64 bits hold.
    much = 10**18 + 1
    events = [
        *(told(number, begin + number, "m", cost=much) for number in range(10)),
        told(10, begin + _MINUTE - 1, "m", cost=7),
        told(11, begin + _MINUTE, "m", cost=5),
        told(12, begin + 1, "n", cost=3),
        told(13, begin + 2, "n"),
        told(14, begin + 3, "n", kind="other", cost=1),
        told(15, begin - 1, "n", cost=1),
    ]
    async with opened(storage.backend(), families()) as ledger:
        await ledger.submit(Batch(events))
        found = minutely(ledger.backend, kind="usage", field="cost", start=begin)
        assert sorted(found) == [
            (begin, ("p", "m"), 10 * much + 7),
            (begin, ("p", "n"), 3),
            (begin + _MINUTE, ("p", "m"), 5),
        ]
        assert minutely(ledger.backend, kind="usage", field="cost", start=begin + 2 * _MINUTE) == []
