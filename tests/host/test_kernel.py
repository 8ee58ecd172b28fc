"""Collectors of one kernel file or folder: its content in, sample lines out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_observability.collector import Collector
from agent_observability.host.config import DiskstatsConfig, HostConfig, NetclassConfig, NetdevConfig
from agent_observability.host.conntrack import ConntrackCollector
from agent_observability.host.cpu import CpuClock, CpuCollector
from agent_observability.host.diskstats import DiskstatsCollector
from agent_observability.host.entropy import EntropyCollector
from agent_observability.host.filefd import FilefdCollector
from agent_observability.host.hwmon import HwmonCollector
from agent_observability.host.loadavg import LoadavgCollector
from agent_observability.host.meminfo import MeminfoCollector
from agent_observability.host.netclass import NetclassCollector
from agent_observability.host.netdev import NetdevCollector
from agent_observability.host.netstat import NetstatCollector
from agent_observability.host.pressure import PressureCollector
from agent_observability.host.sockstat import SockstatCollector
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
DISKSTATS = """\
 254       0 vda 100 5 2048 1500 200 6 4096 2500 3 4500 9000 1 2 3 4 5 6
 254       1 vda1 1 0 1 1 1 0 1 1 0 1 1
   8       1 sda1 1 0 1 1 1 0 1 1 0 1 1
   7       0 loop0 1 0 1 1 1 0 1 1 0 1 1
 259       0 nvme0n1 10 0 20 30 40 0 50 60 0 70 80
 259       1 nvme0n1p1 1 0 1 1 1 0 1 1 0 1 1
