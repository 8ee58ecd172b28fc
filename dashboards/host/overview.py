"""What every machine has, in one screen."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """CPU by mode, memory by use, file systems, network, pressure."""
    cpu_modes = {mode: HOST.recorded("instance_mode:node_cpu:ratio_rate5m", mode=mode) for mode in _MODES}
    total, available = (HOST.gauge(f"node_memory_{name}_bytes") for name in ("MemTotal", "MemAvailable"))
    free = HOST.gauge("node_memory_MemFree_bytes")
    full = HOST.recorded("instance_mountpoint:node_filesystem_used:ratio")
    return Row(
        "Overview",
        [
            TimeSeries(
                title="CPU by mode",
                queries=[Query(aggregate("avg", expr), mode) for mode, expr in cpu_modes.items()],
                description="Where CPU time goes, averaged over the chosen machines; the rest is idle. Much iowait: "
                "look at Disks. Much steal: the hypervisor is overbooked.",
                width=12,
                stacked=True,
                share=True,
            ),
            TimeSeries(
                title="Memory by use",
                queries=[
                    Query(aggregate("sum", total - available), "used"),
                    Query(aggregate("sum", available - free), "caches that can be dropped"),
                    Query(aggregate("sum", free), "free"),
                ],
                description="Memory of the chosen machines. Caches are no problem: the kernel gives them back. Act "
                "when used nears the top.",
                width=12,
                stacked=True,
            ),
            Bars(
                title="File systems",
                queries=[Query(topk(MAX_SERIES, full), "{{instance}} {{mountpoint}}", instant=True)],
                description="How full the fullest file systems are, as df counts. Delete, grow or move before the "
                "threshold.",
                thresholds=alert_thresholds("HostDiskAlmostFull", "instance_mountpoint:node_filesystem_used:ratio"),
            ),
            TimeSeries(
                title="Network",
                queries=[
                    Query(HOST.recorded("instance:node_network_receive_bytes:rate5m"), "{{instance}} received"),
                    Query(HOST.recorded("instance:node_network_transmit_bytes:rate5m"), "{{instance}} sent"),
                ],
                description="Traffic per machine, received above and sent below zero. Flat at a round number: the "
                "link or a limit is exhausted.",
                mirrored="B",
            ),
            TimeSeries(
                title="Time spent waiting",
                queries=[
                    Query(aggregate("max", HOST.recorded(f"instance:node_pressure_{what}_waiting:ratio_rate5m")), what)
                    for what in ("cpu", "memory", "io")
                ],
                description="Share of time in which at least one task waited for CPU, memory or I/O, on the worst "
                "machine. This is what users feel: the largest one is the bottleneck.",
            ),
        ],
        collapsed=False,
    )


_MODES = ("user", "system", "iowait", "irq", "softirq", "nice", "steal")
