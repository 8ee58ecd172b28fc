"""What is in a ledger, as `agent-obs ledger status` shows it; also while its process runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.schema import EVENT, FACT, META, POSITION, SERIES, WRITER

__all__ = ["Status", "as_json", "as_text", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """`oldest` and `newest` are event times (ms), None without events; `counters` series by family."""

    process: str
    place: str
    version: int
    size_bytes: int
    used_bytes: int
    rows: Mapping[str, int]
    oldest: int | None
    newest: int | None
    positions: Mapping[str, str]
    counters: Mapping[str, int]
    facts: Mapping[str, int]
    writers: tuple[Mapping[str, object], ...]


def status(process: str, backend: Backend) -> Status:
    """Look at a ledger. Raises the driver's errors."""
    with backend.read() as connection:
        return Status(
            process=process,
            place=backend.name,
            version=int(connection.scalar(select(META.c.value).where(META.c.name == "schema_version")) or 0),
            size_bytes=backend.size(),
            used_bytes=backend.used(connection),
            rows=backend.rows(),
            oldest=connection.scalar(select(func.min(EVENT.c.timestamp))),
            newest=connection.scalar(select(func.max(EVENT.c.timestamp))),
            positions=_pairs(connection, select(POSITION.c.source, POSITION.c.value).order_by(POSITION.c.source)),
            counters=_pairs(connection, _grouped(SERIES.c.metric)),
            facts=_pairs(connection, _grouped(FACT.c.kind)),
            writers=tuple(
                {"host": row.host, "role": row.role, "commits": row.number, "seen": row.seen}
                for row in connection.execute(select(WRITER).order_by(WRITER.c.seen.desc()).limit(5))
            ),
        )


def as_json(found: Mapping[str, Status]) -> str:
    """A list of objects; times are milliseconds since the epoch."""
    return json.dumps([asdict(one) for one in found.values()], indent=2) + "\n"


def as_text(found: Mapping[str, Status]) -> str:
    """For a terminal."""
    return "\n".join("".join(f"{line}\n" for line in _lines(one)) for one in found.values())


def _lines(one: Status) -> Iterator[str]:
    yield f"{one.process}: {one.place}, format {one.version}"
    yield f"  size       {_bytes(one.size_bytes)} on disk, {_bytes(one.used_bytes)} in use"
    span = f", {_time(one.oldest)} to {_time(one.newest)}" if one.oldest is not None and one.newest is not None else ""
    yield f"  events     {one.rows['event']:,}{span}"
    rest = {name: number for name, number in one.rows.items() if number and name not in ("event", "meta", "writer")}
    yield f"  rows       {', '.join(f'{name} {number:,}' for name, number in rest.items()) or 'none'}"
    for title, entries in (("counters", one.counters), ("facts", one.facts), ("positions", one.positions)):
        for number, (name, value) in enumerate(entries.items()):
            shown = f"{value:,} series" if title == "counters" else f"{value:,}" if isinstance(value, int) else value
            yield f"  {'' if number else title:10} {name}  {shown}"
    for number, writer in enumerate(one.writers):
        seen = _time(int(str(writer["seen"])))
        yield f"  {'' if number else 'writers':10} {writer['role']} on {writer['host']}, last seen {seen}"


def _grouped(column: Column[str]) -> Select[Any, Any]:
    return select(column, func.count()).group_by(column).order_by(column)


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _time(milliseconds: int | None) -> str:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _bytes(number: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
