"""Components, work, errors, machines and alerts in one screen."""

from __future__ import annotations

from dashboards.alerts import recent_table
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Heatmap, Query, States, TimeSeries
from dashboards.platform import ALERTS, ERRORS, HOST, SESSIONS, replicas_ready
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """What is up, what is done, what fails, what is full, what fired."""
    created = SESSIONS.increase("vteam_operator_jobs_created_total", "$__rate_interval")
    ended = {
        result: SESSIONS.increase("vteam_operator_jobs_completed_total", "$__rate_interval", result=result)
        for result in ("succeeded", "failed")
    }
    errors = SESSIONS.recorded("vteam:session_outcomes_by_project:increase1h", reason=ERRORS)
    full = HOST.recorded("instance_mountpoint:node_filesystem_used:ratio")
    return Row(
        "Overview",
        [
            States(
                title="Components (all projects)",
                queries=[Query(replicas_ready(), "{{component}}")],
                description="Whether any replica of each component was ready. If none is, its deployment's events and "
                "its pods' logs say why.",
                thresholds=alert_thresholds("ComponentDown", "vteam_component_ready_replicas"),
                width=8,
            ),
            TimeSeries(
                title="Jobs",
                queries=[
                    Query(aggregate("sum", created), "created"),
                    *(Query(aggregate("sum", expr), result) for result, expr in ended.items()),
                ],
                description="Jobs and pods for sessions per 5 minutes. Created without any end: they hang. None "
                "created while sessions wait: the operator stands still.",
                interval="5m",
            ),
            TimeSeries(
                title="Session errors by reason, per hour",
                queries=[Query(aggregate("sum", errors, ("reason",)), "{{reason}}", empty=Empty.QUIET)],
                description="Sessions that ended within an hour other than well or by choice. image_pull, secret, "
                "evicted and oom are the platform's; timeout and runner_exit are more often the work's.",
                stacked=True,
            ),
            recent_table(ALERTS),
            Heatmap(
                title="Machines in use (all projects)",
                queries=[
                    Query(HOST.recorded("instance:node_cpu_busy:ratio_rate5m"), "{{instance}} CPU"),
                    Query(HOST.recorded("instance:node_memory_used:ratio"), "{{instance}} memory"),
                    Query(aggregate("max", full, ("instance",)), "{{instance}} fullest disk"),
                ],
                description="Share of CPU, memory and the fullest file system in use on each machine. A bright band "
                "where errors begin is their cause: follow the link to the machine.",
                unit="percentunit",
                share=True,
            ),
        ],
        collapsed=False,
    )
