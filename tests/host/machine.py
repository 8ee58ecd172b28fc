"""A made-up machine that has everything: every family of the exporter has at least one sample on it."""

from __future__ import annotations

import re
from pathlib import Path

from agent_observability.host.config import CgroupConfig, HostConfig, ProcessesConfig
from tests.host.tree import host, plant

_NETDEV = "{0}: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n"
_DISK = " 254 0 {0} 100 5 2048 1500 200 6 4096 2500 3 4500 9000\n"
_PSI = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n"

_MEMORY = """
    MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive SwapTotal SwapFree Dirty Writeback AnonPages
    Mapped Shmem Slab SReclaimable CommitLimit Committed_AS
"""

FILES = {
    "proc/loadavg": "0.50 1.25 2.00 3/456 7890\n",
    "proc/stat": (
        "cpu  20 2 12 900 4 0 1 0 7 0\ncpu0 10 1 5 400 3 0 1 0 7 0\ncpu1 10 1 7 500 1 0 0 0 0 0\n"
        "intr 4711 1 2\nctxt 815\nbtime 1700000000\nprocesses 99\nprocs_running 2\nprocs_blocked 1\n"
    ),
    "proc/meminfo": "".join(f"{field}: {size} kB\n" for size, field in enumerate(_MEMORY.split(), start=1000)),
    "proc/vmstat": "pgfault 11\npgmajfault 12\noom_kill 13\n",
    "proc/diskstats": _DISK.format("vda") + _DISK.format("nvme0n1"),
    "proc/sys/fs/file-nr": "511\t0\t9223372036854775807\n",
    "proc/sys/net/netfilter/nf_conntrack_count": "7\n",
    "proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    "proc/sys/kernel/random/entropy_avail": "256\n",
    "proc/sys/kernel/domainname": "(none)\n",
    "proc/pressure/cpu": _PSI,
    "proc/pressure/memory": _PSI,
    "proc/pressure/io": _PSI,
    "proc/1/net/dev": f"header\nheader\n{_NETDEV.format('lo')}{_NETDEV.format('eth0')}",
    "proc/1/net/snmp": "Tcp: RtoAlgorithm MaxConn CurrEstab\nTcp: 1 -1 17\n",
    "proc/1/net/sockstat": "sockets: used 19\nTCP: inuse 4 orphan 0 tw 5 alloc 6 mem 198\n",
    "proc/1/mountinfo": "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:5 / /run rw - tmpfs tmpfs rw\n",
    "proc/1/stat": "1 (init) S 0 1 1 0 -1 0 0 0 0 0 20 10 9 9 20 0 1 0 5 5000 300 1 1\n",
    "proc/1/cmdline": "/sbin/init\0",
    "proc/1/fd/0": "",
    "proc/self/cgroup": "0::/app.slice\n",
    "sys/class/net/eth0/operstate": "up\n",
    "sys/class/net/eth0/speed": "1000\n",
    "sys/class/net/lo/operstate": "unknown\n",
    "sys/class/hwmon/hwmon0/name": "coretemp\n",
    "sys/class/hwmon/hwmon0/temp1_input": "41000\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
    "sys/fs/cgroup/app.slice/cpu.stat": "usage_usec 1500000\nnr_periods 40\nnr_throttled 10\n",
    "sys/fs/cgroup/app.slice/memory.current": "1000\n",
    "sys/fs/cgroup/app.slice/memory.stat": "inactive_file 300\n",
    "sys/fs/cgroup/app.slice/memory.max": "4096\n",
    "sys/fs/cgroup/app.slice/memory.events": "max 5\noom_kill 2\n",
    "sys/fs/cgroup/app.slice/cgroup.procs": "10\n11\n",
}


def build(root: Path) -> HostConfig:
    """The configuration of an exporter that looks at it."""
    plant(root, FILES)
    return host(root, cgroup=CgroupConfig(), processes=ProcessesConfig(groups={"init": re.compile("^init$")}))
