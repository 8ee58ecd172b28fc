"""Tables of a report, in no particular form."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent_observability.report.words import Change

__all__ = ["Cell", "Column", "Row", "Section", "Trend"]


class Trend(msgspec.Struct, frozen=True):
    """A figure over the last periods, and what to say of it where it cannot be seen."""

    values: Sequence[int | None]
    words: str


Cell = str | Change | Trend | None
"""None where there is nothing to say, such as no change because there was nothing before."""


class Column(msgspec.Struct, frozen=True):
    """`right` for numbers; `wide` if a narrow screen may leave it out."""

    title: str
    right: bool = True
    wide: bool = False


class Row(msgspec.Struct, frozen=True):
    """`name` with what it belongs to below; `loud` if a reader should not miss it."""

    name: str
    cells: Sequence[Cell]
    detail: str = ""
    loud: bool = False


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """`columns` are those of the cells, after the name. Without rows, `empty` says why."""

    title: str
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    note: str = ""
    empty: str = "no data"
