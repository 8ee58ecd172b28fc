"""The credential proxy's exporter beside the proxy: on its nodes, or in its pods."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.helm.chart import PROXY, Object, render, values_of
from tests.helm.mounted import mount
from tests.helm.test_runs import discovered, exporter, scrape_job
from tests.prometheus.server import prometheus
from tests.support import free_port, wait_until

_PORT = 9803
_NEWEST = kubernetes_validate.latest_version()
_RECORD = (
    '{"version":"1.0","timestamp":"2026-01-05T10:00:00Z","event_type":"credential_request","service":"github",'
    '"operation":"clone","status":"GRANTED","requester":{"container_id":"0a1b2c3d4e5f"},"response_time_ms":2}\n'
)


def on_nodes(**values: object) -> Object:
    block = {
        "enabled": True,
        "log": {"hostPath": "/srv/proxy/log"},
        "socket": {"hostPath": "/run/proxy", "file": "proxy.sock"},
    }
    return {"exporters": {"credential_proxy": block | values}}


def in_pods(**values: object) -> Object:
    block = {"enabled": True, "kind": "Sidecar", "namespaces": ["agents"], "log": {"volume": "audit"}}
    return {"exporters": {"credential_proxy": block | values}}


def daemon(values: Object) -> Object:
    pod: Object = render(values).one("DaemonSet", "-credential-proxy")["spec"]["template"]["spec"]
    return pod


def sidecar(values: Object) -> Object:
    found: Object = yaml.safe_load(render(values).one("ConfigMap", "-sidecar")["data"]["sidecar.yaml"])
    return found


@pytest.mark.stack
def test_on_a_node_it_reads_the_log_and_finds_the_socket(tmp_path: Path) -> None:
    """As the pod runs it, its folders being those that are mounted there."""
    release = render(on_nodes())
    template = release.one("DaemonSet", "-credential-proxy")["spec"]["template"]
    mount(release, template, tmp_path)
    file = tmp_path / "etc/agent-obs/config/agent-obs.yaml"
    for path in ("/var/log/credential-proxy", "/run/credential-proxy"):
        assert path in file.read_text()
        file.write_text(file.read_text().replace(path, f"{tmp_path}{path}"))
    (tmp_path / "var/log/credential-proxy/audit.log").write_text(_RECORD * 3)
    with socket.socket(socket.AF_UNIX) as listener:
        # Bound from within, for the whole path may be longer than an address can be.
        os.chdir(tmp_path / "run/credential-proxy")
        listener.bind("proxy.sock")
        listener.listen()
        with exporter(template, tmp_path) as port:

            def shown() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return str(answer.read().decode())

            counted = 'credential_proxy_requests_total{target_service="github",operation="clone",status="granted"} 3'
            job = scrape_job(release, "agent-obs-credential_proxy", port, discovered(template, _PORT))
            with prometheus(tmp_path, [job]) as server:
                wait_until(lambda: counted in shown(), 30, what=shown)
                [target] = server.api("targets")["activeTargets"]
                assert target["labels"] == {"job": "agent-obs-credential_proxy", "instance": "worker-7"}
            assert 'credential_proxy_up{probe="socket"} 1' in shown()
    assert [one.name for one in (tmp_path / "var/lib/agent-obs").glob("*.db")] == ["credential_proxy.db"]


def test_folders_of_a_node_are_its_proxys() -> None:
    pod = daemon(on_nodes())
    volumes = {volume["name"]: volume.get("hostPath") for volume in pod["volumes"]}
    assert volumes["log"] == {"path": "/srv/proxy/log", "type": "Directory"}
    assert volumes["socket"] == {"path": "/run/proxy", "type": "Directory"}
    assert volumes["ledger"] == {"path": "/var/lib/agent-obs-credential-proxy", "type": "DirectoryOrCreate"}
    [container] = pod["containers"]
    mounts = {one["name"]: (one["mountPath"], one.get("readOnly", False)) for one in container["volumeMounts"]}
    assert mounts == {
        "config": ("/etc/agent-obs/config", True),
        "log": ("/var/log/credential-proxy", True),
        "socket": ("/run/credential-proxy", True),
        "ledger": ("/var/lib/agent-obs", False),
    }


def test_odd_names_of_files_and_folders_are_taken_as_they_are() -> None:
    release = render(
        on_nodes(
            log={"hostPath": "/srv/of: proxy #1", "files": ["a: b.log", "c #d.log"]},
            socket={"hostPath": "/run/#p", "file": "x: y.sock"},
            ledger={"hostPath": "/var/lib/l: m"},
        )
    )
    pod = release.one("DaemonSet", "-credential-proxy")["spec"]["template"]["spec"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
    assert paths == {"log": "/srv/of: proxy #1", "socket": "/run/#p", "ledger": "/var/lib/l: m"}
    section = yaml.safe_load(release.one("ConfigMap", "-credential-proxy")["data"]["agent-obs.yaml"])[
        "credential_proxy"
    ]
    assert section["log"]["paths"] == ["/var/log/credential-proxy/a: b.log", "/var/log/credential-proxy/c #d.log"]
    assert section["probes"]["targets"] == {"socket": "unix:///run/credential-proxy/x: y.sock"}


def test_without_a_socket_nothing_is_probed() -> None:
    release = render(PROXY)
    pod = release.one("DaemonSet", "-credential-proxy")["spec"]["template"]["spec"]
    assert "socket" not in {volume["name"] for volume in pod["volumes"]}
    config = yaml.safe_load(release.one("ConfigMap", "-credential-proxy")["data"]["agent-obs.yaml"])
    assert config["credential_proxy"] == {"log": {"paths": ["/var/log/credential-proxy/audit.log"]}}


def test_it_runs_as_whoever_the_proxy_is() -> None:
    values = on_nodes(runAsUser=1000650000, runAsGroup=0)
    ids = {"runAsUser": 1000650000, "runAsGroup": 0, "fsGroup": 0}
    assert daemon(values)["securityContext"].items() >= ids.items()
    # Who has been allowed to mount folders of a node on OpenShift may be whom these are for; in a pod all are alike.
    assert daemon(values | {"openshift": True})["securityContext"].items() >= ids.items()
    inside = in_pods(runAsUser=1000650000, runAsGroup=0)
    [container] = sidecar(inside)["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000650000,
        "runAsGroup": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    [container] = sidecar(inside | {"openshift": True})["containers"]
    assert not {"runAsUser", "runAsGroup"} & container["securityContext"].keys()


def test_the_ledgers_folder_may_be_somebody_elses_affair() -> None:
    assert [one["name"] for one in daemon(on_nodes())["initContainers"]] == ["ledger"]
    assert "initContainers" not in daemon(on_nodes(ledger={"prepare": False}))


only_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can give a folder away, with setpriv"
)


def _prepared(folder: Path, user: int, group: int) -> subprocess.CompletedProcess[str]:
    """What the init container does, with its capabilities."""
    [init] = daemon(on_nodes(runAsUser=user, runAsGroup=group))["initContainers"]
    _, flag, script = init["command"]
    limited = ["setpriv", "--bounding-set=-all,+chown", "--inh-caps=-all,+chown", "--", sys.executable, flag]
    command = [*limited, script.replace('"/var/lib/agent-obs"', repr(str(folder)))]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@only_root
@pytest.mark.parametrize("owner", [(0, 0), (3000, 3000)])
def test_somebody_elses_folder_is_left_alone(tmp_path: Path, owner: tuple[int, int]) -> None:
    """Such as /etc or the log's own, named for the ledger's by mistake."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o750)
    for path in (folder / "audit.log", folder / "credential_proxy.db", folder):
        path.touch()
        os.chown(path, *owner)
    done = _prepared(folder, 1000, 1000)
    assert done.returncode == 1
    assert done.stderr == "ledger.hostPath holds audit.log: expected a folder for the ledger alone\n"
    for path in (folder, *folder.iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == owner, path
    assert folder.stat().st_mode & 0o777 == 0o750


@only_root
def test_the_ledgers_folder_is_given_to_the_exporter(tmp_path: Path) -> None:
    """By root without any capability but CAP_CHOWN: made by the kubelet, after a change of the user, and once done."""
    folder = tmp_path / "ledger"
    folder.mkdir(mode=0o755)
    for user, group in ((1000, 1000), (1000, 1000), (2000, 4)):
        done = _prepared(folder, user, group)
        assert done.returncode == 0, done.stderr
        for path in (folder, *folder.iterdir()):
            assert (path.stat().st_uid, path.stat().st_gid) == (user, group), path
        assert folder.stat().st_mode & 0o777 == 0o700
        ledger = folder / "credential_proxy.db"
        ledger.touch(mode=0o600)
        os.chown(ledger, user, group)


def test_its_configuration_is_where_its_pods_are() -> None:
    values, _ = values_of("proxy")
    release = render(values)
    [config] = release.of("ConfigMap", "-credential-proxy")
    assert config["metadata"]["namespace"] == "agents"
    section = yaml.safe_load(config["data"]["agent-obs.yaml"])["credential_proxy"]
    assert section["log"]["paths"] == [f"/var/log/credential-proxy/{name}" for name in ("audit.log", "more/*.log")]
    assert section["probes"] == {"targets": {"socket": "unix:///run/credential-proxy/proxy.sock"}}
    assert section["time_zone"] == "Europe/Berlin"
    assert not release.of("DaemonSet", "-credential-proxy")
    assert not release.of("ServiceAccount", "-credential-proxy")


def test_a_sidecar_holds_up_nobody() -> None:
    """A pod is ready whether it is or not, and it has names of its own."""
    values, _ = values_of("proxy")
    found = sidecar(values)
    [container] = found["containers"]
    assert container["name"] == "agent-obs-credential-proxy"
    assert "readinessProbe" not in container
    assert container["livenessProbe"]["httpGet"]["port"] == "metrics-9803"
    assert all(volume["name"].startswith("agent-obs-") for volume in found["volumes"])
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    assert mounts.keys() - {volume["name"] for volume in found["volumes"]} == {"audit", "run"}
    assert mounts["audit"]["readOnly"]
    assert mounts["run"]["readOnly"]


def test_a_sidecars_ledger_may_live_longer_than_its_pod() -> None:
    found = sidecar(in_pods(ledger={"volume": "data"}))
    assert [volume["name"] for volume in found["volumes"]] == ["agent-obs-config"]
    [container] = found["containers"]
    assert {"name": "data", "mountPath": "/var/lib/agent-obs"} in container["volumeMounts"]


def test_the_patch_is_what_is_pasted_and_rolls_pods() -> None:
    values, _ = values_of("proxy")
    patches = []
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        values["exporters"]["credential_proxy"]["config"]["credential_proxy"]["time_zone"] = zone
        data = render(values).one("ConfigMap", "-sidecar")["data"]
        patch = yaml.safe_load(data["patch.yaml"])["spec"]["template"]
        assert patch["spec"] == yaml.safe_load(data["sidecar.yaml"])
        patches.append(patch["metadata"]["annotations"])
    assert patches[0] != patches[1]
    notes = render(values).notes
    assert "kubectl -n agents patch deployment NAME --patch-file patch.yaml" in notes
    assert "    - name: agent-obs-credential-proxy\n" in notes


def test_policies_of_somebody_elses_pods_only_on_demand() -> None:
    assert render(in_pods()).of("NetworkPolicy", "-credential-proxy") == []
    values, _ = values_of("proxy")
    [policy] = render(values).of("NetworkPolicy", "-credential-proxy")
    kubernetes_validate.validate(policy, _NEWEST, strict=True)
    assert policy["metadata"]["namespace"] == "agents"
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "credential-proxy"}
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert [rule["ports"] for rule in policy["spec"]["ingress"]] == [[{"port": "metrics-9803"}]]


