"""Network in detail."""

from __future__ import annotations

from dashboards.host.scope import HOST
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_DEVICE = "{{instance}} {{device}}"


def row() -> Row:
    """Traffic, packets and losses per device; connections."""

    def per_device(what: str, unit: str) -> list[Query]:
        received, sent = (
            HOST.rate(f"node_network_{way}_{what}_total").as_unit(unit) for way in ("receive", "transmit")
        )
        return [
            Query(topk(MAX_SERIES, received), f"{_DEVICE} received"),
            Query(topk(MAX_SERIES, sent), f"{_DEVICE} sent"),
        ]

    return Row(
        "Network",
        [
            TimeSeries(
                title="Traffic by device",
                queries=per_device("bytes", "Bps"),
                description="Bytes per second, sent below zero. Tells which device carries what the overview shows.",
                mirrored="B",
            ),
            TimeSeries(
                title="Packets by device",
                queries=per_device("packets", "pps"),
                description="Packets per second. Many small ones load a CPU long before the link is full.",
                mirrored="B",
            ),
            TimeSeries(
                title="Errors and drops",
                queries=[*per_device("errs", "pps"), *per_device("drop", "pps")],
                description="Errors point at cable, driver or MTU; drops at queues that are too short or a firewall.",
            ),
            TimeSeries(
                title="TCP connections",
                queries=[
                    Query(HOST.gauge("node_netstat_Tcp_CurrEstab"), "{{instance}} established"),
                    Query(HOST.gauge("node_sockstat_TCP_tw"), "{{instance}} in TIME_WAIT"),
                    Query(HOST.gauge("node_sockstat_TCP_alloc"), "{{instance}} allocated"),
                ],
                description="Much TIME_WAIT: clients open a connection per request. Allocated far above established: "
                "sockets leak.",
                width=12,
            ),
            TimeSeries(
                title="Connection tracking",
                queries=[Query(HOST.recorded("instance:node_nf_conntrack_entries:ratio"), "{{instance}}")],
                description="Share of the table of tracked connections in use. When it is full new connections are "
                "dropped: raise nf_conntrack_max.",
                thresholds=alert_thresholds("HostConntrackAlmostFull", "instance:node_nf_conntrack_entries:ratio"),
                share=True,
                width=12,
            ),
        ],
    )
