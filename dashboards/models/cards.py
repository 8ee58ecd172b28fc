"""The first row: is any provider failing, slow or dear right now?"""

from __future__ import annotations

from dashboards.compared import Compared, firing, firing_state
from dashboards.llm import MODELS, PROVIDERS, SUITE, times
from dashboards.models.shares import per_thousand
from dashboards.optional import Empty
from dashboards.panels import Card, DataPanel, Query
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["cards"]

_ERRORS = "vteam:llm_request_errors:ratio5m"
_LIMITED = "vteam:llm_rate_limited:ratio5m"


def cards() -> list[DataPanel]:
    """Six cards, the worst of the chosen providers or models in most."""
    first = aggregate("max", MODELS.recorded("vteam:llm_first_token:p95_5m")).as_unit("s")
    return [
        Card(
            title="Calls per minute",
            expr=times(60, aggregate("sum", MODELS.recorded("vteam:llm_requests:rate5m")), "cpm"),
            description="Calls of the chosen models, failed ones included. Far below the day before: agents do not "
            "work, or do not report; far above: something loops.",
        ),
        Card(
            title="Failed, worst provider, all models",
            expr=aggregate("max", PROVIDERS.recorded(_ERRORS)),
            description="Share of a provider's calls of 5 minutes that failed or timed out. High: the row about "
            "errors says why; see the provider's status page, then move to another one.",
            thresholds=alert_thresholds("LlmProviderErrors", _ERRORS),
            empty=Empty.QUIET,
        ),
        Card(
            title="Rate-limited, worst provider, all models",
            expr=aggregate("max", PROVIDERS.recorded(_LIMITED)),
            description="Share of a provider's calls of 5 minutes that it refused because there were too many. High: "
            "ask for a higher limit, or spread batch work over the night.",
            thresholds=alert_thresholds("LlmRateLimited", _LIMITED),
            empty=Empty.QUIET,
        ),
        Card(
            title="Duration, slowest model",
            expr=aggregate("max", MODELS.recorded("vteam:llm_request_duration:p95_5m")).as_unit("s"),
            description="Of the slowest model's calls of 5 minutes, 95 % were shorter. Long answers take long: "
            "compare with the time to the first token before blaming the provider.",
            empty=Empty.QUIET,
        ),
        Compared(
            title="First token, slowest model",
            queries=[
                Query(first, "now", empty=Empty.QUIET),
                Query(first.day_before(), "24 h ago", instant=True, empty=Empty.QUIET),
                firing(SUITE, "LlmFirstTokenSlow"),
            ],
            description="95 % of the slowest model's answers began sooner, and whether the alert fires, for any model, "
            "that compares with last week. It is what people wait for: a shorter or cached prompt helps.",
            thresholds=firing_state("LlmFirstTokenSlow"),
        ),
        Card(
            title="Cost of 1,000 calls, 24 h",
            expr=per_thousand(()),
            description="Dollars per 1,000 calls of the chosen models. Rising with the same models: prompts grow, or "
            "less of them is cached; the table below shows for which.",
            empty=Empty.QUIET,
        ),
    ]