def test_the_operator_finds_the_pods_by_their_labels() -> None:
    values, _ = values_of("proxy")
    monitor = render(values | {"prometheusOperator": {"enabled": True}}).one("PodMonitor", "-credential-proxy")["spec"]
    assert monitor["selector"] == {"matchLabels": {"app.kubernetes.io/name": "credential-proxy"}}
    assert monitor["namespaceSelector"] == {"matchNames": ["agents"]}
    [endpoint] = monitor["podMetricsEndpoints"]
    assert endpoint["interval"] == endpoint["scrapeTimeout"] == "5s"
    assert {
        "sourceLabels": ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"],
        "separator": "/",
        "targetLabel": "instance",
    } in endpoint["relabelings"]


@pytest.mark.stack
def test_each_pod_of_a_proxy_is_an_instance(tmp_path: Path) -> None:
    """Of two on one node, each has counters of its own; pods of others that have the port are none."""
    values, _ = values_of("proxy")
    template: Object = {"metadata": {"labels": {"app.kubernetes.io/name": "credential-proxy"}}}
    pods = {"proxy-7d9f-x2k4p": template, "proxy-7d9f-9qzmw": template, "other": {"metadata": {"labels": {"app": "x"}}}}
    job = scrape_job(render(values), "agent-obs-credential_proxy", 1, {})
    job["static_configs"] = [
        {
            "targets": [f"127.0.0.1:{free_port()}"],
            "labels": discovered(pod, _PORT, __meta_kubernetes_pod_name=name, __meta_kubernetes_namespace="agents"),
        }
        for name, pod in pods.items()
    ]
    with prometheus(tmp_path, [job]) as server:
        targets = wait_until(lambda: server.api("targets")["activeTargets"], 10)
    assert {target["labels"]["instance"] for target in targets} == {
        "agents/proxy-7d9f-x2k4p",
        "agents/proxy-7d9f-9qzmw",
    }


def test_notes_tell_what_is_in_the_way() -> None:
    assert "credential_proxy exporter, its rules: disabled; it has to be told where the audit log is" in render().notes
    assert "host paths of the credential_proxy exporter" in render(PROXY | {"openshift": True}).notes
    assert "host paths of the credential_proxy" not in render(in_pods() | {"openshift": True}).notes
