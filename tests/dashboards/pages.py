"""The pages as tests look at them: as data, panel by panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from dashboards import DASHBOARDS
from dashboards.page import Page

__all__ = ["PAGES", "Case", "panel_cases", "query_cases", "walk"]

PAGES: dict[str, tuple[Page, str]] = {
    page.uid: (page, folder) for page, folder in ((module.page(), folder) for module, folder in DASHBOARDS)
}
"""Page and folder by uid."""


class Case(NamedTuple):
    """One panel or query, with an id that says where to find it."""

    where: str
    value: dict[str, Any]


def as_json(page: Page) -> dict[str, Any]:
    """What ends up in the file."""
    document: dict[str, Any] = json.loads(json.dumps(page.json()))
    return document


def panel_cases() -> list[Case]:
    """Every panel of every page, rows left out."""
    return [
        Case(f"{uid}/{panel['title']}", panel)
        for uid, (page, _) in PAGES.items()
        for top in as_json(page)["panels"]
        for panel in ([top] if top["type"] != "row" else top["panels"])
    ]


def query_cases() -> list[Case]:
    """Every query of every panel."""
    return [Case(f"{where}/{target['refId']}", target) for where, panel in panel_cases() for target in panel["targets"]]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in JSON data with its path."""
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, f"{path}/{key}")
