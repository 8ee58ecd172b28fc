"""The first row: is anybody after credentials, and do the others get theirs?"""

from __future__ import annotations

from dashboards.alerts import firing_card
from dashboards.credentials.scope import ALERTS, OUTLIER, PROXY, requests
from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel
from dashboards.promql import Match, aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]

_RATIO = "vteam:credential_rejections:ratio1h"
_P95 = "vteam:credential_response_duration_seconds:p95_5m"


def cards() -> list[DataPanel]:
    """Six cards: attacks first, the worst service where an alert judges services."""
    stated = PROXY.gauge("credential_proxy_anomaly_active", type=Match("!=", OUTLIER))
    return [
        Card(
            title="Anomalies now",
            expr=aggregate("sum", stated),
            description="Containers that ask as an attacker would, by the stated rules. Any: the table below names "
            "them; stop their session first, then find out what tricked its agent.",
            thresholds=alert_thresholds("CredentialProxyAnomaly", "credential_proxy_anomaly_active"),
        ),
        Card(
            title="Rejected, worst service, 1 h",
            expr=aggregate("max", PROXY.recorded(_RATIO, target_service=Match("!=", "other"))),
            description="Share of the requests of an hour that were refused, of the service with the largest; what "
            "the proxy does not serve is left out. High: the row Services says which and why.",
            thresholds=alert_thresholds("CredentialProxyRejectionsHigh", _RATIO),
            empty=Empty.QUIET,
        ),
        Card(
            title="Requests, 1 h",
            expr=aggregate("sum", requests()),
            description="Requests for credentials within an hour, however they ended. None while sessions run: the "
            "proxy or its log stands still; far more than the day before: see who asks.",
        ),
        Card(
            title="Slowest service, 95 %",
            expr=aggregate("max", PROXY.recorded(_P95)),
            description="One in twenty answers took longer, of the slowest service. The proxy answers one request "
            "after the other: when one service is slow, all agents wait.",
            thresholds=alert_thresholds("CredentialProxySlow", _P95),
            empty=Empty.QUIET,
        ),
        Card(
            title="Proxy up",
            expr=aggregate("min", PROXY.gauge("credential_proxy_up")).as_unit("bool_yes_no"),
            description="Whether every probed address of the proxy takes connections. No: the row about the proxy "
            "names the address; without the proxy no agent gets a credential.",
            thresholds=alert_thresholds("CredentialProxyDown", "credential_proxy_up"),
        ),
        firing_card(ALERTS),
    ]
