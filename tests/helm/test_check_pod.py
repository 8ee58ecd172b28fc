"""`helm test`: the pod's own arguments and mounts, against a real Prometheus that reads the rendered rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helm.chart import render, values_of
from tests.helm.mounted import arguments, mount
from tests.prometheus.server import prometheus
from tests.support import ROOT, free_port, running

_TEMPLATE = "tests/check.yaml"


@pytest.mark.stack
def test_the_pod_finds_everything_in_order(tmp_path: Path) -> None:
    changed, _ = values_of("overrides")
    others = {process: {"enabled": False} for process in ("cr_state", "intake")}
    values = {**changed, "check": {"wait": "60s"}, "exporters": others}
    release = render(values)
    [pod] = release.by_template[_TEMPLATE]
    mount(release, {"spec": pod["spec"]}, tmp_path)
    rules = tmp_path / "loaded"
    rules.mkdir()
    for name, text in release.one("ConfigMap", "-rules")["data"].items():
        document = yaml.safe_load(text)
        for group in document["groups"]:
            group["interval"] = "1s"
        (rules / name).write_text(yaml.safe_dump(document))
    port = free_port()
    job = {"job_name": "agent-obs-host", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    exporter = [sys.executable, "-m", "agent_observability", "run", "host", f"--web.listen-address=127.0.0.1:{port}"]
    with running(exporter, tmp_path / "log"), prometheus(tmp_path, [job], rules.iterdir()) as server:
        given = arguments({"spec": pod["spec"]}, tmp_path)
        given = [f"--prometheus={server.base}" if a.startswith("--prometheus=") else a for a in given]
        command = [sys.executable, "-m", "agent_observability", *given]
        checked = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=110)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    pages = [item for item in release.of("ConfigMap") if any(key.endswith(".json") for key in item["data"])]
    assert f"of {len(pages)} pages" in checked.stdout
    assert "agentobs-host/" not in checked.stdout, "it is excluded"


def test_it_asks_the_bundled_prometheus() -> None:
    [pod] = render().by_template[_TEMPLATE]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    [container] = pod["spec"]["containers"]
    assert "--prometheus=http://obs-agent-observability-prometheus.monitoring.svc:9090" in container["args"]
    assert {"--exporter=host", "--exporter=cr_state", "--exporter=llm_cost"} <= set(container["args"])
    assert pod["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize(
    ("name", "url"),
    [("bare", None), ("agent", None), ("operator", "http://kube-prometheus-stack-prometheus.monitoring:9090")],
)
def test_it_is_there_when_there_is_somebody_to_ask(name: str, url: str | None) -> None:
    values, _ = values_of(name)
    pods = render(values).by_template.get(_TEMPLATE, [])
    found = [
        argument for pod in pods for argument in pod["spec"]["containers"][0]["args"] if "--prometheus=" in argument
    ]
    assert found == ([f"--prometheus={url}"] if url else [])
    assert ("helm test" in render(values).notes) is bool(url)


def test_without_dashboards_nothing_of_them_is_asked() -> None:
    """Not the pages in the image either, which the command would take by default."""
    release = render({"dashboards": {"enabled": False}})
    [pod] = release.by_template[_TEMPLATE]
    assert "--dashboards=/etc/agent-obs/dashboards" in pod["spec"]["containers"][0]["args"]
    for spec in (pod["spec"], release.one("Deployment", "-grafana")["spec"]["template"]["spec"]):
        assert {"name": "dashboards", "emptyDir": {}} in spec["volumes"]
