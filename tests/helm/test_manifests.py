"""Plain manifests: applied as they are, without Helm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from helm.manifests import RELEASE
from helm.plain import documents
from tests.helm.chart import render
from tests.support import ROOT

_FOLDERS = ("standalone", "operator", "dashboards")
_APPLIED = (*_FOLDERS, "credential-proxy")
_NEWEST = kubernetes_validate.latest_version()
_ANNOTATION_BYTES = 256 * 1024


def objects(*folders: str) -> list[Any]:
    files = [file for folder in folders for file in sorted((ROOT / "manifests" / folder).glob("*.yaml"))]
    return [item for file in files for item in documents(file.read_text())]


@pytest.mark.parametrize("folder", _APPLIED)
def test_objects_are_valid(folder: str) -> None:
    for item in objects(folder):
        if item["kind"] not in ("PodMonitor", "PrometheusRule"):
            kubernetes_validate.validate(item, _NEWEST, strict=True)


@pytest.mark.parametrize("folder", _APPLIED)
def test_kubectl_can_keep_what_it_applied(folder: str) -> None:
    for item in objects(folder):
        assert len(json.dumps(item, ensure_ascii=False).encode()) < _ANNOTATION_BYTES, item["metadata"]["name"]


@pytest.mark.parametrize("folder", ["standalone", "operator"])
def test_applied_in_one_go(folder: str) -> None:
    """The namespace stands first, each object once, and all of them in that namespace."""
    found = objects(folder, "dashboards")
    assert (found[0]["kind"], found[0]["metadata"]["name"]) == ("Namespace", RELEASE)
    keys = [(item["kind"], item["metadata"]["name"]) for item in found]
    assert len(set(keys)) == len(keys)
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    assert all(item["metadata"]["namespace"] == RELEASE for item in found if item["kind"] not in cluster_wide)


@pytest.mark.parametrize("folder", _APPLIED)
def test_nothing_of_helm_is_left(folder: str) -> None:
    for file in (ROOT / "manifests" / folder).glob("*.yaml"):
        text = file.read_text()
        assert "helm.sh" not in text
        assert "managed-by: Helm" not in text


def test_standalone_is_the_whole_suite() -> None:
    names = {"prometheusOperator": {"enabled": False}, "grafanaOperator": {"enabled": False}}
    release = render(names, release=RELEASE, namespace=RELEASE)
    rendered = {(item["kind"], item["metadata"]["name"]) for item in release.objects if item["kind"] != "Pod"}
    plain = {(item["kind"], item["metadata"]["name"]) for item in objects("standalone", "dashboards")}
    assert plain - rendered == {("Namespace", RELEASE)}
    assert rendered <= plain


@pytest.mark.parametrize("variant", ["standalone", "operator"])
def test_what_runs_beside_a_proxy_is_added(variant: str) -> None:
    """Its own objects, and those that it changes in place of what was applied before."""
    file = ROOT / "manifests" / "credential-proxy" / f"{variant}.yaml"
    before = {(item["kind"], item["metadata"]["name"]) for item in objects(variant, "dashboards")}
    added = {(item["kind"], item["metadata"]["name"]) for item in documents(file.read_text())}
    own = f"{RELEASE}-credential-proxy"
    changed = {("ConfigMap", f"{RELEASE}-prometheus"), ("ConfigMap", f"{RELEASE}-rules")}
    monitored = {("PodMonitor", own), ("PrometheusRule", own)}
    kinds = {"DaemonSet", "ConfigMap", "NetworkPolicy", "ServiceAccount"}
    assert added & before == (changed if variant == "standalone" else set())
    assert added - before == {(kind, own) for kind in kinds} | (monitored if variant == "operator" else set())


def test_the_operators_kinds() -> None:
    found = objects("operator")
    kinds = {item["kind"] for item in found}
    assert {"PodMonitor", "PrometheusRule", "DaemonSet"} <= kinds
    assert "Deployment" not in kinds
    assert {item["metadata"]["name"] for item in found if item["kind"] == "StatefulSet"} == {
        f"{RELEASE}-cr-state",
        f"{RELEASE}-intake",
    }
    monitors = [item for item in objects("operator") if item["kind"] in ("PodMonitor", "PrometheusRule")]
    assert all(item["metadata"]["labels"]["release"] == "kube-prometheus-stack" for item in monitors)


def test_scrape_configs_are_those_of_the_bundled_prometheus(tmp_path: Path) -> None:
    [config] = [i for i in objects("standalone") if i["kind"] == "ConfigMap" and "prometheus.yml" in i["data"]]
    bundled = yaml.safe_load(config["data"]["prometheus.yml"])["scrape_configs"]
    plain = yaml.safe_load((ROOT / "manifests" / "scrape-configs.yaml").read_text())["scrape_configs"]
    [proxy] = [job for job in plain if job["job_name"] == "agent-obs-credential_proxy"]
    assert [job for job in plain if job != proxy] == [
        job for job in bundled if job["job_name"].startswith("agent-obs-")
    ]
    # Debian builds Prometheus without the discovery of pods.
    for job in plain:
        job.pop("kubernetes_sd_configs")
    (tmp_path / "jobs.yaml").write_text(yaml.safe_dump({"scrape_configs": plain}))
    (tmp_path / "prometheus.yml").write_text("scrape_config_files: [jobs.yaml]\n")
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 or "scrape_config_files not found" in checked.stderr, checked.stderr
