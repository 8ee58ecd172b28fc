"""This very machine: what the exporter says equals what /proc, /sys, statvfs and psutil say."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.exposition import Format, write
from agent_observability.host.cgroup import parse_own_cgroups
from agent_observability.host.collector import HostRuntime
from agent_observability.host.config import HostConfig

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def series() -> Series:
    text = b"".join(
        write(collector.collect(), Format.TEXT) for collector in HostRuntime(HostConfig()).collectors
    ).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(series: Series, name: str, **labels: str) -> float:
    (value,) = (
        value for (found, pairs), value in series.items() if found == name and set(labels.items()) <= set(pairs)
    )
    return value


def test_memory(series: Series) -> None:
    memory = psutil.virtual_memory()
    assert one(series, "node_memory_MemTotal_bytes") == memory.total
    assert one(series, "node_memory_MemAvailable_bytes") == pytest.approx(memory.available, rel=0.05)
    assert one(series, "node_memory_SwapTotal_bytes") == psutil.swap_memory().total


def test_cpu(series: Series) -> None:
    total = sum(sum(times) for times in psutil.cpu_times(percpu=True))
    counted = sum(value for (name, _), value in series.items() if name == "node_cpu_seconds_total")
    # psutil adds guest time, which the kernel has counted as user time already.
    assert counted == pytest.approx(total - sum(times.guest for times in psutil.cpu_times(percpu=True)), rel=0.05)
    modes = {dict(labels)["mode"] for name, labels in series if name == "node_cpu_seconds_total"}
    assert modes == {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}
    assert one(series, "node_boot_time_seconds") == pytest.approx(psutil.boot_time(), abs=2)


def test_load_and_clock(series: Series) -> None:
    assert one(series, "node_load15") == pytest.approx(os.getloadavg()[2], abs=0.5)
    assert one(series, "node_time_seconds") == pytest.approx(time.time(), abs=60)


def test_uname(series: Series) -> None:
    assert one(series, "node_uname_info", nodename=platform.node(), release=platform.release()) == 1


def test_filesystems(series: Series) -> None:
    shown = [
        (dict(labels)["mountpoint"], value)
        for (name, labels), value in series.items()
        if name == "node_filesystem_size_bytes"
    ]
    for mountpoint, size in shown:
        figures = os.statvfs(mountpoint)
        labels = {"mountpoint": mountpoint}
        assert size == figures.f_blocks * figures.f_frsize
        assert one(series, "node_filesystem_files", **labels) == figures.f_files
        assert one(series, "node_filesystem_avail_bytes", **labels) == pytest.approx(
            figures.f_bavail * figures.f_frsize, rel=0.05
        )
        assert one(series, "node_filesystem_readonly", **labels) == int(bool(figures.f_flag & os.ST_RDONLY))


def test_disks_and_interfaces(series: Series) -> None:
    for device, figures in psutil.disk_io_counters(perdisk=True).items():
        if ("node_disk_io_now", frozenset({("device", device)})) in series:
            assert one(series, "node_disk_read_bytes_total", device=device) == pytest.approx(
                figures.read_bytes, rel=0.05
            )
            assert one(series, "node_disk_writes_completed_total", device=device) == pytest.approx(
                figures.write_count, rel=0.05, abs=500
            )
    for device, figures in psutil.net_io_counters(pernic=True).items():
        if device != "lo":
            assert one(series, "node_network_receive_bytes_total", device=device) == pytest.approx(
                figures.bytes_recv, rel=0.05, abs=1e6
            )
            assert one(series, "node_network_up", device=device) == int(
                Path(f"/sys/class/net/{device}/operstate").read_text().strip() == "up"
            )


def test_temperatures(series: Series) -> None:
    """psutil falls back to thermal zones where there is no hwmon; those are another subject."""
    sensors = list(Path("/sys/class/hwmon").glob("hwmon*/temp*_input"))
    if not sensors:
        pytest.skip("this machine has no temperature sensor")
    expected = sorted(entry.current for entries in psutil.sensors_temperatures().values() for entry in entries)
    found = sorted(value for (name, _), value in series.items() if name == "node_hwmon_temp_celsius")
    assert found == pytest.approx(expected, abs=5)


def test_own_cgroup(series: Series) -> None:
    own = parse_own_cgroups(Path("/proc/self/cgroup").read_bytes())
    v1 = Path("/sys/fs/cgroup/memory")
    if v1.is_dir() and "memory" in own:
        id_, usage = own["memory"], v1 / own["memory"].lstrip("/") / "memory.usage_in_bytes"
    else:
        id_, usage = own.get("", "/"), Path("/sys/fs/cgroup") / own.get("", "/").lstrip("/") / "memory.current"
    if not usage.exists():
        pytest.skip("the kernel does not show the memory of this process's cgroup")
    assert one(series, "container_memory_usage_bytes", id=id_) == pytest.approx(
        int(usage.read_text()), rel=0.5, abs=64 * 1024 * 1024
    )
    assert one(series, "container_processes", id=id_) >= 1
