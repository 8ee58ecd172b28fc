"""What a reader sees first: titles and colours, rendered by amtool, and the mail as a whole."""

from __future__ import annotations

import json
import subprocess
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.resources import resource
from tests.alertmanager.deployment import EXTERNAL_URL, FILE, alert
from tests.alertmanager.world import World
from tests.support import wait_until

RED, AMBER, BLUE, GREEN = "#EF4444", "#F59E0B", "#3B82F6", "#10B981"

HOST = {"cluster": "prod-eu", "instance": "10.0.3.17:9801"}


def firing(severity: str, **labels: str) -> dict[str, Any]:
    return {**alert("HostCpuHigh", severity, summary="The CPU is busy.", **labels), "status": "firing"}


def resolved(severity: str, **labels: str) -> dict[str, Any]:
    return {**firing(severity, **labels), "status": "resolved"}


def rendered(tmp_path: Path, template: str, *alerts: dict[str, Any]) -> str:
    """A template's text for one group, from the data that Alertmanager would make of its alerts."""
    times = {"startsAt": "2024-01-01T00:00:00Z", "endsAt": "2024-01-01T01:00:00Z"}
    data = {
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "externalURL": EXTERNAL_URL,
        "groupLabels": {"alertname": alerts[0]["labels"]["alertname"]},
        "commonLabels": dict(reduce(set.intersection, (set(one["labels"].items()) for one in alerts))),
        "commonAnnotations": dict(reduce(set.intersection, (set(one["annotations"].items()) for one in alerts))),
        "alerts": [one | times for one in alerts],
    }
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data))
    templates = FILE.parent / "templates" / "*.tmpl"
    command = ["amtool", "template", "render", f"--template.glob={templates}", f"--template.data={file}"]
    text = f'{{{{ template "agentobs.{template}" . }}}}'
    return subprocess.run([*command, f"--template.text={text}"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("alerts", "title", "color"),
    [
        ([firing("critical", **HOST)], "[CRITICAL] The CPU is busy · prod-eu 10.0.3.17:9801", RED),
        ([firing("warning")], "[WARNING] The CPU is busy", AMBER),
        ([firing("info", project="p")], "[INFO] The CPU is busy · p", BLUE),
        ([firing("sever")], "[ALERT] The CPU is busy", AMBER),
        ([firing("critical", instance=f"vm{n}") for n in range(45)], "[CRITICAL ×45] The CPU is busy", RED),
        # The worst of those that fire; the ones that are over are not counted.
        ([firing("warning"), firing("critical"), resolved("critical")], "[CRITICAL ×2] The CPU is busy", RED),
        ([firing("warning"), resolved("critical")], "[WARNING] The CPU is busy", AMBER),
        ([firing("info"), firing("info")], "[INFO ×2] The CPU is busy", BLUE),
        ([firing("info"), firing("warning")], "[WARNING ×2] The CPU is busy", AMBER),
        ([resolved("critical", **HOST)], "[RESOLVED] The CPU is busy · prod-eu 10.0.3.17:9801", GREEN),
        ([resolved("critical")] * 3, "[RESOLVED ×3] The CPU is busy", GREEN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_titles_and_colors(tmp_path: Path, alerts: list[dict[str, Any]], title: str, color: str) -> None:
    assert rendered(tmp_path, "title", *alerts) == title
    assert rendered(tmp_path, "color", *alerts) == color


def test_where_names_every_label_that_tells_subjects_apart(tmp_path: Path) -> None:
    """The same labels that inhibition compares, without those that every title has."""
    rule = yaml.safe_load(FILE.read_text())["inhibit_rules"][0]
    for label in set(rule["equal"]) - {"alertname"}:
        assert rendered(tmp_path, "title", firing("critical", **{label: "here"})) == "[CRITICAL] The CPU is busy · here"


def test_titles_of_all_alerts_fit_a_phone(tmp_path: Path) -> None:
    """Summaries are whole, and with 45 alerts of a cluster and host in IPv4 the title keeps to about 80 characters."""
    files = resource("rules").rglob("*.yaml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    summaries = {rule["annotations"]["summary"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert len(summaries) > 20
    longest = sorted(summaries, key=len)[-3:]
    for summary in longest:
        one = {**alert("X", summary=summary, **HOST), "status": "firing"}
        title = rendered(tmp_path, "title", *[one] * 45)
        assert title == f"[CRITICAL ×45] {summary.removesuffix('.')} · prod-eu 10.0.3.17:9801"
        assert len(title) <= 95


def test_a_text_says_how_bad_what_since_when_and_where_to_look(tmp_path: Path) -> None:
    text = rendered(tmp_path, "text", firing("critical", instance="vm1"), resolved("critical", instance="vm2"))
    assert text.splitlines() == [
        "1 firing:",
        "",
        "• HostCpuHigh (critical): The CPU is busy.",
        "  HostCpuHigh is at 97%.",
        "  since 2024-01-01 00:00 UTC",
        "  Dashboard: https://grafana.example.org/d/agentobs-host?var-instance=vm1&x=1",
        "",
        "1 resolved:",
        "",
        "• HostCpuHigh (critical): The CPU is busy.",
        "  HostCpuHigh is at 97%.",
        "  since 2024-01-01 00:00 UTC, until 2024-01-01 01:00 UTC",
        "",
        "Runbook: https://example.org/runbooks/HostCpuHigh.md",
        "Silence: https://alerts.example.org/am/#/silences/new?filter=%7Balertname%3D%22HostCpuHigh%22%2C%20"
        "severity%3D%22critical%22%2C%20team%3D%22platform%22%7D",
        "Alertmanager: https://alerts.example.org/am/#/alerts?filter=%7Balertname%3D%22HostCpuHigh%22%7D",
    ]


def test_slack_shows_times_in_the_zone_of_its_reader(tmp_path: Path) -> None:
    text = rendered(tmp_path, "slack.text", firing("critical"), resolved("critical"))
    assert text.splitlines() == [
        "*1 firing*",
        "• HostCpuHigh is at 97%. _since_ <!date^1704067200^{date_short_pretty} {time}|2024-01-01 00:00 UTC>",
        "*1 resolved*",
        "• HostCpuHigh is at 97%.",
    ]


@pytest.mark.stack
def test_a_mail_is_text_and_one_column_of_html(world: World) -> None:
    world.running.post(alert("Mailed", **HOST))
    (mail,) = wait_until(lambda: world.mails("Mailed"), what=world.running.child.output)
    assert mail.message.get_content_type() == "multipart/alternative"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in mail.html
    assert "max-width: 600px" in mail.html
    assert not any(f"<{tag}" in mail.html for tag in ("table", "img", "script", "style>"))
    assert mail.text.startswith("1 firing:")
    assert set(mail.links) == {"Runbook", "Dashboard", "Silence", "Alertmanager"}