"""
NETDEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0
  eth0:1234567890123 20 3 4 0 0 0 0 50 60 7 8 0 0 0 0
"""
SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm MaxConn CurrEstab InSegs
Tcp: 1 -1 17 12345
"""
NETWORK = [
    'node_network_receive_bytes_total{device="eth0"} 1234567890123',
    'node_network_receive_packets_total{device="eth0"} 20',
    'node_network_receive_errs_total{device="eth0"} 3',
    'node_network_receive_drop_total{device="eth0"} 4',
    'node_network_transmit_bytes_total{device="eth0"} 50',
    'node_network_transmit_packets_total{device="eth0"} 60',
    'node_network_transmit_errs_total{device="eth0"} 7',
    'node_network_transmit_drop_total{device="eth0"} 8',
]

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
    "diskstats without partitions and loops": (
        DiskstatsCollector,
        {"proc/diskstats": DISKSTATS},
        [
            f'{name}{{device="{device}"}} {value}'
            for name, *values in (
                ("node_disk_reads_completed_total", 100, 10),
                ("node_disk_read_bytes_total", 2048 * 512, 20 * 512),
                ("node_disk_read_time_seconds_total", 1.5, 0.03),
                ("node_disk_writes_completed_total", 200, 40),
                ("node_disk_written_bytes_total", 4096 * 512, 50 * 512),
                ("node_disk_write_time_seconds_total", 2.5, 0.06),
                ("node_disk_io_now", 3, 0),
                ("node_disk_io_time_seconds_total", 4.5, 0.07),
                ("node_disk_io_time_weighted_seconds_total", 9.0, 0.08),
            )
            for device, value in zip(("vda", "nvme0n1"), values, strict=True)
        ],
    ),
    "netdev of the machine, not of this process": (
        NetdevCollector,
        {"proc/1/net/dev": NETDEV, "proc/net/dev": NETDEV.replace("eth0", "veth")},
        NETWORK,
    ),
    "netdev where process 1 may not be looked at": (NetdevCollector, {"proc/net/dev": NETDEV}, NETWORK),
    "netclass": (
        NetclassCollector,
        {
            "sys/class/net/eth0/operstate": "up\n",
            "sys/class/net/eth0/speed": "1000\n",
            "sys/class/net/lo/operstate": "unknown\n",
            "sys/class/net/wifi/operstate": "down\n",
            "sys/class/net/wifi/speed": "-1\n",
            "sys/class/net/bonding_masters": "\n",
        },
        [
            'node_network_up{device="eth0"} 1',
            'node_network_up{device="lo"} 0',
            'node_network_up{device="wifi"} 0',
            'node_network_speed_bytes{device="eth0"} 125000000',
            'node_network_speed_bytes{device="wifi"} -125000',
        ],
    ),
    "netstat": (NetstatCollector, {"proc/1/net/snmp": SNMP}, ["node_netstat_Tcp_CurrEstab 17"]),
    "sockstat": (
        SockstatCollector,
        {"proc/1/net/sockstat": "sockets: used 19\nTCP: inuse 4 orphan 0 tw 5 alloc 6 mem 198\nUDP: inuse 1 mem 0\n"},
        ["node_sockstat_TCP_inuse 4", "node_sockstat_TCP_tw 5", "node_sockstat_TCP_alloc 6"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_samples(case: str, tmp_path: Path) -> None:
    build, files, expected = CASES[case]
    plant(tmp_path, files)
    assert samples(build(host(tmp_path))) == expected


def test_exclusions_are_settings(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "proc/diskstats": DISKSTATS,
            "proc/1/net/dev": NETDEV,
            "sys/class/net/lo/operstate": "unknown\n",
            "sys/class/net/eth0/operstate": "up\n",
            "sys/class/net/eth0/speed": "-1\n",
        },
    )
    config = host(
        tmp_path,
        diskstats=DiskstatsConfig(device_exclude=re.compile("^(vda|nvme|sda|vda1)")),
        netdev=NetdevConfig(device_exclude=re.compile("^eth")),
        netclass=NetclassConfig(device_exclude=re.compile("^lo$"), ignore_invalid_speed=True),
    )
    assert devices(DiskstatsCollector(config)) == {"loop0"}
    assert devices(NetdevCollector(config)) == {"lo"}
    assert samples(NetclassCollector(config)) == ['node_network_up{device="eth0"} 1']


def devices(collector: Collector) -> set[str]:
    return {line.split('device="')[1].split('"')[0] for line in samples(collector)}


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


BROKEN: dict[str, tuple[Build, str, str, str]] = {
    "loadavg": (LoadavgCollector, "proc/loadavg", "0.5 0.5", "expected three load averages"),
    "loadavg of words": (LoadavgCollector, "proc/loadavg", "a b c d", "could not convert string to float"),
    "stat": (StatCollector, "proc/stat", "ctxt many\n", "invalid literal for int"),
    "cpu": (
        lambda config: CpuCollector(config, CpuClock(100)),
        "proc/stat",
        "cpu0 1 2\n",
        "expected 8 numbers per CPU",
    ),
    "cpu without CPUs": (
        lambda config: CpuCollector(config, CpuClock(100)),
        "proc/stat",
        "intr 1\n",
        "expected a line per CPU",
    ),
    "meminfo": (MeminfoCollector, "proc/meminfo", "MemTotal: 5 MB\n", "invalid literal for int"),
    "vmstat": (VmstatCollector, "proc/vmstat", "pgfault many\n", "invalid literal for int"),
    "filefd": (FilefdCollector, "proc/sys/fs/file-nr", "1 2\n", "expected three numbers"),
    "conntrack": (ConntrackCollector, "proc/sys/net/netfilter/nf_conntrack_count", "x\n", "invalid literal for int"),
    "pressure": (PressureCollector, "proc/pressure/io", "some avg10=0.00\n", "ends in total=<microseconds>"),
    "diskstats": (DiskstatsCollector, "proc/diskstats", "254 0 vda 1\n", "expected at least 14 columns"),
    "netdev": (NetdevCollector, "proc/net/dev", "a\nb\neth0: 1 2\n", "expected an interface and 16 numbers"),
    "netstat": (NetstatCollector, "proc/net/snmp", "Tcp: A CurrEstab\nTcp: 1\n", "expected a number per field of Tcp"),
    "sockstat": (SockstatCollector, "proc/net/sockstat", "TCP: inuse\n", "pairs of field and number"),
    "netclass": (NetclassCollector, "sys/class/net/eth0/speed", "fast\n", "invalid literal for int"),
    "hwmon": (HwmonCollector, "sys/class/hwmon/hwmon0/temp1_input", "hot\n", "expected thousandths of a degree"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_fails_with_its_name(case: str, tmp_path: Path) -> None:
    build, file, content, message = BROKEN[case]
    plant(tmp_path, {"sys/class/net/eth0/operstate": "up\n", file: content})
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / file))}: .*{message}"):
        build(host(tmp_path)).collect()


def test_hwmon_names_chips_by_device_then_driver_then_entry(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "sys/devices/platform/coretemp.0/hwmon/hwmon0/temp1_input": "41000\n",
            "sys/devices/platform/coretemp.0/hwmon/hwmon0/temp2_input": "-5500\n",
            "sys/devices/platform/coretemp.0/hwmon/hwmon0/temp1_max": "90000\n",
            "sys/devices/platform/coretemp.0/hwmon/hwmon0/name": "coretemp\n",
            "sys/devices/pci0000:00/0000:00:18.3/temp3_input": "30000\n",
            "sys/devices/pci0000:00/0000:00:18.3/hwmon/hwmon1/fan1_input": "900\n",
            "sys/devices/virtual/hwmon2/name": "acpi-tz\n",
            "sys/devices/virtual/hwmon2/temp1_input": "20000\n",
            "sys/devices/virtual/hwmon3/temp1_input": "10000\n",
        },
    )
    classes = tmp_path / "sys/class/hwmon"
    classes.mkdir(parents=True)
    for entry, device in (("hwmon0", "platform/coretemp.0"), ("hwmon1", "pci0000:00/0000:00:18.3")):
        folder = tmp_path / "sys/devices" / device
        (folder / "hwmon" / entry / "device").symlink_to(folder)
        (classes / entry).symlink_to(folder / "hwmon" / entry)
    for entry in ("hwmon2", "hwmon3"):
        (classes / entry).symlink_to(tmp_path / "sys/devices/virtual" / entry)
    (classes / "hwmon3/temp9_input").symlink_to(tmp_path / "nowhere")
    assert samples(HwmonCollector(host(tmp_path))) == [
        'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 41.0',
        'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp2"} -5.5',
        'node_hwmon_temp_celsius{chip="pci0000:00_0000:00:18_3",sensor="temp3"} 30.0',
        'node_hwmon_temp_celsius{chip="acpi_tz",sensor="temp1"} 20.0',
        'node_hwmon_temp_celsius{chip="hwmon3",sensor="temp1"} 10.0',
    ]
