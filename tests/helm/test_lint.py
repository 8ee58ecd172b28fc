"""The chart as a package: lint without findings, size, versions."""

from __future__ import annotations

from pathlib import Path

import helm_python
import pytest
import yaml

from agent_observability import __version__
from tests.helm.chart import CHART, value_sets, values_of

_MAX_PACKAGE_BYTES = 1024 * 1024


@pytest.mark.parametrize("name", value_sets())
def test_strict_lint_finds_nothing(name: str) -> None:
    values, chart = values_of(name)
    report = helm_python.lint(chart, values, strict=True, kube_version="v1.34.0")
    assert report["messages"] == []
    assert report["errors"] == []
    assert report["total_charts_linted"] == 1


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: wrong_name\nversion: x\n")
    assert helm_python.lint(tmp_path, {}, strict=True)["messages"]


def test_the_package_is_small(tmp_path: Path) -> None:
    package = Path(helm_python.package(CHART, destination=tmp_path))
    assert package.stat().st_size < _MAX_PACKAGE_BYTES


def test_versions_are_the_suites() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
