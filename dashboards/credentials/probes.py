"""Whether the proxy takes connections: now, and over hours and days."""

from __future__ import annotations

from dashboards.credentials.scope import PROXY
from dashboards.page import Row
from dashboards.panels import Bars, Query, States, TimeSeries
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_BY = ("instance", "probe")
_WINDOWS = {"1h": "1 h", "24h": "24 h", "30d": "30 d"}


def row() -> Row:
    """Up or not over time, uptime, and how long connecting takes."""
    uptime = {
        words: aggregate("min", PROXY.recorded(f"vteam:credential_proxy_uptime:ratio{window}"), _BY)
        for window, words in _WINDOWS.items()
    }
    return Row(
        "The proxy",
        [
            States(
                title="Proxy up",
                queries=[Query(PROXY.gauge("credential_proxy_up"), "{{instance}} {{probe}}")],
                description="Whether each probed address takes connections. Down: see whether the proxy's process "
                "runs, and whether one request holds it: it serves one after the other.",
                thresholds=alert_thresholds("CredentialProxyDown", "credential_proxy_up"),
                width=8,
            ),
            Bars(
                title="Uptime",
                queries=[
                    Query(expr, f"{{{{probe}}}} {{{{instance}}}} {words}", instant=True)
                    for words, expr in uptime.items()
                ],
                description="Share of the probes that connected within an hour, a day and a month. Times in which the "
                "exporter itself was down count neither way.",
            ),
            TimeSeries(
                title="Time to connect",
                queries=[
                    Query(
                        PROXY.quantile(q, "credential_proxy_probe_duration_seconds", ("probe",)),
                        f"{{{{probe}}}} p{q * 100:g}",
                    )
                    for q in (0.5, 0.99)
                ],
                description="How long the proxy takes to take a connection. Rising towards the time-out: its queue is "
                "full, agents wait as long, and soon it looks down.",
            ),
        ],
    )
