"""Every values block of docs/install.md renders, and what comes of it is accepted by the tools it is for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import render
from tests.helm.mounted import mount
from tests.helm.test_prometheus import without_cluster
from tests.support import ROOT

_PAGE = (ROOT / "docs" / "install.md").read_text()
_BLOCKS: list[dict[str, Any]] = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n# values.yaml\n(.*?)```", _PAGE, re.DOTALL)
]


@pytest.mark.parametrize("values", _BLOCKS, ids=range(len(_BLOCKS)))
def test_values_render(values: dict[str, Any], tmp_path: Path) -> None:
    release = render(values)
    secrets: dict[str, dict[str, str]] = {name: {"ca.crt": "", "token": "x"} for name in ("remote-write", "host-web")}
    for number, server in enumerate(
        item for item in release.of("StatefulSet") if "prometheus" in item["metadata"]["name"]
    ):
        folder = tmp_path / str(number)
        mount(release, server["spec"]["template"], folder, secrets)
        file = folder / "etc/prometheus/config/prometheus.yml"
        document = yaml.safe_load(file.read_text())
        for entry in document["scrape_configs"]:
            without_cluster(entry, tmp_path)
            entry.pop("tls_config", None)
        file.write_text(yaml.safe_dump(document))
        agent = ["--agent"] if values.get("prometheus", {}).get("mode") == "agent" else []
        command = ["promtool", "check", "config", *agent, str(file)]
        checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    for secret in release.of("Secret"):
        routing = tmp_path / "alertmanager.yml"
        routing.write_text(secret["stringData"]["alertmanager.yaml"])
        checked = subprocess.run(["amtool", "check-config", str(routing)], check=False, capture_output=True, timeout=60)
        assert checked.returncode == 0, checked.stderr


def test_there_are_blocks() -> None:
    assert len(_BLOCKS) == len(re.findall("# values.yaml", _PAGE)) >= 7


def test_names_in_the_text_are_those_of_the_chart() -> None:
    release = render({"alertmanager": {"exportRouting": True}})
    names = {item["metadata"]["name"] for item in release.objects}
    mentioned = set(re.findall(r"obs-agent-observability-[a-z-]+", _PAGE))
    assert mentioned <= names
    images = {"image", "prometheus.image", "alertmanager.image", "grafana.image"}
    assert images <= set(re.findall(r"`([a-z.]*image)`", _PAGE))
    for claim in (c for s in release.of("StatefulSet") for c in s["spec"]["volumeClaimTemplates"]):
        assert "labels" not in claim["metadata"] or "app.kubernetes.io/instance" in claim["metadata"]["labels"]
