"""Alerts and runbooks come in pairs, and what a runbook tells people to paste works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.catalogue import check_expression
from tests.rules.rulebook import load
from tests.support import ROOT

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

every_runbook = pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)


def test_alerts_and_runbooks_are_paired() -> None:
    assert {path.stem for path in RUNBOOKS} == {alert.name for alert in load()[0]}


@every_runbook
def test_runbook_has_its_sections(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    bodies = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all(body.strip() for body in bodies)


@every_runbook
def test_runbook_queries_work(path: Path) -> None:
    queries = re.findall(r"^```promql\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    assert queries, "a runbook offers at least one query to paste"
    assert [problem for query in queries for problem in check_expression(query, path.name)] == []
