"""How sessions end: by project, by what they were, and why."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries, cells
from dashboards.platform import ENDED_BADLY, ERRORS, SESSIONS
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_OUTCOMES = "vteam_session_outcomes_total"


def row() -> Row:
    """Success and failures by project, reasons by project, failures by model, restarts."""
    rate = SESSIONS.recorded("vteam:session_completion_rate:1h")
    failed = aggregate("sum", SESSIONS.recorded("vteam:sessions_ended:increase1h", phase=ENDED_BADLY), ("project",))
    reasons = SESSIONS.increase(_OUTCOMES, "$__range", reason=ERRORS)
    bad, every = (
        aggregate("sum", SESSIONS.increase(_OUTCOMES, "1h", **labels), ("model",))
        for labels in ({"phase": ENDED_BADLY}, {})
    )
    restarts = aggregate("sum", SESSIONS.increase("vteam_session_restarts_total", "1h"), ("project",))
    return Row(
        "Outcomes",
        [
            TimeSeries(
                title="Success rate by project",
                queries=[Query(topk(MAX_SERIES, rate), "{{project}}", empty=Empty.QUIET)],
                description="Completed sessions of those that finished within an hour. One project below the others "
                "has a problem of its own; all of them falling together is the platform's.",
                thresholds=alert_thresholds("SessionCompletionRateLow", "vteam:session_completion_rate:1h"),
                share=True,
            ),
            TimeSeries(
                title="Failed sessions by project",
                queries=[Query(topk(MAX_SERIES, failed), "{{project}}")],
                description="Sessions that failed within an hour, in the projects with most of them. Ask their owners "
                "before you look for the cause alone.",
            ),
            TimeSeries(
                title="Sessions that ran again, by project",
                queries=[Query(topk(MAX_SERIES, restarts), "{{project}}")],
                description="Sessions that were started again within an hour, after they had ended. Many after "
                "failures: users help themselves, mend what fails; many after good ends: they go on talking.",
            ),
            Table(
                title="Why sessions failed",
                queries=[
                    cells(
                        aggregate("sum", reasons, ("project", "mode", "model", "reason")).rounded().positive(),
                        Empty.QUIET,
                    )
                ],
                columns=(
                    Column("A", "Sessions", unit="short"),
                    Column("project", "Project"),
                    Column("reason", "Reason"),
                    Column("mode", "Mode"),
                    Column("model", "Model"),
                ),
                sort="Sessions",
                descending=True,
                description="Ends that nobody wanted, within the time chosen above. Begin at the top: one cause is "
                "often behind most of them.",
            ),
            TimeSeries(
                title="Failures by model",
                queries=[Query(topk(MAX_SERIES, share(bad, every)), "{{model}}", empty=Empty.QUIET)],
                description="Share of the sessions of each model that failed within an hour. One model alone: its "
                "provider has trouble, or its name or key is wrong.",
                share=True,
                width=12,
            ),
        ],
    )
