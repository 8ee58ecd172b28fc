"""Containers: who asks most, how many ask, and at which hours."""

from __future__ import annotations

from typing import Any

import attr

from dashboards.credentials.scope import PROXY
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_LAST_MINUTE = "credential_proxy_container_requests_last_minute"


@attr.s(auto_attribs=True, kw_only=True)
class _Columns(Bars):
    """Upright bars, in the order of their names: hours of a day read from left to right."""

    def options(self) -> dict[str, Any]:
        return super().options() | {"orientation": "vertical"}


def row() -> Row:
    """Noisiest now and over time, active ones, hours of the day."""
    noisiest = topk(MAX_SERIES, aggregate("max", PROXY.gauge(_LAST_MINUTE), ("container_id",)))
    return Row(
        "Containers and hours",
        [
            Bars(
                title="Noisiest containers, last minute",
                queries=[Query(noisiest, "{{container_id}}", instant=True, empty=Empty.QUIET)],
                description="Requests of the containers that ask most. More than anomalies.requests_per_minute is an "
                "anomaly; a session keeps close below it: ask its owner what it does.",
                share=False,
            ),
            TimeSeries(
                title="Noisiest containers over time",
                queries=[Query(noisiest, "{{container_id}}", empty=Empty.QUIET)],
                description="Requests of the minute before each moment. Saw teeth are normal work; a straight line is "
                "a loop, or something that drains credentials slowly.",
            ),
            TimeSeries(
                title="Containers that ask",
                queries=[Query(aggregate("sum", PROXY.gauge("credential_proxy_active_containers")), "containers")],
                description="Containers with a request within 10 minutes. It should go with the sessions that run; "
                "more containers than sessions: somebody else has found the proxy.",
            ),
            _Columns(
                title="Requests by hour of the day, 7 d",
                queries=[
                    Query(
                        aggregate("sum", PROXY.gauge("credential_proxy_hour_of_day_requests"), ("hour",)),
                        "{{hour}}",
                        instant=True,
                    )
                ],
                description="When credentials are asked for, in the configured time zone, over the last week. Requests "
                "at hours when nobody works: scheduled sessions, or somebody who hopes not to be seen.",
                share=False,
                width=24,
            ),
        ],
    )
