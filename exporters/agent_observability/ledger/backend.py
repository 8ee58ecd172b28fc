"""The interface of a ledger's storage, and what SQLite and PostgreSQL have in common.

One backend has one connection for writing, used by the writer thread alone; `read` opens another for queries. Hot
statements go to the driver as tuples; SQLAlchemy makes tables, knows the dialects, and serves the cold queries.
"""

from __future__ import annotations

import abc
import contextlib
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from agent_observability.ledger.errors import LedgerUnavailableError
from agent_observability.ledger.migrations import migrate
from agent_observability.ledger.schema import (
    ADMITTED,
    DIMENSION,
    EVENT,
    FAMILY,
    META,
    METADATA,
    POSITION,
    WRITER,
)
from agent_observability.ledger.transaction import EVENTS, SeriesRow, Transaction

__all__ = ["Backend", "Saved"]

# To the driver itself: there may be a million of them.
_SERIES = "SELECT metric, labels, value, updated, lived, id FROM series ORDER BY id"
_MAX_DIMENSIONS = 200_000
_WRITERS_KEPT_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Saved:
    """What is committed. `number` is that of this writer's own last commit, 0 if the ledger has none."""

    ledger: str
    number: int
    families: Mapping[str, str]
    series: Sequence[SeriesRow]
    admitted: Mapping[str, Sequence[str]]
    positions: Mapping[str, str]


class Backend(abc.ABC):
    """One ledger's storage. Methods raise the driver's errors; `open` also those of `errors.py`."""

    mark: str
    """How the driver spells a parameter."""
    clock: str
    """SQL for the database's own time in ms."""
    driver_errors: tuple[type[Exception], ...]
    """What the driver raises where SQLAlchemy does not stand between."""
    lease_seconds: float
    """How long after the last commit or `renew` nobody else can lead."""

    def __init__(self, engine: Engine, host: str = "") -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._dimensions: dict[tuple[str, ...], int] = {}
        self._next_dimension = 1
        self._events = 0
        self._ledger = ""
        self.writer = secrets.token_hex(8)
        self.host = host or socket.gethostname()

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Where it is, without credentials."""

    def open(self) -> None:
        """Connect, become its only writer, and bring the tables up to date.

        Raises LedgerStandbyError while another process leads, LedgerFormatError for tables that are none of ours.
        """
        try:
            self._connection = self._engine.connect()
            self._acquire(self._connection)
            self._ledger = migrate(self._connection)
            with self._connection.begin():
                self._prepare(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the connection. Never raises."""
        connection, self._connection = self._connection, None
        self._dimensions.clear()
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.invalidate()
            with contextlib.suppress(Exception):
                connection.close()

    def resign(self) -> None:
        """Say that nobody needs to wait for this writer's lease to run out, before a `close`."""
        with self._writer().begin():
            self._writer().execute(WRITER.update().where(WRITER.c.id == self.writer).values(role="former"))

    def restore(self) -> Saved:
        """Everything a process has to know before it goes on."""
        connection = self._writer()
        with connection.begin():
            number = connection.scalar(select(WRITER.c.number).where(WRITER.c.id == self.writer)) or 0
            admitted: dict[str, list[str]] = {}
            for label, value in connection.execute(select(ADMITTED.c.label, ADMITTED.c.value)):
                admitted.setdefault(label, []).append(value)
            return Saved(
                self._ledger,
                number,
                _mapping(connection, select(FAMILY.c.metric, FAMILY.c.layout)),
                connection.exec_driver_sql(_SERIES).cursor.fetchall(),
                admitted,
                _mapping(connection, select(POSITION.c.source, POSITION.c.value)),
            )

    @contextlib.contextmanager
    def transaction(self, number: int) -> Iterator[Transaction]:
        """A transaction, committed as number `number` when the block ends and rolled back when it raises."""
        next_dimension = self._next_dimension
        try:
            with self._writer().begin():
                transaction = self._transaction(self._writer(), next_dimension)
                yield transaction
                if transaction.events:
                    transaction.put_meta(EVENTS, str(self._events + transaction.events))
                transaction.sign(number)
        except BaseException:
            self._next_dimension = next_dimension
            raise
        self._next_dimension = transaction.next_dimension
        self._events += transaction.events
        if len(self._dimensions) > _MAX_DIMENSIONS:
            self._dimensions.clear()
        self._dimensions.update(transaction.new_dimensions)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection of its own, for queries in another thread."""
        with self._engine.connect() as connection:
            connection.execution_options(ledger_read=True)
            with connection.begin():
                yield connection

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.read() as connection:
            counts = {
                table.name: connection.scalar(select(func.count()).select_from(table)) or 0
                for table in METADATA.tables.values()
                if table is not EVENT  # may be large, so it is kept count of
            }
            events = connection.scalar(select(META.c.value).where(META.c.name == EVENTS))
        return {**counts, EVENT.name: int(events or 0)}

    @abc.abstractmethod
    def size(self) -> int:
        """Bytes on disk."""

    @abc.abstractmethod
    def used(self, connection: Connection) -> int:
        """Bytes that hold something, about: deleting rows lowers it at once, whatever the disk gets back."""

    @abc.abstractmethod
    def vacuum(self) -> None:
        """Give all free space back to the disk. Raises LedgerStandbyError where that needs the writer to be gone."""

    @abc.abstractmethod
    def renew(self) -> None:
        """Keep the lease. Raises if another process may write by now, or the storage is gone."""

    @abc.abstractmethod
    def tidy(self) -> bool:
        """Give free space back to the disk, in a small step; whether there is more."""

    @abc.abstractmethod
    def undecided(self, error: BaseException) -> bool:
        """Whether a commit that ended with this error may have happened all the same."""

    @abc.abstractmethod
    def bad_data(self, error: BaseException) -> bool:
        """Whether an error is of the data, so that only the batch that holds it is to be refused."""

    @abc.abstractmethod
    def notice(self, error: BaseException) -> None:
        """Look at an error of a transaction before the next `open`."""

    def known_dimension(self, labels: tuple[str, ...]) -> int | None:
        """The id of a committed label tuple, as far as it is remembered."""
        return self._dimensions.get(labels)

    @abc.abstractmethod
    def _acquire(self, connection: Connection) -> None:
        """Become the only writer. Raises LedgerStandbyError while another process is."""

    @abc.abstractmethod
    def leave(self) -> None:
        """Give up the right to write where that does not end with the connection. Never raises."""

    @abc.abstractmethod
    def _transaction(self, connection: Connection, next_dimension: int) -> Transaction: ...

    def _prepare(self, connection: Connection) -> None:
        self._next_dimension = (connection.scalar(select(func.max(DIMENSION.c.id))) or 0) + 1
        self._events = int(connection.scalar(select(META.c.value).where(META.c.name == EVENTS)) or 0)
        connection.exec_driver_sql(f"DELETE FROM writer WHERE seen < {self.clock} - {_WRITERS_KEPT_MS}")  # noqa: S608

    def _writer(self) -> Connection:
        if self._connection is None:
            raise LedgerUnavailableError(f"{self.name} is not open")
        return self._connection


def _mapping(connection: Connection, query: Select[Any]) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(query)}
