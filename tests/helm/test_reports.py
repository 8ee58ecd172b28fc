"""Reports: their CronJobs, what their pods may reach, and a mail that a pod's own arguments and files bring about."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.config import parse
from tests.helm.chart import Object, Rendered, render, values_of
from tests.helm.mounted import arguments, mount
from tests.report.fake_prometheus import fake, vector
from tests.report.mailbox import mailbox
from tests.support import ROOT

_MAIL: Object = {"from": "obs@example.org", "to": ["a@example.org"], "smtp": {"host": "mail"}}
_KINDS = ("daily", "weekly", "monthly")


def _reports(**values: Any) -> Rendered:
    return render({"reports": {**_MAIL, **values}})


def _settings(release: Rendered) -> Any:
    return yaml.safe_load(release.one("ConfigMap", "-report")["data"]["agent-obs.yaml"])


def _pod(job: Object) -> Object:
    pod: Object = job["spec"]["jobTemplate"]["spec"]["template"]
    return pod


def test_there_are_none_unless_they_are_wanted() -> None:
    release = render()
    assert "CronJob" not in {item["kind"] for item in release.objects}
    assert release.of("ConfigMap", "-report") == release.of("NetworkPolicy", "-report") == []


@pytest.mark.parametrize("kind", _KINDS)
def test_each_is_a_job_of_its_own(kind: str) -> None:
    release = _reports(**{kind: {"enabled": True}})
    job = release.one("CronJob", f"-report-{kind}")
    [container] = _pod(job)["spec"]["containers"]
    assert container["args"][:2] == ["report", kind]
    assert job["spec"]["timeZone"] == "Etc/UTC"
    assert _settings(release)["report"]["to"] == {kind: ["a@example.org"]}


def test_everybodys_and_a_kinds_own_recipients_get_it_once() -> None:
    own = ["b@example.org", "a@example.org"]
    release = _reports(daily={"enabled": True, "to": own}, weekly={"enabled": True})
    assert _settings(release)["report"]["to"] == {
        "daily": ["a@example.org", "b@example.org"],
        "weekly": ["a@example.org"],
    }


def test_days_end_where_the_exporters_do() -> None:
    """Its budgets come along; bills and prices do not, nor the files that only the exporter has."""
    values, chart = values_of("everything")
    release = render(values, chart)
    assert {job["spec"]["timeZone"] for job in release.of("CronJob")} == {"Europe/Berlin"}
    section = values["exporters"]["intake"]["config"]["llm_cost"]
    assert _settings(release)["llm_cost"] == {key: section[key] for key in ("time_zone", "budgets")}
    schedules = {job["metadata"]["name"]: job["spec"]["schedule"] for job in release.of("CronJob")}
    assert schedules["watch-report-weekly"] == "30 6 * * 1"


@pytest.mark.parametrize(
    ("name", "source", "ledger"),
    [("everything", "prometheus", None), ("postgresql", "auto", {"url_file": "/etc/agent-obs/ledger/url"})],
)
def test_only_a_database_is_read_from_another_pod(name: str, source: str, ledger: object) -> None:
    values, chart = values_of(name)
    release = render(values, chart)
    for job in release.of("CronJob"):
        spec = _pod(job)["spec"]
        assert f"--source={source}" in spec["containers"][0]["args"]
        assert ("ledger" in {volume["name"] for volume in spec["volumes"]}) is bool(ledger)
    assert _settings(release).get("ledger") == ledger


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"prometheus": "http://obs-agent-observability-prometheus.monitoring.svc:9090"}),
        ({"prometheusUrl": "https://p.example.org"}, {"prometheus": "https://p.example.org"}),
        (
            {"config": {"prometheus_file": "/etc/agent-obs/secrets/p/url"}},
            {"prometheus_file": "/etc/agent-obs/secrets/p/url"},
        ),
    ],
    ids=["bundled", "named", "with a password"],
)
def test_which_prometheus_is_asked(values: Object, expected: Object) -> None:
    report = _settings(_reports(daily={"enabled": True}, **values))["report"]
    assert {key: value for key, value in report.items() if key.startswith("prometheus")} == expected


def test_only_prometheus_learns_of_them() -> None:
    """Nobody may connect to a report's pod, and it may connect to the bundled Prometheus."""
    release = _reports(daily={"enabled": True})
    policy = release.one("NetworkPolicy", "-report")["spec"]
    assert policy["ingress"] == []
    assert {53, 25, 465, 587, 443, 9090, 5432} <= {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    labels = _pod(release.one("CronJob"))["metadata"]["labels"]

    def admitted(found: Rendered) -> bool:
        [rule] = found.one("NetworkPolicy", "-prometheus")["spec"]["ingress"]
        return any(peer["podSelector"]["matchLabels"].items() <= labels.items() for peer in rule["from"])

    assert admitted(release)
    assert not admitted(render())


@pytest.mark.parametrize("name", ["everything", "postgresql"])
def test_the_file_is_a_configuration(name: str, tmp_path: Path) -> None:
    values, chart = values_of(name)
    release = render(values, chart)
    job = release.of("CronJob")[0]
    secrets = {"report-mail": {"password": "x"}, "report-token": {"token": "x"}, "ledger": {"url": "postgresql://x"}}
    mount(release, _pod(job), tmp_path, secrets)
    file = tmp_path / "etc/agent-obs/config/agent-obs.yaml"
    report = parse(file.read_text(), str(file), file.parent).report
    assert report.smtp.host == values["reports"]["smtp"]["host"]
    assert report.to.weekly == values["reports"]["to"]


@pytest.mark.stack
def test_a_mail_arrives(tmp_path: Path) -> None:
    """By what the pod runs and mounts; Prometheus knows nothing yet."""
    with fake(lambda _: vector()) as prometheus, mailbox() as box:
        smtp = {"host": "127.0.0.1", "port": box.port, "starttls": "off"}
        release = _reports(daily={"enabled": True}, smtp=smtp, prometheusUrl=prometheus.url)
        pod = _pod(release.one("CronJob"))
        mount(release, pod, tmp_path)
        command = [sys.executable, "-m", "agent_observability", *arguments(pod, tmp_path)]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        [mail] = box.mails
        assert prometheus.queries
    assert box.to == [["a@example.org"]]
    assert mail["From"] == "obs@example.org"
    assert mail["Subject"].startswith("[agent-obs] ")
