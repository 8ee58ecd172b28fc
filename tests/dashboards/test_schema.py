"""The pages against the published dashboard schema: grafana-foundation-sdk's models, generated from it."""

from __future__ import annotations

import enum
import json
import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.page import Page
from tests.dashboards.pages import PAGES, as_json, walk

plugins.register_default_plugins()

# The models know annotation queries only in part; the Prometheus data source defines these.
OUTSIDE_THE_SCHEMA = {"step", "titleFormat", "textFormat", "builtIn", "definition", "selected"}


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Paths of what we wrote and the models do not give back."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{path}/{key}")
            elif key not in OUTSIDE_THE_SCHEMA:
                yield f"{path}/{key}"
    elif isinstance(ours, list):
        for index, (value, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(value, other, f"{path}/{index}")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"


def enums(hint: Any) -> list[type[enum.Enum]]:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [hint]
    return [found for part in typing.get_args(hint) for found in enums(part)]


def foreign(model: Any, path: str = "") -> Iterator[str]:
    """Paths of values outside the enumeration the schema gives them."""
    if isinstance(model, dict | list):
        for key, value in model.items() if isinstance(model, dict) else enumerate(model):
            yield from foreign(value, f"{path}/{key}")
    elif type(model).__module__.startswith("grafana_foundation_sdk.models"):
        for name, hint in typing.get_type_hints(type(model)).items():
            value = getattr(model, name)
            allowed = {member.value for kind in enums(hint) for member in kind}
            if allowed and isinstance(value, str | int) and value not in allowed:
                yield f"{path}/{name}: {value!r}"
            yield from foreign(value, f"{path}/{name}")


@pytest.mark.parametrize("page", [page for page, _ in PAGES.values()], ids=PAGES)
def test_the_page_survives_the_models(page: Page) -> None:
    document = as_json(page)
    model = Dashboard.from_json(document)
    assert list(lost(document, json.loads(JSONEncoder().encode(model)))) == []
    assert list(foreign(model)) == []


@pytest.mark.parametrize(
    ("path", "value", "finder"),
    [
        (("panels", 0, "options", "grafMode"), "area", "lost"),
        (("panels", 0, "options", "graphMode"), "aria", "foreign"),
        (("panels", 0, "fieldConfig", "defaults", "colour"), "red", "lost"),
        (("panels", 0, "targets", 0, "intervalFactr"), 2, "lost"),
        (("templating", "list", 1, "type"), "querry", "foreign"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_found(path: tuple[Any, ...], value: Any, finder: str) -> None:
    document = as_json(next(iter(PAGES.values()))[0])
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    model = Dashboard.from_json(document)
    found = {"lost": list(lost(document, json.loads(JSONEncoder().encode(model)))), "foreign": list(foreign(model))}
    assert found[finder]


@pytest.mark.parametrize("page", [page for page, _ in PAGES.values()], ids=PAGES)
def test_no_option_that_grafana_dropped(page: Page) -> None:
    dropped = {"span", "minSpan", "height", "editable", "error", "cacheTimeout", "intervalFactor", "step", "rows"}
    panels = as_json(page)["panels"]
    found = [path for path, _ in walk(panels) if path.rpartition("/")[2] in dropped]
    # The values that a mapping names are data, such as the phase `error`.
    assert [path for path in found if not re.search(r"/properties/\d+/value/\d+/options/\w+$", path)] == []
