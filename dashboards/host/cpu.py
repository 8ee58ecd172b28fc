"""CPU in detail."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Busy share, load, threads and switches per machine."""
    return Row(
        "CPU",
        [
            TimeSeries(
                title="CPU busy by machine",
                queries=[Query(HOST.recorded("instance:node_cpu_busy:ratio_rate5m"), "{{instance}}")],
                description="Share of CPU time in use. One machine far above the others: move work away from it.",
                thresholds=alert_thresholds("HostCpuHigh", "instance:node_cpu_busy:ratio_rate5m"),
                share=True,
            ),
            TimeSeries(
                title="Load average",
                queries=[
                    Query(HOST.gauge(f"node_load{minutes}"), f"{{{{instance}}}} {minutes} min")
                    for minutes in (1, 5, 15)
                ],
                description="Threads running or waiting. Rising from 15 to 1 minutes: it is getting worse right now.",
            ),
            TimeSeries(
                title="Threads running and blocked",
                queries=[
                    Query(HOST.gauge("node_procs_running"), "{{instance}} running"),
                    Query(HOST.gauge("node_procs_blocked"), "{{instance}} blocked"),
                ],
                description="More running threads than CPUs: they queue. Blocked ones wait for a disk or a network "
                "mount; if they stay, look for a hanging one.",
            ),
            TimeSeries(
                title="Context switches and interrupts",
                queries=[
                    Query(HOST.rate("node_context_switches_total"), "{{instance}} switches"),
                    Query(HOST.rate("node_intr_total"), "{{instance}} interrupts"),
                ],
                description="Far above its usual level with much system time: too many threads contend, or a device "
                "storms.",
                width=12,
            ),
            TimeSeries(
                title="Processes started",
                queries=[Query(HOST.rate("node_forks_total"), "{{instance}}")],
                description="Processes and threads created per second. A jump is a loop that restarts something or a "
                "runaway script.",
                width=12,
            ),
        ],
    )
