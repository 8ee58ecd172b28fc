"""The intake: who may connect, with which keys, what the provider's bills take; and that it runs as its pod does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.intake.keys import add_key
from agent_observability.llm_cost.pricing.prices import parse as parse_prices
from tests.helm.chart import Object, Rendered, render, values_of
from tests.helm.mounted import mount
from tests.helm.test_runs import exporter
from tests.support import free_port, wait_until

_NAME = "obs-agent-observability-intake"


def _intake(values: Object) -> Rendered:
    return render({"exporters": {"intake": values}})


def _settings(release: Rendered) -> Any:
    return yaml.safe_load(release.one("ConfigMap", "-intake")["data"]["agent-obs.yaml"])


def _rules(release: Rendered, direction: str) -> list[Any]:
    rules: list[Any] = release.one("NetworkPolicy", "-intake")["spec"].get(direction, [])
    return rules


def test_its_service_is_what_applications_are_told() -> None:
    release = render()
    service = release.one("Service", "-intake")
    assert service["metadata"]["name"] == _NAME
    assert [port["port"] for port in service["spec"]["ports"]] == [4318]
    assert f"http://{_NAME}.monitoring.svc:4318" in release.notes
    workload = release.one("StatefulSet", "-intake")
    pods = release.one("Service", "-intake-pods")
    assert workload["spec"]["serviceName"] == pods["metadata"]["name"]
    assert pods["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize(("given", "secret"), [("", f"{_NAME}-keys"), ("mine", "mine")])
def test_it_starts_without_keys_and_lets_nobody_in(given: str, secret: str) -> None:
    """The file is always named, so that there is never an intake that asks for none; its secret may come later."""
    release = _intake({"intake": {"keysSecret": given}})
    spec = release.one("StatefulSet", "-intake")["spec"]["template"]["spec"]
    [volume] = [volume["secret"] for volume in spec["volumes"] if volume["name"] == "keys"]
    assert volume == {"secretName": secret, "optional": True, "items": [{"key": "keys.yml", "path": "keys.yml"}]}
    [mount_] = [entry for entry in spec["containers"][0]["volumeMounts"] if entry["name"] == "keys"]
    assert mount_["readOnly"] is True
    assert _settings(release)["intake"] == {"listen": [":4318"], "keys_file": f"{mount_['mountPath']}/keys.yml"}


def test_nobody_may_connect_until_somebody_is_named() -> None:
    assert len(_rules(render(), "ingress")) == 1, "scrapes"
    peer = {"podSelector": {"matchLabels": {"app": "gateway"}}}
    _, pushes = _rules(_intake({"intake": {"namespaces": ["a", "b"], "from": [peer]}}), "ingress")
    names = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}
    assert pushes == {
        "from": [{"namespaceSelector": {"matchExpressions": [names]}}, peer],
        "ports": [{"port": "intake"}],
    }


_BILLS = {"llm_cost": {"billing": {"anthropic": [{"key_file": "/etc/agent-obs/secrets/anthropic/key"}]}}}
_PROVIDERS = {
    "ports": [
        {"port": 53, "protocol": "UDP"},
        {"port": 53, "protocol": "TCP"},
        {"port": 443, "protocol": "TCP"},
    ]
}
_PROXY = {"ports": [{"port": 8443, "protocol": "TCP"}]}


@pytest.mark.parametrize(
    ("values", "egress"),
    [
        ({}, []),
        ({"config": {"llm_cost": {"billing": {"openai": []}}}}, []),
        ({"config": _BILLS}, [_PROVIDERS]),
        ({"config": _BILLS, "networkPolicy": {"egress": [_PROXY]}}, [_PROVIDERS, _PROXY]),
    ],
    ids=["nothing", "no accounts", "an account", "an account behind a proxy"],
)
def test_it_reaches_the_providers_only_for_their_bills(values: Object, egress: list[Object]) -> None:
    assert _rules(_intake(values), "egress") == egress


def test_prices_are_those_of_the_values() -> None:
    values, chart = values_of("everything")
    data = render(values, chart).one("ConfigMap", "-intake")["data"]
    assert yaml.safe_load(data["agent-obs.yaml"])["llm_cost"]["prices"].endswith("/config/prices.yaml")
    entries = parse_prices(data["prices.yaml"], "prices.yaml")
    assert len(entries) == len(values["exporters"]["intake"]["prices"])
    assert "prices.yaml" not in render().one("ConfigMap", "-intake")["data"]


def test_changed_prices_replace_the_pod() -> None:
    def checksum(price: float) -> str:
        entry = {"provider": "vllm", "model": "llama", "per_million": {"input": price}}
        template = _intake({"prices": [entry]}).one("StatefulSet", "-intake")["spec"]["template"]
        found: str = template["metadata"]["annotations"]["checksum/config"]
        return found

    assert checksum(1) != checksum(2)


@pytest.mark.stack
def test_it_runs_and_takes_what_has_a_key(tmp_path: Path) -> None:
    """First without the secret, then with it: as the kubelet brings it into the pod."""
    port = free_port()
    entry = {"provider": "vllm", "model": "llama", "per_million": {"input": 3, "output": 0}}
    release = _intake({"intake": {"port": port}, "prices": [entry]})
    template = release.one("StatefulSet", "-intake")["spec"]["template"]
    mount(release, template, tmp_path)
    file = tmp_path / "etc/agent-obs/keys/keys.yml"
    assert not file.exists()
    with exporter(template, tmp_path) as metrics:
        wait_until(lambda: _push(port, "aok_00000000_nobody") == 401, 20)
        key = add_key(file, "team-a", "team-a")
        wait_until(lambda: _push(port, key) == 200, 40)

        def shown() -> str:
            headers = {"User-Agent": "Prometheus/3", "X-Prometheus-Scrape-Timeout-Seconds": "10"}
            request = urllib.request.Request(f"http://127.0.0.1:{metrics}/metrics", headers=headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                body: str = answer.read().decode()
            return body

        today = 'llm_cost_today_usd{provider="vllm",project="team-a",feature="other"} 6'
        wait_until(lambda: today in shown(), 20, what=shown)
    assert [file.name for file in (tmp_path / "var/lib/agent-obs").glob("*.db")] == ["intake.db"]


def _push(port: int, key: str) -> int:
    """The answer's status; 0 while nobody listens."""
    event = {"provider": "vllm", "model": "llama", "tokens": {"input": 2_000_000, "output": 1}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/usage",
        data=json.dumps(event).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
    return status
