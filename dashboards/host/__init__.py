"""The host page: CPU, memory, disks, network, pressure, cgroups and watched processes of one or many machines."""

from __future__ import annotations

from dashboards.host import cards, cgroups, cpu, disks, kernel, memory, network, overview, pressure, processes
from dashboards.host.scope import ALERTS, MACHINES
from dashboards.page import Page, cluster_variable, query_variable

__all__ = ["page"]


def page() -> Page:
    """The page `agentobs-host`."""
    return Page(
        uid="agentobs-host",
        title="Host",
        description="Is a machine short of CPU, memory, disk or network, and which cgroup or process takes it?",
        variables=(cluster_variable(), query_variable("instance", "Machine", MACHINES.gauge("node_load1"))),
        cards=cards.cards(),
        rows=(
            overview.row(),
            cpu.row(),
            memory.row(),
            disks.row(),
            network.row(),
            pressure.row(),
            cgroups.row(),
            processes.row(),
            kernel.row(),
        ),
        next_page=("agentobs-suite", "Is what measures this healthy?"),
        alerts=ALERTS,
        time="now-6h",
        refresh="10s",
    )
