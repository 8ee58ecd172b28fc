"""alertmanager/: the project's routing and templates, and the local routing derived from it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.errors import ConfigError
from agent_observability.resources import resource
from agent_observability.stack.alertmanager import local_routing

FOLDER = resource("alertmanager")
FILE = FOLDER / "alertmanager.yml"
EQUAL = [
    "cluster",
    "alertname",
    "project",
    "namespace",
    "instance",
    "component",
    "mountpoint",
    "budget",
    "provider",
    "target_service",
]


def project() -> Any:
    return yaml.safe_load(FILE.read_text())


def local() -> Any:
    return yaml.safe_load(local_routing(FILE, "http://127.0.0.1:9808"))


def local_file(tmp_path: Path) -> Path:
    path = tmp_path / "local.yml"
    path.write_text(local_routing(FILE, "http://127.0.0.1:9808"))
    return path


def routes(document: Any) -> list[Any]:
    return [document["route"], *document["route"]["routes"]]


def by_receiver(document: Any, name: str) -> Any:
    return next(route for route in document["route"]["routes"] if route["receiver"] == name)


def test_amtool_accepts_both(tmp_path: Path) -> None:
    for file in (FILE, local_file(tmp_path)):
        checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"severity": "critical", "team": "platform"}, "critical"),
        ({"severity": "warning", "team": "platform"}, "warning"),
        ({"severity": "info"}, "info"),
        ({"severity": "critical", "team": "security"}, "security,critical"),
        ({"severity": "warning", "team": "finance"}, "finance,warning"),
        ({"severity": "info", "team": "security"}, "info"),
        ({"alertname": "Watchdog", "severity": "none"}, "dead-man"),
        ({"alertname": "InfoInhibitor", "severity": "none"}, "discard"),
        ({"severity": "none"}, "discard"),
        ({"severity": "sever"}, "warning"),
        ({}, "warning"),
    ],
)
def test_routes(tmp_path: Path, labels: dict[str, str], expected: str) -> None:
    arguments = [f"{name}={value}" for name, value in labels.items()] or ["alertname=x"]
    for file in (FILE, local_file(tmp_path)):
        command = ["amtool", "config", "routes", "test", f"--config.file={file}", *arguments]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.strip() == expected


def test_times_and_groups() -> None:
    root = project()["route"]
    assert root["group_by"] == ["alertname", "project"]
    assert (root["group_wait"], root["group_interval"], root["repeat_interval"]) == ("30s", "5m", "4h")
    assert by_receiver(project(), "critical")["repeat_interval"] == "1h"
    assert by_receiver(project(), "info")["group_interval"] == "1d"


def test_critical_silences_only_the_same_subject() -> None:
    rule = next(rule for rule in project()["inhibit_rules"] if rule["source_matchers"] == ["severity = critical"])
    assert rule["equal"] == EQUAL
    assert rule["target_matchers"] == ['severity =~ "warning|info"']


def test_every_delivery_sends_resolved_and_no_credential_stands_in_the_file() -> None:
    document = project()
    for receiver in document["receivers"]:
        deliveries = [one for key, kind in receiver.items() if key != "name" for one in kind]
        assert all(one["send_resolved"] is True for one in deliveries), receiver["name"]
    inline = {"smtp_auth_password", "slack_api_url", "api_url", "routing_key", "service_key", "credentials", "password"}
    assert inline.isdisjoint(_keys(document))


def _keys(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set(node).union(*(_keys(item) for item in node.values()))
    return set().union(*(_keys(item) for item in node)) if isinstance(node, list) else set()


def test_the_local_routing_keeps_the_tree_and_the_inhibition() -> None:
    kept = ("receiver", "matchers", "group_by", "continue", "repeat_interval")
    shape = [[{key: route.get(key) for key in kept} for route in routes(document)] for document in (project(), local())]
    assert shape[0] == shape[1]
    assert local()["inhibit_rules"] == project()["inhibit_rules"]


def test_the_local_routing_delivers_everything_at_once_to_this_machine() -> None:
    document = local()
    assert {"group_wait": "1s", "group_interval": "5s"}.items() <= document["route"].items()
    assert not any("mute_time_intervals" in route for route in routes(document))
    assert by_receiver(document, "dead-man")["group_wait"] == "0s"
    urls = {one["name"]: [hook["url"] for hook in one.get("webhook_configs", [])] for one in document["receivers"]}
    assert urls == {
        name: [f"http://127.0.0.1:9808/notify/{name}"]
        for name in ("critical", "warning", "info", "security", "finance", "dead-man")
    } | {"discard": []}
    assert set().union(*(set(one) for one in document["receivers"])) == {"name", "webhook_configs"}


@pytest.mark.parametrize("text", ["", "route: x\nreceivers: []", "route: {receiver: a}"])
def test_a_file_that_is_no_routing_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="expected a mapping `route` and a list `receivers`"):
        local_routing(file, "http://127.0.0.1:9808")


def rendered(tmp_path: Path, template: str, *, firing: int = 0, resolved: int = 0, kind: str = "text") -> str:
    def alert(status: str, number: int) -> dict[str, Any]:
        return {
            "status": status,
            "labels": {"alertname": "HostCpuHigh", "instance": f"vm{number}"},
            "annotations": {
                "summary": "The CPU is busy.",
                "description": f"vm{number} is at 97 % <now>.",
                "runbook_url": "https://example.org/HostCpuHigh.md",
                "dashboard_url": "https://grafana.example.org/d/agentobs-host?var-instance=vm&x=1",
            },
            "startsAt": "2024-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }

    labels = {"alertname": "HostCpuHigh", "project": 'a b&"c"', "severity": "critical"}
    data = {
        "receiver": "critical",
        "status": "firing" if firing else "resolved",
        "externalURL": "http://am.example.org",
        "groupLabels": {"alertname": "HostCpuHigh", "project": 'a b&"c"'},
        "commonLabels": labels,
        "commonAnnotations": {"summary": "The CPU is busy."},
        "alerts": [alert("firing", n) for n in range(firing)] + [alert("resolved", n) for n in range(resolved)],
    }
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data))
    command = ["amtool", "template", "render", f"--template.glob={FOLDER}/templates/*.tmpl", f"--template.data={file}"]
    text = f'{{{{ template "agentobs.{template}" . }}}}'
    command += [f"--template.type={kind}", f"--template.text={text}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("firing", "resolved", "title", "color"),
    [
        (1, 0, '[CRITICAL] The CPU is busy (project a b&"c")', "#EF4444"),
        (45, 1, '[CRITICAL ×45] The CPU is busy (project a b&"c")', "#EF4444"),
        (0, 1, '[RESOLVED] The CPU is busy (project a b&"c")', "#10B981"),
    ],
)
def test_titles(tmp_path: Path, firing: int, resolved: int, title: str, color: str) -> None:
    assert rendered(tmp_path, "title", firing=firing, resolved=resolved) == title
    assert rendered(tmp_path, "color", firing=firing, resolved=resolved) == color


SILENCE = (
    "http://am.example.org/#/silences/new?filter=%7Balertname%3D%22HostCpuHigh%22%2C%20"
    "project%3D%22a%20b%26%22c%22%22%2C%20severity%3D%22critical%22%7D"
)


def test_the_message_has_everything_a_reader_needs(tmp_path: Path) -> None:
    text = rendered(tmp_path, "text", firing=1)
    for part in (
        "1 firing:",
        "HostCpuHigh: The CPU is busy.",
        "vm0 is at 97 % <now>.",
        "since 2024-01-01 00:00:00 UTC",
        "Runbook: https://example.org/HostCpuHigh.md",
        "Dashboard: https://grafana.example.org/d/agentobs-host?var-instance=vm&x=1",
        f"Silence: {SILENCE}",
    ):
        assert part in text


def test_forty_five_failures_are_one_readable_message(tmp_path: Path) -> None:
    text = rendered(tmp_path, "text", firing=45)
    assert "45 firing, the first ten:" in text
    assert text.count("HostCpuHigh: ") == 10
    assert rendered(tmp_path, "html", firing=45, kind="html").count("<h3>") == 20


def test_the_mail_escapes_what_it_shows_and_links_the_same_silence(tmp_path: Path) -> None:
    html = rendered(tmp_path, "html", firing=1, kind="html")
    assert "vm0 is at 97 % &lt;now&gt;." in html
    assert f'<a href="{SILENCE}">' in html.replace("&#43;", "+")
    assert 'href="https://grafana.example.org/d/agentobs-host?var-instance=vm&amp;x=1"' in html
