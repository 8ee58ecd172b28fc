"""Tables of last values, one row per label set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attr

from dashboards.optional import Empty
from dashboards.panels.base import DataPanel, Query, by_name
from dashboards.promql import Expr
from dashboards.theme import Colour
from dashboards.thresholds import Thresholds

__all__ = ["Column", "Table", "cells"]


@attr.s(auto_attribs=True, frozen=True)
class Column:
    """A column: a label of the series, or the value of a query when `field` is its letter ("A").

    With `states` the value is shown as icon and word; `words` puts an icon and a colour to texts of a label.
    """

    field: str
    title: str
    unit: str | None = None
    states: Thresholds | None = None
    words: Mapping[str, tuple[str, Colour]] | None = None


@attr.s(auto_attribs=True, kw_only=True)
class Table(DataPanel):
    """Queries joined on their common labels. `columns` are shown in their order, sorted by the one titled `sort`."""

    type: ClassVar[str] = "table"

    columns: Sequence[Column]
    sort: str
    descending: bool = False
    width: int = 12
    height: int = 8

    def __attrs_post_init__(self) -> None:
        if any(query.format != "table" or not query.instant for query in self.queries):
            raise ValueError(f"{self.title}: queries of a table are instant and of format table")
        if self.sort not in {column.title for column in self.columns}:
            raise ValueError(f"{self.title}: no column is titled {self.sort!r}")
        fields = {self._field(column): column.title for column in self.columns}
        self.transformations = [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(fields)}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {field: index for index, field in enumerate(fields)},
                    "renameByName": fields,
                },
            },
        ]

    def _field(self, column: Column) -> str:
        if not column.field.isupper():
            return column.field
        return f"Value #{column.field}" if len(self.queries) > 1 else "Value"

    def options(self) -> dict[str, Any]:
        return {
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"displayName": self.sort, "desc": self.descending}],
        }

    def defaults(self) -> dict[str, Any]:
        return {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}}

    def overrides(self) -> list[dict[str, Any]]:
        found = []
        for column in self.columns:
            if column.states is not None:
                found.append(
                    by_name(
                        column.title,
                        mappings=column.states.mappings(),
                        thresholds=column.states.json(),
                        custom__cellOptions={"type": "color-text"},
                    )
                )
            elif column.words is not None:
                found.append(
                    by_name(
                        column.title,
                        mappings=_mappings(column.words),
                        custom__cellOptions={"type": "color-text"},
                    )
                )
            elif column.unit is not None:
                found.append(by_name(column.title, unit=column.unit))
        return found


def cells(expr: Expr, empty: Empty | None = None) -> Query:
    """A query of a table: last values only."""
    return Query(expr, "", instant=True, format="table", empty=empty)


def _mappings(words: Mapping[str, tuple[str, Colour]]) -> list[dict[str, Any]]:
    options = {
        text: {"text": shown, "color": colour, "index": index}
        for index, (text, (shown, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]
