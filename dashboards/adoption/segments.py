"""Segments: newcomers, regulars, and those who left."""

from __future__ import annotations

from dashboards.adoption.shares import activation, power, retention, segment
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, TimeSeries

__all__ = ["row"]

_OF = ("projects", "users")


def row() -> Row:
    """Activation, retention, power; users by segment, who came and who left."""
    return Row(
        "Segments",
        [
            TimeSeries(
                title="Activation over time (all projects)",
                queries=[Query(activation(of), of, empty=Empty.NOBODY_NEW) for of in _OF],
                description="With three and more sessions in the first week, of those that began this week. It "
                "foretells retention: raise it by making the first session succeed.",
                share=True,
            ),
            TimeSeries(
                title="Retention over time (all projects)",
                queries=[Query(retention(of), of, empty=Empty.NOBODY_BEFORE) for of in _OF],
                description="Active in these 30 days, of those active in the 30 before. Users leave sooner than their "
                "projects: a fall there is the earlier warning.",
                share=True,
            ),
            TimeSeries(
                title="Power share over time (all projects)",
                queries=[Query(power(of), of, empty=Empty.NOBODY_BEFORE) for of in _OF],
                description="With ten and more sessions in 30 days, of those with any. Rising: it becomes a habit; "
                "falling while users grow: newcomers outnumber the regulars.",
                share=True,
            ),
            TimeSeries(
                title="New and churned users (all projects)",
                queries=[
                    Query(segment("users", "new", "7d"), "new this week"),
                    Query(segment("users", "churned", "30d"), "active only in the 30 days before"),
                ],
                description="Who came, and who stayed away for 30 days. More leave than come: find out why before you "
                "invite more.",
                width=12,
            ),
            TimeSeries(
                title="Users by segment (all projects)",
                queries=[
                    Query(segment("users", name, window), words)
                    for words, name, window in (
                        ("active in 30 days", "active", "30d"),
                        ("ten and more sessions", "power", "30d"),
                        ("new and activated", "activated", "7d"),
                        ("retained", "retained", "30d"),
                    )
                ],
                description="Segments overlap, so they do not add up. Sessions whose object names no user count for no "
                "user: with few users and many sessions, the platform does not pass them on.",
                width=12,
            ),
        ],
    )
