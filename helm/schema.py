"""values.schema.json: types from the defaults in values.yaml, the rest from schema.yaml, closed against typos."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from helm.values import Value, matches, read_values

__all__ = ["values_schema"]

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_DRAFT = "http://json-schema.org/draft-07/schema#"


def values_schema(
    values: str, overlay: Mapping[str, Any], alerts: Mapping[str, Mapping[str, bool]], pages: list[str]
) -> str:
    """The schema as JSON text.

    `alerts` says by alert and severity whether it has a threshold; `pages` are the uids of the dashboards. Raises
    ValueError for an empty list or mapping in `values` of which `overlay` says nothing, and for a line of `overlay`
    with no wildcard that fits no value.
    """
    known = read_values(values, overlay)
    definitions = overlay["definitions"] | _alert_definitions(overlay["definitions"]["alert"])
    lines = dict(overlay["values"])
    lines["rules.alerts"] = _alerts(definitions, alerts)
    lines["dashboards.exclude"] = {"type": "array", "uniqueItems": True, "items": {"enum": pages}}
    _check_overlay(lines, known)
    root: dict[str, Any] = {"$schema": _DRAFT, "title": "Values of agent-observability", "definitions": definitions}
    root |= {"type": "object", "additionalProperties": False, "properties": {}}
    for value in known:
        parent = root
        for key in value.path[:-1]:
            parent = parent["properties"][key]
        parent["properties"][value.path[-1]] = _node(value, lines, definitions)
    # Helm hands it to every subchart.
    root["properties"]["global"] = {"type": "object"}
    return json.dumps(root, indent=1, ensure_ascii=False) + "\n"


def _node(value: Value, lines: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    path = ".".join(value.path)
    node: dict[str, Any] = {}
    # The more exact line wins, and those without a wildcard are the most exact.
    matching = sorted((pattern for pattern in lines if matches(value.path, pattern)), key=lambda p: -p.count("*"))
    for pattern in matching:
        node.update(copy.deepcopy(lines[pattern]))
    if not value.leaf:
        node = {"type": "object", "additionalProperties": False, "properties": {}} | node
    elif type(value.default) in _TYPES:
        if "$ref" not in node and "enum" not in node:
            node = {"type": _TYPES[type(value.default)]} | node
    elif not matching:
        raise ValueError(
            f"values.yaml: {path} is {value.default!r} by default: say in schema.yaml what may stand there"
        )
    reference = node.get("$ref", "").rpartition("/")[2]
    if reference:
        # Beside a $ref draft-07 ignores everything else, and an allOf around it makes messages longer; so what is small
        # is written out.
        definition = definitions[reference]
        if "properties" in definition:
            return {"$ref": node["$ref"]}
        node = copy.deepcopy(definition) | {key: part for key, part in node.items() if key != "$ref"}
    if value.description:
        node["description"] = value.description
    return node


def _check_overlay(lines: Mapping[str, Any], known: list[Value]) -> None:
    for pattern in lines:
        if "*" not in pattern and not any(matches(value.path, pattern) for value in known):
            raise ValueError(f"schema.yaml: values.yaml has no {pattern}")


def _alert_definitions(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What may be changed of an alert, without and with a threshold."""
    closed = {"type": "object", "additionalProperties": False}
    return {
        "alert": {**closed, "properties": fields},
        "alertWithThreshold": {**closed, "properties": {**fields, "threshold": {"type": "number"}}},
    }


def _alerts(definitions: Mapping[str, Any], alerts: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
    """One closed mapping per alert; one with several severities has the same below each."""

    def name(*thresholds: bool) -> str:
        return "alertWithThreshold" if all(thresholds) else "alert"

    properties: dict[str, Any] = {}
    for alert, severities in sorted(alerts.items()):
        common = name(*severities.values())
        if len(severities) == 1:
            properties[alert] = {"$ref": f"#/definitions/{common}"}
        else:
            each = {severity: {"$ref": f"#/definitions/{name(has)}"} for severity, has in sorted(severities.items())}
            properties[alert] = definitions[common] | {"properties": {**definitions[common]["properties"], **each}}
    return {"type": "object", "additionalProperties": False, "properties": properties}
