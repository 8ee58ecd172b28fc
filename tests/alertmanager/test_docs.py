"""docs/alerting.md against the routing it describes."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alertmanager.deployment import FILE, SECRETS_FOLDER
from tests.support import ROOT

PAGE = (ROOT / "docs" / "alerting.md").read_text()
DOCUMENT: Any = yaml.safe_load(FILE.read_text())


def _table(head: str) -> str:
    return PAGE.partition(head)[2].partition("\n\n")[0]


def test_the_page_names_every_secret_channel_and_label() -> None:
    secrets = set(re.findall(rf"{SECRETS_FOLDER}/([\w-]+)", FILE.read_text()))
    assert secrets == set(re.findall(r"^\| `([\w-]+)` \|", _table("| file | holds |"), re.MULTILINE))
    slack = [one for receiver in DOCUMENT["receivers"] for one in receiver.get("slack_configs", [])]
    assert {one["channel"] for one in slack} == set(re.findall(r"Slack `(#[\w-]+)`", PAGE))
    labels = ", ".join(label for label in DOCUMENT["inhibit_rules"][0]["equal"] if label != "alertname")
    assert f"| {labels} |" in PAGE


def test_every_row_of_what_is_held_back_is_a_rule() -> None:
    assert len(_table("| while this fires |").splitlines()) - 2 == len(DOCUMENT["inhibit_rules"])


@pytest.mark.parametrize("snippet", re.findall("```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_snippets_fit_into_the_file(tmp_path: Path, snippet: str) -> None:
    """Each replaces the entry of its name."""
    name = snippet.splitlines()[0]
    pattern = re.compile(rf"^{re.escape(name)}\n(?:    .*\n|\n)+", re.MULTILINE)
    text, number = pattern.subn(lambda _: snippet, FILE.read_text())
    assert number == 1
    file = tmp_path / "alertmanager.yml"
    file.write_text(text.replace("templates/*.tmpl", f"{FILE.parent}/templates/*.tmpl"))
    checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_example_of_a_route_is_right() -> None:
    (line,) = re.findall("^amtool config routes test .*", PAGE, re.MULTILINE)
    command = shlex.split(line.replace("/etc/alertmanager/alertmanager.yml", str(FILE)))
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "critical"
