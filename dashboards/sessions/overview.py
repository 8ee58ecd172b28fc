"""Phases, ends, reasons, and how long it takes, in one screen."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import ERRORS, SESSIONS
from dashboards.promql import aggregate
from dashboards.sessions.quantiles import quantiles

__all__ = ["row"]

_ACTIVE = ("pending", "creating", "running", "stopping")
_ENDS = ("completed", "stopped", "failed", "error")


def row() -> Row:
    """What sessions do now, how they end and why, how long they wait and run."""
    ended = {
        phase: SESSIONS.increase("vteam_sessions_completed_total", "$__rate_interval", phase=phase) for phase in _ENDS
    }
    errors = SESSIONS.recorded("vteam:session_outcomes_by_project:increase1h", reason=ERRORS)
    return Row(
        "Overview",
        [
            TimeSeries(
                title="Active sessions by phase",
                queries=[
                    Query(aggregate("sum", SESSIONS.gauge("vteam_sessions", phase=phase)), phase) for phase in _ACTIVE
                ],
                description="Sessions that have not ended. Pending grows: they wait for a runner. Creating grows: "
                "images or secrets are missing. Stopping grows: they do not let go.",
                stacked=True,
            ),
            TimeSeries(
                title="Sessions that ended",
                queries=[Query(aggregate("sum", expr), phase) for phase, expr in ended.items()],
                description="First ends per 5 minutes. Failed and error are one or the other generation's word for the "
                "same; nothing at all while sessions run: they hang.",
                stacked=True,
                interval="5m",
            ),
            TimeSeries(
                title="Failures by reason, per hour",
                queries=[Query(aggregate("sum", errors, ("reason",)), "{{reason}}", empty=Empty.QUIET)],
                description="Why sessions ended that nobody stopped. image_pull, secret, evicted and oom are the "
                "platform's to mend; prerequisite, timeout and runner_exit the project's.",
                stacked=True,
            ),
            TimeSeries(
                title="Run time",
                queries=quantiles("vteam_session_run_duration_seconds", Empty.QUIET),
                description="How long sessions that ended within an hour ran: the usual one, one in twenty, one in a "
                "hundred. Only the tail rising: some hang; all rising: everything is slower.",
            ),
            TimeSeries(
                title="Wait for a runner",
                queries=quantiles("vteam_session_queue_duration_seconds", Empty.QUIET),
                description="How long sessions that started within an hour had waited. Seconds are the scheduler's, "
                "a minute an image's, more than that a lack of room.",
            ),
            TimeSeries(
                title="Queue",
                queries=[
                    Query(aggregate("sum", SESSIONS.gauge("vteam_session_queue_depth")), "waiting"),
                    Query(aggregate("sum", SESSIONS.gauge("vteam_sessions_stuck")), "stuck"),
                ],
                description="Sessions that wait for their runner, and those that got stuck on the way there or back. "
                "The row Queue tells the projects.",
            ),
        ],
        collapsed=False,
    )
