from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent_observability.metric import check_unique
from agent_observability.registry import BY_NAME, CATALOGUE, EXPORTERS, EXTERNAL, Exporter
from agent_observability.runtime import Runtime
from agent_observability.suite import SUITE_METRICS
from tests.support import context_of

_SCRAPERS_OWN = {"job", "instance", "pod", "container", "service", "endpoint"}

exporters = pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.name)


def test_names_and_ports_are_unique() -> None:
    assert len({exporter.name for exporter in EXPORTERS}) == len(EXPORTERS) == len(BY_NAME)
    assert len({exporter.port for exporter in EXPORTERS}) == len(EXPORTERS)
    assert all(BY_NAME[exporter.name] is exporter for exporter in EXPORTERS)
    assert [exporter.job for exporter in EXPORTERS] == [f"agent-obs-{exporter.name}" for exporter in EXPORTERS]


def test_no_family_is_exposed_by_two_exporters() -> None:
    """Not only because of `run all`: rules select a family by its name."""
    declared = list(itertools.chain(SUITE_METRICS, *(exporter.metrics for exporter in EXPORTERS)))
    check_unique(declared)
    assert len({metric.name for metric in declared}) == len(declared) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_labels_of_scrapers_are_left_to_them(metric) -> None:  # type: ignore[no-untyped-def]
    assert _SCRAPERS_OWN.isdisjoint(metric.label_names)
    assert CATALOGUE[metric.name] is metric


def test_external_patterns_leave_our_own_families_alone() -> None:
    patterns = [re.compile(pattern) for pattern in EXTERNAL]
    assert not [name for name in CATALOGUE if any(pattern.fullmatch(name) for pattern in patterns)]


@exporters
def test_factories_make_their_exporter(exporter: Exporter, tmp_path: Path) -> None:
    runtime = exporter.create(exporter.section(), context_of(tmp_path))
    assert isinstance(runtime, Runtime)
    names = [collector.name for collector in runtime.collectors]
    assert names
    assert len(set(names)) == len(names)
    assert {"suite", "process"}.isdisjoint(names)  # every exporter has these two besides
    declared = set(exporter.metrics) | set(SUITE_METRICS)
    for collector in runtime.collectors:
        assert set(collector.metrics) <= declared, collector.name


@exporters
def test_every_declared_family_has_a_collector_or_report(exporter: Exporter, tmp_path: Path) -> None:
    runtime = exporter.create(exporter.section(), context_of(tmp_path))
    owned = {metric for collector in runtime.collectors for metric in collector.metrics}
    owned |= {metric for report in runtime.reports for metric in (report.success, report.duration)}
    assert set(exporter.metrics) <= owned


def test_the_registry_loads_no_exporters_libraries() -> None:
    program = "import sys, json, agent_observability.registry; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=30)
    factories = {exporter.factory.partition(":")[0] for exporter in EXPORTERS}
    assert factories.isdisjoint(json.loads(result.stdout))
