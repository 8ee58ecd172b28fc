"""Coding agents: what they themselves report of their sessions. Never to be added to the other rows."""

from __future__ import annotations

from dashboards.llm import AGENTS, SUITE
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import Match, aggregate, share, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_TOP = 10
_CALLS = "vteam_runner_claude_requests_total"
_WORK = "vteam_runner_workspace_operations_total"


def row() -> Row:
    """Calls, failures, duration, tokens, the hungriest sessions, work on files."""
    calls = aggregate("sum", AGENTS.increase(_CALLS, "$__rate_interval"), ("model", "status"))
    failed, every = (
        aggregate("sum", AGENTS.increase(_CALLS, "1h", **labels), ("model",))
        for labels in ({"status": Match("!=", "success")}, {})
    )
    tokens = aggregate("sum", AGENTS.increase("vteam_runner_claude_tokens_total", "$__rate_interval"), ("type",))
    sessions = aggregate("sum", AGENTS.gauge("vteam_runner_claude_tokens_total"), ("session",))
    work = aggregate("sum", SUITE.increase(_WORK, "$__rate_interval"), ("operation",))
    bad, done = (
        aggregate("sum", SUITE.increase(_WORK, "1h", **labels), ("operation",)) for labels in ({"status": "error"}, {})
    )
    return Row(
        "Coding agents",
        [
            TimeSeries(
                title="Agents' calls, all providers",
                queries=[Query(topk(MAX_SERIES, calls), "{{model}} {{status}}")],
                description="Calls of models by coding agents' sessions, per 5 minutes; they are in the other rows as "
                "well. None although sessions run: their telemetry does not reach the intake.",
                stacked=True,
                interval="5m",
            ),
            TimeSeries(
                title="Agents' calls that failed, 1 h, all providers",
                queries=[
                    Query(topk(MAX_SERIES, share(failed.or_zero_where(every), every)), "{{model}}", empty=Empty.QUIET)
                ],
                description="Share of the agents' calls of an hour. Agents try again by themselves, so that users "
                "notice only slowness; above a few percent look at the errors by type.",
                share=True,
            ),
            TimeSeries(
                title="How long agents' calls take, 1 h, all providers",
                queries=[
                    Query(
                        AGENTS.quantile(q, "vteam_runner_claude_request_duration_seconds", window="1h"),
                        f"p{q * 100:g}",
                        empty=Empty.QUIET,
                    )
                    for q in (0.5, 0.95, 0.99)
                ],
                description="As the agents measured it, waiting for retries included. Far above the durations in the "
                "other rows: the way to the provider is slow, not the model.",
            ),
            TimeSeries(
                title="Agents' tokens, all providers",
                queries=[Query(tokens, "{{type}}")],
                description="Tokens per 5 minutes, cached input included. Input that grows for as long as a session "
                "lasts is its history: let agents compact it, or cut the work smaller.",
                stacked=True,
                interval="5m",
                width=12,
            ),
            Bars(
                title="Hungriest sessions, all providers",
                queries=[Query(topk(_TOP, sessions), "{{session}}", instant=True)],
                description="Tokens of the sessions that were active within the last hour, since each began. One far "
                "above the others goes in circles: look at its log, then stop it.",
                share=False,
                width=12,
            ),
            TimeSeries(
                title="Work in workspaces, all providers, all models",
                queries=[Query(topk(MAX_SERIES, work), "{{operation}}")],
                description="What agents did per 5 minutes. Reading and searching without writing for long: the agent "
                "looks for something it cannot find; tell it where.",
                stacked=True,
                interval="5m",
                width=12,
            ),
            TimeSeries(
                title="Work that failed, 1 h, all providers, all models",
                queries=[
                    Query(topk(MAX_SERIES, share(bad.or_zero_where(done), done)), "{{operation}}", empty=Empty.QUIET)
                ],
                description="Share of an hour's operations by kind. execute: tests fail, which is part of the work; "
                "write and edit: permissions, or files that changed under the agent.",
                share=True,
                width=12,
            ),
        ],
    )
