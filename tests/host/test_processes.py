"""Watched processes: who belongs to a group, and a CPU counter that outlives them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from agent_observability.host.config import HostConfig, ProcessesConfig
from agent_observability.host.processcpu import ProcessCpu
from agent_observability.host.processes import ProcessesCollector
from tests.host.tree import host, plant, samples
from tests.support import wait_until

PAGE = os.sysconf("SC_PAGE_SIZE")
CPU = "host_process_group_cpu_seconds_total"


class Table:
    """A made-up process table."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc").mkdir()
        plant(root, {"proc/loadavg": "", "proc/sys/kernel/x": ""})

    def run(self, pid: int, comm: str, *, start: int = 100, cpu: int = 0, cmdline: str = "", state: str = "S") -> None:
        stat = (
            f"{pid} ({comm}) {state} 1 1 1 0 -1 0 0 0 0 0 {cpu - cpu // 3} {cpu // 3} 9 9 20 0 1 0 {start} 5000 3 1 1\n"
        )
        plant(
            self.root,
            {
                f"proc/{pid}/stat": stat,
                f"proc/{pid}/cmdline": cmdline.replace(" ", "\0") + ("\0" if cmdline else ""),
                f"proc/{pid}/fd/0": "",
                f"proc/{pid}/fd/1": "",
            },
        )

    def end(self, pid: int) -> None:
        shutil.rmtree(self.root / f"proc/{pid}")

    def config(self, **groups: str) -> HostConfig:
        patterns = {group: re.compile(pattern) for group, pattern in groups.items()}
        return host(self.root, processes=ProcessesConfig(groups=patterns))


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def cpu_of(collector: ProcessesCollector, group: str) -> float:
    line = next(line for line in samples(collector) if line.startswith(f'{CPU}{{group="{group}"}}'))
    return float(line.split()[-1])


def gauge(collector: ProcessesCollector, name: str) -> dict[str, str]:
    found = {}
    for line in samples(collector):
        if match := re.fullmatch(rf'host_process_group_{name}{{group="(.*)"}} (.*)', line):
            found[match[1]] = match[2]
    return found


def test_samples(table: Table) -> None:
    table.run(1, "init")
    table.run(10, "nginx", cpu=50)
    table.run(11, "nginx", cpu=70)
    collector = ProcessesCollector(table.config(web="^nginx$", idle="nobody"), ProcessCpu(100))
    assert samples(collector) == [
        'host_process_group_processes{group="web"} 2',
        'host_process_group_processes{group="idle"} 0',
        f'host_process_group_resident_memory_bytes{{group="web"}} {2 * 3 * PAGE}',
        'host_process_group_resident_memory_bytes{group="idle"} 0',
        'host_process_group_open_fds{group="web"} 4',
        'host_process_group_open_fds{group="idle"} 0',
        'host_process_group_cpu_seconds_total{group="web"} 0',
        'host_process_group_cpu_seconds_total{group="idle"} 0',
    ]


def test_without_groups_nothing_is_shown_or_read(tmp_path: Path) -> None:
    assert ProcessesCollector(host(tmp_path / "nowhere"), ProcessCpu(100)).collect() == []


@pytest.mark.parametrize(
    ("comm", "cmdline", "group"),
    [
        ("postgres", "postgres: checkpointer", "db"),
        ("python3", "/usr/bin/python3 -m worker --queue mail", "worker"),
        ("kworker/0:1", "", "worker"),
        ("a) S 1 (b", "odd", "odd"),
        ("bash", "vi worker.py postgres", "db"),
        ("sshd", "sshd", None),
    ],
)
def test_membership_is_the_first_group_that_matches(comm: str, cmdline: str, group: str | None, table: Table) -> None:
    table.run(5, comm, cmdline=cmdline)
    collector = ProcessesCollector(table.config(db="postgres", worker="worker", odd=r"^a\) S 1 \(b$"), ProcessCpu(100))
    expected = {name: str(int(name == group)) for name in ("db", "worker", "odd")}
    assert gauge(collector, "processes") == expected


def test_a_process_is_looked_at_again_after_fork_and_when_it_renames_itself(table: Table) -> None:
    collector = ProcessesCollector(table.config(child="child", other="renamed"), ProcessCpu(100))
    table.run(5, "python", cmdline="python parent")
    assert gauge(collector, "processes") == {"child": "0", "other": "0"}
    table.run(5, "python", cmdline="python child")
    assert gauge(collector, "processes") == {"child": "1", "other": "0"}
    table.run(5, "renamed", cmdline="renamed")
    assert gauge(collector, "processes") == {"child": "0", "other": "1"}


def test_a_zombie_is_no_process_of_the_group_but_its_cpu_counts(table: Table) -> None:
    collector = ProcessesCollector(table.config(web="nginx"), ProcessCpu(100))
    table.run(5, "nginx", cpu=100)
    samples(collector)
    table.run(5, "nginx", cpu=130, state="Z")
    assert gauge(collector, "processes") == {"web": "0"}
    assert cpu_of(collector, "web") == 0.3


