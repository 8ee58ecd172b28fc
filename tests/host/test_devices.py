"""Collectors of devices: disks, network interfaces, sockets, sensors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_observability.collector import Collector
from agent_observability.host.config import DiskstatsConfig, HostConfig, NetclassConfig, NetdevConfig
from agent_observability.host.diskstats import DiskstatsCollector
from agent_observability.host.hwmon import HwmonCollector
from agent_observability.host.netclass import NetclassCollector
from agent_observability.host.netdev import NetdevCollector
from agent_observability.host.netstat import NetstatCollector
from agent_observability.host.sockstat import SockstatCollector
from tests.host.tree import Files, host, plant, samples

Build = Callable[[HostConfig], Collector]

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
