"""How sessions end, day by day."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Pie, Query, TimeSeries
from dashboards.platform import ERRORS, SESSIONS
from dashboards.promql import aggregate

__all__ = ["row"]

_ENDS = ("completed", "stopped", "failed", "error")


def row() -> Row:
    """Ends per day, reasons of failures, durations."""
    reasons = aggregate(
        "sum", SESSIONS.increase("vteam_session_outcomes_total", "$__range", reason=ERRORS), ("reason",)
    )
    return Row(
        "How sessions end",
        [
            TimeSeries(
                title="Ends per day",
                queries=[
                    Query(
                        aggregate("sum", SESSIONS.increase("vteam_sessions_completed_total", "1d", phase=phase)), phase
                    )
                    for phase in _ENDS
                ],
                description="First ends of sessions, one bar for each whole day. stopped is a user's choice or "
                "idleness; failed and error are work nobody got anything for.",
                stacked=True,
                bars=True,
                interval="1d",
            ),
            Pie(
                title="Why sessions failed",
                queries=[Query(reasons.rounded(), "{{reason}}", instant=True, empty=Empty.QUIET)],
                description="Reasons within the time chosen above. The largest slice is the next thing to mend; "
                "unknown is one, too: somebody has to find out.",
            ),
            TimeSeries(
                title="Mean duration of 24 hours",
                queries=[
                    Query(SESSIONS.mean("vteam_session_duration_seconds", "1d"), "all", empty=Empty.QUIET),
                    Query(
                        SESSIONS.mean("vteam_session_duration_seconds", "1d", phase="completed"),
                        "completed",
                        empty=Empty.QUIET,
                    ),
                ],
                description="From creation to the end, for sessions that ended in 24 hours. Users wait for this: "
                "rising, see on the operations page whether it is the queue or the work.",
                interval="6h",
            ),
        ],
    )
