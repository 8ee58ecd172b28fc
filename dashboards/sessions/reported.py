"""What the sessions' own objects report: cost, turns, tokens, and what became of their repositories."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_TOP = 10
_TOKENS = ("input", "cache_read", "cache_write", "output")


def row() -> Row:
    """The dearest sessions; turns, tokens, repositories of the sessions shown."""
    cost, turns = (SESSIONS.gauge(f"vteam_session_{what}") for what in ("cost_usd", "turns"))
    repos = SESSIONS.gauge("vteam_session_repo_status")
    pushed = aggregate("sum", repos)
    return Row(
        "What sessions report",
        [
            Bars(
                title="Dearest sessions",
                queries=[Query(topk(_TOP, cost), "{{project}} {{session_name}}", instant=True)],
                description="What the dearest of the sessions shown have cost by their own account. One far above the "
                "others goes in circles: read its log, then lower its limit of turns.",
                share=False,
            ),
            Bars(
                title="Most turns",
                queries=[Query(topk(_TOP, turns), "{{project}} {{session_name}}", instant=True)],
                description="Sessions whose agent took most turns. Many turns and no result: the task is too large or "
                "the tools do not do what the agent expects.",
                share=False,
            ),
            TimeSeries(
                title="Cost by project",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", cost, ("project",))), "{{project}}")],
                description="Sum over the sessions shown, which come and go: it tells projects apart, but is no bill. "
                "Falling means that dear sessions are no longer shown.",
            ),
            TimeSeries(
                title="Tokens by type",
                queries=[
                    Query(aggregate("sum", SESSIONS.gauge("vteam_session_tokens", type=kind)), kind) for kind in _TOKENS
                ],
                description="Sum over the sessions shown. Little cache_read next to input: prompts change at their "
                "beginning, so that nothing can be reused; put what changes last.",
                stacked=True,
                width=12,
            ),
            TimeSeries(
                title="Repositories",
                queries=[
                    Query(pushed, "pushed"),
                    Query(aggregate("count", repos) - pushed, "abandoned"),
                ],
                description="What became of the work of the sessions shown. Much of it abandoned: users do not take "
                "what they get, so ask them, or pushing fails.",
                stacked=True,
                width=12,
            ),
        ],
    )
