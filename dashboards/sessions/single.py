"""Sessions one by one."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Column, Table, cells
from dashboards.platform import SESSIONS
from dashboards.promql import Expr, aggregate, topk
from dashboards.theme import Colour

__all__ = ["row"]

_KEY = ("cluster", "namespace", "project", "session_name")
_BY = ("project", "session_name")
_INFO = ("mode", "model", "scheduled")
_NEWEST = 500
"""More rows nobody reads, and a browser holds them badly."""

_PHASES = {
    "pending": ("◷ pending", Colour.YELLOW),
    "creating": ("◷ creating", Colour.YELLOW),
    "running": ("▶ running", Colour.BLUE),
    "stopping": ("◷ stopping", Colour.YELLOW),
    "stopped": ("■ stopped", Colour.MUTED),
    "completed": ("✓ completed", Colour.GREEN),
    "failed": ("✕ failed", Colour.RED),
    "error": ("✕ error", Colour.RED),
}


def row() -> Row:
    """The newest sessions with all that is known of them."""
    created = SESSIONS.gauge("vteam_session_created_timestamp_seconds")
    newest = topk(_NEWEST, created)

    def last(expr: Expr, by: tuple[str, ...] = _BY, operator: str = "max") -> Expr:
        return aggregate(operator, expr.only(newest, on=_KEY), by)

    phase = SESSIONS.gauge("vteam_session_phase_info").with_labels(_INFO, SESSIONS.gauge("vteam_session_info"), on=_KEY)
    start, completion = (SESSIONS.gauge(f"vteam_session_{what}_timestamp_seconds") for what in ("start", "completion"))
    return Row(
        "Session table",
        [
            Table(
                title=f"The {_NEWEST} newest sessions",
                queries=[
                    cells(last(phase, (*_BY, "phase", *_INFO))),
                    cells(last(created.age())),
                    cells(last(start.age())),
                    cells(last(completion.age())),
                    cells(last(SESSIONS.gauge("vteam_session_cost_usd"))),
                    cells(last(SESSIONS.gauge("vteam_session_turns"))),
                    cells(last(SESSIONS.gauge("vteam_session_tokens"), operator="sum")),
                ],
                columns=(
                    Column("B", "Created ago", unit="dtdurations"),
                    Column("project", "Project"),
                    Column("session_name", "Session"),
                    Column("phase", "Phase", words=_PHASES),
                    Column("mode", "Mode"),
                    Column("model", "Model"),
                    Column("scheduled", "Scheduled"),
                    Column("C", "Started ago", unit="dtdurations"),
                    Column("D", "Ended ago", unit="dtdurations"),
                    Column("E", "Cost", unit="currencyUSD"),
                    Column("F", "Turns", unit="short"),
                    Column("G", "Tokens", unit="short"),
                ),
                sort="Created ago",
                description="Sessions that have not ended, and those that ended lately; the exporter's setting "
                "cr_state.detail says which. Filter by a column's head. Why one failed: kubectl describe "
                "agenticsession.",
                width=24,
                height=16,
            ),
        ],
    )
