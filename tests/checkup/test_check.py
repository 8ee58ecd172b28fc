"""`agent-obs check --prometheus` against real installations, good and bad."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.checkup.installation import FAILING, Installation, check, installation
from tests.support import ROOT, free_port

pytestmark = pytest.mark.stack

_JOB = "agent-obs-host"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("check")) as it:
        yield it


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules that should be loaded."""
    return Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "Suite").mkdir(parents=True)
    return folder


def page(folder: Path, expr: str) -> None:
    panel = {"type": "stat", "title": "Panel", "targets": [{"refId": "A", "expr": expr}]}
    row = {"type": "row", "title": "Row", "panels": [panel]}
    variable = {"name": "job", "type": "query", "query": "label_values(up, job)", "allValue": "agent-obs-.+"}
    document = {"uid": "agentobs-x", "panels": [row], "templating": {"list": [variable]}}
    (folder / "Suite" / "x.json").write_text(json.dumps(document))


def test_a_good_installation_passes(installed: Installation) -> None:
    result = check("--prometheus", installed.prometheus.base, "--wait", "40s")
    assert result.returncode == 0, result.stdout + result.stderr
    first, *others = result.stdout.splitlines()
    assert first == "✓ OK  targets: 1 of the suite's exporters"
    assert any(line.startswith("✓ OK  rules: ") for line in others)
    assert any(line.startswith("✓ OK  dashboards: ") for line in others)
    assert "\x1b[" not in result.stdout


def test_machines_read_json(installed: Installation) -> None:
    result = check("--prometheus", installed.prometheus.base, "--wait", "40s", "--output", "json")
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert [part["name"] for part in document["parts"]] == ["targets", "rules", "dashboards"]
    levels = {finding["level"] for part in document["parts"] for finding in part["findings"]}
    assert levels <= {"note"}


def test_a_target_that_is_down(installed: Installation) -> None:
    gone = f"127.0.0.1:{free_port()}"
    installed.scrape(installed.exporter, gone)
    try:
        result = check("--prometheus", installed.prometheus.base, "--wait", "3s")
        assert result.returncode == 1
        assert "✕ FAIL  targets: 2 of the suite's exporters" in result.stdout
        assert f"✕ {_JOB} at node-{gone} is down: " in result.stdout
        assert "connection refused" in result.stdout
    finally:
        installed.scrape(installed.exporter)


def test_it_waits_for_a_target_to_appear(installed: Installation) -> None:
    installed.scrape()
    missing = check("--prometheus", installed.prometheus.base, "--wait", "3s")
    assert missing.returncode == 1
    assert f"✕ {_JOB}: Prometheus has no such target" in missing.stdout
    command = [sys.executable, "-m", "agent_observability", "check", "--prometheus", installed.prometheus.base]
    waiting = subprocess.Popen(
        [*command, "--wait", "40s", "--exporter", "host"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    installed.scrape(installed.exporter)
    output, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, output


def test_labels_that_change_with_every_pod_are_worth_a_warning(installed: Installation) -> None:
    installed.label({"__address__": installed.exporter, "instance": "node-1", "pod": "host-x7k2"})
    try:
        result = check("--prometheus", installed.prometheus.base, "--wait", "40s")
        assert result.returncode == 0
        assert "▲ WARN  targets" in result.stdout
        assert f"▲ {_JOB} at node-1 carries pod: " in result.stdout
    finally:
        installed.scrape(installed.exporter)


def test_a_rule_that_is_not_loaded(installed: Installation, rules: Path) -> None:
    more = {"groups": [{"name": "agent-obs-more", "rules": [{"record": "a:new:rule", "expr": "up"}]}]}
    (rules / "more.yaml").write_text(yaml.safe_dump(more))
    result = check("--prometheus", installed.prometheus.base, "--rules", rules, "--wait", "1s")
    assert result.returncode == 1
    assert "✕ a:new:rule in group agent-obs-more is not loaded" in result.stdout


def test_a_missing_severity_is_a_missing_alert(installed: Installation, rules: Path) -> None:
    text = (rules / "suite.yaml").read_text()
    (rules / "suite.yaml").write_text(text.replace("severity: critical", "severity: info", 1))
    result = check("--prometheus", installed.prometheus.base, "--rules", rules, "--wait", "1s")
    assert "(info) in group agent-obs-suite-alerts is not loaded" in result.stdout


def test_a_rule_that_fails(installed: Installation, rules: Path) -> None:
    shutil.copy(installed.folder / "loaded" / "failing.yaml", rules)
    result = check("--prometheus", installed.prometheus.base, "--rules", rules, "--wait", "3s")
    assert result.returncode == 1
    assert "✕ a:failing:rule fails: " in result.stdout
    assert "invalid regular expression" in result.stdout
    assert FAILING not in check("--prometheus", installed.prometheus.base, "--wait", "40s").stdout


def test_a_changed_expression_is_worth_a_warning(installed: Installation, rules: Path) -> None:
    text = (rules / "host.yaml").read_text()
    assert text.count("> 0.25\n") == 1
    (rules / "host.yaml").write_text(text.replace("> 0.25\n", "  >  0.3\n"))
    result = check("--prometheus", installed.prometheus.base, "--rules", rules, "--wait", "40s")
    assert result.returncode == 0
    assert "▲ HostCgroupThrottled (warning) has another expression than its file" in result.stdout
    assert result.stdout.count("another expression") == 1, "spelling alone is no difference"


def test_spelling_is_no_difference(installed: Installation, rules: Path) -> None:
    text = (rules / "host.yaml").read_text()
    (rules / "host.yaml").write_text(text.replace("> 0.25\n", "> (0.250)\n").replace("> (0.250)", "> 0.250"))
    result = check("--prometheus", installed.prometheus.base, "--rules", rules, "--wait", "40s")
    assert "another expression" not in result.stdout


@pytest.mark.parametrize(
    ("expr", "code", "expected"),
    [
        ('up{job=~"$job"}', 0, "2 queries of 1 pages, 0 without data now"),
        ("rate(up[$__rate_interval]) * 0 + $__range_s", 0, "2 queries of 1 pages, 0 without data now"),
        ("sum by (", 1, "✕ agentobs-x/Panel/A: Prometheus refuses query: "),
        ("up[$unknown]", 1, "✕ agentobs-x/Panel/A: Prometheus refuses query: "),
        ("no_such_metric_here", 0, "– agentobs-x/Panel/A shows no data now"),
    ],
)
def test_queries_of_pages(installed: Installation, pages: Path, expr: str, code: int, expected: str) -> None:
    page(pages, expr)
    result = check("--prometheus", installed.prometheus.base, "--dashboards", pages, "--wait", "40s")
    assert result.returncode == code, result.stdout
    assert expected in result.stdout


def test_mounted_config_maps_are_read_once(installed: Installation, tmp_path: Path, pages: Path) -> None:
    """Kubernetes mounts them as links into a folder that a link named ..data points to."""
    mounted = tmp_path / "mounted"
    (mounted / "..2026").mkdir(parents=True)
    (mounted / "..data").symlink_to("..2026")
    (mounted / "..2026" / "suite.yaml").write_text((ROOT / "rules" / "suite.yaml").read_text())
    (mounted / "suite.yaml").symlink_to("..data/suite.yaml")
    page(pages, "up")
    result = check(
        "--prometheus", installed.prometheus.base, "--rules", mounted, "--dashboards", pages, "--wait", "40s"
    )
    groups = yaml.safe_load((ROOT / "rules" / "suite.yaml").read_text())["groups"]
    assert f"rules: {sum(len(group['rules']) for group in groups)} rules in {len(groups)} groups" in result.stdout
