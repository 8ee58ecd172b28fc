"""What is asked and refused, and who behaves strangely, in one screen."""

from __future__ import annotations

from dashboards.credentials.anomalies import now_table, timeline
from dashboards.credentials.scope import PROXY, requests
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Gauge, Query, TimeSeries
from dashboards.promql import aggregate, share
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_STATUSES = ("granted", "rejected", "error")


def row() -> Row:
    """Rejections as a gauge and by reason, requests per hour, anomalies over time and now."""
    rejected, every = (aggregate("sum", expr) for expr in (requests(status="rejected"), requests()))
    reasons = aggregate("sum", PROXY.increase("credential_proxy_rejections_total", "1h"), ("reason",))
    return Row(
        "Overview",
        [
            Gauge(
                title="Rejected, 1 h",
                queries=[Query(share(rejected, every), "rejected", instant=True, empty=Empty.QUIET)],
                description="What part of all requests of an hour the proxy refused, whatever they asked for. The "
                "limits are those that each service is judged by.",
                thresholds=alert_thresholds("CredentialProxyRejectionsHigh", "vteam:credential_rejections:ratio1h"),
            ),
            TimeSeries(
                title="Requests per hour",
                queries=[Query(aggregate("sum", requests(status=status)), status) for status in _STATUSES],
                description="Requests within the hour before each moment, by the proxy's answer. Rejected ones that "
                "rise alone: somebody tries; error: the proxy cannot get at its credentials.",
                stacked=True,
                width=9,
            ),
            TimeSeries(
                title="Refused per hour, by reason",
                queries=[Query(reasons.positive(), "{{reason}}", empty=Empty.QUIET)],
                description="Why no credential was given. unknown_service and operation_not_allowed: somebody tries "
                "what can be had; rate_limit_exceeded: a loop; internal_error: the proxy's own failure.",
                stacked=True,
                width=9,
            ),
            timeline(),
            now_table(),
        ],
        collapsed=False,
    )
