"""The bundled Prometheus: its configuration, and that a real one loads what is mounted."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import Object, probe_chart, render, value_sets, values_of
from tests.helm.mounted import arguments, mount
from tests.support import free_port, running, wait_until

_SECRETS = {"mimir": {"password": "secret"}, "host-web": {}, "host-extra": {}}


def config(values: Object | None = None, name: str = "-prometheus") -> Any:
    return yaml.safe_load(render(values).one("ConfigMap", name)["data"]["prometheus.yml"])


def job(configuration: Any, name: str) -> Any:
    [found] = [entry for entry in configuration["scrape_configs"] if entry["job_name"] == name]
    return found


def without_cluster(entry: Any, folder: Path) -> None:
    """Debian builds Prometheus without the discovery of pods, and no token is mounted here."""
    for discovery in entry.pop("kubernetes_sd_configs", []):
        assert discovery.keys() <= {"role", "namespaces"}
        assert discovery["role"] in {"pod", "node"}
    if "authorization" in entry:
        assert entry["authorization"]["credentials_file"] == "/var/run/secrets/kubernetes.io/serviceaccount/token"
        (folder / "token").touch()
        entry["authorization"]["credentials_file"] = str(folder / "token")


@pytest.mark.parametrize("name", value_sets())
def test_promtool_accepts_what_is_mounted(name: str, tmp_path: Path) -> None:
    values, chart = values_of(name)
    release = render(values, chart)
    servers = [item for item in release.of("StatefulSet") if "prometheus" in item["metadata"]["name"]]
    for number, server in enumerate(servers):
        folder = tmp_path / str(number)
        mount(release, server["spec"]["template"], folder, _SECRETS)
        file = folder / "etc/prometheus/config/prometheus.yml"
        document = yaml.safe_load(file.read_text())
        for entry in document["scrape_configs"]:
            without_cluster(entry, tmp_path)
        file.write_text(yaml.safe_dump(document))
        agent = ["--agent"] if values.get("prometheus", {}).get("mode") == "agent" else []
        command = ["promtool", "check", "config", *agent, str(file)]
        checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert bool(servers) == (name not in {"bare", "operator", "openshift"})


@pytest.mark.stack
def test_a_real_prometheus_loads_every_rule(tmp_path: Path) -> None:
    release = render({"prometheus": {"scrapeKubelets": False}})
    template = release.one("StatefulSet", "-prometheus")["spec"]["template"]
    mount(release, template, tmp_path)
    file = tmp_path / "etc/prometheus/config/prometheus.yml"
    document = yaml.safe_load(file.read_text())
    # No cluster to discover pods in, no Alertmanager to reach.
    document["scrape_configs"] = []
    document["alerting"].pop("alertmanagers")
    file.write_text(yaml.safe_dump(document))
    port = free_port()
    # Debian's 2.42 does not know this feature yet; everything else is as in the pod.
    given = [argument.replace("auto-reload-config,", "") for argument in arguments(template, tmp_path)]
    command = ["prometheus", *given, f"--web.listen-address=127.0.0.1:{port}"]

    def groups() -> dict[str, int]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=5) as answer:
                return {group["name"]: len(group["rules"]) for group in json.load(answer)["data"]["groups"]}
        except OSError:
            return {}

    with running(command, tmp_path / "log", {"POD_NAME": "prometheus-0"}) as child:
        loaded = wait_until(groups, 20, what=child.output)
    files = release.one("ConfigMap", "-rules")["data"]
    expected = {
        group["name"]: len(group["rules"]) for text in files.values() for group in yaml.safe_load(text)["groups"]
    }
    assert loaded == expected


def test_storage_is_bounded() -> None:
    template = render().one("StatefulSet", "-prometheus")["spec"]
    [container] = template["template"]["spec"]["containers"]
    assert {"--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=25GB"} <= set(container["args"])
    assert template["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "30Gi"
    assert container["resources"] == {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}
    unlimited = render({"prometheus": {"retentionSize": ""}}).one("StatefulSet", "-prometheus")
    assert not [a for a in unlimited["spec"]["template"]["spec"]["containers"][0]["args"] if "retention.size" in a]


def test_external_labels_and_links() -> None:
    values, _ = values_of("everything")
    found = config(values)
    assert found["global"]["external_labels"] == {
        "cluster": "north",
        "region": "eu",
        "prometheus_replica": "${POD_NAME}",
        "grafana_url": "https://grafana.example.org",
    }
    [drop] = found["alerting"]["alert_relabel_configs"]
    assert drop == {"regex": "prometheus_replica|grafana_url", "action": "labeldrop"}


def test_every_alertmanager_gets_every_alert() -> None:
    values, _ = values_of("everything")
    own, other = config(values)["alerting"]["alertmanagers"]
    assert [target for entry in own["static_configs"] for target in entry["targets"]] == [
        f"watch-alertmanager-{n}.watch-alertmanager.monitoring.svc:9093" for n in range(3)
    ]
    assert other == values["prometheus"]["alertmanagers"][0]
    assert "alertmanagers" in config()["alerting"]
    assert config({"alertmanager": {"enabled": False}})["alerting"]["alertmanagers"] is None


def test_what_is_added_is_added() -> None:
    values, _ = values_of("everything")
    found = config(values)
    assert found["remote_write"] == values["prometheus"]["remoteWrite"]
    assert found["scrape_configs"][-1] == values["prometheus"]["extraScrapeConfigs"][0]
    assert job(found, "agent-obs-host")["tls_config"] == {"insecure_skip_verify": True}
    assert job(found, "agent-obs-host")["scheme"] == "https"
    assert "remote_write" not in config()


def test_addresses_with_a_path() -> None:
    values, _ = values_of("everything")
    release = render(values)
    [container] = release.one("StatefulSet", "-prometheus")["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/prom/-/ready"
    assert job(config(values), "prometheus")["metrics_path"] == "/prom/metrics"
    env = release.one("Deployment", "-grafana")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "PROMETHEUS_URL", "value": "http://watch-prometheus.monitoring.svc:9090/prom"} in env
    assert job(config(), "prometheus")["metrics_path"] == "/metrics"


@pytest.mark.parametrize(("values", "kept"), [({}, True), ({"prometheus": {"scrapeKubelets": False}}, False)])
def test_volumes_are_watched_through_kubelets(values: Object, kept: bool) -> None:
    jobs = {entry["job_name"]: entry for entry in config(values)["scrape_configs"]}
    assert ("kubelet" in jobs) is kept
    if kept:
        [keep] = jobs["kubelet"]["metric_relabel_configs"]
        assert keep["regex"] == "kubelet_volume_stats_(available|capacity)_bytes"


def test_agents_share_the_targets() -> None:
    values, chart = values_of("agent")
    release = render(values, chart)
    shards = ("-prometheus", "-prometheus-1")
    servers = {
        item["metadata"]["name"] for item in release.of("StatefulSet") if "prometheus" in item["metadata"]["name"]
    }
    assert servers == {f"obs-agent-observability{name}" for name in shards}
    for shard, name in enumerate(shards):
        found = yaml.safe_load(release.one("ConfigMap", name)["data"]["prometheus.yml"])
        assert not {"rule_files", "alerting"} & found.keys()
        for entry in found["scrape_configs"]:
            *_, hashed, kept = entry["relabel_configs"]
            assert (hashed["action"], hashed["modulus"]) == ("hashmod", 2)
            assert kept == {"source_labels": ["__tmp_shard"], "regex": str(shard), "action": "keep"}
        [container] = release.one("StatefulSet", name)["spec"]["template"]["spec"]["containers"]
        assert "--agent" in container["args"]
        assert not [argument for argument in container["args"] if "tsdb" in argument or "exemplar" in argument]
        volumes = release.one("StatefulSet", name)["spec"]["template"]["spec"]["volumes"]
        assert [v["configMap"]["name"] for v in volumes if "configMap" in v] == [f"obs-agent-observability{name}"]


def test_every_exporter_has_its_job() -> None:
    values, _ = values_of("sidecar")
    data = render(values, probe_chart()).one("ConfigMap", "-prometheus")["data"]["prometheus.yml"]
    jobs = {entry["job_name"]: entry for entry in yaml.safe_load(data)["scrape_configs"]}
    assert {"agent-obs-host", "agent-obs-probe_a", "agent-obs-probe_b", "agent-obs-probe_proxy"} <= jobs.keys()
    assert all(jobs[name]["honor_labels"] for name in jobs if name.startswith("agent-obs-"))
    namespaces = jobs["agent-obs-probe_proxy"]["kubernetes_sd_configs"][0]["namespaces"]["names"]
    assert namespaces == ["agents-a", "agents-b"]
    assert jobs["agent-obs-probe_a"]["kubernetes_sd_configs"][0]["namespaces"]["names"] == ["monitoring"]
