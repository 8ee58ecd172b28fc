"""The exporter's own view: does everything that is used arrive, and is it counted?"""

from __future__ import annotations

from dashboards.llm import SUITE
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import Match, aggregate, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BY = ("intake", "result")


def row() -> Row:
    """Collectors, what comes in and what is refused, how soon it counts, what does not fit."""
    refused = SUITE.increase("agent_obs_intake_requests_total", "1h", result=Match("!=", "accepted"))
    items = SUITE.increase("agent_obs_intake_items_total", "1h")
    return Row(
        "What the exporter sees",
        [
            States(
                title="Collectors, all providers (all projects)",
                queries=[Query(SUITE.gauge("agent_obs_collector_success"), "{{instance}} {{collector}}")],
                description="Whether each part of the exporter works. If not, its figures stand still: the exporter's "
                "landing page and log give the error.",
                thresholds=alert_thresholds("AgentObsCollectorFailing", "agent_obs_collector_success"),
                width=8,
            ),
            TimeSeries(
                title="Time since something came in, all providers (all projects)",
                queries=[
                    Query(SUITE.gauge("agent_obs_intake_last_item_timestamp_seconds").age(), "{{intake}}"),
                ],
                description="By the way it comes in. Growing although agents work: they do not send any more, see "
                "their settings, then what is refused.",
            ),
            TimeSeries(
                title="Items per hour, all providers (all projects)",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", items, _BY)), "{{intake}} {{result}}")],
                description="Events, spans, points and records. duplicate: sent twice and counted once. ignored: told "
                "by another way already. rejected: the answer named field and reason to the sender.",
            ),
            TimeSeries(
                title="Requests not accepted, 1 h, all providers (all projects)",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("sum", refused, _BY).positive()),
                        "{{intake}} {{result}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="Whose usage may be missing. unauthorized: a key is wrong or revoked; rate_limited and "
                "unavailable are sent again; invalid and too_large are lost unless the sender is mended.",
            ),
            TimeSeries(
                title="From a call to its count, all providers (all projects)",
                queries=[
                    Query(
                        SUITE.quantile(q, "agent_obs_event_delay_seconds", ("source",), window="1h"),
                        f"p{q * 100:g} {{{{source}}}}",
                        empty=Empty.QUIET,
                    )
                    for q in (0.5, 0.99)
                ],
                description="Time from a call, as its sender dates it, until it is counted. Senders that collect "
                "before they send make it minutes; a step without a reason: clocks differ.",
            ),
            TimeSeries(
                title="Samples past a cap, all providers (all projects)",
                queries=[
                    Query(
                        topk(MAX_SERIES, SUITE.increase("agent_obs_series_dropped_total", "1h").positive()),
                        "{{metric}} {{label}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="Samples whose model, project or other label became __overflow__. Somebody invents names; "
                "or there are that many: raise the label's cap under limits.",
                thresholds=alert_thresholds("AgentObsSeriesDropped", "agent_obs_series_dropped_total"),
            ),
        ],
    )
