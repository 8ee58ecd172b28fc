"""Beside the real node_exporter: the same families, the same label sets, the same values within what time changes."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.exposition import Format, write
from agent_observability.host.collector import HostRuntime
from agent_observability.host.config import HostCollectors, HostConfig
from agent_observability.host.metrics import HOST_METRICS
from tests.support import free_port, wait_until

PROGRAM = shutil.which("prometheus-node-exporter")
# Ours alone, or reported by the scrape and not by a collector.
OURS = ("container_", "host_", "node_scrape_collector_")
# Figures that move between two scrapes: absolute slack, in the family's unit.
SLACK = {
    "node_load": 1,
    "node_memory_": 256 * 2**20,
    "node_filesystem_": 512 * 2**20,
    "node_disk_io_now": 64,
    "node_filefd_allocated": 1000,
    "node_procs_": 64,
    "node_sockstat_": 200,
    "node_netstat_": 100,
    "node_nf_conntrack_entries": 500,
    "node_entropy_available_bits": 256,
    "node_hwmon_": 10,
    "node_time_seconds": 5,
    "node_pressure_": 5,
    "node_cpu_seconds_total": 5,
    "node_disk_": 2**26,
    "node_network_": 2**24,
    "node_vmstat_": 10**6,
    "node_context_switches_total": 10**6,
    "node_intr_total": 10**6,
    "node_forks_total": 10**4,
}
# Families that begin with one of those and do not move.
EXACT = {
    "node_boot_time_seconds",
    "node_filefd_maximum",
    "node_filesystem_device_error",
    "node_filesystem_files",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_network_speed_bytes",
    "node_network_up",
    "node_nf_conntrack_entries_limit",
    "node_uname_info",
}


@pytest.fixture(scope="module")
def theirs() -> Iterator[dict[str, Metric]]:
    if PROGRAM is None:
        pytest.skip("prometheus-node-exporter is not installed")
    url = f"127.0.0.1:{free_port()}"
    command = [PROGRAM, f"--web.listen-address={url}", "--collector.disable-defaults"]
    known = subprocess.run([PROGRAM, "--help"], check=True, capture_output=True, text=True).stdout
    # Its collector named processes counts something else.
    shared = [
        name for name in HostCollectors.__struct_fields__ if f"--collector.{name} " in known and name != "processes"
    ]
    command += [f"--collector.{name}" for name in shared]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield wait_until(lambda: scrape(f"http://{url}/metrics"), what="node_exporter answers")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def ours(theirs: dict[str, Metric]) -> dict[str, Metric]:
    rendered = [family for collector in HostRuntime(HostConfig()).collectors for family in collector.collect()]
    return families(write(rendered, Format.TEXT).decode())


def scrape(url: str) -> dict[str, Metric]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return families(answer.read().decode())
    except OSError:
        return {}


def families(text: str) -> dict[str, Metric]:
    """By the sample's name, as PromQL sees it."""
    return {family.samples[0].name: family for family in text_string_to_metric_families(text) if family.samples}


def values(family: Metric) -> dict[frozenset[tuple[str, str]], float]:
    return {frozenset(sample.labels.items()): sample.value for sample in family.samples}


SHARED = [metric.name for metric in HOST_METRICS if not metric.name.startswith(OURS)]


def test_enough_is_shared(ours: dict[str, Metric], theirs: dict[str, Metric]) -> None:
    assert len(ours.keys() & theirs.keys()) > 60


@pytest.mark.parametrize("name", SHARED)
def test_family(name: str, ours: dict[str, Metric], theirs: dict[str, Metric]) -> None:
    assert (name in ours) == (name in theirs)
    if name not in ours:
        pytest.skip("this machine lacks it")
    assert ours[name].type == theirs[name].type
    mine, other = values(ours[name]), values(theirs[name])
    assert mine.keys() == other.keys()
    slack = 0 if name in EXACT else next(slack for prefix, slack in SLACK.items() if name.startswith(prefix))
    assert {labels: mine[labels] - other[labels] for labels in mine if abs(mine[labels] - other[labels]) > slack} == {}
