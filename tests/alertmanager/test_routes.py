"""alertmanager.yml as it is written: where each alert of the rules goes, its times, and where credentials are."""

from __future__ import annotations

import math
import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.resources import resource
from agent_observability.units import Duration
from tests.alertmanager.deployment import FILE, SECRETS_FOLDER

DOCUMENT: Any = yaml.safe_load(FILE.read_text())
EQUAL = [
    *("cluster", "alertname", "project", "namespace", "instance", "component"),
    *("mountpoint", "budget", "provider", "target_service"),
]

# What people are promised, by severity and team. Two alerts are for machines.
PROMISED = {
    ("critical", "platform"): "critical",
    ("warning", "platform"): "warning",
    ("info", "platform"): "info",
    ("critical", "security"): "security,critical",
    ("warning", "security"): "security,warning",
    ("info", "security"): "info",
    ("critical", "finance"): "finance,critical",
    ("warning", "finance"): "finance,warning",
    ("info", "finance"): "info",
}
BY_NAME = {"Watchdog": "dead-man", "InfoInhibitor": "discard"}


def alerts_of_the_rules() -> dict[tuple[str, ...], dict[str, str]]:
    """Static labels of every alert, once for each name, severity and team."""
    groups = chain.from_iterable(
        yaml.safe_load(file.read_text())["groups"] for file in resource("rules").rglob("*.yaml")
    )
    alerts = (rule for group in groups for rule in group["rules"] if "alert" in rule)
    found = ({"alertname": rule["alert"], **rule["labels"]} for rule in alerts)
    return {(labels["alertname"], labels["severity"], labels["team"]): labels for labels in found}


def receivers_of(labels: dict[str, str], file: Path = FILE) -> str:
    command = ["amtool", "config", "routes", "test", f"--config.file={file}", *(f"{k}={v}" for k, v in labels.items())]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_amtool_accepts_the_file() -> None:
    checked = subprocess.run(["amtool", "check-config", FILE], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout


def test_every_alert_of_the_rules_goes_where_its_severity_and_team_say() -> None:
    alerts = alerts_of_the_rules()
    assert len(alerts) > 20
    promised = {
        key: BY_NAME.get(labels["alertname"]) or PROMISED[labels["severity"], labels["team"]]
        for key, labels in alerts.items()
    }
    assert {key: receivers_of(labels) for key, labels in alerts.items()} == promised


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        *(({"alertname": "x", "severity": severity, "team": team}, to) for (severity, team), to in PROMISED.items()),
        ({"alertname": "x", "severity": "critical", "team": "others", "project": "p"}, "critical"),
        ({"alertname": "CredentialProxyAnomaly", "severity": "critical", "team": "security"}, "security,critical"),
        ({"alertname": "CredentialProxyAnomaly", "severity": "warning", "team": "security"}, "security,warning"),
        ({"alertname": "CredentialProxyAnomaly", "severity": "critical", "team": "others"}, "critical"),
        ({"alertname": "x", "severity": "warning", "project": "p"}, "warning"),
        ({"alertname": "x", "severity": "none"}, "discard"),
        ({"alertname": "x", "severity": "none", "team": "security"}, "discard"),
        ({"alertname": "Watchdog", "severity": "none", "project": "p"}, "dead-man"),
        ({"alertname": "Watchdog", "severity": "critical"}, "dead-man"),
        ({"alertname": "InfoInhibitor", "severity": "none", "project": "p"}, "discard"),
        ({"alertname": "x", "severity": "sever"}, "warning"),
        ({"alertname": "x", "severity": "sever", "team": "security"}, "warning"),
        ({"alertname": "x"}, "warning"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value,
)
def test_labels_and_their_receivers(labels: dict[str, str], expected: str) -> None:
    assert receivers_of(labels) == expected


def routes() -> list[Any]:
    return [DOCUMENT["route"], *DOCUMENT["route"]["routes"]]


def by_receiver(name: str) -> Any:
    return next(route for route in DOCUMENT["route"]["routes"] if route["receiver"] == name)


def test_times_and_groups() -> None:
    root = DOCUMENT["route"]
    assert root["group_by"] == ["alertname", "project"]
    assert (root["group_wait"], root["group_interval"], root["repeat_interval"]) == ("30s", "5m", "4h")
    assert by_receiver("critical")["repeat_interval"] == "1h"
    assert by_receiver("info")["group_interval"] == "1d"


def test_anomalies_of_the_credential_proxy_are_told_within_seconds() -> None:
    """The first of all, and the next one while it lasts; a scrape and an evaluation take 10 s before that."""
    swift = [route for route in routes() if "alertname = CredentialProxyAnomaly" in route.get("matchers", ())]
    assert [route["receiver"] for route in swift] == ["security", "critical"]
    assert [route.get("continue", False) for route in swift] == [True, False]
    assert all(route["group_by"] == ["alertname", "project", "instance", "container_id"] for route in swift)
    assert all(Duration.parse(route["group_wait"]) + Duration.parse(route["group_interval"]) <= 4 for route in swift)
    assert "repeat_interval" not in swift[0]
    assert swift[1]["repeat_interval"] == "1h"


@pytest.mark.parametrize(("receiver", "seconds"), [("dead-man", 60), ("info", 86400)])
def test_the_repeat_is_due_at_a_look_and_not_just_after_it(receiver: str, seconds: int) -> None:
    """A group is looked at once per interval. A repeat of exactly some intervals would be missed by a moment."""
    route = by_receiver(receiver)
    look, due = (Duration.parse(route[name]) for name in ("group_interval", "repeat_interval"))
    assert due % look
    assert math.ceil(due / look) * look == seconds


def test_only_warnings_and_infos_are_ever_muted() -> None:
    muted = {route["receiver"]: route["mute_time_intervals"] for route in routes() if "mute_time_intervals" in route}
    assert muted == {"warning": ["maintenance"], "info": ["maintenance", "weekend"]}


def test_critical_silences_only_the_same_subject() -> None:
    rule = next(rule for rule in DOCUMENT["inhibit_rules"] if rule["source_matchers"] == ["severity = critical"])
    assert rule["equal"] == EQUAL
    assert rule["target_matchers"] == ['severity =~ "warning|info"']


def test_every_delivery_sends_resolved() -> None:
    for receiver in DOCUMENT["receivers"]:
        deliveries = [one for key, kind in receiver.items() if key != "name" for one in kind]
        assert all(one["send_resolved"] is True for one in deliveries), receiver["name"]


def test_credentials_are_in_files_with_absolute_paths() -> None:
    """Alertmanager reads most relative ones in its working directory, and notices only when it has to deliver."""
    found = dict(_leaves(DOCUMENT))
    assert not {"smtp_auth_password", "slack_api_url", "api_url", "routing_key", "credentials", "password"} & set(found)
    assert {path for name, path in found.items() if name.endswith("_file")} == {
        f"{SECRETS_FOLDER}/{name}"
        for name in ("smtp-password", "slack-webhook-url", "pagerduty-routing-key", "dead-man-token")
    }


def _leaves(node: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [leaf for key, item in node.items() for leaf in _leaves(item, key)]
    return [leaf for item in node for leaf in _leaves(item, name)] if isinstance(node, list) else [(name, node)]


def test_every_template_is_used_and_exists() -> None:
    text = (FILE.parent / "templates" / "agentobs.tmpl").read_text()
    defined = set(re.findall(r'define "([^"]+)"', text))
    used = set(re.findall(r'template "([^"]+)"', text + FILE.read_text()))
    assert used == defined
