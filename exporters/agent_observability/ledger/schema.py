"""Tables of the ledger, the same on SQLite and PostgreSQL, and the version they have.

Numbers that may exceed 64 bits (counters, sums of money) are decimal text: exact, and readable in any database shell.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

__all__ = [
    "ADMITTED",
    "DAILY",
    "DIMENSION",
    "EVENT",
    "FACT",
    "FAMILY",
    "META",
    "METADATA",
    "POSITION",
    "SERIES",
    "TABLES",
    "VERSION",
    "WRITER",
]

VERSION = 1
"""Raised by each migration in `migrations.py`."""

METADATA = MetaData()

# `schema_version`, and `ledger`: a random name given at birth, by which another ledger in its place is told.
META = Table("meta", METADATA, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

# Who writes or wants to. `number` is that of its last commit, by which one whose answer was lost is recognised;
# `seen` (ms) is by the database's own clock.
WRITER = Table(
    "writer",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
)

DIMENSION = Table(
    "dimension",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("labels", Text, nullable=False, unique=True),
)

# The timestamp leads the key, so that new events are stored next to each other and retention deletes a range.
EVENT = Table(
    "event",
    METADATA,
    Column("timestamp", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# What the values of a family's series mean: label names, buckets and scale.
FAMILY = Table("family", METADATA, Column("metric", Text, primary_key=True), Column("layout", Text, nullable=False))

# One row per series: `labels` is a JSON list, `value` decimal integers separated by spaces, `updated` ms. `lived` is 1
# once everybody who scrapes has been shown its birth at 0, and set before anything else is shown.
SERIES = Table(
    "series",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("metric", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("lived", Integer, nullable=False),
    # Room in each page for the next version of its rows, so that the index need not be told of any.
    postgresql_with={"fillfactor": 50},
)

# Label values admitted below a cap; `label` is `<collector>:<label>`.
ADMITTED = Table(
    "admitted",
    METADATA,
    Column("label", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    sqlite_with_rowid=False,
)

POSITION = Table("position", METADATA, Column("source", Text, primary_key=True), Column("value", Text, nullable=False))

DIGEST = Table(
    "digest",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

FACT = Table(
    "fact",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("updated", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

DAILY = Table(
    "daily",
    METADATA,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("dimension", Integer, primary_key=True, autoincrement=False),
    Column("events", BigInteger, nullable=False),
    Column("amounts", Text, nullable=False),
    sqlite_with_rowid=False,
)

TABLES = tuple(METADATA.tables)
"""Their names, as `agent_obs_ledger_rows` labels them."""
