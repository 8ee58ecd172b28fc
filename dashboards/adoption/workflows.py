"""RFE workflows: from an idea to code, step by step."""

from __future__ import annotations

from dashboards.adoption.overview import STEPS
from dashboards.page import Row
from dashboards.panels import Column, Query, Table, TimeSeries, cells
from dashboards.platform import SESSIONS
from dashboards.promql import aggregate

__all__ = ["row"]


def row() -> Row:
    """Workflows by phase, steps done over time, the funnel of each project."""
    phases = aggregate("sum", SESSIONS.gauge("vteam_rfe_workflows"), ("phase",))
    steps = {step: SESSIONS.gauge("vteam_rfe_step_status", step=step) for step in STEPS}
    return Row(
        "RFE workflows",
        [
            TimeSeries(
                title="Workflows by phase",
                queries=[Query(phases, "{{phase}}")],
                description="Workflows that exist. Many initializing for long: their repository cannot be cloned or "
                "written, see the workflow's message.",
                stacked=True,
                width=12,
            ),
            TimeSeries(
                title="Steps done",
                queries=[Query(aggregate("sum", expr), step) for step, expr in steps.items()],
                description="Workflows that have each step done. Early steps growing alone: ideas are collected, but "
                "nobody carries them on.",
                width=12,
            ),
            Table(
                title="How far workflows get, by project",
                queries=[
                    cells(aggregate("count", steps["ideate"], ("project",))),
                    *(cells(aggregate("avg", expr, ("project",))) for expr in steps.values()),
                ],
                columns=(
                    Column("project", "Project"),
                    Column("A", "Workflows", unit="short"),
                    *(
                        Column(ref, step.capitalize(), unit="percentunit")
                        for ref, step in zip("BCDEF", STEPS, strict=True)
                    ),
                ),
                sort="Workflows",
                descending=True,
                description="Share of each project's workflows that have the step done. Projects that get to the end "
                "have something to teach those that stop in the middle.",
                width=24,
            ),
        ],
    )
