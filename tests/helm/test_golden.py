"""What the chart renders, as a reviewer reads it: one file per value set. `make golden` writes them again.

`minimal` is shown whole, the others where they differ from it. Contents that have their own source and tests (rules,
pages, routing, templates) are replaced by what they are, and labels that every object has are left out.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability import __version__
from tests.helm.chart import Object, render, values_of

_GOLDEN = Path(__file__).parent / "golden"
_LABELS = ("app.kubernetes.io/managed-by", "app.kubernetes.io/part-of", "app.kubernetes.io/version", "helm.sh/chart")
_BASE = "minimal"
_SETS = (_BASE, "everything", "operator", "openshift", "postgresql", "sidecar", "proxy", "namespaced")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that a diff shows the line that changed."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _shown(item: Object) -> Object:
    """The object without contents that are shown elsewhere, and without what changes with every release."""
    shown: Object = copy.deepcopy(item)
    for label in _LABELS:
        shown["metadata"].get("labels", {}).pop(label, None)
    for field in ("data", "stringData"):
        if field in shown:
            shown[field] = {key: _content(key, text) for key, text in (item[field] or {}).items()}
    if item["kind"] == "PrometheusRule":
        shown["spec"] = {"groups": [f"<group {group['name']}>" for group in item["spec"]["groups"]]}
    text = yaml.dump(shown, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    text = text.replace(__version__, "<version>")
    text = re.sub(r"checksum/config: [0-9a-f]{64}", "checksum/config: <checksum>", text)
    changed: Object = yaml.safe_load(text)
    return changed


def _content(key: str, text: str) -> str:
    if key.endswith(".json"):
        return "<page>"
    if key.endswith(".tmpl"):
        return "<templates>"
    document: Any = yaml.safe_load(text)
    if isinstance(document, dict) and "groups" in document:
        return f"<rules: {', '.join(group['name'] for group in document['groups'])}>"
    if key == "alertmanager.yaml":
        # Routes and inhibitions are those of the suite; who receives what is the chart's.
        return yaml.safe_dump(
            {"global": document["global"], "receivers": [_addresses(r) for r in document["receivers"]]}
        )
    return text


def _addresses(receiver: Object) -> Object:
    keep = {"channel", "to", "url", "routing_key_file", "http_config"}
    return {
        name: value if name == "name" else [{key: entry[key] for key in entry if key in keep} for entry in value]
        for name, value in receiver.items()
    }


def _documents(name: str) -> dict[str, str]:
    """By template, kind and name, and by namespace where it is not that of the release."""
    values, chart = values_of(name)
    return {
        f"{template} {item['kind']} {_place(item)}{item['metadata']['name']}": yaml.dump(
            _shown(item), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True
        )
        for template, items in render(values, chart).by_template.items()
        for item in items
    }


def _place(item: Object) -> str:
    namespace = item["metadata"].get("namespace", "monitoring")
    return "" if namespace == "monitoring" else f"{namespace}/"


def _document(name: str) -> str:
    shown = _documents(name)
    base = _documents(_BASE) if name != _BASE else {}
    lines = [f"# as in {_BASE}: {key}\n" for key in shown if base.get(key) == shown[key]]
    lines += [f"# not here: {key}\n" for key in base if key not in shown]
    parts = [f"# {key}\n{text}" for key, text in shown.items() if base.get(key) != text]
    return "".join(lines) + "---\n".join(parts)


@pytest.mark.golden
@pytest.mark.parametrize("name", _SETS)
def test_rendered_as_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    file = _GOLDEN / f"{name}.yaml"
    document = _document(name)
    if request.config.getoption("--golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(document)
    assert document == file.read_text()
