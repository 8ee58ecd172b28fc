"""Services: what is asked for, what is granted, what is refused and why."""

from __future__ import annotations

from dashboards.credentials.scope import PROXY, requests
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Pie, Query, TimeSeries
from dashboards.promql import aggregate, one_of, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_REQUESTS = "credential_proxy_requests_total"
_RATIO = "vteam:credential_rejections:ratio1h"
_SERVICE = ("target_service",)


def row() -> Row:
    """Requests by service, operation and status; rejections by service and reason."""
    operations = aggregate("sum", PROXY.increase(_REQUESTS, "1h"), ("target_service", "operation"))
    refused = PROXY.increase("credential_proxy_rejections_total", "1h")
    ended = aggregate("sum", PROXY.increase(_REQUESTS, "1h", status=one_of("rejected", "error")), (*_SERVICE, "status"))
    return Row(
        "Services",
        [
            TimeSeries(
                title="Requests per hour by service",
                queries=[Query(topk(MAX_SERIES, aggregate("sum", requests(), _SERVICE)), "{{target_service}}")],
                description="What agents need credentials for. other is whatever the configuration does not list: it "
                "is refused, unless the proxy serves more than the exporter was told.",
                stacked=True,
            ),
            TimeSeries(
                title="Requests per hour by operation",
                queries=[
                    Query(
                        topk(MAX_SERIES, operations.positive()), "{{target_service}} {{operation}}", empty=Empty.QUIET
                    )
                ],
                description="What they want to do with them. An operation that was never used before deserves a look: "
                "reading is common, pushing is what an attacker wants.",
                stacked=True,
            ),
            TimeSeries(
                title="Not granted per hour, by service",
                queries=[
                    Query(topk(MAX_SERIES, ended.positive()), "{{target_service}} {{status}}", empty=Empty.QUIET),
                ],
                description="rejected: the proxy's rules forbid it; error: it could not get the credential. Errors of "
                "one service alone: its token has expired or was revoked.",
                stacked=True,
            ),
            Bars(
                title="Rejected by service, 1 h",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("max", PROXY.recorded(_RATIO), _SERVICE)),
                        "{{target_service}}",
                        instant=True,
                        empty=Empty.QUIET,
                    )
                ],
                description="What part of the requests of each service was refused. The colours are the alert's, "
                "which asks for 20 requests and leaves other aside, where all are refused.",
                thresholds=alert_thresholds("CredentialProxyRejectionsHigh", _RATIO),
            ),
            Pie(
                title="Reasons, 24 h",
                queries=[
                    Query(
                        aggregate(
                            "sum", PROXY.increase("credential_proxy_rejections_total", "1d").rounded(), ("reason",)
                        ).positive(),
                        "{{reason}}",
                        instant=True,
                        empty=Empty.QUIET,
                    )
                ],
                description="Why requests got no credential within a day. Mostly one reason: mend that rule or that "
                "agent; a bit of each: people and agents try things out.",
            ),
            TimeSeries(
                title="Refused per hour by service and reason",
                queries=[
                    Query(
                        topk(MAX_SERIES, aggregate("sum", refused, ("target_service", "reason")).positive()),
                        "{{target_service}} {{reason}}",
                        empty=Empty.QUIET,
                    )
                ],
                description="Where which rule of the proxy bites. A new pair that stays after a rollout: agents do "
                "something new that nobody has allowed yet.",
                stacked=True,
            ),
        ],
    )
