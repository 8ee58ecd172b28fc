"""What can be done within one commit."""

from __future__ import annotations

import abc
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from agent_observability.ledger.batch import check_text

if TYPE_CHECKING:
    from agent_observability.ledger.backend import Backend

__all__ = ["EVENTS", "DailyRow", "EventRow", "SeriesChange", "SeriesRow", "Transaction", "labels_text"]

EVENTS = "events"
"""Name in the table `meta` of the number of events, which would take long to count."""

EventRow = tuple[int, str, str, int, bytes]
"""Timestamp (ms), id, kind, dimension, data."""

SeriesRow = tuple[str, str, str, int, int, int]
"""Metric, labels (JSON), value (decimal integers), updated (ms), lived, id."""

SeriesChange = tuple[str, int, int, int]
"""Value, updated (ms), lived, id."""

DailyRow = tuple[int, str, int, int, str]
"""Day, kind, dimension, events, amounts (decimal integers)."""


class Transaction(abc.ABC):
    """Begun and ended by `Backend.transaction`. `events` is by how many the table of events grows."""

    def __init__(self, backend: Backend, connection: Connection, next_dimension: int) -> None:
        self._backend = backend
        self._connection = connection
        self.next_dimension = next_dimension
        self.new_dimensions: dict[tuple[str, ...], int] = {}
        self.events = 0

    @abc.abstractmethod
    def insert_events(self, rows: Sequence[EventRow]) -> list[bool]:
        """Store events; per row whether it was new. Of several with one key the first is stored.

        Raises LedgerDataError for what no column can hold.
        """

    def dimension(self, labels: tuple[str, ...]) -> int:
        """The id of a label tuple, made if need be."""
        known = self._backend.known_dimension(labels) or self.new_dimensions.get(labels)
        if known is None:
            check_text(*labels)
            text = labels_text(labels)
            row = self._run("SELECT id FROM dimension WHERE labels = ?", (text,)).fetchone()
            if row:
                known = int(row[0])
            else:
                known = self.next_dimension
                self.next_dimension += 1
                self._run("INSERT INTO dimension (id, labels) VALUES (?, ?)", (known, text))
            self.new_dimensions[labels] = known
        return known

    def new_digest(self, digest: bytes, expires: int) -> bool:
        """Remember a digest until `expires` (ms); whether it was new."""
        statement = "INSERT INTO digest (digest, expires) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return bool(self._run(statement, (digest, expires)).rowcount)

    def put_series(self, new: Sequence[SeriesRow], changed: Sequence[SeriesChange]) -> None:
        """Store new series, and what has changed of known ones."""
        self._many("INSERT INTO series (metric, labels, value, updated, lived, id) VALUES (?, ?, ?, ?, ?, ?)", new)
        self._many("UPDATE series SET value = ?, updated = ?, lived = ? WHERE id = ?", changed)

    def delete_series(self, ids: Iterable[int]) -> None:
        self._many("DELETE FROM series WHERE id = ?", [(id_,) for id_ in ids])

    def put_families(self, layouts: Mapping[str, str]) -> None:
        """Say how the series of these families are laid out; those of another layout must be gone."""
        self._upsert("family", "metric", "layout", layouts)

    def admit(self, values: Sequence[tuple[str, str]]) -> None:
        """Remember (label, value) pairs admitted below a cap."""
        self._many("INSERT INTO admitted (label, value) VALUES (?, ?) ON CONFLICT DO NOTHING", values)

    def put_positions(self, positions: Mapping[str, str | None]) -> None:
        """Move positions on; None forgets one."""
        self._upsert(
            "position", "source", "value", {key: value for key, value in positions.items() if value is not None}
        )
        gone = [(key,) for key, value in positions.items() if value is None]
        self._many("DELETE FROM position WHERE source = ?", gone)

    def put_meta(self, name: str, value: str) -> None:
        self._upsert("meta", "name", "value", {name: value})

    def put_facts(self, facts: Mapping[tuple[str, str], bytes | None], now: int) -> None:
        """Store facts; None deletes one."""
        self._many(
            "INSERT INTO fact (kind, key, data, updated) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data, updated = excluded.updated",
            [(kind, key, data, now) for (kind, key), data in facts.items() if data is not None],
        )
        self._many("DELETE FROM fact WHERE kind = ? AND key = ?", [key for key, data in facts.items() if data is None])

    def daily(self, day: int, kind: str, dimension: int) -> tuple[int, str] | None:
        """Events and amounts of one daily aggregate."""
        statement = "SELECT events, amounts FROM daily WHERE day = ? AND kind = ? AND dimension = ?"
        row = self._run(statement, (day, kind, dimension)).fetchone()
        return (row[0], row[1]) if row else None

    def put_daily(self, rows: Sequence[DailyRow]) -> None:
        self._many(
            "INSERT INTO daily (day, kind, dimension, events, amounts) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (day, kind, dimension) DO UPDATE SET events = excluded.events, amounts = excluded.amounts",
            rows,
        )

    def used(self) -> int:
        """Bytes that hold something, about."""
        return self._backend.used(self._connection)

    def newest_event(self) -> int | None:
        """Its timestamp (ms); None without events."""
        row = self._run("SELECT max(timestamp) FROM event", ()).fetchone()
        return row[0] if row else None

    def oldest_events(self, number: int) -> int | None:
        """The timestamp (ms) just behind the `number` oldest events; None if there are fewer."""
        row = self._run("SELECT timestamp FROM event ORDER BY timestamp, id LIMIT 1 OFFSET ?", (number,)).fetchone()
        return row[0] + 1 if row else None

    def delete_events(self, before: int, most: int) -> int:
        """Delete up to `most` of the events before a timestamp (ms), oldest first; how many went."""
        gone = self.delete(
            "DELETE FROM event WHERE (timestamp, id) IN"
            " (SELECT timestamp, id FROM event WHERE timestamp < ? ORDER BY timestamp, id LIMIT ?)",
            (before, most),
        )
        self.events -= gone
        return gone

    def delete(self, statement: str, parameters: tuple[Any, ...]) -> int:
        """Run a DELETE of the retention; the number of rows gone."""
        gone: int = self._run(statement, parameters).rowcount
        return gone

    def sign(self, number: int) -> None:
        """The last statement of each commit: by which its writer can tell whether it happened."""
        now = self._backend.clock
        self._run(
            f"INSERT INTO writer (id, host, role, number, seen) VALUES (?, ?, 'leader', ?, {now})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET role = excluded.role, number = excluded.number, seen = excluded.seen",
            (self._backend.writer, self._backend.host, number),
        )

    def _upsert(self, table: str, key: str, value: str, rows: Mapping[str, str]) -> None:
        self._many(
            f"INSERT INTO {table} ({key}, {value}) VALUES (?, ?)"  # noqa: S608 - our own names
            f" ON CONFLICT ({key}) DO UPDATE SET {value} = excluded.{value}",
            list(rows.items()),
        )

    def _run(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        return self._connection.exec_driver_sql(statement.replace("?", self._backend.mark), parameters)

    def _many(self, statement: str, rows: Sequence[Any]) -> None:
        if rows:
            self._connection.exec_driver_sql(statement.replace("?", self._backend.mark), list(rows))


def labels_text(labels: Sequence[str]) -> str:
    """How a label tuple is stored."""
    return json.dumps(labels, ensure_ascii=False, separators=(",", ":"))
