"""Collectors of the kernel and its resources: the content of their files in, sample lines out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_observability.collector import Collector
from agent_observability.host.config import HostConfig
from agent_observability.host.conntrack import ConntrackCollector
from agent_observability.host.cpu import CpuClock, CpuCollector
from agent_observability.host.entropy import EntropyCollector
from agent_observability.host.filefd import FilefdCollector
from agent_observability.host.loadavg import LoadavgCollector
from agent_observability.host.meminfo import MeminfoCollector
from agent_observability.host.pressure import PressureCollector
from agent_observability.host.stat import StatCollector
from agent_observability.host.vmstat import VmstatCollector
from tests.host.tree import Files, host, plant, samples

Build = Callable[[HostConfig], Collector]

STAT = """\
cpu  30 2 12 900 4 0 1 0 7 0
cpu0 10 1 5 400 3 0 1 0 7 0
cpu2 20 1 7 500 1 0 0 0 0 0
intr 4711 1 2 3
ctxt 815
btime 1700000000
processes 99
procs_running 2
procs_blocked 1
softirq 12 3 4
"""
MEMINFO = """\
MemTotal:       16000000 kB
MemFree:          100000 kB
MemAvailable:    9000000 kB
Committed_AS:    2000000 kB
Active(anon):       1234 kB
HugePages_Total:       0
"""
CASES: dict[str, tuple[Build, Files, list[str]]] = {
    "loadavg": (
        LoadavgCollector,
        {"proc/loadavg": "0.50 1.25 2.00 3/456 7890\n"},
        ["node_load1 0.5", "node_load5 1.25", "node_load15 2.0"],
    ),
    "stat": (
        StatCollector,
        {"proc/stat": STAT},
        [
            "node_boot_time_seconds 1700000000",
            "node_context_switches_total 815",
            "node_intr_total 4711",
            "node_forks_total 99",
            "node_procs_running 2",
            "node_procs_blocked 1",
        ],
    ),
    "cpu": (
        lambda config: CpuCollector(config, CpuClock(100)),
        {"proc/stat": STAT},
        [
            f'node_cpu_seconds_total{{cpu="{cpu}",mode="{mode}"}} {seconds}'
            for cpu, spent in (
                ("0", (0.1, 0.01, 0.05, 4.0, 0.03, 0.0, 0.01, 0.0)),
                ("2", (0.2, 0.01, 0.07, 5.0, 0.01, 0.0, 0.0, 0.0)),
            )
            for mode, seconds in zip(
                ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), spent, strict=True
            )
        ],
    ),
    "meminfo": (
        MeminfoCollector,
        {"proc/meminfo": MEMINFO},
        [
            "node_memory_MemTotal_bytes 16384000000",
            "node_memory_MemFree_bytes 102400000",
            "node_memory_MemAvailable_bytes 9216000000",
            "node_memory_Committed_AS_bytes 2048000000",
        ],
    ),
    "vmstat": (
        VmstatCollector,
        {"proc/vmstat": "nr_free_pages 5\npgfault 11\npgmajfault 12\noom_kill 13\n"},
        ["node_vmstat_pgfault 11", "node_vmstat_pgmajfault 12", "node_vmstat_oom_kill 13"],
    ),
    "vmstat of a kernel before 4.13": (VmstatCollector, {"proc/vmstat": "pgfault 11\n"}, ["node_vmstat_pgfault 11"]),
    "filefd": (
        FilefdCollector,
        {"proc/sys/fs/file-nr": "511\t0\t9223372036854775807\n"},
        ["node_filefd_allocated 511", "node_filefd_maximum 9223372036854775807"],
    ),
    "conntrack": (
        ConntrackCollector,
        {"proc/sys/net/netfilter/nf_conntrack_count": "7\n", "proc/sys/net/netfilter/nf_conntrack_max": "262144\n"},
        ["node_nf_conntrack_entries 7", "node_nf_conntrack_entries_limit 262144"],
    ),
    "entropy": (
        EntropyCollector,
        {"proc/sys/kernel/random/entropy_avail": "256\n"},
        ["node_entropy_available_bits 256"],
    ),
    "pressure": (
        PressureCollector,
        {
            "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 total=9\n",
            "proc/pressure/memory": "some avg10=0.00 total=2500000\nfull avg10=0.00 total=500000\n",
            "proc/pressure/io": "some avg10=0.00 total=1\nfull avg10=0.00 total=2\n",
        },
        [
            "node_pressure_cpu_waiting_seconds_total 1.5",
            "node_pressure_memory_waiting_seconds_total 2.5",
            "node_pressure_memory_stalled_seconds_total 0.5",
            "node_pressure_io_waiting_seconds_total 1e-06",
            "node_pressure_io_stalled_seconds_total 2e-06",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_samples(case: str, tmp_path: Path) -> None:
    build, files, expected = CASES[case]
    plant(tmp_path, files)
    assert samples(build(host(tmp_path))) == expected


def test_cpu_time_does_not_step_back() -> None:
    """The kernel lets idle and iowait fall by some ticks; a rate would take that for a reset of the counter."""
    clock = CpuClock(100)
    assert clock.advance({"0": (1, 1, 1, 500, 50, 1, 1, 1)}) == {"0": (1, 1, 1, 500, 50, 1, 1, 1)}
    assert clock.advance({"0": (2, 1, 1, 499, 48, 1, 1, 1)}) == {"0": (2, 1, 1, 500, 50, 1, 1, 1)}


def test_a_cpu_plugged_in_again_counts_anew() -> None:
    clock = CpuClock(100)
    clock.advance({"0": (9, 9, 9, 5000, 9, 9, 9, 9), "1": (1, 1, 1, 1, 1, 1, 1, 1)})
    assert clock.advance({"0": (0, 0, 0, 10, 0, 0, 0, 0)}) == {"0": (0, 0, 0, 10, 0, 0, 0, 0)}
    assert clock.advance({"1": (0, 0, 0, 0, 0, 0, 0, 0)}) == {"1": (0, 0, 0, 0, 0, 0, 0, 0)}
