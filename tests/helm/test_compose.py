"""manifests/compose*.yaml: their services, and that real programs come up from their files, without a Docker engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_observability.registry import EXPORTERS
from helm.files import processes
from tests.helm.chart import PROXY, render
from tests.prometheus.server import prometheus
from tests.support import ROOT, free_port, running, wait_until

_FOLDER = ROOT / "manifests"
_COMPOSE: Any = yaml.safe_load((_FOLDER / "compose.yaml").read_text())
_ADDED: dict[str, Any] = {
    process: yaml.safe_load((_FOLDER / f"compose.{name}.yaml").read_text())
    for process, name in (("cr_state", "kubernetes"), ("credential_proxy", "proxy"))
}
_SERVICES: dict[str, Any] = {
    **_COMPOSE["services"],
    **{process: document["services"][process] for process, document in _ADDED.items()},
}

services = pytest.mark.parametrize("service", _SERVICES.values(), ids=_SERVICES.keys())


def test_every_process_and_server_is_a_service() -> None:
    assert _SERVICES.keys() == {*processes(EXPORTERS), "prometheus", "alertmanager", "grafana"}


@pytest.mark.parametrize("process", _ADDED)
def test_what_is_not_everywhere_is_added_where_it_is(process: str) -> None:
    """Service, ledger, target and rules: without it nothing pages about an exporter that nobody wants."""
    added = _ADDED[process]
    assert process not in _COMPOSE["services"]
    assert process not in _COMPOSE["volumes"]
    assert added["services"].keys() == {process, "prometheus"}
    assert added["volumes"].keys() == {process}
    before, more = (mounts(document["services"]["prometheus"]) for document in (_COMPOSE, added))
    rules = {f"/etc/prometheus/rules/{file.name}" for file in (ROOT / "rules").glob("*.yaml")}
    theirs = {f"/etc/prometheus/rules/{exporter.name}.yaml" for exporter in EXPORTERS if exporter.process == process}
    assert rules & more == rules & theirs
    assert theirs.isdisjoint(before)


def test_what_is_always_there_has_its_rules() -> None:
    added = {f"{exporter.name}.yaml" for exporter in EXPORTERS if exporter.process in _ADDED}
    always = {
        f"/etc/prometheus/rules/{file.name}" for file in (ROOT / "rules").glob("*.yaml") if file.name not in added
    }
    assert always <= mounts(_COMPOSE["services"]["prometheus"])


def test_what_they_read_is_theirs() -> None:
    follows, beside = (_SERVICES[process] for process in ("cr_state", "credential_proxy"))
    assert follows["environment"]["KUBECONFIG"] in mounts(follows)
    settings = yaml.safe_load((_FOLDER / "compose" / "credential_proxy.yaml").read_text())["credential_proxy"]
    [probe] = settings["probes"]["targets"].values()
    for path in (*settings["log"]["paths"], probe.removeprefix("unix://")):
        assert str(Path(path).parent) in mounts(beside)
    assert beside["user"] == "${CREDENTIAL_PROXY_UID:-65532}:65532"


def mounts(service: Any) -> set[str]:
    return {volume.rsplit(":", 2)[1] for volume in service["volumes"] if volume.endswith(":ro")}


@services
def test_services_are_hardened(service: Any) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"].endswith(("m", "g"))
    assert not {"privileged", "pid", "network_mode", "cap_add"} & service.keys()
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service["healthcheck"]["test"][0] == "CMD"


@services
def test_mounted_files_exist_and_are_read_only(service: Any) -> None:
    named = {*_COMPOSE["volumes"], *_ADDED}
    for volume in service["volumes"]:
        if isinstance(volume, dict):
            assert volume["read_only"] is True
            continue
        # One that has to be given is somebody else's file or folder.
        theirs = ":?" in volume
        source, target, *options = re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", volume).split(":")
        assert target.startswith("/")
        if theirs:
            assert options == ["ro"]
        elif source not in named:
            assert (_FOLDER / source).exists(), source
            assert options == ["ro"]


def test_images_are_the_charts() -> None:
    used = {
        container["image"]
        for item in render(PROXY).objects
        if item["kind"] in ("DaemonSet", "Deployment", "StatefulSet")
        for container in item["spec"]["template"]["spec"]["containers"]
    }
    assert {service["image"] for service in _SERVICES.values()} == used


def test_every_exporter_is_scraped() -> None:
    config = yaml.safe_load((_FOLDER / "compose" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for exporter in EXPORTERS:
        job = jobs[exporter.job]
        assert job["honor_labels"] is True
        assert exporter.name in _SERVICES[exporter.process]["command"]
        if exporter.process in _ADDED:
            [discovery] = job["file_sd_configs"]
            [file] = discovery["files"]
            mounted = _ADDED[exporter.process]["services"]["prometheus"]["volumes"]
            [source] = [volume.split(":")[0] for volume in mounted if volume.endswith(f":{file}:ro")]
            [target] = yaml.safe_load((_FOLDER / source).read_text())
            assert target["labels"] == {"instance": exporter.process}
        else:
            [target] = job["static_configs"]
        assert target["targets"] == [f"{exporter.process}:{exporter.port}"]


def test_configurations_are_valid(tmp_path: Path) -> None:
    config = yaml.safe_load((_FOLDER / "compose" / "prometheus.yml").read_text())
    config["rule_files"] = [f"{ROOT}/rules/*.yaml"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    for command in (
        ["promtool", "check", "config", str(tmp_path / "prometheus.yml")],
        ["amtool", "check-config", str(_FOLDER / "compose" / "alertmanager.yml")],
    ):
        checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.stack
def test_the_host_exporter_comes_up_and_is_scraped(tmp_path: Path) -> None:
    """With the service's own command and file; the machine's mounts are where they are."""
    text = (_FOLDER / "compose" / "host.yaml").read_text()
    for mounted, own in (("/host/root", "/"), ("/host/proc", "/proc"), ("/host/sys", "/sys")):
        text = text.replace(mounted, own)
    (tmp_path / "host.yaml").write_text(text)
    [mount, *_] = _SERVICES["host"]["volumes"]
    inside = mount.split(":")[1]
    command = [part.replace(inside, str(tmp_path / "host.yaml")) for part in _SERVICES["host"]["command"]]
    port = free_port()
    exporter = [sys.executable, "-m", "agent_observability", *command, f"--web.listen-address=127.0.0.1:{port}"]
    config = yaml.safe_load((_FOLDER / "compose" / "prometheus.yml").read_text())
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "agent-obs-host"]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    with running(exporter, tmp_path / "log"), prometheus(tmp_path, [job]) as server:
        wait_until(lambda: server.query("up") == {"agent-obs-host": 1}, 20, what=lambda: str(server.targets()))
        probe = _SERVICES["host"]["healthcheck"]["test"][3].replace("9801", str(port))
        assert subprocess.run([sys.executable, "-c", probe], check=False, timeout=20).returncode == 0


def test_grafana_finds_its_pages() -> None:
    grafana = _SERVICES["grafana"]
    mounts = {target: source for source, target, _ in (volume.split(":") for volume in grafana["volumes"])}
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    pages = grafana["environment"]["DASHBOARDS_PATH"]
    assert (_FOLDER / mounts[pages] / home.removeprefix(f"{pages}/")).is_file()
    assert (_FOLDER / mounts["/etc/grafana/provisioning"] / "datasources").is_dir()
