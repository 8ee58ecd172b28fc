"""values.yaml as data: descriptions, schema and table come from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from helm.schema import values_schema
from helm.table import readme
from helm.values import Value, read_values
from tests.helm.chart import CHART
from tests.support import ROOT

_TEXT = """\
# -- What it is called.
name: ""
# What runs.
# -- Not shown.
part:
  # -- How many.
  count: 1
  labels: {}
  # -- One value.
  limits: {cpu: 1}
"""
_OVERLAY: dict[str, Any] = {
    "definitions": {"free": {"type": "object"}, "alert": {"for": {"type": "string"}}},
    "values": {
        "part.labels": {"$ref": "#/definitions/free"},
        "*.limits": {"type": "object"},
        "part.count": {"minimum": 1},
    },
}


def schema(text: str, overlay: dict[str, Any] = _OVERLAY) -> dict[str, Any]:
    more = text + "rules:\n  alerts: {}\ndashboards:\n  exclude: []\n"
    found: dict[str, Any] = json.loads(values_schema(more, overlay, {"A": {"critical": True}}, ["page"]))
    return found


def test_values_with_their_comments() -> None:
    assert read_values(_TEXT, _OVERLAY) == [
        Value(("name",), "", "What it is called.", "", True),
        Value(("part",), {"count": 1, "labels": {}, "limits": {"cpu": 1}}, "Not shown.", "What runs.", False),
        Value(("part", "count"), 1, "How many.", "", True),
        Value(("part", "labels"), {}, "", "", True),
        Value(("part", "limits"), {"cpu": 1}, "One value.", "", True),
    ]  # fmt: skip


def test_types_come_from_the_defaults() -> None:
    part = schema(_TEXT)["properties"]["part"]
    assert part["additionalProperties"] is False
    assert part["properties"]["count"] == {"type": "integer", "minimum": 1, "description": "How many."}
    assert part["properties"]["labels"] == {"type": "object"}
    assert part["properties"]["limits"] == {"type": "object", "description": "One value."}


def test_what_may_be_changed_of_an_alert() -> None:
    found = schema(_TEXT)
    assert found["properties"]["rules"]["properties"]["alerts"]["properties"] == {
        "A": {"$ref": "#/definitions/alertWithThreshold"}
    }
    assert found["properties"]["dashboards"]["properties"]["exclude"]["items"] == {"enum": ["page"]}


@pytest.mark.parametrize("empty", ["{}", "[]", "null"])
def test_an_empty_default_needs_an_explanation(empty: str) -> None:
    with pytest.raises(ValueError, match=r"values.yaml: part.more is .* by default: say in schema.yaml"):
        schema(f"{_TEXT}  more: {empty}\n")


def test_a_line_for_nothing_is_refused() -> None:
    overlay = _OVERLAY | {"values": {**_OVERLAY["values"], "part.cuont": {"minimum": 1}}}
    with pytest.raises(ValueError, match=r"schema\.yaml: values\.yaml has no part\.cuont"):
        schema(_TEXT, overlay)


def test_every_value_is_described() -> None:
    """By its own comment or, for a group of them, by their parent's."""
    overlay = yaml.safe_load((ROOT / "helm" / "schema.yaml").read_text())
    values = read_values((CHART / "values.yaml").read_text(), overlay)
    obvious = {"enabled", "repository", "pullPolicy", "digest", "tag", "resources", "key", "size", "className", "host"}
    obvious |= {"annotations", "tlsSecret", "ingress", "interval", "timeout", "scrapeInterval", "evaluationInterval"}
    obvious |= {"critical", "warning", "security", "requireTls", "username"}
    lacking = [".".join(value.path) for value in values if value.leaf and not value.description]
    assert [path for path in lacking if path.rpartition(".")[2] not in obvious] == []


def test_the_table_lists_every_value() -> None:
    overlay = yaml.safe_load((ROOT / "helm" / "schema.yaml").read_text())
    text = (CHART / "values.yaml").read_text()
    page = readme(text, overlay)
    for value in read_values(text, overlay):
        if value.leaf:
            assert f"| `{'.'.join(value.path)}` |" in page
    assert "| `tolerations` |" in page
    assert page.isprintable() or "\n" in page
