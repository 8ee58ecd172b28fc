"""What the world asks of a node: the selectors of common dashboards find series here, and the linter is content."""

from __future__ import annotations

import re
import shutil
import subprocess

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.exposition import Format, write
from agent_observability.host.collector import HostRuntime
from tests.host import machine

# Expressions in the style of the dashboards and rules people run beside node_exporter and cAdvisor.
QUERIES = (
    '100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100',
    'sum by (mode) (rate(node_cpu_seconds_total{mode=~"user|system|iowait|irq|softirq|steal|nice"}[5m]))',
    'count(count by (cpu) (node_cpu_seconds_total{mode="idle"}))',
    "node_load1 / 4",
    "node_load5 + node_load15",
    "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    "node_memory_MemTotal_bytes - node_memory_MemFree_bytes - node_memory_Buffers_bytes - node_memory_Cached_bytes",
    "(node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes) / node_memory_SwapTotal_bytes",
    "node_memory_Cached_bytes + node_memory_SReclaimable_bytes - node_memory_Shmem_bytes",
    "node_memory_Committed_AS_bytes / node_memory_CommitLimit_bytes",
    'node_filesystem_avail_bytes{fstype!~"tmpfs|rootfs",mountpoint="/"} / node_filesystem_size_bytes{fstype!="tmpfs"}',
    'predict_linear(node_filesystem_free_bytes{fstype!=""}[6h], 14400) < 0 and node_filesystem_readonly == 0',
    'node_filesystem_files_free{fstype=~"ext.?|xfs"} / node_filesystem_files{fstype=~"ext.?|xfs"}',
    "node_filesystem_device_error == 1",
    'rate(node_disk_io_time_seconds_total{device=~"(nvme.+|vd.+|sd.+)"}[5m])',
    "rate(node_disk_read_time_seconds_total[5m]) / rate(node_disk_reads_completed_total[5m])",
    "rate(node_disk_write_time_seconds_total[5m]) / rate(node_disk_writes_completed_total[5m])",
    'rate(node_disk_read_bytes_total{device!=""}[5m]) + rate(node_disk_written_bytes_total{device!=""}[5m])',
    "rate(node_disk_io_time_weighted_seconds_total[5m])",
    'rate(node_network_receive_bytes_total{device!="lo"}[5m]) * 8',
    'rate(node_network_transmit_bytes_total{device!~"lo|veth.+"}[5m]) / node_network_speed_bytes{device!="lo"}',
    "rate(node_network_receive_errs_total[5m]) + rate(node_network_transmit_drop_total[5m])",
    'node_network_up{device!~"veth.*"} == 0',
    "node_filefd_allocated / node_filefd_maximum",
    "node_nf_conntrack_entries / node_nf_conntrack_entries_limit",
    "rate(node_context_switches_total[5m]) + rate(node_intr_total[5m])",
    "rate(node_vmstat_pgmajfault[5m]) > 0 or increase(node_vmstat_oom_kill[5m]) > 0",
    "rate(node_pressure_cpu_waiting_seconds_total[5m]) + rate(node_pressure_io_stalled_seconds_total[5m])",
    "node_time_seconds - node_boot_time_seconds",
    'node_uname_info{nodename!="",release!="",sysname="Linux"}',
    "node_sockstat_TCP_tw + node_sockstat_TCP_inuse + node_netstat_Tcp_CurrEstab",
    "node_procs_running + node_procs_blocked",
    'avg by (chip) (node_hwmon_temp_celsius{chip!="",sensor=~"temp.+"})',
    "rate(container_cpu_cfs_throttled_periods_total[5m]) / rate(container_cpu_cfs_periods_total[5m])",
    'container_memory_working_set_bytes{id!="/"} / (container_spec_memory_limit_bytes{id!="/"} > 0)',
    "sum by (id) (rate(container_cpu_usage_seconds_total[5m]))",
)

# What promtool holds against names of node_exporter and cAdvisor, which are kept because dashboards use them.
_CAMEL_CASE = "metric names should be written in 'snake_case' not 'camelCase'"
LINT = {
    ("node_memory_AnonPages_bytes", _CAMEL_CASE),
    ("node_memory_CommitLimit_bytes", _CAMEL_CASE),
    ("node_memory_MemAvailable_bytes", _CAMEL_CASE),
    ("node_memory_MemFree_bytes", _CAMEL_CASE),
    ("node_memory_MemTotal_bytes", _CAMEL_CASE),
    ("node_memory_SwapCached_bytes", _CAMEL_CASE),
    ("node_memory_SwapFree_bytes", _CAMEL_CASE),
    ("node_memory_SwapTotal_bytes", _CAMEL_CASE),
    ("node_netstat_Tcp_CurrEstab", _CAMEL_CASE),
    ("node_entropy_available_bits", 'use base unit "bytes" instead of "bits"'),
}


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> str:
    runtime = HostRuntime(machine.build(tmp_path_factory.mktemp("machine")))
    return write([family for collector in runtime.collectors for family in collector.collect()], Format.TEXT).decode()


@pytest.mark.parametrize("query", QUERIES)
def test_every_selector_finds_series(query: str, exposition: str) -> None:
    series = [sample for family in text_string_to_metric_families(exposition) for sample in family.samples]
    found = list(selectors(promql_parser.parse(query)))
    assert found
    for selector in found:
        assert any(
            sample.name == selector.name and all(matches(one, sample.labels) for one in selector.matchers.matchers)
            for sample in series
        ), selector.prettify()


def selectors(node: object) -> list[promql_parser.VectorSelector]:
    """Every vector selector of an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    parts = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    parts += getattr(node, "args", None) or []
    return [found for part in parts if part is not None for found in selectors(part)]


def matches(matcher: promql_parser.Matcher, labels: dict[str, str]) -> bool:
    value = labels.get(matcher.name, "")
    if matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe):
        return bool(re.fullmatch(matcher.value, value)) == (matcher.op == promql_parser.MatchOp.Re)
    return (value == matcher.value) == (matcher.op == promql_parser.MatchOp.Equal)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_objects_to_historical_names_only(exposition: str) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    objections = {tuple(line.split(" ", 1)) for line in (checked.stdout + checked.stderr).splitlines() if line}
    assert objections == LINT
