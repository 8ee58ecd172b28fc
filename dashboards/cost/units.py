"""What one session, test or issue costs."""

from __future__ import annotations

from dashboards.llm import DOLLARS, SUITE
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.promql import aggregate, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_BY = ("feature", "unit")


def row() -> Row:
    """Cost per unit now and over time, and how many units there were."""
    unit = topk(MAX_SERIES, aggregate("max", SUITE.recorded("vteam:llm_cost_per_unit:30d").as_unit(DOLLARS), _BY))
    session = aggregate("max", SUITE.recorded("vteam:llm_cost_per_completed_session:30d").as_unit(DOLLARS))
    queries = [(unit, "{{feature}} per {{unit}}"), (session, "per completed session")]
    done = aggregate("sum", SUITE.increase("llm_feature_units_total", "1d"), _BY)
    return Row(
        "Cost per session, test and issue",
        [
            Bars(
                title="Cost per unit, 30 d, all providers (all projects)",
                queries=[Query(expr, legend, instant=True) for expr, legend in queries],
                description="What a feature's calls of 30 days cost, by what they brought about; failed attempts are "
                "in it. Compare with what the same work costs by hand.",
                share=False,
            ),
            TimeSeries(
                title="Cost per unit over time, all providers (all projects)",
                queries=[Query(expr, legend) for expr, legend in queries],
                description="The same, day by day; 30 days make it slow, so a change that lasts counts. Rising with "
                "the number of units unchanged: each has become dearer, see models and retries.",
            ),
            TimeSeries(
                title="Units per day, all providers (all projects)",
                queries=[Query(topk(MAX_SERIES, done.rounded()), "{{feature}}, {{unit}}", empty=Empty.QUIET)],
                description="What features brought about, one bar for each whole day. None although money is spent: "
                "the feature does not report its units, so its cost per unit cannot be known.",
                stacked=True,
                bars=True,
                interval="1d",
            ),
        ],
    )
