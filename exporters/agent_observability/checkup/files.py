"""Reads the rules and pages that an installation should have, from folders or mounted ConfigMaps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agent_observability.errors import ConfigError, StartError

__all__ = ["ExpectedRule", "Page", "Panel", "expected_rules", "pages"]


class ExpectedRule(NamedTuple):
    """A rule of a file; `severity` is "" for recording rules."""

    group: str
    name: str
    severity: str
    expr: str

    @property
    def title(self) -> str:
        return f"{self.name} ({self.severity})" if self.severity else self.name


class Panel(NamedTuple):
    """A query of a page: where it stands, and its expression as Grafana holds it."""

    where: str
    expr: str


class Page(NamedTuple):
    """A dashboard: its queries, those of its variables included, and what each variable stands for when set to All."""

    uid: str
    panels: Sequence[Panel]
    variables: dict[str, str]


def expected_rules(folder: Path, skip: frozenset[str]) -> list[ExpectedRule]:
    """The rules in `folder`, but not those in files named after an exporter in `skip`. Raises ConfigError."""
    found = []
    for file in _files(folder, "*.yaml"):
        if file.stem in skip:
            continue
        try:
            groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
            for group in groups:
                for rule in group["rules"]:
                    severity = rule.get("labels", {}).get("severity", "") if "alert" in rule else ""
                    name = rule.get("alert") or rule["record"]
                    found.append(ExpectedRule(group["name"], name, severity, rule["expr"]))
        except (OSError, yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(str(file), [f"is no file of Prometheus rules: {_line(error)}"]) from error
    return found


def pages(folder: Path) -> list[Page]:
    """The dashboards in `folder` and its subfolders. Raises ConfigError."""
    found = []
    for file in _files(folder, "*.json"):
        try:
            page = json.loads(file.read_text(encoding="utf-8"))
            variables = {entry["name"]: entry.get("allValue") or ".*" for entry in page["templating"]["list"]}
            found.append(Page(page["uid"], [*_queries(page)], variables))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(str(file), [f"is no Grafana dashboard: {_line(error)}"]) from error
    return found


def _queries(page: Any) -> Iterator[Panel]:
    for entry in page["templating"]["list"]:
        if entry["type"] == "query":
            query = entry["query"]["query"] if isinstance(entry["query"], dict) else entry["query"]
            # label_values(series, label) is Grafana's own; only the series are Prometheus'.
            series = query.removeprefix("label_values(").rpartition(",")[0] or query
            yield Panel(f"variable {entry['name']}", series)
    for top in page["panels"]:
        for panel in top["panels"] if top["type"] == "row" and top.get("panels") else [top]:
            for target in panel.get("targets", ()):
                yield Panel(f"{panel['title']}/{target['refId']}", target["expr"])


def _files(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise StartError(f"{folder} is no folder")
    # Kubernetes mounts a ConfigMap as links into a folder whose name starts with two dots.
    found = (file for file in folder.rglob(pattern) if not any(part.startswith("..") for part in file.parts))
    return sorted(found)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
