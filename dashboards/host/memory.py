"""Memory in detail."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Use per machine, swap, faults, kills, promises."""
    return Row(
        "Memory",
        [
            TimeSeries(
                title="Memory used by machine",
                queries=[Query(HOST.recorded("instance:node_memory_used:ratio"), "{{instance}}")],
                description="Share of memory programs cannot get any more. Growing without end is a leak: compare "
                "cgroups.",
                thresholds=alert_thresholds("HostMemoryHigh", "instance:node_memory_used:ratio"),
                share=True,
            ),
            TimeSeries(
                title="Swap used",
                queries=[Query(HOST.recorded("instance:node_swap_used:ratio"), "{{instance}}")],
                description="Share of swap in use. Some is normal; growing together with major faults means thrashing.",
                share=True,
            ),
            TimeSeries(
                title="Page faults that waited for a disk",
                queries=[Query(HOST.rate("node_vmstat_pgmajfault"), "{{instance}}")],
                description="Major faults per second. High for long: memory is too small for what runs.",
            ),
            TimeSeries(
                title="Processes killed for lack of memory",
                queries=[Query(HOST.increase("node_vmstat_oom_kill", "10m"), "{{instance}}")],
                description="Kills by the kernel in 10 minutes. Any is a lost process: the kernel log names it.",
                thresholds=alert_thresholds("HostOomKill", "node_vmstat_oom_kill"),
            ),
            TimeSeries(
                title="Memory promised",
                queries=[
                    Query(HOST.gauge("node_memory_Committed_AS_bytes"), "{{instance}} promised"),
                    Query(HOST.gauge("node_memory_CommitLimit_bytes"), "{{instance}} limit"),
                ],
                description="Address space promised to programs. The limit binds only under strict overcommit; "
                "otherwise far above it warns of what could be asked for at once.",
            ),
            TimeSeries(
                title="Waiting to be written",
                queries=[
                    Query(HOST.gauge("node_memory_Dirty_bytes"), "{{instance}} dirty"),
                    Query(HOST.gauge("node_memory_Writeback_bytes"), "{{instance}} being written"),
                ],
                description="Data in memory that disks have not stored yet. Growing: disks are too slow for the "
                "writers.",
            ),
        ],
    )
