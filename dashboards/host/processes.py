"""Watched processes: the groups named in the configuration."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_GROUP = "{{instance}} {{group}}"


def row() -> Row:
    """Presence, CPU, memory and open files per group."""
    return Row(
        "Watched processes",
        [
            States(
                title="Running",
                queries=[Query(HOST.gauge("host_process_group_processes"), _GROUP)],
                description="Whether any process of the group runs. If not, its unit's or container's log says why it "
                "ended.",
                thresholds=alert_thresholds("HostProcessGroupDown", "host_process_group_processes"),
            ),
            TimeSeries(
                title="Processes",
                queries=[Query(HOST.gauge("host_process_group_processes"), _GROUP)],
                description="How many processes the group has. Saw teeth mean it is restarted over and over.",
                width=12,
            ),
            TimeSeries(
                title="CPU",
                queries=[Query(HOST.rate("host_process_group_cpu_seconds_total").as_unit("suffix: CPUs"), _GROUP)],
                description="CPUs the group keeps busy. Exactly one for long: a thread spins, or the work does not "
                "spread.",
            ),
            TimeSeries(
                title="Memory",
                queries=[Query(HOST.gauge("host_process_group_resident_memory_bytes"), _GROUP)],
                description="Resident memory; shared pages count in each process. Growing without end is a leak.",
            ),
            TimeSeries(
                title="Open files",
                queries=[Query(HOST.gauge("host_process_group_open_fds"), _GROUP)],
                description="Files and sockets held open. Growing without end: they are not closed, until the limit "
                "refuses more.",
            ),
        ],
    )