def test_open_files_that_may_not_be_counted_are_absent(table: Table) -> None:
    table.run(5, "nginx")
    table.run(6, "nginx")
    shutil.rmtree(table.root / "proc/6/fd")
    plant(table.root, {"proc/6/fd": "not a folder, as little to be listed as a forbidden one"})
    collector = ProcessesCollector(table.config(web="nginx"), ProcessCpu(100))
    assert gauge(collector, "open_fds") == {}
    assert gauge(collector, "processes") == {"web": "2"}


def test_cpu_is_born_at_0_and_counts_what_is_used_from_then_on(table: Table) -> None:
    """Also a group without a process is born, so that its first process starts from a 0 that was scraped."""
    collector = ProcessesCollector(table.config(web="nginx", job="batch"), ProcessCpu(100))
    table.run(5, "nginx", cpu=1000)
    assert (cpu_of(collector, "web"), cpu_of(collector, "job")) == (0, 0)
    table.run(5, "nginx", cpu=1250)
    table.run(6, "batch", start=900, cpu=75)
    assert cpu_of(collector, "web") == 2.5
    assert cpu_of(collector, "job") == 0.75


def test_cpu_of_a_process_that_ends_stays(table: Table) -> None:
    collector = ProcessesCollector(table.config(web="nginx"), ProcessCpu(100))
    table.run(5, "nginx", cpu=0)
    cpu_of(collector, "web")
    table.run(5, "nginx", cpu=300)
    assert cpu_of(collector, "web") == 3
    table.end(5)
    assert cpu_of(collector, "web") == 3


def test_cpu_of_a_pid_used_again_counts_from_its_birth(table: Table) -> None:
    collector = ProcessesCollector(table.config(web="nginx"), ProcessCpu(100))
    table.run(5, "nginx", start=100, cpu=0)
    cpu_of(collector, "web")
    table.run(5, "nginx", start=100, cpu=500)
    assert cpu_of(collector, "web") == 5
    table.run(5, "nginx", start=777, cpu=40)
    assert cpu_of(collector, "web") == 5.4


def test_cpu_of_a_process_that_joins_a_group_counts_from_there(table: Table) -> None:
    collector = ProcessesCollector(table.config(web="nginx"), ProcessCpu(100))
    table.run(5, "loader", cpu=5000)
    cpu_of(collector, "web")
    table.run(5, "nginx", cpu=5010)
    assert cpu_of(collector, "web") == 0.1


def test_cpu_survives_a_reload(table: Table) -> None:
    cpu = ProcessCpu(100)
    before = ProcessesCollector(table.config(web="nginx", old="nothing"), cpu)
    table.run(5, "nginx", cpu=0)
    table.run(6, "batch", cpu=0)
    cpu_of(before, "web")
    table.run(5, "nginx", cpu=100)
    assert cpu_of(before, "web") == 1
    table.run(5, "nginx", cpu=150)
    table.run(6, "batch", cpu=20)
    after = ProcessesCollector(table.config(web="nginx", job="batch"), cpu)
    assert [line for line in samples(after) if line.startswith(CPU)] == [
        f'{CPU}{{group="web"}} 1.5',
        f'{CPU}{{group="job"}} 0',
    ]
    assert [line for line in samples(after) if line.startswith(CPU)] == [
        f'{CPU}{{group="web"}} 1.5',
        f'{CPU}{{group="job"}} 0.2',
    ]


def test_a_broken_stat_fails_with_its_name(table: Table) -> None:
    plant(table.root, {"proc/7/stat": "7 (x) S 1\n"})
    with pytest.raises(ValueError, match="proc/7/stat: expected the columns of a process"):
        ProcessesCollector(table.config(web="x"), ProcessCpu(100)).collect()


def test_a_real_process_against_psutil() -> None:
    """It burns CPU, is counted, ends, and its CPU time stays."""
    program = "import sys\nfor _ in sys.stdin: sum(range(3_000_000)); print(flush=True)"
    command = [sys.executable, "-c", program, "watched-by-the-test"]
    cpu = ProcessCpu(os.sysconf("SC_CLK_TCK"))
    config = HostConfig(processes=ProcessesConfig(groups={"burner": re.compile("watched-by-the-test$")}))
    collector = ProcessesCollector(config, cpu)
    assert gauge(collector, "processes") == {"burner": "0"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
        oracle = psutil.Process(process.pid)
        assert gauge(collector, "processes") == {"burner": "1"}
        assert gauge(collector, "open_fds") == {"burner": str(oracle.num_fds())}
        resident = int(gauge(collector, "resident_memory_bytes")["burner"])
        assert resident == pytest.approx(oracle.memory_info().rss, rel=0.1)
        times = oracle.cpu_times()
        used = cpu_of(collector, "burner")
        assert used == pytest.approx(times.user + times.system, abs=0.02)
        assert used > 0
        process.stdin.close()
        process.wait()
    assert wait_until(lambda: gauge(collector, "processes") == {"burner": "0"})
    assert cpu_of(collector, "burner") >= used
