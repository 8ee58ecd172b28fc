"""A file with content that makes no sense fails its collector, and the message names the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_observability.collector import Collector
from agent_observability.host.config import HostConfig
from agent_observability.host.conntrack import ConntrackCollector
from agent_observability.host.cpu import CpuClock, CpuCollector
from agent_observability.host.diskstats import DiskstatsCollector
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
from tests.host.tree import host, plant

Build = Callable[[HostConfig], Collector]

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
