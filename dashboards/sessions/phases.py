"""Phases: what there is, and what moves."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]


def row() -> Row:
    """All phases, transitions, active sessions by project, created ones by mode."""
    moves = SESSIONS.increase("vteam_session_phase_transitions_total", "$__rate_interval")
    created = {
        mode: SESSIONS.increase("vteam_sessions_created_total", "$__rate_interval", interactive=interactive)
        for mode, interactive in (("interactive", "true"), ("batch", "false"))
    }
    return Row(
        "Phases",
        [
            TimeSeries(
                title="Sessions that exist, by phase",
                queries=[Query(aggregate("sum", SESSIONS.gauge("vteam_sessions"), ("phase",)), "{{phase}}")],
                description="Objects in the cluster, those that have ended included. Only growing: nobody removes old "
                "sessions, and every list of them takes longer.",
                width=12,
            ),
            TimeSeries(
                title="Changes of phase",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("sum", moves, ("from", "to")).positive()),
                        "{{from}} → {{to}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="Changes that were seen, per 5 minutes. A way that is unusual here, such as from running "
                "back to pending, is the operator starting over.",
                width=12,
                interval="5m",
            ),
            TimeSeries(
                title="Active sessions by project",
                queries=[Query(topk(MAX_SERIES, SESSIONS.recorded("vteam:active_sessions:current")), "{{project}}")],
                description="Sessions that have not ended, in the projects with most of them: whom to ask before "
                "maintenance.",
                width=12,
            ),
            TimeSeries(
                title="Sessions created",
                queries=[Query(aggregate("sum", expr), mode) for mode, expr in created.items()],
                description="New sessions per 5 minutes. A burst of batch sessions fills the queue for those who sit "
                "and wait: give them a quota of their own.",
                width=12,
                interval="5m",
            ),
        ],
    )
