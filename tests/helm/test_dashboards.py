"""Dashboards as the chart installs them: one ConfigMap a page, for a sidecar, an operator or the bundled Grafana."""

from __future__ import annotations

import json

import yaml

from dashboards import DASHBOARDS
from tests.helm.chart import render, values_of
from tests.support import ROOT

_ANNOTATION_BYTES = 256 * 1024
_PAGES = {module.page().uid: folder for module, folder in DASHBOARDS}


def test_one_config_map_per_page() -> None:
    found = {}
    for item in render().of("ConfigMap", "-dashboard"):
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        [(key, text)] = item["data"].items()
        folder = item["metadata"]["annotations"]["grafana_folder"]
        own = ROOT / "dashboards" / "json" / folder / key
        assert json.loads(text) == json.loads(own.read_text())
        assert len(text) < len(own.read_text()) * 0.7, "not minified"
        found[key.removesuffix(".json")] = folder
    assert found == _PAGES


def test_config_maps_are_small_enough_to_apply() -> None:
    """kubectl keeps the whole object, as JSON, in one annotation."""
    for item in render().of("ConfigMap", "-dashboard"):
        assert len(json.dumps(item, ensure_ascii=False).encode()) < _ANNOTATION_BYTES


def test_labels_and_folders_for_other_sidecars() -> None:
    values = {
        "dashboards": {"labels": {"grafana_dashboard": None, "dash": "yes"}, "folderAnnotation": "k8s-sidecar-dir"}
    }
    for item in render(values).of("ConfigMap", "-dashboard"):
        assert item["metadata"]["labels"]["dash"] == "yes"
        assert "grafana_dashboard" not in item["metadata"]["labels"]
        assert item["metadata"]["annotations"]["k8s-sidecar-dir"] in _PAGES.values()


def test_excluded_and_disabled_pages() -> None:
    left = render({"dashboards": {"exclude": ["agentobs-host"]}})
    assert {item["metadata"]["name"] for item in left.of("ConfigMap", "-dashboard")} == {
        f"obs-agent-observability-{uid.removeprefix('agentobs-')}-dashboard" for uid in _PAGES if uid != "agentobs-host"
    }
    assert render({"dashboards": {"enabled": False}}).of("ConfigMap", "-dashboard") == []


def test_the_bundled_grafana_finds_its_files() -> None:
    result = render()
    template = result.one("Deployment", "-grafana")["spec"]["template"]["spec"]
    [container] = template["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    [pages] = [volume["projected"]["sources"] for volume in template["volumes"] if "projected" in volume]
    paths = {item["path"] for source in pages for item in source["configMap"]["items"]}
    assert paths == {f"{folder}/{uid}.json" for uid, folder in _PAGES.items()}
    assert env["DASHBOARDS_PATH"] == mounts["dashboards"]
    home = env["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home is not None
    assert home.removeprefix(f"{mounts['dashboards']}/") in paths
    service = result.one("Service", "-prometheus")
    assert env["PROMETHEUS_URL"] == f"http://{service['metadata']['name']}.monitoring.svc:9090"


def test_grafana_is_provisioned_as_the_dashboards_say() -> None:
    data = render().one("ConfigMap", "-grafana")["data"]
    folder = ROOT / "dashboards" / "provisioning"
    assert yaml.safe_load(data["datasources.yaml"]) == yaml.safe_load(
        (folder / "datasources/prometheus.yaml").read_text()
    )
    assert yaml.safe_load(data["dashboards.yaml"]) == yaml.safe_load(
        (folder / "dashboards/agent-observability.yaml").read_text()
    )


def test_without_a_secret_there_is_no_administrator() -> None:
    [container] = render().one("Deployment", "-grafana")["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    assert env["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"]["value"] == "true"
    assert "GF_SECURITY_ADMIN_PASSWORD" not in env
    values, chart = values_of("everything")
    [container] = render(values, chart).one("Deployment", "-grafana")["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    assert env["GF_SECURITY_ADMIN_PASSWORD"]["valueFrom"]["secretKeyRef"] == {
        "name": "grafana-admin",
        "key": "password",
    }
    assert "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION" not in env
    assert env["GF_AUTH_ANONYMOUS_ENABLED"]["value"] == "false"


def test_the_grafana_operator_gets_references() -> None:
    values, chart = values_of("everything")
    result = render(values, chart)
    assert len(result.of("GrafanaDashboard")) == len(_PAGES)
    for item in result.of("GrafanaDashboard"):
        assert item["spec"]["folder"] == _PAGES[item["spec"]["configMapRef"]["key"].removesuffix(".json")]
        assert item["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}
