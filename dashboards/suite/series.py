"""Series: how many, and what caps keep out."""

from __future__ import annotations

from dashboards.page import Row
from dashboards.panels import Query, TimeSeries
from dashboards.promql import topk
from dashboards.suite.scope import EXPORTERS
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]


def row() -> Row:
    """Samples per scrape, series of capped families, samples dropped."""
    return Row(
        "Series and caps",
        [
            TimeSeries(
                title="Samples per scrape",
                queries=[Query(EXPORTERS.gauge("scrape_samples_scraped"), "{{job}} {{instance}}")],
                description="What each exporter exposes. A jump is new label values: the next panel names the family.",
            ),
            TimeSeries(
                title="Series of capped families",
                queries=[Query(topk(MAX_SERIES, EXPORTERS.gauge("agent_obs_series")), "{{job}} {{metric}}")],
                description="Series of families that grow with input. A flat top is a cap that was reached.",
            ),
            TimeSeries(
                title="Samples past a cap",
                queries=[
                    Query(
                        topk(MAX_SERIES, EXPORTERS.increase("agent_obs_series_dropped_total", "1h")),
                        "{{job}} {{metric}} {{label}}",
                    )
                ],
                description="Samples folded into __overflow__ or refused within an hour. Raise the label's cap under "
                "limits, or stop whoever invents values.",
                thresholds=alert_thresholds("AgentObsSeriesDropped", "agent_obs_series_dropped_total"),
            ),
        ],
    )
