"""The machines the platform runs on."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import HOST
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """CPU, memory and disks against their alerts; the host page has the rest."""
    disks = "instance_mountpoint:node_filesystem_used:ratio"
    return Row(
        "Machines",
        [
            TimeSeries(
                title="CPU busy (all projects)",
                queries=[Query(HOST.recorded("instance:node_cpu_busy:ratio_rate5m"), "{{instance}}")],
                description="Share of CPU time in use. All machines high: runners wait for each other, add nodes or "
                "lower how many run at once.",
                thresholds=alert_thresholds("HostCpuHigh", "instance:node_cpu_busy:ratio_rate5m"),
                share=True,
            ),
            TimeSeries(
                title="Memory used (all projects)",
                queries=[Query(HOST.recorded("instance:node_memory_used:ratio"), "{{instance}}")],
                description="Share of memory in use. Near the top sessions end as oom or evicted: raise requests, so "
                "that fewer share a node.",
                thresholds=alert_thresholds("HostMemoryHigh", "instance:node_memory_used:ratio"),
                share=True,
            ),
            TimeSeries(
                title="File systems (all projects)",
                queries=[Query(topk(MAX_SERIES, HOST.recorded(disks)), "{{instance}} {{mountpoint}}")],
                description="How full the fullest file systems are. Nodes evict pods before a disk is full: remove "
                "old images and workspaces.",
                thresholds=alert_thresholds("HostDiskAlmostFull", disks),
                share=True,
            ),
        ],
    )
