"""Exporters as their pods run them: real processes from the rendered files, found and scraped as the chart says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trustme
import yaml

from agent_observability.demo.kube_api import KubeApi
from agent_observability.demo.kube_store import KubeStore
from tests.helm.chart import Object, Rendered, probe_chart, render, values_of
from tests.helm.mounted import arguments, mount
from tests.helm.test_valid import pods
from tests.prometheus.server import prometheus
from tests.support import free_port, running, wait_until

pytestmark = pytest.mark.stack

_NODE = "worker-7"


@contextlib.contextmanager
def host_exporter(release: Rendered, folder: Path, secrets: dict[str, dict[str, str]] | None = None) -> Iterator[int]:
    """The host exporter as its pod runs it, on a free port; the mounts of the node are this machine's own."""
    template = release.one("DaemonSet")["spec"]["template"]
    mount(release, template, folder, secrets)
    file = folder / "etc/agent-obs/config/agent-obs.yaml"
    for path, own in (("/host/root", "/"), ("/host/proc", "/proc"), ("/host/sys", "/sys")):
        file.write_text(file.read_text().replace(path, own))
    with exporter(template, folder) as port:
        yield port


@contextlib.contextmanager
def exporter(template: Object, folder: Path) -> Iterator[int]:
    """What a pod runs, on a free port; `folder` is what it has mounted."""
    port = free_port()
    command = [sys.executable, "-m", "agent_observability", *arguments(template, folder)]
    with running([*command, f"--web.listen-address=127.0.0.1:{port}"], folder / "log") as child:
        wait_until(lambda: "listens on port" in child.output() or child.process.poll() is not None, 20)
        assert child.process.poll() is None, child.output()
        yield port


