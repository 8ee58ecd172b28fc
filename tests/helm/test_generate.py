"""Generated files are what the generator writes, and copies are copies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agent_observability.registry import EXPORTERS
from helm.files import MAX_PAGE_BYTES, chart_files, exporters_file, processes
from helm.generate import differing, write
from tests.helm.chart import CHART
from tests.support import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the generator reads, and what it has written."""
    for folder in ("rules", "alertmanager", "dashboards", "helm"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests", dirs_exist_ok=True)
    return tmp_path


def test_what_is_committed_is_what_is_generated() -> None:
    assert differing() == []


def test_check_names_what_differs(checkout: Path) -> None:
    stale = checkout / "helm/agent-observability/files/rules/gone.yaml"
    stale.write_text("groups: []\n")
    (checkout / "rules/host.yaml").write_text((checkout / "rules/host.yaml").read_text() + "# changed\n")
    (checkout / "helm/agent-observability/values.schema.json").unlink()
    (checkout / "manifests/compose/host.yaml").write_text("host: {}\n")
    assert set(differing(checkout)) == {
        "helm/agent-observability/files/rules/gone.yaml",
        "helm/agent-observability/files/rules/host.yaml",
        "helm/agent-observability/values.schema.json",
        "manifests/compose/host.yaml",
    }
    assert set(write(checkout)) >= {"helm/agent-observability/files/rules/gone.yaml"}
    assert not stale.exists()
    assert differing(checkout) == []


def test_the_command_exits_with_1_when_something_differs() -> None:
    command = [sys.executable, "-m", "helm", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == 0


def test_rules_and_routing_are_copied_byte_for_byte() -> None:
    for file in (ROOT / "rules").rglob("*.yaml"):
        assert (CHART / "files" / "rules" / file.relative_to(ROOT / "rules")).read_bytes() == file.read_bytes()
    for copy, own in (("alertmanager.yml", "alertmanager.yml"), ("agentobs.tmpl", "templates/agentobs.tmpl")):
        assert (CHART / "files/alertmanager" / copy).read_bytes() == (ROOT / "alertmanager" / own).read_bytes()


def test_a_page_too_large_for_a_config_map_is_refused(checkout: Path) -> None:
    page = checkout / "dashboards/json/Suite/agentobs-large.json"
    page.write_text('{"uid": "agentobs-large", "text": "' + "x" * MAX_PAGE_BYTES + '"}')
    with pytest.raises(ValueError, match=r"agentobs-large.json takes \d+ bytes"):
        chart_files(checkout, EXPORTERS)


def test_exporters_are_grouped_by_process() -> None:
    document = yaml.safe_load(exporters_file(EXPORTERS))
    assert document.keys() == processes(EXPORTERS).keys()
    assert [entry for members in document.values() for entry in members] == [
        {"name": exporter.name, "port": exporter.port, "job": exporter.job} for exporter in EXPORTERS
    ]


def test_generating_twice_changes_nothing(checkout: Path) -> None:
    write(checkout)
    assert write(checkout) == []
