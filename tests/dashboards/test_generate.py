"""Generated files: committed, reproducible, and nothing else beside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dashboards.generate import MAX_BYTES, OUTPUT, differing, generated_files, write
from tests.dashboards.pages import PAGES
from tests.support import ROOT


def test_what_is_committed_is_what_is_generated() -> None:
    assert differing() == []


def test_generation_is_reproducible() -> None:
    """Other hash seeds order sets differently."""
    script = "import json; from dashboards.generate import generated_files; print(json.dumps(generated_files()))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("uid", PAGES)
def test_page_files(uid: str) -> None:
    text = generated_files()[f"json/{PAGES[uid][1]}/{uid}.json"]
    assert len(text.encode()) <= MAX_BYTES
    assert text.endswith("}\n") and not text.endswith("\n\n")
    assert json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n" == text
    assert json.loads(text)["uid"] == uid


def test_write_mends_what_differs_and_removes_what_is_stale(tmp_path: Path) -> None:
    every = sorted(generated_files())
    assert write(tmp_path) == every
    assert write(tmp_path) == [] == differing(tmp_path)

    changed, missing = (tmp_path / path for path in every[:2])
    stale = tmp_path / "json" / "Gone" / "agentobs-gone.json"
    changed.write_text("{}")
    missing.unlink()
    stale.parent.mkdir()
    stale.write_text("{}")
    expected = sorted([*every[:2], "json/Gone/agentobs-gone.json"])
    assert differing(tmp_path) == expected == write(tmp_path)
    assert not stale.exists() and differing(tmp_path) == []


def test_check_names_the_files_and_fails(tmp_path: Path) -> None:
    copy = tmp_path / "dashboards"
    shutil.copytree(OUTPUT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    page = copy / "json" / "Suite" / "agentobs-suite.json"

    def check() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dashboards", "--check"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (check().returncode, check().stderr) == (0, "")
    page.write_text("{}")
    failed = check()
    assert failed.returncode == 1
    assert failed.stderr == (
        "dashboards/json/Suite/agentobs-suite.json: differs from what `python -m dashboards` writes\n"
    )
    assert page.read_text() == "{}"


def test_importing_reads_no_rules() -> None:
    script = "import dashboards; from dashboards.rules import rule_book; print(rule_book.cache_info().currsize)"
    shown = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "0\n"


def test_provisioning_points_at_the_pages_and_the_data_source() -> None:
    files = generated_files()
    [source] = yaml.safe_load(files["provisioning/datasources/prometheus.yaml"])["datasources"]
    assert (source["uid"], source["type"], source["url"]) == ("prometheus", "prometheus", "${PROMETHEUS_URL}")
    assert source["isDefault"] and not source["editable"]
    [provider] = yaml.safe_load(files["provisioning/dashboards/agent-observability.yaml"])["providers"]
    assert provider["options"] == {"path": "${DASHBOARDS_PATH}", "foldersFromFilesStructure": True}
    assert provider["allowUiUpdates"] is False
