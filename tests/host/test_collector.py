"""All collectors together: what they declare, which run, what a reload keeps, what a bare machine lacks."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import msgspec
import pytest

from agent_observability.config import parse
from agent_observability.errors import ConfigError
from agent_observability.host.collector import HostRuntime
from agent_observability.host.config import HostCollectors, HostConfig
from agent_observability.host.metrics import COLLECTOR_DURATION, COLLECTOR_SUCCESS, HOST_METRICS
from agent_observability.host.statvfs import MountProber
from agent_observability.metric import check_unique
from tests.collectors import scraped
from tests.host import machine
from tests.host.tree import Files, host, plant, samples
from tests.support import wait_until


def test_every_declared_family_is_exposed_and_no_other(tmp_path: Path) -> None:
    runtime = HostRuntime(machine.build(tmp_path))
    declared = [metric for collector in runtime.collectors for metric in collector.metrics]
    check_unique([*declared, COLLECTOR_SUCCESS, COLLECTOR_DURATION])
    assert {*declared, COLLECTOR_SUCCESS, COLLECTOR_DURATION} == set(HOST_METRICS)
    for collector in runtime.collectors:
        exposed = {family.metric for family in collector.collect() if any(block.text for block in family.blocks)}
        assert exposed == set(collector.metrics), collector.name


def test_success_and_duration_are_reported_under_node_exporters_names() -> None:
    (report,) = HostRuntime(HostConfig()).reports
    assert (report.success.name, report.duration.name) == (
        "node_scrape_collector_success",
        "node_scrape_collector_duration_seconds",
    )


def test_every_collector_can_be_switched_off() -> None:
    names = {collector.name for collector in HostRuntime(HostConfig()).collectors}
    assert names == set(HostCollectors.__struct_fields__)
    for name in names:
        section = HostConfig(collectors=HostCollectors(**{name: False}))
        assert {collector.name for collector in HostRuntime(section).collectors} == names - {name}


# Sections with the path and the value that the message must name.
INVALID = {
    "collectors: {meminf: false}": ("host.collectors.meminf: unknown key", "'meminfo'"),
    "collectors: {cpu: maybe}": ("host.collectors.cpu: ", "'maybe'"),
    "filesystem: {mount_points_exclude: '('}": ("host.filesystem.mount_points_exclude: ", "'('"),
    "filesystem: {stat_timeout: 5}": ("host.filesystem.stat_timeout: ", "5"),
    "filesystem: {max_stuck: 0}": ("host.filesystem.max_stuck: ", "0"),
    "cgroup: {ids: [docker]}": ("host.cgroup.ids[0]: ", "'docker'"),
    "processes: {groups: {web: '['}}": ("host.processes.groups.web: ", "'['"),
}


@pytest.mark.parametrize("section", INVALID)
def test_a_bad_setting_is_named(section: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f"host: {{{section}}}", "test.yaml", Path())
    (problem,) = raised.value.problems
    path, value = INVALID[section]
    assert problem.startswith(path)
    assert value in problem.removeprefix(path)


def test_settings_reach_the_collectors(tmp_path: Path) -> None:
    machine.build(tmp_path)
    text = f"""
host:
  path: {{procfs: {tmp_path}/proc, sysfs: {tmp_path}/sys}}
  collectors: {{uname: false, time: false}}
  cgroup: {{own: false, ids: [/app.slice]}}
  processes: {{groups: {{init: ^init$}}}}
"""
    runtime = HostRuntime(parse(text, "test.yaml", Path()).sections["host"])
    lines = list(itertools.chain(*(samples(collector) for collector in runtime.collectors)))
    assert 'container_memory_usage_bytes{id="/app.slice"} 1000' in lines
    assert 'host_process_group_processes{group="init"} 1' in lines
    assert not any(line.startswith(("node_uname", "node_time")) for line in lines)


# What a kernel always has; everything else may be absent.
BARE: Files = {
    name: machine.FILES[name]
    for name in ("proc/loadavg", "proc/stat", "proc/meminfo", "proc/1/net/dev", "proc/1/mountinfo")
}


def test_a_kernel_feature_that_is_missing_is_no_error(tmp_path: Path) -> None:
    plant(tmp_path, BARE)
    runtime = HostRuntime(host(tmp_path))
    shown = {collector.name for collector in runtime.collectors if samples(collector)}
    assert shown == {"uname", "time", "loadavg", "cpu", "stat", "meminfo", "filesystem", "netdev"}


@pytest.mark.parametrize("name", sorted(BARE))
def test_a_file_every_kernel_has_is_missed_loudly(name: str, tmp_path: Path) -> None:
    plant(tmp_path, {other: content for other, content in BARE.items() if other != name})
    failed = set()
    for collector in HostRuntime(host(tmp_path)).collectors:
        try:
            collector.collect()
        except FileNotFoundError as error:
            failed.add(collector.name)
            assert str(tmp_path / "proc") in str(error)
    assert len(failed) == (2 if name == "proc/stat" else 1)


def test_a_reload_keeps_cpu_time_and_what_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    prober = MountProber(lambda path: release.wait() and None)  # type: ignore[arg-type,return-value,func-returns-value]
    monkeypatch.setattr("agent_observability.host.collector.MountProber", lambda: prober)
    section = machine.build(tmp_path)
    runtime = HostRuntime(section)
    for collector in runtime.collectors:
        scraped(collector)
    (source,) = runtime.sources()
    assert (source.name, source.healthy, source.detail) == ("/", False, "does not answer statvfs")
    plant(tmp_path, {"proc/1/stat": machine.FILES["proc/1/stat"].replace(" 20 10 ", " 120 110 ")})
    line = 'host_process_group_cpu_seconds_total{group="init"} 2.0'
    processes = next(collector for collector in runtime.collectors if collector.name == "processes")
    assert line in samples(processes)
    runtime.reload(msgspec.structs.replace(section, collectors=HostCollectors(loadavg=False)))
    after = {collector.name: collector for collector in runtime.collectors}
    assert "loadavg" not in after
    assert line in samples(after["processes"])
    assert [line.rsplit(" ", 1)[1] for line in samples(after["filesystem"])] == ["1"]
    assert len(runtime.sources()) == 1
    release.set()
    assert wait_until(lambda: not runtime.sources())
