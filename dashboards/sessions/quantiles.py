"""The three quantiles people ask for."""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.panels import Query
from dashboards.platform import SESSIONS

__all__ = ["quantiles"]


def quantiles(histogram: str, empty: Empty, **labels: str) -> list[Query]:
    """Median, 95 % and 99 % of the last hour: sessions end so seldom that a shorter time has none."""
    return [
        Query(SESSIONS.quantile(q, histogram, window="1h", **labels), f"p{q * 100:g}", empty=empty)
        for q in (0.5, 0.95, 0.99)
    ]
