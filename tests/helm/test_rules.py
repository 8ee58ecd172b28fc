"""Rules as the chart installs them: equal to rules/ unless values change one, and then changed exactly so."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import CHART, PROXY, Object, probe_chart, render, value_sets, values_of
from tests.support import ROOT

Rule = dict[str, Any]
_OFF = "credential_proxy.yaml"


def rule_files(values: Object | None = None, chart: Path = CHART) -> dict[str, Any]:
    """By file, from the ConfigMap or, where there is none, from the operator's objects."""
    release = render(values, chart)
    for item in release.of("ConfigMap", "-rules"):
        return {name: yaml.safe_load(text) for name, text in (item["data"] or {}).items()}
    return {item["metadata"]["name"]: item["spec"] for item in release.of("PrometheusRule")}


def own_rules() -> dict[str, Any]:
    return {file.name: yaml.safe_load(file.read_text()) for file in (ROOT / "rules").rglob("*.yaml")}


def alerts(files: dict[str, Any], name: str) -> dict[str, Rule]:
    """By severity in rules/, which values may change."""
    found = [rule for file in files.values() for group in file["groups"] for rule in group["rules"]]
    return {rule["labels"]["severity"]: rule for rule in found if rule.get("alert") == name}


def changed(name: str, changes: Object, **more: Any) -> dict[str, Rule]:
    return alerts(rule_files({"rules": {"alerts": {name: changes}, **more}, **PROXY}), name)


def test_unchanged_rules_are_the_suites() -> None:
    assert rule_files(PROXY) == own_rules()


def test_nothing_else_changes_with_one_alert() -> None:
    after = rule_files({"rules": {"alerts": {"HostCpuHigh": {"threshold": 0.5}}}, **PROXY})
    before = own_rules()
    for name, file in before.items():
        for group, other in zip(file["groups"], after[name]["groups"], strict=True):
            assert [rule for rule in group["rules"] if rule.get("alert") != "HostCpuHigh"] == [
                rule for rule in other["rules"] if rule.get("alert") != "HostCpuHigh"
            ]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"for": "30m"}, "for", "30m"),
        ({"keepFiringFor": "1h"}, "keep_firing_for", "1h"),
        ({"expr": "vector(1) > 0"}, "expr", "vector(1) > 0"),
        ({"threshold": 0.95}, "expr", 'instance:node_cpu_busy:ratio_rate5m{job="agent-obs-host"} > 0.95'),
        ({"threshold": 2}, "expr", 'instance:node_cpu_busy:ratio_rate5m{job="agent-obs-host"} > 2'),
    ],
)
def test_a_changed_alert(changes: Object, field: str, value: str) -> None:
    [before] = alerts(own_rules(), "HostCpuHigh").values()
    [after] = changed("HostCpuHigh", changes).values()
    assert after == before | {field: value}


def test_changed_labels_and_annotations() -> None:
    changes = {"severity": "info", "labels": {"pager": "no"}, "annotations": {"summary": "Other {{ $value }}."}}
    [before] = alerts(own_rules(), "HostCpuHigh").values()
    [after] = changed("HostCpuHigh", changes, labels={"service": "agents"}).values()
    assert after["labels"] == before["labels"] | {"service": "agents", "pager": "no", "severity": "info"}
    assert after["annotations"] == before["annotations"] | {"summary": "Other {{ $value }}."}


def test_one_severity_of_several() -> None:
    before = alerts(own_rules(), "HostMemoryHigh")
    assert before.keys() == {"warning", "critical"}
    after = changed("HostMemoryHigh", {"for": "20m", "critical": {"threshold": 0.97, "for": "1m"}})
    assert after["warning"] == before["warning"] | {"for": "20m"}
    assert after["critical"]["expr"] == before["critical"]["expr"].replace("0.9", "0.97")
    assert after["critical"]["for"] == "1m"
    assert changed("HostMemoryHigh", {"warning": {"enabled": False}}).keys() == {"critical"}


