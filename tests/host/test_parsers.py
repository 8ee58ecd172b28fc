"""Properties of the parsers: whatever a file holds, the result is right or a ValueError."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_observability.host.cgroup import parse_own_cgroups
from agent_observability.host.cpu import parse_cpu
from agent_observability.host.diskstats import parse_diskstats
from agent_observability.host.filefd import parse_file_nr
from agent_observability.host.loadavg import parse_loadavg
from agent_observability.host.meminfo import parse_meminfo
from agent_observability.host.mountinfo import below, parse_mountinfo
from agent_observability.host.netclass import parse_speed
from agent_observability.host.netdev import parse_netdev
from agent_observability.host.netstat import parse_snmp
from agent_observability.host.pidstat import parse_pid_stat
from agent_observability.host.pressure import parse_pressure
from agent_observability.host.sockstat import parse_sockstat
from agent_observability.host.stat import parse_stat
from agent_observability.host.vmstat import parse_vmstat


def parse_disks(content: bytes) -> object:
    return parse_diskstats(content, re.compile("^loop"))


# Per parser a content it takes, so that garbage starts from something that is nearly right.
PARSERS: dict[Callable[[bytes], object], bytes] = {
    parse_vmstat: b"pgfault 1\noom_kill 2\n",
    parse_cpu: b"cpu0 1 2 3 4 5 6 7 8 9 10\n",
    parse_disks: b" 254 0 vda 1 2 3 4 5 6 7 8 9 10 11\n",
    parse_file_nr: b"1\t0\t3\n",
    parse_loadavg: b"0.1 0.2 0.3 1/2 3\n",
    parse_meminfo: b"MemTotal: 12 kB\n",
    parse_mountinfo: b"27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n",
    parse_netdev: b"a\nb\neth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    parse_own_cgroups: b"4:memory:/a\n0::/b\n",
    parse_pid_stat: b"1 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 9 9 20 0 1 0 3 5000 4 1\n",
    parse_pressure: b"some avg10=0.00 total=1\n",
    parse_snmp: b"Tcp: A CurrEstab\nTcp: 1 2\n",
    parse_sockstat: b"TCP: inuse 4 tw 5\n",
    parse_speed: b"1000\n",
    parse_stat: b"cpu 1\nintr 1 2\nctxt 2\n",
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with some bytes cut out and others put in."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    inserted = draw(st.one_of(st.binary(max_size=12), st.text("0123456789 :-()\n\t/x", max_size=12).map(str.encode)))
    return content[:start] + inserted + content[end:]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
@given(data=st.data())
def test_garbage_is_a_value_error(parser: Callable[[bytes], object], data: st.DataObject) -> None:
    good = PARSERS[parser]
    parser(good)
    with contextlib.suppress(ValueError):
        parser(data.draw(st.one_of(damaged(good), damaged(good * 2), st.binary())))


def escape(name: bytes) -> bytes:
    """What the kernel writes for a name (mangle in fs/proc_namespace.c)."""
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in name)


names = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name)


@given(mountpoint=names, device=names | st.just(b""), tags=st.lists(st.sampled_from([b"shared:1", b"master:22"])))
@example(mountpoint=b"/a\r\xff b\\040", device=b"", tags=[])
def test_every_mount_point_comes_back(mountpoint: bytes, device: bytes, tags: list[bytes]) -> None:
    fields = [b"7 1 8:1 /", escape(b"/" + mountpoint), b"rw", *tags, b"- ext4", escape(device), b"rw"]
    (mount,) = parse_mountinfo(b" ".join(fields) + b"\n")
    assert os.fsencode(mount.mountpoint) == b"/" + mountpoint
    assert os.fsencode(mount.device) == device


@given(comm=st.binary(max_size=15).filter(lambda comm: b"\0" not in comm), cpu=st.integers(0, 10**12))
def test_every_process_name_comes_back(comm: bytes, cpu: int) -> None:
    stat = parse_pid_stat(b"1 (%s) S 1 1 1 0 -1 0 0 0 0 0 %d 2 9 9 20 0 1 0 3 5000 4 1\n" % (comm, cpu))
    assert os.fsencode(stat.comm) == comm
    assert (stat.cpu, stat.start, stat.resident, stat.ended) == (cpu + 2, 3, 4, False)


@given(st.lists(st.text("ab/", min_size=1, max_size=6).map("/".__add__), unique=True))
def test_below_keeps_what_is_below_and_only_that(mountpoints: list[str]) -> None:
    lines = [f"{number} 0 8:{number} / {path} rw - ext4 /dev/sda rw" for number, path in enumerate(mountpoints)]
    mounts = parse_mountinfo("\n".join(lines).encode()) if lines else []
    seen = [mount.mountpoint for mount in below(mounts, "/a")]
    if "/a" in mountpoints:
        assert seen == [path[2:] or "/" for path in mountpoints if path == "/a" or path.startswith("/a/")]
    else:
        assert seen == mountpoints