@contextlib.contextmanager
def kubernetes(*objects: tuple[str, Object]) -> Iterator[tuple[str, Counter[tuple[str, str, str]]]]:
    """The demo's API with these objects, and what it has been asked: verb, group and resource, as RBAC sees it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[KubeApi, int]:
        store = KubeStore()
        for resource, item in objects:
            store.put(resource, item)
        api = KubeApi(store)
        return api, await api.start()

    api, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)

    async def stop() -> None:
        await api.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    try:
        yield f"http://127.0.0.1:{port}", api.asked
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def scrape_job(release: Rendered, name: str, port: int, labels: dict[str, str]) -> dict[str, Any]:
    """The rendered job, with a static target that carries the labels which discovery would have found."""
    document = yaml.safe_load(release.one("ConfigMap", "-prometheus")["data"]["prometheus.yml"])
    [job] = [entry for entry in document["scrape_configs"] if entry["job_name"] == name]
    found: dict[str, Any] = {
        key: value for key, value in job.items() if not key.startswith(("kubernetes_sd", "scrape_"))
    }
    found["static_configs"] = [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]
    return found


def discovered(template: Object, port: int, **more: str) -> dict[str, str]:
    """Labels that Prometheus finds for a container port of a pod."""
    labels = {
        "__meta_kubernetes_namespace": "monitoring",
        "__meta_kubernetes_pod_name": "pod-x7k2f",
        "__meta_kubernetes_pod_node_name": _NODE,
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_ready": "true",
        "__meta_kubernetes_pod_container_port_name": f"metrics-{port}",
    }
    for key, value in template["metadata"]["labels"].items():
        name = key.replace(".", "_").replace("/", "_").replace("-", "_")
        labels[f"__meta_kubernetes_pod_label_{name}"] = value
    return labels | more


def test_the_host_exporter_comes_up_and_is_scraped(tmp_path: Path) -> None:
    release = render()
    template = release.one("DaemonSet")["spec"]["template"]
    failed = discovered(template, 9801, __meta_kubernetes_pod_phase="Failed")
    other = discovered(template, 9801, __meta_kubernetes_pod_container_port_name="web")
    with host_exporter(release, tmp_path) as port:
        [container] = template["spec"]["containers"]
        for probe in ("livenessProbe", "readinessProbe"):
            path = container[probe]["httpGet"]["path"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                assert answer.status == 200
        job = scrape_job(release, "agent-obs-host", port, discovered(template, 9801))
        job["static_configs"] += [{"targets": ["127.0.0.1:1"], "labels": labels} for labels in (failed, other)]
        with prometheus(tmp_path, [job]) as server:
            wait_until(lambda: server.query("up") == {"agent-obs-host": 1}, 20, what=lambda: str(server.targets()))
            [target] = server.api("targets")["activeTargets"]
            assert target["labels"] == {"job": "agent-obs-host", "instance": _NODE}
            [series] = server.api("query", query="node_load1")["result"]
            assert series["metric"] == {"__name__": "node_load1", "job": "agent-obs-host", "instance": _NODE}


_SESSION: Object = {
    "metadata": {"name": "one", "namespace": "agents-a", "creationTimestamp": "2026-01-05T10:00:00Z"},
    "spec": {"interactive": True},
    "status": {"phase": "Running"},
}
_MANAGED = "ambient-code.io/managed"


@pytest.mark.parametrize("selected", [False, True], ids=["all namespaces", "by label"])
def test_cr_state_asks_for_what_its_role_allows(selected: bool, tmp_path: Path) -> None:
    """All of it, and nothing else; its ledger is where the volume is."""
    namespace = ("namespaces", {"metadata": {"name": "agents-a", "labels": {_MANAGED: "true"}}})
    with kubernetes(("agenticsessions", _SESSION), namespace) as (url, asked):
        own = {"kubernetes": {"url": url}} | ({"namespace_labels": f"{_MANAGED}=true"} if selected else {})
        release = render({"exporters": {"cr_state": {"config": {"cr_state": own}}}})
        template = release.one("StatefulSet", "-cr-state")["spec"]["template"]
        mount(release, template, tmp_path)
        allowed = {
            (verb, group, resource)
            for rule in release.one("ClusterRole", "-cr-state")["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        with exporter(template, tmp_path) as port:

            def asked_for_everything() -> bool:
                return set(asked) >= allowed

            wait_until(asked_for_everything, 20, what=lambda: str(allowed - set(asked)))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                body = answer.read().decode()
    assert set(asked) == allowed
    assert 'cr_state_objects{resource="agenticsessions"} 1' in body
    assert [file.name for file in (tmp_path / "var/lib/agent-obs").glob("*.db")] == ["cr_state.db"]


def test_with_tls_and_a_password(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    users = {"prometheus": bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()}
    tls = {"cert_file": "tls.crt", "key_file": "tls.key"}
    web = {
        "web-config.yml": yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": users}),
        "tls.crt": certificate.cert_chain_pems[0].bytes().decode(),
        "tls.key": certificate.private_key_pem.bytes().decode(),
    }
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    client = {
        "tls_config": {"ca_file": str(tmp_path / "ca.crt")},
        "basic_auth": {"username": "prometheus", "password": "secret"},
    }
    scrape = {"scheme": "https", "job": client}
    release = render({"exporters": {"host": {"webConfigSecret": "web", "scrape": scrape}}})
    template = release.one("DaemonSet")["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"
    with host_exporter(release, tmp_path, {"web": web}) as port:
        job = scrape_job(release, "agent-obs-host", port, discovered(template, 9801))
        with prometheus(tmp_path, [job]) as server:
            wait_until(lambda: server.query("up") == {"agent-obs-host": 1}, 20, what=lambda: str(server.targets()))


def test_settings_of_the_values_reach_the_exporter(tmp_path: Path) -> None:
    group = {"host": {"processes": {"groups": {"this-test": "no such process"}}, "collectors": {"cpu": False}}}
    release = render({"exporters": {"host": {"config": group}}})
    with (
        host_exporter(release, tmp_path) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer,
    ):
        body = answer.read().decode()
    assert 'host_process_group_processes{group="this-test"} 0' in body
    assert "node_cpu_seconds_total" not in body
    assert "node_filesystem_size_bytes" in body or "node_memory_MemTotal_bytes" in body


@pytest.mark.parametrize(
    ("values", "ready", "instance"),
    [
        ("sidecar", "true", "obs-agent-observability-probe"),
        ("sidecar", "false", "obs-agent-observability-probe"),
        ("postgresql", "true", "obs-agent-observability-probe"),
        ("postgresql", "false", "pod-x7k2f"),
    ],
    ids=["one replica", "one replica, not ready", "the leader of two", "the standby of two"],
)
def test_the_instance_outlives_pods(values: str, ready: str, instance: str, tmp_path: Path) -> None:
    """Of a process with a ledger; a standby goes by its own name, so that it never continues the leader's series."""
    release = render(values_of(values)[0], probe_chart())
    [template] = [pod for name, pod in pods(release) if name.endswith("-probe")]
    labels = discovered(template, 9899, __meta_kubernetes_pod_ready=ready)
    with prometheus(tmp_path, [scrape_job(release, "agent-obs-probe_b", 1, labels)]) as server:
        [target] = wait_until(lambda: server.api("targets")["activeTargets"], 10)
        assert target["labels"] == {"job": "agent-obs-probe_b", "instance": instance}


