"""A ledger in PostgreSQL: a schema per process, an advisory lock that says which replica writes, and a lease.

The lock protects the tables: it ends with the writer's connection. The lease protects the scrapes: a writer that was
cut off cannot know that another has taken over, so it stops exposing after `lease_seconds`, and a successor on another
host begins only then. Where no other replica stands by, nobody can take over, and nothing is hidden.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from agent_observability.decode import Secret
from agent_observability.errors import ConfigError, StartError
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.errors import LedgerDataError, LedgerStandbyError, words
from agent_observability.ledger.schema import TABLES
from agent_observability.ledger.transaction import EventRow, SeriesChange, SeriesRow, Transaction

__all__ = ["PostgresqlBackend", "parse_url", "schemas"]

_PREFIX = "agent_obs_"
_LEASE_SECONDS = 15.0
# A standby that has not asked for this long is none any more.
_RIVAL_MS = 30_000
# A connection whose other end has vanished must be noticed, on both ends, well before a lease runs out.
_CONNECT = {
    "connect_timeout": "5",
    "keepalives_idle": "3",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "9000",
    "application_name": "agent-observability",
}
_SESSION = {
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    # Whatever the database's default: answered means stored.
    "synchronous_commit": "on",
}


def parse_url(url: Secret) -> URL:
    """The address of a database. Raises ConfigError, which never quotes the password."""
    expected = "expected postgresql://user:password@host:port/database"
    try:
        parsed = make_url(url.reveal())
    except (ArgumentError, ValueError) as error:
        raise ConfigError("ledger.url", [expected]) from error
    if parsed.drivername not in ("postgres", "postgresql") or not parsed.database:
        raise ConfigError("ledger.url", [f"{expected}, got {parsed.drivername}://…"])
    return parsed.set(drivername="postgresql+psycopg").set(query={**_CONNECT, **parsed.query})


def schemas(url: Secret) -> list[str]:
    """The processes that have a ledger in the database."""
    query = "SELECT table_schema FROM information_schema.tables WHERE table_name = 'writer' ORDER BY 1"
    engine = create_engine(parse_url(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql(query)]
    except DBAPIError as error:
        raise StartError(f"the ledger's database: {words(error)}") from error
    return [name.removeprefix(_PREFIX) for name in found if name.startswith(_PREFIX)]


class PostgresqlBackend(Backend):
    """The ledger of `process` in the schema `agent_obs_<process>` of a database."""

    mark = "%s"
    clock = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    lease_seconds = math.inf
    driver_errors = (psycopg.Error,)

    def __init__(self, url: URL, process: str, host: str = "", lease: float = _LEASE_SECONDS) -> None:
        self._lease = lease
        self._last_writer: tuple[str, int] | None = None
        self._silent_since = 0.0
        self._schema = f"{_PREFIX}{process}"
        self._url = url
        # A signed 64-bit number that no other user of advisory locks picks by chance.
        self._key = int.from_bytes(hashlib.sha256(self._schema.encode()).digest()[:8], "big", signed=True)
        engine = create_engine(url, poolclass=NullPool)
        event.listen(engine, "connect", self._configure)
        super().__init__(engine, host)

    @property
    def name(self) -> str:
        return f"{self._url.host or 'localhost'}/{self._url.database} (schema {self._schema})"

    def size(self) -> int:
        statement = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relkind = 'r'"
        )
        with self.read() as connection:
            return int(connection.execute(text(statement), {"schema": self._schema}).scalar_one())

    def used(self, connection: Connection) -> int:
        """Live rows times their average width, as autovacuum last saw it: the files themselves hardly ever shrink."""
        statement = (
            # 28 bytes head a row; its key stands once more in the index, headed by 16.
            "SELECT coalesce(sum(s.n_live_tup * (28 + w.width)), 0) + coalesce(sum(s.n_live_tup * (16 + w.key)), 0)"
            " FROM pg_stat_user_tables s JOIN (SELECT tablename, sum(avg_width) AS width,"
            " coalesce(sum(avg_width) FILTER (WHERE attname IN ('timestamp', 'id', 'kind', 'key', 'labels')), 0) AS key"
            " FROM pg_stats WHERE schemaname = %s GROUP BY tablename) w ON w.tablename = s.relname"
            " WHERE s.schemaname = %s"
        )
        return int(connection.exec_driver_sql(statement, (self._schema, self._schema)).scalar_one())

    def renew(self) -> None:
        connection = self._writer()
        with connection.begin():
            rivals = f"SELECT count(*) FROM writer WHERE role = 'standby' AND seen > {self.clock} - {_RIVAL_MS}"  # noqa: S608
            waited_for = connection.exec_driver_sql(rivals).scalar_one() > 0
            self.lease_seconds = self._lease if waited_for else math.inf
            connection.exec_driver_sql(f"UPDATE writer SET seen = {self.clock} WHERE id = %s", (self.writer,))  # noqa: S608

    def tidy(self) -> bool:
        return False  # autovacuum does

    def bad_data(self, error: BaseException) -> bool:
        # Data exceptions, and limits such as that of an index entry.
        return _sqlstate(error).startswith(("22", "54"))

    def undecided(self, error: BaseException) -> bool:
        # The server's own refusals have a code; a lost connection has none, or one that says so.
        original = getattr(error, "orig", error)
        code = _sqlstate(error)
        return isinstance(original, psycopg.Error) and (not code or code.startswith(("08", "57")))

    def vacuum(self) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout TO 0")
            for table in TABLES:
                connection.exec_driver_sql(f'VACUUM (ANALYZE) "{self._schema}".{table}')

    def notice(self, error: BaseException) -> None:
        """Nothing here is mended by the client."""

    def _transaction(self, connection: Connection, next_dimension: int) -> Transaction:
        return _PostgresqlTransaction(self, connection, next_dimension)

    def _acquire(self, connection: Connection) -> None:
        with connection.begin():
            locked = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (self._key,)).scalar_one()
            tables = connection.exec_driver_sql("SELECT to_regclass('writer')").scalar_one() is not None
            waits = self._waits(connection) if tables else 0.0
            if tables and (waits or not locked):
                self._stand_by(connection)
        if not locked:
            raise LedgerStandbyError(f"another replica writes to {self.name}")
        if waits:
            raise LedgerStandbyError(f"the last writer of {self.name} may still be scraped for {waits:.0f} s")
        with connection.begin():
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
        with connection.begin():
            connection.exec_driver_sql(
                "CREATE TEMP TABLE stage (number integer, timestamp bigint, id text, kind text, dimension integer,"
                " data bytea) ON COMMIT DELETE ROWS"
            )

    def _waits(self, connection: Connection) -> float:
        """Seconds of the last writer's lease that are left, if it was on another host and did not resign.

        By the database's clock, or by how long it has been silent as far as this process saw: that clock may jump.
        """
        statement = (
            f"SELECT id, seen, {self.clock} FROM writer WHERE role = 'leader' AND host <> %s AND id <> %s"  # noqa: S608
            " ORDER BY seen DESC LIMIT 1"
        )
        row = connection.exec_driver_sql(statement, (self.host, self.writer)).fetchone()
        if row is None:
            return 0.0
        now = time.monotonic()
        if (row[0], row[1]) != self._last_writer:
            self._last_writer, self._silent_since = (row[0], row[1]), now
        by_clock = float(row[1] - row[2]) / 1000 + self._lease
        return max(0.0, min(by_clock, self._lease - (now - self._silent_since)))

    def _stand_by(self, connection: Connection) -> None:
        """Tell the writer that somebody waits."""
        connection.exec_driver_sql(
            f"INSERT INTO writer (id, host, role, number, seen) VALUES (%s, %s, 'standby', 0, {self.clock})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET role = excluded.role, seen = excluded.seen",
            (self.writer, self.host),
        )

    def leave(self) -> None:
        """The lock went with the connection."""

    def _configure(self, connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'SET search_path TO "{self._schema}", pg_temp')
            for name, value in _SESSION.items():
                cursor.execute(f"SET {name} TO '{value}'")
        connection.commit()


def _sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of an error; "" for others."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


class _PostgresqlTransaction(Transaction):
    def insert_events(self, rows: Sequence[EventRow]) -> list[bool]:
        """COPY into a temporary table, which is empty after each commit, and from there what is new."""
        if not rows:
            return []
        driver = self._connection.connection.cursor()
        try:
            with driver.copy("COPY stage (number, timestamp, id, kind, dimension, data) FROM STDIN") as copy:
                for number, row in enumerate(rows):
                    copy.write_row((number, *row))
            driver.execute(
                "INSERT INTO event (timestamp, id, kind, dimension, data)"
                " SELECT timestamp, id, kind, dimension, data FROM stage ORDER BY number"
                " ON CONFLICT DO NOTHING RETURNING timestamp, id"
            )
            stored = set(driver.fetchall())
        except (psycopg.DataError, UnicodeError, OverflowError) as error:
            raise LedgerDataError(words(error)) from error
        finally:
            driver.close()
        self.events += len(stored)
        if len(stored) == len(rows):
            return [True] * len(rows)
        new = []
        for row in rows:
            new.append(row[:2] in stored)
            # A second one of the same key in this very transaction is a duplicate.
            stored.discard(row[:2])
        return new

    def put_series(self, new: Sequence[SeriesRow], changed: Sequence[SeriesChange]) -> None:
        """In two statements, however many there are."""
        if new:
            columns = tuple(map(list, zip(*new, strict=True)))
            self._connection.exec_driver_sql(
                "INSERT INTO series (metric, labels, value, updated, lived, id)"
                " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::int[], %s::int[])",
                columns,
            )
        if changed:
            columns = tuple(map(list, zip(*changed, strict=True)))
            self._connection.exec_driver_sql(
                "UPDATE series SET value = c.value, updated = c.updated, lived = c.lived"
                " FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::int[]) AS c (value, updated, lived, id)"
                " WHERE series.id = c.id",
                columns,
            )
