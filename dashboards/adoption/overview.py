"""Funnel, modes, repositories, models and segments in one screen."""

from __future__ import annotations

from dashboards.adoption.shares import segment
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Column, Pie, Query, Table, TimeSeries, cells
from dashboards.platform import ENDED_BADLY, SESSIONS
from dashboards.promql import aggregate, share

__all__ = ["STEPS", "row"]

STEPS = ("ideate", "specify", "plan", "tasks", "implement")
_REPOS = {"1": "one", "2": "two", "3+": "three and more"}
_SEGMENTS = {
    "active in 30 days": ("active", "30d"),
    "ten and more sessions": ("power", "30d"),
    "new this week": ("new", "7d"),
    "new and activated": ("activated", "7d"),
    "retained": ("retained", "30d"),
    "churned": ("churned", "30d"),
}


def row() -> Row:
    """How far workflows get, how sessions are asked for, which models, who stays."""
    modes = {
        mode: SESSIONS.increase("vteam_sessions_created_total", "$__range", interactive=interactive)
        for mode, interactive in (("interactive", "true"), ("batch", "false"))
    }
    repos = {
        words: SESSIONS.increase("vteam_session_repos_total", "$__range", repos=number)
        for number, words in _REPOS.items()
    }
    by = ("model", "custom")
    bad, every = (
        aggregate("sum", SESSIONS.increase("vteam_session_outcomes_total", "1d", **labels), by)
        for labels in ({"phase": ENDED_BADLY}, {})
    )
    return Row(
        "Features and people",
        [
            Bars(
                title="RFE funnel",
                queries=[
                    Query(aggregate("avg", SESSIONS.gauge("vteam_rfe_step_status", step=step)), step, instant=True)
                    for step in STEPS
                ],
                description="Share of the RFE workflows that have each step done, from the idea to the code. The goal "
                "is 70 % from step to step: begin where the bars shrink most.",
            ),
            Pie(
                title="Interactive and batch",
                queries=[Query(aggregate("sum", expr).rounded(), mode, instant=True) for mode, expr in modes.items()],
                description="Sessions created within the time chosen above. Nearly all interactive: show how to run "
                "sessions on a schedule; nearly all batch: few people see what they get.",
            ),
            Pie(
                title="Repositories of a session",
                queries=[Query(aggregate("sum", expr).rounded(), words, instant=True) for words, expr in repos.items()],
                description="Sessions created within the time chosen above, by their number of repositories. Changes "
                "across repositories are what people find hardest to do by hand.",
            ),
            Table(
                title="Models, the last 24 hours",
                queries=[
                    cells(every.rounded().positive(), Empty.QUIET),
                    cells(share(bad, every), Empty.QUIET),
                ],
                columns=(
                    Column("model", "Model"),
                    Column("custom", "Custom"),
                    Column("A", "Sessions", unit="short"),
                    Column("B", "Failed", unit="percentunit"),
                ),
                sort="Sessions",
                descending=True,
                description="Sessions that ended, by model; custom is any outside the default ones. A custom model "
                "that fails more than the default ones: tell its users, or take it out.",
            ),
            TimeSeries(
                title="Projects by segment (all projects)",
                queries=[Query(segment("projects", *which), words) for words, which in _SEGMENTS.items()],
                description="Segments overlap, so they do not add up. New without activated: the start is too hard; "
                "churned above retained: the platform does not keep what it promises.",
                width=12,
            ),
        ],
        collapsed=False,
    )
