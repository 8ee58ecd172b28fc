"""Logs that exporters follow: there, read to the end, and understood?"""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.suite.scope import EXPORTERS
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BY = ("job", "instance", "source")
_SOURCE = "{{job}} {{instance}} {{source}}"


def row() -> Row:
    """Readable or not, what waits, lines by result, losses, rotations, age of the newest line."""
    lines = aggregate("sum", EXPORTERS.rate("agent_obs_tail_lines_total"), ("job", "source", "result"))
    lost, rotations = (
        aggregate("sum", EXPORTERS.increase(f"agent_obs_tail_{what}_total", "1h"), by)
        for what, by in (("lost_bytes", _BY), ("rotations", (*_BY, "kind")))
    )
    newest = EXPORTERS.gauge("agent_obs_tail_last_event_timestamp_seconds").age()
    return Row(
        "Logs",
        [
            States(
                title="Logs readable",
                queries=[Query(EXPORTERS.gauge("agent_obs_tail_up"), _SOURCE)],
                description="Whether each log is there and may be read. If not, the landing page of its exporter says "
                "what stands in the way.",
                thresholds=alert_thresholds("CredentialProxyLogUnreadable", "agent_obs_tail_up"),
                width=8,
            ),
            TimeSeries(
                title="Not read yet",
                queries=[Query(topk(MAX_SERIES, EXPORTERS.gauge("agent_obs_tail_lag_bytes")), _SOURCE)],
                description="Bytes that wait to be read. Growing and never falling: the exporter cannot keep up, or "
                "its ledger takes nothing.",
            ),
            TimeSeries(
                title="Age of the newest line",
                queries=[Query(topk(MAX_SERIES, newest), _SOURCE, empty=Empty.QUIET)],
                description="By the log's own clock. Growing although there is traffic: nothing writes there any more.",
            ),
            TimeSeries(
                title="Lines by result",
                queries=[Query(topk(MAX_SERIES, lines), "{{job}} {{source}} {{result}}")],
                description="Lines read per second. malformed and oversize ones are missing from all figures: compare "
                "the log's format with what the exporter's page describes.",
            ),
            TimeSeries(
                title="Bytes lost, 1 h",
                queries=[Query(topk(MAX_SERIES, lost), _SOURCE, empty=Empty.QUIET)],
                description="Parts of logs that were destroyed before they could be read. Keep rotated files longer, "
                "or rotate by renaming.",
                thresholds=alert_thresholds("CredentialProxyLogBytesLost", "agent_obs_tail_lost_bytes_total"),
            ),
            TimeSeries(
                title="Rotations, 1 h",
                queries=[Query(topk(MAX_SERIES, rotations.rounded()), f"{_SOURCE} {{{{kind}}}}", empty=Empty.QUIET)],
                description="How often logs were replaced (rename) or emptied in place (truncate). Far more than "
                "planned: somebody else empties them.",
            ),
        ],
    )
