"""Ledgers: what stateful exporters store, how fast, and how much there is."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.suite.scope import EXPORTERS
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Who writes, events by outcome, commit latency and failures, size and rows."""
    events = aggregate("sum", EXPORTERS.rate("agent_obs_ledger_events_total"), ("job", "kind", "result"))
    return Row(
        "Ledgers",
        [
            TimeSeries(
                title="Ledgers in order",
                queries=[
                    Query(EXPORTERS.gauge("agent_obs_ledger_up"), "{{job}} {{instance}} in order"),
                    Query(EXPORTERS.gauge("agent_obs_leader"), "{{job}} {{instance}} leads"),
                ],
                description="0: it cannot be written; senders wait, nothing is lost. Of several replicas one leads.",
                thresholds=alert_thresholds("AgentObsLedgerDown", "agent_obs_ledger_up"),
            ),
            TimeSeries(
                title="Events by outcome",
                queries=[Query(topk(MAX_SERIES, events), "{{job}} {{kind}} {{result}}")],
                description="Duplicates are what senders sent twice and was counted once. Rejected ones could not be "
                "stored as they were.",
            ),
            TimeSeries(
                title="Commit latency",
                queries=[
                    Query(
                        EXPORTERS.quantile(q, "agent_obs_ledger_commit_duration_seconds", ("job", "instance")),
                        f"p{q * 100:g} {{{{job}}}}",
                    )
                    for q in (0.5, 0.95, 0.99)
                ],
                description="How long senders wait for their answer. It rises with load, as more share one commit; "
                "with the load unchanged, the disk is slow.",
                thresholds=alert_thresholds(
                    "AgentObsLedgerCommitsSlow", "agent_obs_ledger_commit_duration_seconds_bucket"
                ),
            ),
            TimeSeries(
                title="Failed commits",
                queries=[
                    Query(EXPORTERS.increase("agent_obs_ledger_commit_failures_total", "15m"), "{{job}} {{instance}}")
                ],
                description="Writes that failed within 15 minutes. What was in them is tried again.",
                thresholds=alert_thresholds("AgentObsLedgerCommitsFailing", "agent_obs_ledger_commit_failures_total"),
            ),
            TimeSeries(
                title="Size on disk",
                queries=[Query(EXPORTERS.gauge("agent_obs_ledger_size_bytes"), "{{job}} {{instance}}")],
                description="Retention by age and size keeps it flat: above ledger.retention.size the oldest go.",
            ),
            TimeSeries(
                title="Rows by table",
                queries=[Query(topk(MAX_SERIES, EXPORTERS.gauge("agent_obs_ledger_rows")), "{{job}} {{table}}")],
                description="Events dominate. Series and dimensions that grow without end come from a label that does.",
            ),
        ],
    )
