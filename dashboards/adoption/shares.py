"""Shares of segments, for projects and users alike."""

from __future__ import annotations

from dashboards.platform import PLATFORM
from dashboards.promql import Expr, aggregate, share

__all__ = ["activation", "power", "retention", "segment"]


def segment(of: str, name: str, window: str) -> Expr:
    """How many `projects` or `users` are in a segment. Segments overlap."""
    return aggregate("sum", PLATFORM.gauge(f"vteam_{of}", segment=name, window=window))


def power(of: str) -> Expr:
    """With ten and more sessions in 30 days, of those with any."""
    return share(segment(of, "power", "30d"), segment(of, "active", "30d"))


def activation(of: str) -> Expr:
    """With three and more sessions in their first week, of those whose first session is not a week old."""
    return share(segment(of, "activated", "7d"), segment(of, "new", "7d"))


def retention(of: str) -> Expr:
    """Active in these 30 days, of those active in the 30 before."""
    retained = segment(of, "retained", "30d")
    return share(retained, retained + segment(of, "churned", "30d"))
