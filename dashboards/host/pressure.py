"""Pressure: how much time tasks lose waiting."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Waiting and stalled shares per machine."""
    return Row(
        "Pressure",
        [
            TimeSeries(
                title="Some task waited",
                queries=[
                    Query(
                        HOST.recorded(f"instance:node_pressure_{what}_waiting:ratio_rate5m"), f"{{{{instance}}}} {what}"
                    )
                    for what in ("cpu", "memory", "io")
                ],
                description="Share of time in which at least one task waited. Add what they wait for, or run fewer of "
                "them.",
                share=True,
                width=12,
            ),
            TimeSeries(
                title="All tasks waited for memory",
                queries=[Query(HOST.recorded("instance:node_pressure_memory_stalled:ratio_rate5m"), "{{instance}}")],
                description="Share of time in which nothing got done for lack of memory. More than a little is "
                "thrashing: stop something or add memory.",
                thresholds=alert_thresholds("HostMemoryStalled", "instance:node_pressure_memory_stalled:ratio_rate5m"),
                share=True,
                width=6,
            ),
            TimeSeries(
                title="All tasks waited for I/O",
                queries=[Query(HOST.recorded("instance:node_pressure_io_stalled:ratio_rate5m"), "{{instance}}")],
                description="Share of time in which nothing got done because of I/O. High: the Disks row names the "
                "device.",
                share=True,
                width=6,
            ),
        ],
    )
