"""Both forms of a report: HTML for mail and browsers, and text."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator, Sequence

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from rich.cells import cell_len

from agent_observability.report import sparkline
from agent_observability.report.sections import Cell, Section, Trend
from agent_observability.report.view import Page
from agent_observability.report.words import Change

__all__ = ["as_html", "as_text"]

_WIDTH = 78
_NAME_WIDTH = 30


def as_html(page: Page) -> str:
    """One document that needs nothing from outside, for clients that know tables and inline styles."""
    return _environment().get_template("report.html").render(page=page)


def as_text(page: Page) -> str:
    """Lines of 78 columns, but for long names."""
    return _environment().get_template("report.txt").render(page=page)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("agent_observability.report"),
        autoescape=select_autoescape(("html",)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"table": _table, "wrap": _wrap, "blocks": sparkline.blocks, "underline": _underline}
    environment.tests |= {
        "change": lambda cell: isinstance(cell, Change),
        "trend": lambda cell: isinstance(cell, Trend),
    }
    environment.globals["svg"] = _svg
    return environment


def _svg(values: Sequence[int | None], words: str) -> Markup:
    return sparkline.svg(values, words)


def _wrap(text: str, indent: str = "") -> str:
    return "\n".join(
        textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False)
    )


def _underline(text: str, mark: str = "-") -> str:
    return f"{text}\n{mark * cell_len(text)}"


def _table(section: Section) -> str:
    """The rows in columns; a name too long for its column stands on a line of its own."""
    titles = [column.title for column in section.columns]
    rows = [[_plain(cell) for cell in row.cells] for row in section.rows]
    widths = [max(map(cell_len, cells)) for cells in zip(titles, *rows, strict=True)]
    first = min(_NAME_WIDTH, max(cell_len(row.name) + 2 * row.loud for row in section.rows))

    def line(name: str, cells: Sequence[str]) -> str:
        aligned = (
            _pad(cell, width, right=column.right)
            for cell, width, column in zip(cells, widths, section.columns, strict=True)
        )
        return "  ".join((_pad(name, first), *aligned)).rstrip()

    def lines() -> Iterator[str]:
        if any(titles):
            yield line("", titles)
        for row, cells in zip(section.rows, rows, strict=True):
            name = f"! {row.name}" if row.loud else row.name
            if cell_len(name) > first:
                yield name
                name = ""
            yield line(name, cells)
            if row.detail:
                yield f"    {row.detail}"

    return "\n".join(lines())


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Change):
        return cell.words
    return sparkline.blocks(cell.values) if isinstance(cell, Trend) else cell


def _pad(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
