"""An exporter comes with everything it takes to install, judge and understand it; what is missing is named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from agent_observability.registry import EXPORTERS, Exporter
from tests.support import ROOT


def missing(exporter: Exporter, root: Path = ROOT) -> list[str]:
    """What an exporter lacks, in words."""
    chart = root / "helm" / "agent-observability"
    jobs = yaml.safe_load((chart / "files" / "exporters.yaml").read_text()).get(exporter.process, [])
    values = yaml.safe_load((chart / "values.yaml").read_text())["exporters"]
    compose = (root / "manifests" / "compose" / "prometheus.yml").read_text()
    pages = [page.read_text() for page in (root / "dashboards" / "json").rglob("*.json")]
    rules = root / "rules" / f"{exporter.name}.yaml"
    entry = {"name": exporter.name, "port": exporter.port, "job": exporter.job}
    checks = {
        f"chart values: exporters.{exporter.process} in values.yaml": exporter.process in values,
        f"scrape job {exporter.job} in the chart's files/exporters.yaml: run make generate": entry in jobs,
        f"scrape job {exporter.job} in manifests/compose/prometheus.yml: run make generate": exporter.job in compose,
        f"rules: rules/{exporter.name}.yaml": rules.is_file(),
        f"alert AgentObsExporterAbsent for job {exporter.job}": rules.is_file() and _absent(rules, exporter),
        f"documentation: docs/exporters/{exporter.name}.md": (root / f"docs/exporters/{exporter.name}.md").is_file(),
        f"dashboard: no page asks for job {exporter.job}": any(exporter.job in page for page in pages),
        f"benchmark: tests/bench/{exporter.name}.py": (root / f"tests/bench/{exporter.name}.py").is_file(),
    }
    return [what for what, there in checks.items() if not there]


def _absent(rules: Path, exporter: Exporter) -> bool:
    alerts = [rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]
    return any(
        rule.get("alert") == "AgentObsExporterAbsent" and json.dumps(exporter.job) in rule["expr"] for rule in alerts
    )


@pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.name)
def test_nothing_is_missing(exporter: Exporter) -> None:
    assert missing(exporter) == []


def test_whatever_is_missing_is_named() -> None:
    new = dataclasses.replace(EXPORTERS[0], name="new_one", port=9999)
    assert missing(new) == [
        "chart values: exporters.new_one in values.yaml",
        "scrape job agent-obs-new_one in the chart's files/exporters.yaml: run make generate",
        "scrape job agent-obs-new_one in manifests/compose/prometheus.yml: run make generate",
        "rules: rules/new_one.yaml",
        "alert AgentObsExporterAbsent for job agent-obs-new_one",
        "documentation: docs/exporters/new_one.md",
        "dashboard: no page asks for job agent-obs-new_one",
        "benchmark: tests/bench/new_one.py",
    ]
