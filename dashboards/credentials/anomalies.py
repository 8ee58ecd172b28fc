"""Anomalies: who behaves strangely, in what way, since when."""

from __future__ import annotations

from typing import Any

import attr

from dashboards.credentials.scope import OUTLIER, PROXY, anomalies_now
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Column, Query, States, Table, TimeSeries, cells
from dashboards.panels.base import by_query
from dashboards.promql import Match, aggregate
from dashboards.theme import Colour, State
from dashboards.thresholds import Thresholds, alert_thresholds

__all__ = ["now_table", "row", "timeline"]

_ACTIVE = "credential_proxy_anomaly_active"
_CONTAINER = "credential_proxy_container_anomaly_active"
_INFO = "credential_proxy_anomaly_info"
_WHO = ("instance", "type", "container_id", "project")
_TYPES = {
    "high_request_rate": (f"{State.CRIT.text[0]} high request rate", Colour.RED),
    "unknown_service": (f"{State.CRIT.text[0]} unknown service", Colour.RED),
    "repeated_rejections": (f"{State.CRIT.text[0]} repeated rejections", Colour.RED),
    OUTLIER: (f"{State.WARN.text[0]} rate outlier", Colour.YELLOW),
}
_COLUMNS = (
    Column("type", "Anomaly", words=_TYPES),
    Column("container_id", "Container"),
    Column("project", "Project"),
    Column("instance", "Seen by"),
)


@attr.s(auto_attribs=True, kw_only=True)
class _Timeline(States):
    """The second query is about guesses, which only warn."""

    guesses: Thresholds

    def overrides(self) -> list[dict[str, Any]]:
        return [by_query("B", mappings=self.guesses.mappings(), thresholds=self.guesses.json())]


def timeline() -> States:
    """A band for each container and kind of anomaly."""
    stated, guessed = (anomalies_now(type=Match(operator, OUTLIER)) for operator in ("!=", "="))
    legend = "{{container_id}} {{type}} {{project}}"
    return _Timeline(
        title="Anomalies: who and what",
        queries=[Query(expr, legend, empty=Empty.QUIET) for expr in (stated, guessed)],
        description="When which container behaved strangely, and how. Several kinds at once in one container: an "
        "attack rather than a mistake; one kind in many: a rollout or a script they share.",
        thresholds=alert_thresholds("CredentialProxyAnomaly", _CONTAINER),
        guesses=alert_thresholds("CredentialProxyRateOutlier", _CONTAINER),
    )


def now_table() -> Table:
    """Who it is now. Minutes are looked at as they begin, and a page leads here before the first one has."""
    keys = ("cluster", "instance", "type", "container_id")
    minutes = aggregate("max", PROXY.minutes(_INFO, "$__range").only(anomalies_now(), on=keys), _WHO)
    shown = minutes.or_zero_where(aggregate("max", anomalies_now(), _WHO))
    return Table(
        title="Who behaves strangely now",
        queries=[cells(shown, Empty.QUIET)],
        columns=(*_COLUMNS, Column("A", "Shown for", unit="m")),
        sort="Anomaly",
        description="Containers whose anomaly goes on, at most 20. Look in their session for what its agent read last, "
        "stop it, and revoke what it was granted. The exporter's log has the evidence.",
    )


def row() -> Row:
    """How many begin, how many go on, those of the time shown by name, and how many were forgotten."""
    begun, replayed = (
        aggregate("sum", PROXY.increase(f"credential_proxy_{what}_total", "1h").rounded(), ("type",))
        for what in ("anomalies", "replayed_anomalies")
    )
    evicted = aggregate("sum", PROXY.increase("credential_proxy_containers_evicted_total", "1h").rounded())
    past = [
        aggregate("max", expr, _WHO)
        for expr in (PROXY.last_seen(_INFO, "$__range").age(), PROXY.minutes(_INFO, "$__range"))
    ]
    return Row(
        "Anomalies",
        [
            TimeSeries(
                title="Begun within an hour",
                queries=[Query(begun, "{{type}}")],
                description="Anomalies by kind, each counted once, as it begins. A few rate_outlier a day are normal; "
                "the other kinds are told of at once, each with its runbook.",
                width=6,
            ),
            TimeSeries(
                title="Going on",
                queries=[Query(aggregate("sum", PROXY.gauge(_ACTIVE), ("type",)), "{{type}}")],
                description="Containers with an anomaly that has not ended: it does once there was no sign of it for "
                "anomalies.cooldown. A flat line is an attack nobody has stopped.",
                width=6,
            ),
            TimeSeries(
                title="Read too late to be told of, 1 h",
                queries=[Query(replayed, "{{type}}")],
                description="Anomalies that were long over when their lines were read, such as after an outage of the "
                "exporter. No alert told of them: look them up in its log.",
                width=6,
            ),
            TimeSeries(
                title="Containers forgotten, 1 h",
                queries=[Query(evicted, "forgotten")],
                description="Containers that had to be forgotten because there were too many at once. Raise "
                "anomalies.containers, or find who invents their ids.",
                thresholds=alert_thresholds(
                    "CredentialProxyContainersEvicted", "credential_proxy_containers_evicted_total"
                ),
                width=6,
            ),
            Table(
                title="Anomalies of the time shown",
                queries=[cells(expr, Empty.QUIET) for expr in past],
                columns=(
                    Column("A", "Last shown ago", unit="dtdurations"),
                    *_COLUMNS,
                    Column("B", "Shown for", unit="m"),
                ),
                sort="Last shown ago",
                description="Containers that were named within the time chosen above, the latest first; each is for "
                "half an hour after its last sign. Compare with rollouts and with what users did.",
                width=24,
            ),
        ],
    )
