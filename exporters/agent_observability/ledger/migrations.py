"""Brings the tables of a ledger to the version this program knows. Forward only, each step in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, inspect, select

from agent_observability.ledger.errors import LedgerFormatError
from agent_observability.ledger.schema import META, METADATA, VERSION

__all__ = ["MIGRATIONS", "migrate"]

_VERSION = "schema_version"

MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {}
"""By the version they start from; each brings the tables to the next one. Never changed once released."""


def migrate(
    connection: Connection, migrations: Mapping[int, Callable[[Connection], None]] = MIGRATIONS, target: int = VERSION
) -> str:
    """Make the tables, or migrate them step by step; the ledger's own name.

    Raises LedgerFormatError for tables of a newer version, or of one from which no way leads here.
    """
    with connection.begin():
        if not inspect(connection).has_table(META.name):
            METADATA.create_all(connection)
            name = secrets.token_hex(8)
            connection.execute(
                META.insert(), [{"name": _VERSION, "value": str(target)}, {"name": "ledger", "value": name}]
            )
            return name
        version = int(_meta(connection, _VERSION))
    if version > target:
        raise LedgerFormatError(
            f"the ledger has format {version}, and this program knows formats up to {target}: run the newer version"
        )
    while version < target:
        if version not in migrations:
            raise LedgerFormatError(f"the ledger has format {version}, from which there is no way to {target}")
        with connection.begin():
            migrations[version](connection)
            version += 1
            connection.execute(META.update().where(META.c.name == _VERSION).values(value=str(version)))
    with connection.begin():
        return _meta(connection, "ledger")


def _meta(connection: Connection, name: str) -> str:
    value: str | None = connection.scalar(select(META.c.value).where(META.c.name == name))
    if value is None:
        raise LedgerFormatError(f"the ledger's table meta has no {name}")
    return value
