"""Cgroups: v1, v2 and hybrid trees in, cAdvisor's sample lines out."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_observability.host.cgroup import CgroupCollector
from agent_observability.host.config import CgroupConfig
from tests.host.tree import Files, host, plant, samples

V2 = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1\nnr_periods 40\nnr_throttled 10\nthrottled_usec 5\n",
    "memory.current": "1000\n",
    "memory.stat": "anon 500\ninactive_file 300\nactive_file 200\n",
    "memory.max": "4096\n",
    "memory.events": "low 0\nhigh 0\nmax 5\noom 3\noom_kill 2\n",
    "cgroup.procs": "10\n0\n0\n",
}
V1 = {
    "cpuacct/%s/cpuacct.usage": "2500000000\n",
    "cpu/%s/cpu.stat": "nr_periods 4\nnr_throttled 1\nthrottled_time 9\n",
    "memory/%s/memory.usage_in_bytes": "1000\n",
    "memory/%s/memory.stat": "inactive_file 1\ntotal_inactive_file 400\n",
    "memory/%s/memory.limit_in_bytes": "4096\n",
    "memory/%s/memory.failcnt": "7\n",
    "memory/%s/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n",
    "memory/%s/cgroup.procs": "10\n11\n",
}


def v2(id_: str = "", root: str = "sys/fs/cgroup", **changed: str) -> Files:
    files = V2 | {name.replace("_", ".", 1): content for name, content in changed.items()}
    return {f"{root}/cgroup.controllers": "cpu memory\n"} | {
        f"{root}{id_}/{name}": text for name, text in files.items()
    }


def v1(id_: str = "") -> Files:
    return {f"sys/fs/cgroup/{name % id_.strip('/')}": text for name, text in V1.items()}


def lines(id_: str, *values: float) -> list[str]:
    names = (
        "container_cpu_usage_seconds_total",
        "container_cpu_cfs_periods_total",
        "container_cpu_cfs_throttled_periods_total",
        "container_memory_usage_bytes",
        "container_memory_working_set_bytes",
        "container_spec_memory_limit_bytes",
        "container_memory_failcnt",
        "container_oom_events_total",
        "container_processes",
    )
    return [f'{name}{{id="{id_}"}} {value}' for name, value in zip(names, values, strict=True)]


V2_VALUES = (1.5, 40, 10, 1000, 700, 4096, 5, 2, 3)
V1_VALUES = (2.5, 4, 1, 1000, 600, 4096, 7, 6, 2)


def test_own_cgroup_in_v2(tmp_path: Path) -> None:
    plant(tmp_path, v2("/app.slice/x.service") | {"proc/self/cgroup": "0::/app.slice/x.service\n"})
    assert samples(CgroupCollector(host(tmp_path))) == lines("/app.slice/x.service", *V2_VALUES)


def test_own_cgroup_in_v1(tmp_path: Path) -> None:
    own = "4:memory:/docker/c1\n3:cpuset:/\n2:cpu,cpuacct:/docker/c1\n1:name=systemd:/docker/c1\n0::/docker/c1\n"
    plant(tmp_path, v1("/docker/c1") | {"proc/self/cgroup": own})
    assert samples(CgroupCollector(host(tmp_path))) == lines("/docker/c1", *V1_VALUES)


def test_a_v1_container_has_only_its_own_cgroup_mounted(tmp_path: Path) -> None:
    plant(tmp_path, v1() | {"proc/self/cgroup": "2:cpu,cpuacct:/docker/c1\n4:memory:/docker/c1\n"})
    assert samples(CgroupCollector(host(tmp_path))) == lines("/docker/c1", *V1_VALUES)


def test_hybrid_takes_each_figure_where_its_controller_is(tmp_path: Path) -> None:
    """Here memory is in v2 beside v1; each hierarchy places the process elsewhere, and the id says where."""
    files = {name: text for name, text in v1("/c1").items() if "/memory/" not in name}
    files |= v2("/user.slice", root="sys/fs/cgroup/unified")
    plant(tmp_path, files | {"proc/self/cgroup": "2:cpu,cpuacct:/c1\n0::/user.slice\n"})
    assert samples(CgroupCollector(host(tmp_path))) == (
        lines("/c1", *V1_VALUES)[:3] + lines("/user.slice", *V2_VALUES)[3:]
    )


def test_an_empty_unified_hierarchy_beside_v1_adds_nothing(tmp_path: Path) -> None:
    plant(
        tmp_path,
        v1() | v2("", root="sys/fs/cgroup/unified") | {"proc/self/cgroup": "4:memory:/\n2:cpu,cpuacct:/\n0::/\n"},
    )
    assert samples(CgroupCollector(host(tmp_path))) == lines("/", *V1_VALUES)


def test_a_v2_cgroup_named_like_a_controller_is_no_v1_hierarchy(tmp_path: Path) -> None:
    plant(tmp_path, v2() | v2("/memory") | {"proc/self/cgroup": "0::/\n"})
    assert samples(CgroupCollector(host(tmp_path))) == lines("/", *V2_VALUES)


def test_listed_cgroups_with_and_without_the_own_one(tmp_path: Path) -> None:
    plant(tmp_path, v2("/a") | v2("/b", memory_max="max\n") | v2("/own") | {"proc/self/cgroup": "0::/own\n"})
    both = samples(CgroupCollector(host(tmp_path, cgroup=CgroupConfig(ids=["/a", "/b", "/removed"]))))
    assert sorted(both) == sorted(
        lines("/a", *V2_VALUES) + lines("/b", *V2_VALUES[:5], 0, *V2_VALUES[6:]) + lines("/own", *V2_VALUES)
    )
    only = samples(CgroupCollector(host(tmp_path, cgroup=CgroupConfig(own=False, ids=["/a"]))))
    assert only == lines("/a", *V2_VALUES)
    twice = samples(CgroupCollector(host(tmp_path, cgroup=CgroupConfig(ids=["/own"]))))
    assert twice == lines("/own", *V2_VALUES)


@pytest.mark.parametrize(
    ("changed", "metric", "value"),
    [
        ({"memory_current": "200\n"}, "container_memory_working_set_bytes", "0"),
        ({"memory_max": "max\n"}, "container_spec_memory_limit_bytes", "0"),
        ({"memory_events": "low 0\n"}, "container_oom_events_total", None),
        ({"cpu_stat": "usage_usec 5\n"}, "container_cpu_cfs_periods_total", None),
    ],
)
def test_edges_in_v2(changed: dict[str, str], metric: str, value: str | None, tmp_path: Path) -> None:
    plant(tmp_path, v2("", **changed) | {"proc/self/cgroup": "0::/\n"})
    found = [line.split()[1] for line in samples(CgroupCollector(host(tmp_path))) if line.startswith(metric)]
    assert found == ([] if value is None else [value])


@pytest.mark.parametrize("limit", [9223372036854771712, 9223372036854710272])
def test_v1_without_a_limit(limit: int, tmp_path: Path) -> None:
    """The largest page-aligned number stands for no limit, whatever the size of a page."""
    files = v1() | {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{limit}\n", "proc/self/cgroup": "4:memory:/\n"}
    plant(tmp_path, files)
    assert 'container_spec_memory_limit_bytes{id="/"} 0' in samples(CgroupCollector(host(tmp_path)))


@pytest.mark.parametrize("missing", V2)
def test_a_missing_file_costs_only_its_figures(missing: str, tmp_path: Path) -> None:
    files = {name: text for name, text in v2().items() if not name.endswith(missing)}
    plant(tmp_path, files | {"proc/self/cgroup": "0::/\n"})
    found = samples(CgroupCollector(host(tmp_path)))
    assert 0 < len(found) < len(V2_VALUES)
    assert set(found) < set(lines("/", *V2_VALUES))


@pytest.mark.parametrize("files", [{}, {"proc/self/cgroup": "0::/\n"}, v2("/elsewhere")])
def test_without_cgroups_nothing_is_shown(files: Files, tmp_path: Path) -> None:
    plant(tmp_path, files)
    assert samples(CgroupCollector(host(tmp_path))) == []


def test_a_broken_file_fails_with_its_name(tmp_path: Path) -> None:
    plant(tmp_path, v2("", memory_current="lots\n") | {"proc/self/cgroup": "0::/\n"})
    with pytest.raises(ValueError, match=r"sys/fs/cgroup/memory\.current: invalid literal for int"):
        CgroupCollector(host(tmp_path)).collect()