def test_pod_monitors_relabel_alike() -> None:
    """The operator's own spelling of the same steps, and its labels that would change with every pod gone."""
    values, _ = values_of("everything")
    release = render(values)
    [endpoint] = release.one("PodMonitor", "-host")["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [
        {"targetLabel": "job", "replacement": "agent-obs-host"},
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"},
        {"action": "labeldrop", "regex": "namespace|pod|container|endpoint"},
    ]
    assert endpoint["honorLabels"] is True
    assert endpoint["port"] == "metrics-9801"
    assert (endpoint["interval"], endpoint["scrapeTimeout"], endpoint["scheme"]) == ("30s", "5s", "https")
    assert endpoint["tlsConfig"] == {"insecureSkipVerify": True}


def test_pod_monitors_of_processes_and_sidecars() -> None:
    values, chart = values_of("sidecar")
    release = render({**values, "prometheusOperator": {"enabled": True}}, chart)
    shared = release.one("PodMonitor", "-probe")["spec"]
    assert [endpoint["port"] for endpoint in shared["podMetricsEndpoints"]] == ["metrics-9898", "metrics-9899"]
    jobs = [endpoint["relabelings"][0]["replacement"] for endpoint in shared["podMetricsEndpoints"]]
    assert jobs == ["agent-obs-probe_a", "agent-obs-probe_b"]
    sidecar = release.one("PodMonitor", "-probe-proxy")["spec"]
    assert sidecar["selector"] == {}
    assert sidecar["namespaceSelector"] == {"matchNames": ["agents-a", "agents-b"]}


def test_a_sidecar_is_ready_to_paste() -> None:
    values, chart = values_of("sidecar")
    release = render(values, chart)
    snippet = yaml.safe_load(release.one("ConfigMap", "-probe-proxy-sidecar")["data"]["sidecar.yaml"])
    [container] = snippet["containers"]
    assert container["args"] == ["run", "probe_proxy", "--config=/etc/agent-obs/config/agent-obs.yaml"]
    assert {mount_["name"] for mount_ in container["volumeMounts"]} == {volume["name"] for volume in snippet["volumes"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert not [
        item for item in release.objects if item["kind"] in ("DaemonSet", "Deployment") and "proxy" in json.dumps(item)
    ]


def test_ledgers_are_where_their_process_looks() -> None:
    one = render(values_of("sidecar")[0], probe_chart())
    workload = one.one("StatefulSet", "-probe")
    [container] = workload["spec"]["template"]["spec"]["containers"]
    mounts = {entry["name"]: entry["mountPath"] for entry in container["volumeMounts"]}
    settings = yaml.safe_load(one.one("ConfigMap", "-probe")["data"]["agent-obs.yaml"])
    assert settings["ledger"] == {"directory": mounts["ledger"]}
    [claim] = workload["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "ledger"
    assert claim["spec"]["storageClassName"] == "fast"
    assert workload["spec"]["replicas"] == 1
    two = render(values_of("postgresql")[0], probe_chart())
    workload = two.one("Deployment", "-probe")
    [container] = workload["spec"]["template"]["spec"]["containers"]
    mounts = {entry["name"]: entry["mountPath"] for entry in container["volumeMounts"]}
    settings = yaml.safe_load(two.one("ConfigMap", "-probe")["data"]["agent-obs.yaml"])
    assert settings["ledger"] == {"url_file": f"{mounts['ledger']}/dsn"}
    assert workload["spec"]["replicas"] == 2


def test_a_standby_holds_up_no_update_and_no_drain() -> None:
    """It is never ready: with one pod that has to be available, the leader could be neither replaced nor evicted."""
    release = render(values_of("postgresql")[0], probe_chart())
    for name in ("-probe", "-cr-state"):
        assert release.one("Deployment", name)["spec"]["strategy"] == {"rollingUpdate": {"maxUnavailable": "100%"}}
        assert release.of("PodDisruptionBudget", name) == []
    assert {item["metadata"]["name"] for item in release.of("Service", "-probe", "-cr-state")} == set()
