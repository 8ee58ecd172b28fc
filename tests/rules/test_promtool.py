"""Prometheus's own opinion: the rule files are valid, and their unit tests pass."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.catalogue import rule_files
from tests.rules.rulebook import TESTS


def _promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.name)
def test_rule_file_is_valid(path: Path) -> None:
    _promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.test.yaml")), ids=lambda path: path.name)
def test_rules_behave(path: Path) -> None:
    _promtool("test", "rules", str(path))
