"""Routing as the chart addresses it: who is told, by what, with which secret; and real Alertmanagers from its files."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import Object, render, values_of
from tests.helm.mounted import arguments, mount
from tests.support import ROOT, free_port, running, wait_until

_OWN: Any = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())
_MAIL = {"smarthost": "mail.example.org:587", "from": "obs@example.org", "to": "oncall@example.org"}
_ALL: Object = {
    "pagerduty": {"existingSecret": "pd"},
    "slack": {"existingSecret": "sl", "channels": {"critical": "#fire", "warning": "#smoke", "security": "#guard"}},
    "email": _MAIL | {"finance": "money@example.org", "username": "obs", "existingSecret": "mail"},
    "deadMan": {"url": "https://dead-man.example.org/x", "existingSecret": "dm"},
}


def routing(receivers: Object | None = None, **more: Any) -> Any:
    secret = render({"alertmanager": {"receivers": receivers or {}, **more}}).one("Secret", "-alertmanager")
    return yaml.safe_load(secret["stringData"]["alertmanager.yaml"])


def addressed(configuration: Any) -> dict[str, set[str]]:
    """By receiver: the integrations it has, with where they lead."""
    where = {
        "slack_configs": "channel",
        "email_configs": "to",
        "webhook_configs": "url",
        "pagerduty_configs": "routing_key_file",
    }
    return {
        receiver["name"]: {f"{kind}:{entry[where[kind]]}" for kind in where for entry in receiver.get(kind, [])}
        for receiver in configuration["receivers"]
    }


@pytest.mark.parametrize(
    ("receivers", "expected"),
    [
        ({}, {}),
        (
            {"pagerduty": {"existingSecret": "pd", "key": "k"}},
            {"critical": {"pagerduty_configs:/etc/alertmanager/secrets/pd/k"}},
        ),
        (
            {"slack": {"existingSecret": "sl"}},
            {
                "critical": {"slack_configs:#alerts-critical"},
                "warning": {"slack_configs:#alerts"},
                "security": {"slack_configs:#security"},
            },
        ),
        ({"email": _MAIL}, {name: {"email_configs:oncall@example.org"} for name in ("critical", "warning", "info")}),
        (
            {"email": {**_MAIL, "to": "", "finance": "money@example.org"}},
            {"finance": {"email_configs:money@example.org"}},
        ),
        ({"deadMan": {"url": "https://x.example.org"}}, {"dead-man": {"webhook_configs:https://x.example.org"}}),
        (
            _ALL,
            {
                "critical": {
                    "pagerduty_configs:/etc/alertmanager/secrets/pd/routing-key",
                    "slack_configs:#fire",
                    "email_configs:oncall@example.org",
                },
                "warning": {"slack_configs:#smoke", "email_configs:oncall@example.org"},
                "info": {"email_configs:oncall@example.org"},
                "security": {"slack_configs:#guard"},
                "finance": {"email_configs:money@example.org"},
                "dead-man": {"webhook_configs:https://dead-man.example.org/x"},
            },
        ),
    ],
    ids=["nobody", "PagerDuty", "Slack", "e-mail", "finance only", "dead man", "all"],
)
def test_who_is_told(receivers: Object, expected: dict[str, set[str]]) -> None:
    configuration = routing(receivers)
    every = {receiver["name"]: set() for receiver in _OWN["receivers"]}
    assert addressed(configuration) == every | expected
    # Everything else is the suite's own.
    assert configuration["route"] == _OWN["route"]
    assert configuration["inhibit_rules"] == _OWN["inhibit_rules"]
    assert configuration["time_intervals"] == _OWN["time_intervals"]


def test_messages_are_the_suites() -> None:
    """Apart from addresses and secrets, each integration is as alertmanager.yml has it."""
    elsewhere = {"channel", "to", "url", "routing_key_file", "http_config"}
    for own, found in zip(_OWN["receivers"], routing(_ALL)["receivers"], strict=True):
        assert own.keys() == found.keys()
        for kind in own.keys() - {"name"}:
            for before, after in zip(own[kind], found[kind], strict=True):
                assert {k: v for k, v in after.items() if k not in elsewhere} == {
                    k: v for k, v in before.items() if k not in elsewhere
                }


def test_secrets_are_read_from_mounted_files() -> None:
    found = routing(_ALL)
    assert found["global"] == {
        "resolve_timeout": "5m",
        "slack_api_url_file": "/etc/alertmanager/secrets/sl/webhook-url",
        "smtp_smarthost": "mail.example.org:587",
        "smtp_from": "obs@example.org",
        "smtp_require_tls": True,
        "smtp_auth_username": "obs",
        "smtp_auth_password_file": "/etc/alertmanager/secrets/mail/password",
    }
    [dead_man] = [receiver for receiver in found["receivers"] if receiver["name"] == "dead-man"]
    credentials = dead_man["webhook_configs"][0]["http_config"]["authorization"]["credentials_file"]
    assert credentials == "/etc/alertmanager/secrets/dm/token"
    workload = render({"alertmanager": {"receivers": _ALL}}).one("StatefulSet", "-alertmanager")
    [container] = workload["spec"]["template"]["spec"]["containers"]
    mounts = {mount_["mountPath"] for mount_ in container["volumeMounts"]}
    assert {f"/etc/alertmanager/secrets/{name}" for name in ("sl", "pd", "mail", "dm")} <= mounts


def test_each_slack_channel_may_have_its_webhook() -> None:
    slack = {"existingSecret": "sl", "keys": {"critical": "fire", "security": "guard"}}
    files = {
        receiver["name"]: [entry.get("api_url_file") for entry in receiver["slack_configs"]]
        for receiver in routing({"slack": slack})["receivers"]
        if "slack_configs" in receiver
    }
    folder = "/etc/alertmanager/secrets/sl"
    assert files == {"critical": [f"{folder}/fire"], "warning": [None], "security": [f"{folder}/guard"]}


def test_planned_work() -> None:
    window = [{"weekdays": ["sunday"], "times": [{"start_time": "02:00", "end_time": "04:00"}]}]
    intervals = {entry["name"]: entry["time_intervals"] for entry in routing(maintenance=window)["time_intervals"]}
    own = {entry["name"]: entry["time_intervals"] for entry in _OWN["time_intervals"]}
    assert intervals == own | {"maintenance": window}


def test_a_routing_of_ones_own() -> None:
    own = {"route": {"receiver": "me"}, "receivers": [{"name": "me"}]}
    assert routing(_ALL, config=own) == own


def test_the_operators_alertmanager_gets_the_same() -> None:
    values, _ = values_of("operator")
    release = render(values)
    assert release.of("StatefulSet", "-alertmanager") == []
    secret = release.one("Secret", "-alertmanager")["stringData"]
    assert secret.keys() == {"alertmanager.yaml", "agentobs.tmpl"}
    found = yaml.safe_load(secret["alertmanager.yaml"])
    assert found == routing(values["alertmanager"]["receivers"])
    assert secret["agentobs.tmpl"].strip() == (ROOT / "alertmanager/templates/agentobs.tmpl").read_text().strip()


@pytest.mark.parametrize("receivers", [{}, _ALL], ids=["nobody", "all"])
def test_amtool_accepts_what_is_mounted(receivers: Object, tmp_path: Path) -> None:
    release = render({"alertmanager": {"receivers": receivers}})
    secrets = {name: {"key": "x"} for name in ("sl", "pd", "mail", "dm")}
    mount(release, release.one("StatefulSet", "-alertmanager")["spec"]["template"], tmp_path, secrets)
    command = ["amtool", "check-config", str(tmp_path / "etc/alertmanager/config/alertmanager.yaml")]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert "1 templates" in checked.stdout


@pytest.mark.stack
def test_replicas_form_a_cluster(tmp_path: Path) -> None:
    """With the arguments and files of the pods, two of them, each at an address of its own."""
    release = render({"alertmanager": {"replicas": 2}})
    template = release.one("StatefulSet", "-alertmanager")["spec"]["template"]
    name = "obs-agent-observability-alertmanager"
    web, gossip = (free_port(), free_port()), (free_port(), free_port())
    program = "prometheus-alertmanager"

    def command(number: int) -> list[str]:
        folder = tmp_path / str(number)
        mount(release, template, folder)
        given = []
        for argument in arguments(template, folder):
            changed = argument.replace("[$(POD_IP)]:9094", f"127.0.0.1:{gossip[number]}")
            for peer in (0, 1):
                changed = changed.replace(f"{name}-{peer}.{name}.monitoring.svc:9094", f"127.0.0.1:{gossip[peer]}")
            given.append(changed)
        assert sum("--cluster.peer=127.0.0.1" in argument for argument in given) == 2
        # A cluster needs a private address to advertise; pods have one, this machine may not.
        advertise = f"--cluster.advertise-address=127.0.0.1:{gossip[number]}"
        return [program, *given, advertise, f"--web.listen-address=127.0.0.1:{web[number]}"]

    def peers() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web[0]}/api/v2/status", timeout=5) as answer:
                return len(json.load(answer)["cluster"]["peers"])
        except OSError:
            return 0

    with running(command(0), tmp_path / "0.log") as first, running(command(1), tmp_path / "1.log"):
        wait_until(lambda: peers() == 2, 40, what=first.output)


def test_one_alone_does_not_gossip() -> None:
    release = render()
    [container] = release.one("StatefulSet", "-alertmanager")["spec"]["template"]["spec"]["containers"]
    assert "--cluster.listen-address=" in container["args"]
    assert [port["name"] for port in container["ports"]] == ["web"]
    assert [port["name"] for port in release.one("Service", "-alertmanager")["spec"]["ports"]] == ["web"]
