"""The first row: is any machine in trouble?"""

from __future__ import annotations

from dashboards.alerts import firing_card
from dashboards.host.scope import ALERTS, HOST
from dashboards.panels import Card, DataPanel
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]


def cards() -> list[DataPanel]:
    """Six cards, the worst of the chosen machines in each."""
    return [
        Card(
            title="CPU busy",
            expr=aggregate("max", HOST.recorded("instance:node_cpu_busy:ratio_rate5m")),
            description="Share of CPU time in use on the busiest machine. High for long: open the CPU row to see "
            "whether programs, the kernel or a neighbour (steal) take it, then add CPUs or move work.",
            thresholds=alert_thresholds("HostCpuHigh", "instance:node_cpu_busy:ratio_rate5m"),
        ),
        Card(
            title="Memory used",
            expr=aggregate("max", HOST.recorded("instance:node_memory_used:ratio")),
            description="Share of memory programs cannot get any more, on the fullest machine. When it nears 100 % "
            "the kernel starts killing processes: find the consumer under Cgroups or Watched processes.",
            thresholds=alert_thresholds("HostMemoryHigh", "instance:node_memory_used:ratio"),
        ),
        Card(
            title="Fullest file system",
            expr=aggregate("max", HOST.recorded("instance_mountpoint:node_filesystem_used:ratio")),
            description="The fullest file system of all machines. Free or add space before writes fail; the bars "
            "below name it.",
            thresholds=alert_thresholds("HostDiskAlmostFull", "instance_mountpoint:node_filesystem_used:ratio"),
        ),
        Card(
            title="Load per CPU",
            expr=aggregate("max", HOST.recorded("instance:node_load1_per_cpu:ratio")).as_unit("short"),
            description="Threads running or waiting, per CPU, on the most loaded machine. Above 1 work queues up; if "
            "the CPUs are not busy at the same time, it waits for disks.",
        ),
        Card(
            title="Network traffic",
            expr=aggregate(
                "sum",
                HOST.recorded("instance:node_network_receive_bytes:rate5m")
                + HOST.recorded("instance:node_network_transmit_bytes:rate5m"),
            ),
            description="Bytes per second received and sent by all chosen machines. A sudden change against the day "
            "before deserves a look at the devices in the Network row.",
        ),
        firing_card(ALERTS),
    ]
