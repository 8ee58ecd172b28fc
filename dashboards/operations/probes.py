"""HTTP probes of components, where some are configured."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Heatmap, Query, TimeSeries
from dashboards.platform import PLATFORM
from dashboards.promql import aggregate, share

__all__ = ["row"]

_SECONDS = "vteam_component_probe_duration_seconds"


def row() -> Row:
    """Success and duration, as somebody who calls the component sees them."""
    by = ("component",)
    good, every = (
        aggregate("sum", PLATFORM.rate("vteam_component_probes_total", **labels), by)
        for labels in ({"result": "success"}, {})
    )
    return Row(
        "Probes",
        [
            TimeSeries(
                title="Probes that succeed (all projects)",
                queries=[Query(share(good, every), "{{component}}")],
                description="Share of HTTP probes that were answered well. Failing while replicas are ready: the "
                "service, the route or the network before them is broken.",
                share=True,
            ),
            TimeSeries(
                title="Probe duration (all projects)",
                queries=[
                    Query(PLATFORM.quantile(q, _SECONDS, by), f"{{{{component}}}} p{q * 100:g}")
                    for q in (0.5, 0.95, 0.99)
                ],
                description="How long components take to answer. Rising alike for all: a machine or the network; for "
                "one: compare with its restarts and rollouts.",
            ),
            Heatmap(
                title="How probe durations are spread (all projects)",
                queries=[Query(PLATFORM.buckets(_SECONDS), "{{le}}", format="heatmap")],
                description="Probes of all components by duration. A second band higher up: some replica, or some path "
                "to it, is slower than the others.",
                unit="s",
                width=8,
            ),
        ],
    )
