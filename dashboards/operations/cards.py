"""The first row: does the platform work?"""

from __future__ import annotations

from dashboards.alerts import firing_card
from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel
from dashboards.platform import ALERTS, PLATFORM, SESSIONS, success_rate
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]


def cards() -> list[DataPanel]:
    """Six cards, the worst component and the worst queue in theirs."""
    return [
        Card(
            title="Availability, 1 h (all projects)",
            expr=aggregate("min", PLATFORM.recorded("vteam:component_availability:ratio1h")),
            description="Share of the wanted replicas that were ready over the last hour, of the worst component. "
            "Below 100 %: the bands below name it and say since when.",
            thresholds=alert_thresholds("ComponentAvailabilityLow", "vteam:component_availability:ratio1h"),
        ),
        Card(
            title="Restarts, 1 h (all projects)",
            expr=aggregate("max", PLATFORM.increase("vteam_component_restarts_total", "1h").rounded()),
            description="Container restarts within an hour, of the component with most of them. Each cuts off what was "
            "in progress: read its previous container's log.",
            thresholds=alert_thresholds("ComponentRestarting", "vteam_component_restarts_total"),
        ),
        Card(
            title="Success rate, 1 h",
            expr=success_rate("1h"),
            description="Completed sessions of those that finished within an hour; stopped ones count neither way. "
            "Low: the reasons below say whether it is the platform or the work.",
            thresholds=alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h"),
            empty=Empty.QUIET,
        ),
        Card(
            title="Longest queue",
            expr=aggregate("max", SESSIONS.gauge("vteam_session_queue_depth")),
            description="Sessions that wait for their runner, in the project with most of them. Growing: the cluster "
            "has no room for more runners, or the operator stands still.",
            thresholds=alert_thresholds("SessionQueueLong", "vteam_session_queue_depth"),
        ),
        Card(
            title="Failed jobs, 1 h",
            expr=aggregate("sum", SESSIONS.increase("vteam_operator_jobs_completed_total", "1h", result="failed")),
            description="Jobs and pods of sessions that failed within an hour. More than the day before: see the "
            "reasons below, then the pods' events.",
        ),
        firing_card(ALERTS),
    ]