def test_a_severity_wins_over_what_is_said_of_all_even_with_nothing() -> None:
    assert changed("HostMemoryHigh", {"enabled": True, "warning": {"enabled": False}}).keys() == {"critical"}
    after = changed("HostMemoryHigh", {"threshold": 0.5, "critical": {"threshold": 0, "annotations": {"summary": ""}}})
    assert after["critical"]["expr"].rstrip().endswith("> 0")
    assert after["warning"]["expr"].rstrip().endswith("> 0.5")
    assert after["critical"]["annotations"]["summary"] == ""


def test_disabled_alerts_are_gone() -> None:
    assert changed("HostMemoryHigh", {"enabled": False}) == {}
    kept = changed("HostMemoryHigh", {"enabled": False, "critical": {"enabled": True}})
    assert kept.keys() == {"critical"}


@pytest.mark.parametrize(("switch", "kind"), [("recording", "record"), ("alerting", "alert")])
def test_kinds_are_switched_off_apart(switch: str, kind: str) -> None:
    files = rule_files({"rules": {switch: False}})
    rules = [rule for file in files.values() for group in file["groups"] for rule in group["rules"]]
    assert rules
    assert not [rule for rule in rules if kind in rule]
    assert all(group["rules"] for file in files.values() for group in file["groups"])


def test_rules_of_an_exporter_that_does_not_run_are_left_out() -> None:
    assert "host.yaml" not in rule_files({"exporters": {"host": {"enabled": False}}})
    assert own_rules().keys() - rule_files().keys() == {_OFF}
    values, chart = values_of("postgresql")
    assert rule_files(values, chart).keys() == own_rules().keys() - {_OFF}


def test_links_are_made_absolute() -> None:
    values = {"grafanaUrl": "https://grafana.example.org/g/", "rules": {"runbookUrl": "https://wiki.example.org/run/"}}
    files = rule_files(values)
    for file in files.values():
        for group in file["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example.org/g/d/agentobs-")
                    assert rule["annotations"]["runbook_url"] == f"https://wiki.example.org/run/{rule['alert']}.md"
    assert "{{ $labels.instance" in alerts(files, "HostCpuHigh")["warning"]["annotations"]["description"]


def test_the_operator_gets_the_same_rules() -> None:
    values, chart = values_of("operator")
    result = render(values, chart)
    by_operator = {item["metadata"]["name"]: item["spec"] for item in result.of("PrometheusRule")}
    config = rule_files(values, chart)
    assert by_operator == {
        f"obs-agent-observability-{name.removesuffix('.yaml').replace('_', '-')}": spec for name, spec in config.items()
    }
    assert all(item["metadata"]["labels"]["release"] == "kube-prometheus-stack" for item in result.of("PrometheusRule"))


@pytest.mark.parametrize("name", value_sets())
def test_promtool_accepts_them(name: str, tmp_path: Path) -> None:
    values, chart = values_of(name)
    for file, content in rule_files(values, chart).items():
        (tmp_path / file).write_text(yaml.safe_dump(content))
    files = sorted(map(str, tmp_path.iterdir()))
    command = ["promtool", "check", "rules", *files]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_with_a_threshold_moves() -> None:
    known = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    moved = {name: {severity: {"threshold": 12345.5} for severity in of} for name, of in known.items() if len(of) > 1}
    moved |= {name: {"threshold": 12345.5} for name, of in known.items() if len(of) == 1}
    files = rule_files({"rules": {"alerts": moved}, **PROXY})
    for name, of in known.items():
        assert name in schema["properties"]["rules"]["properties"]["alerts"]["properties"]
        for severity, threshold in of.items():
            assert alerts(files, name)[severity]["expr"] == threshold["expr"].replace("@threshold@", "12345.5")


def test_probes_have_no_rules_to_leave_out() -> None:
    off = {"probe": {"enabled": False}, "probe_proxy": {"enabled": False}}
    assert rule_files({"exporters": PROXY["exporters"] | off}, probe_chart()) == own_rules()
