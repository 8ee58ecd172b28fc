"""Cgroups: who takes it."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_CGROUP = "{{instance}} {{id}}"
_THROTTLED = "instance_id:container_cpu_throttled_periods:ratio_rate5m"


def row() -> Row:
    """CPU, throttling, memory, kills and processes per cgroup."""
    cpu = HOST.recorded("instance_id:container_cpu_usage_seconds:rate5m").as_unit("suffix: CPUs")
    return Row(
        "Cgroups",
        [
            TimeSeries(
                title="CPU",
                queries=[Query(topk(MAX_SERIES, cpu), _CGROUP)],
                description="CPUs each cgroup keeps busy. The top one is who to ask when the machine is busy.",
            ),
            TimeSeries(
                title="Throttled",
                queries=[Query(topk(MAX_SERIES, HOST.recorded(_THROTTLED)), _CGROUP)],
                description="Share of periods in which a cgroup hit its CPU limit and had to pause: raise the limit "
                "or do less.",
                thresholds=alert_thresholds("HostCgroupThrottled", _THROTTLED),
                share=True,
            ),
            TimeSeries(
                title="Memory",
                queries=[Query(topk(MAX_SERIES, HOST.gauge("container_memory_working_set_bytes")), _CGROUP)],
                description="Memory in use that cannot simply be dropped. The top one is who to ask when memory is "
                "short.",
            ),
            TimeSeries(
                title="Memory of the limit",
                queries=[
                    Query(topk(MAX_SERIES, HOST.recorded("instance_id:container_memory_working_set:ratio")), _CGROUP)
                ],
                description="Near 100 % the kernel kills within the cgroup: raise the limit or find the leak.",
                share=True,
            ),
            TimeSeries(
                title="Killed for lack of memory",
                queries=[Query(HOST.increase("container_oom_events_total", "$__rate_interval"), _CGROUP)],
                description="Kills per interval in each cgroup. Any is a lost process: raise the limit or find the "
                "leak.",
            ),
            TimeSeries(
                title="Processes",
                queries=[Query(topk(MAX_SERIES, HOST.gauge("container_processes")), _CGROUP)],
                description="Processes in each cgroup. Growing without end: something forgets to reap its children.",
            ),
        ],
    )
