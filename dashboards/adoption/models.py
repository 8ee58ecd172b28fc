"""Models: which are preferred to the default ones, and whether they work."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Bars, Query, TimeSeries
from dashboards.platform import ENDED_BADLY, ERRORS, SESSIONS
from dashboards.promql import aggregate, share, topk
from dashboards.theme import MAX_SERIES

__all__ = ["row"]

_OUTCOMES = "vteam_session_outcomes_total"


def row() -> Row:
    """Active sessions by model, error rates of custom and default models, why custom ones fail."""
    active = aggregate("sum", SESSIONS.gauge("vteam_sessions_by_model"), ("model",))
    rates = {
        words: share(
            *(
                aggregate("sum", SESSIONS.increase(_OUTCOMES, "1d", custom=custom, **labels))
                for labels in ({"phase": ENDED_BADLY}, {})
            )
        )
        for words, custom in (("custom", "true"), ("default", "false"))
    }
    reasons = aggregate(
        "sum", SESSIONS.increase(_OUTCOMES, "$__range", custom="true", reason=ERRORS), ("model", "reason")
    )
    return Row(
        "Models",
        [
            TimeSeries(
                title="Active sessions by model",
                queries=[Query(topk(MAX_SERIES, active), "{{model}}", empty=Empty.NO_SESSION)],
                description="Sessions that have not ended, by the model they asked for. A new model that spreads by "
                "itself should become a default one.",
            ),
            TimeSeries(
                title="Failed with custom and default models, 24 h",
                queries=[Query(expr, words, empty=Empty.QUIET) for words, expr in rates.items()],
                description="Share of the sessions that ended in 24 hours and failed. Custom above default: names are "
                "mistyped, keys are missing, or the models are not up to it.",
                share=True,
                interval="6h",
            ),
            Bars(
                title="Why custom models fail",
                queries=[
                    Query(
                        topk(MAX_SERIES, reasons.rounded().positive()),
                        "{{model}} {{reason}}",
                        instant=True,
                        empty=Empty.QUIET,
                    )
                ],
                description="Failures within the time chosen above, by model and reason. runner_exit right at the "
                "start is most often a model's name that its provider does not know.",
                share=False,
            ),
        ],
    )
