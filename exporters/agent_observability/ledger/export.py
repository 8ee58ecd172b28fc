"""A ledger's contents as JSON lines or CSV, for whatever else wants to read them."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import select

from agent_observability.ledger import queries
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.schema import FACT, POSITION, SERIES

__all__ = ["FORMATS", "TABLES", "records", "write"]

TABLES = ("events", "daily", "counters", "facts", "positions")
FORMATS = ("jsonl", "csv")


def records(
    backend: Backend, table: str, *, kinds: list[str], start: int | None, end: int | None
) -> Iterator[Mapping[str, Any]]:
    """The rows of one of `TABLES`; `kinds`, `start` and `end` (ms) select events, `kinds` also daily sums and facts.

    Numbers that doubles cannot hold are texts; data that is no JSON is base64.
    """
    if table == "events":
        for event in queries.events(backend, kinds=kinds, start=start, end=end):
            yield {
                "time": datetime.fromtimestamp(event.timestamp / 1000, UTC).isoformat(timespec="milliseconds"),
                "id": event.id,
                "kind": event.kind,
                "labels": list(event.labels),
                "data": _data(event.data),
            }
    elif table == "daily":
        for sums in queries.daily(backend, kinds=kinds):
            day = datetime.fromtimestamp(sums.day * 86_400, UTC).date().isoformat()
            amounts = [str(amount) for amount in sums.amounts]
            yield {
                "day": day,
                "kind": sums.kind,
                "labels": list(sums.labels),
                "events": sums.events,
                "amounts": amounts,
            }
    elif table == "counters":
        columns = (SERIES.c.metric, SERIES.c.labels, SERIES.c.value, SERIES.c.updated)
        with backend.read() as connection:
            for metric, labels, value, updated in connection.execute(select(*columns).order_by(SERIES.c.id)):
                yield {"metric": metric, "labels": json.loads(labels), "value": value.split(), "updated": updated}
    elif table == "facts":
        query = select(FACT).order_by(FACT.c.kind, FACT.c.key)
        with backend.read() as connection:
            for row in connection.execute(query.where(FACT.c.kind.in_(kinds)) if kinds else query):
                yield {"kind": row.kind, "key": row.key, "data": _data(bytes(row.data)), "updated": row.updated}
    else:
        with backend.read() as connection:
            for source, value in connection.execute(select(POSITION.c.source, POSITION.c.value)):
                yield {"source": source, "position": value}


def write(rows: Iterator[Mapping[str, Any]], out: IO[str], form: str) -> int:
    """Write them to `out` as `form`, one of `FORMATS`; how many there were."""
    number = 0
    table: csv.DictWriter[str] | None = None
    for row in rows:
        number += 1
        if form == "jsonl":
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        if table is None:
            table = csv.DictWriter(out, list(row), lineterminator="\n")
            table.writeheader()
        table.writerow({name: one if isinstance(one, str | int) else json.dumps(one) for name, one in row.items()})
    return number


def _data(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return base64.b64encode(data).decode()
