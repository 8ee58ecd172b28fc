"""How sessions are asked for: mode and repositories, day by day and right now."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.platform import SESSIONS
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_REPOS = {"1": "one", "2": "two", "3+": "three and more"}


def row() -> Row:
    """Per day by mode and repositories; interactive share by project; what is active now."""
    created = "vteam_sessions_created_total"
    talked, every = (
        aggregate("sum", SESSIONS.increase(created, "1d", **labels), ("project",))
        for labels in ({"interactive": "true"}, {})
    )
    return Row(
        "How sessions are asked for",
        [
            TimeSeries(
                title="Sessions per day, by mode",
                queries=[
                    Query(aggregate("sum", SESSIONS.increase(created, "1d", interactive=interactive)), mode)
                    for mode, interactive in (("interactive", "true"), ("batch", "false"))
                ],
                description="Sessions created, one bar for each whole day. Batch growing faster: work is being "
                "automated, so plan capacity and budgets for it.",
                stacked=True,
                bars=True,
                interval="1d",
            ),
            TimeSeries(
                title="Sessions per day, by repositories",
                queries=[
                    Query(aggregate("sum", SESSIONS.increase("vteam_session_repos_total", "1d", repos=number)), words)
                    for number, words in _REPOS.items()
                ],
                description="Sessions created, by their number of repositories, one bar for each whole day. No growth "
                "beyond one: show an example in the introduction.",
                stacked=True,
                bars=True,
                interval="1d",
            ),
            TimeSeries(
                title="Interactive share by project, 24 h",
                queries=[Query(topk(MAX_SERIES, share(talked, every)), "{{project}}", empty=Empty.QUIET)],
                description="Share of a project's sessions that somebody talks with. At 0 % only machines use it: ask "
                "who reads the results.",
                share=True,
                interval="6h",
            ),
            TimeSeries(
                title="Active sessions by mode",
                queries=[Query(aggregate("sum", SESSIONS.gauge("vteam_sessions_by_mode"), ("mode",)), "{{mode}}")],
                description="Sessions that have not ended. Interactive ones that stay over night are forgotten: "
                "shorten the inactivity timeout.",
                width=12,
                stacked=True,
            ),
            TimeSeries(
                title="Active sessions by repositories",
                queries=[
                    Query(aggregate("sum", SESSIONS.gauge("vteam_sessions_by_repos", repos=number)), words)
                    for number, words in _REPOS.items()
                ],
                description="Sessions that have not ended, by their number of repositories. Those with several take "
                "larger volumes: mind it when you set limits.",
                width=12,
                stacked=True,
            ),
        ],
    )
