"""The exporter's own view: does it see what the Kubernetes API has?"""

from __future__ import annotations

from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.platform import PLATFORM
from dashboards.promql import Match, aggregate, one_of, topk
from dashboards.theme import MAX_SERIES
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_GOOD = Match("!=", "ok")


def row() -> Row:
    """Followed or not, how long ago the API spoke, what it said, what was not understood."""
    # Newer platforms have no rfeworkflows, and the alert leaves them out as well.
    synced = PLATFORM.gauge("cr_state_synced", resource=Match("!=", "rfeworkflows"))
    heard, listed = (PLATFORM.gauge(f"cr_state_last_{what}_timestamp_seconds") for what in ("event", "sync"))
    failed = [
        aggregate("sum", PLATFORM.increase(f"cr_state_{what}_total", "1h", result=_GOOD), ("resource", "result"))
        for what in ("lists", "watches")
    ]
    events = aggregate("sum", PLATFORM.increase("cr_state_events_total", "$__rate_interval"), ("resource", "type"))
    wrong = aggregate("sum", PLATFORM.increase("cr_state_decode_errors_total", "1h"), ("resource", "field"))
    changes = PLATFORM.increase("cr_state_events_total", "1h", type=one_of("ADDED", "MODIFIED", "DELETED"))
    misread = wrong.share_of(aggregate("sum", changes, ("resource",)), on=("resource",))
    return Row(
        "What the exporter sees",
        [
            States(
                title="Resources followed (all projects)",
                queries=[Query(synced, "{{instance}} {{resource}}")],
                description="Whether each resource was listed and is followed. If not, what comes of it is missing "
                "here: the exporter's landing page says why, most often a role that lacks list or watch.",
                thresholds=alert_thresholds("CrStateNotSynced", "cr_state_synced"),
                width=8,
            ),
            TimeSeries(
                title="Time since the API spoke (all projects)",
                queries=[Query(heard.age(), "{{instance}} {{resource}}")],
                description="Quiet resources have a bookmark about once a minute. Growing without one: the watch is "
                "dead, and what this page shows is as old as that.",
                thresholds=alert_thresholds("CrStateBlind", "cr_state_last_event_timestamp_seconds"),
            ),
            TimeSeries(
                title="Time since the last full list (all projects)",
                queries=[Query(listed.age(), "{{instance}} {{resource}}")],
                description="It grows for as long as watches hold, which is good. Saw teeth: watches break off, see "
                "how they end.",
            ),
            TimeSeries(
                title="Events (all projects)",
                queries=[Query(topk(MAX_SERIES, events.positive()), "{{resource}} {{type}}", empty=Empty.QUIET)],
                description="What the API said, by resource. A storm of MODIFIED on one resource: something there "
                "writes the same object over and over.",
            ),
            TimeSeries(
                title="Lists and watches that failed, 1 h (all projects)",
                queries=[
                    Query(topk(MAX_SERIES, expr), f"{what} {{{{resource}}}} {{{{result}}}}")
                    for what, expr in zip(("list", "watch"), failed, strict=True)
                ],
                description="gone is normal now and then. denied: the role lacks a right; missing: the platform has no "
                "such resource; throttled: the API protects itself.",
            ),
            TimeSeries(
                title="Fields not understood, 1 h (all projects)",
                queries=[Query(topk(MAX_SERIES, misread), "{{resource}} {{field}}", empty=Empty.QUIET)],
                description="Share of the events of an hour with a field that was not as expected; the rest of the "
                "object counts. After an upgrade of the platform the exporter needs one, too.",
                thresholds=alert_thresholds("CrStateDecodeErrors", "cr_state_decode_errors_total"),
                share=True,
            ),
            TimeSeries(
                title="Objects followed (all projects)",
                queries=[Query(PLATFORM.gauge("cr_state_objects"), "{{instance}} {{resource}}")],
                description="Objects of each resource. The exporter's memory follows the number of sessions: have old "
                "ones removed, or give it more.",
                width=12,
            ),
            TimeSeries(
                title="From an event to its count (all projects)",
                queries=[
                    Query(
                        PLATFORM.quantile(q, "agent_obs_event_delay_seconds", ("source",), window="1h"),
                        f"p{q * 100:g}",
                        empty=Empty.QUIET,
                    )
                    for q in (0.5, 0.99)
                ],
                description="Time from a session's end, by its object, until it was counted. More than 5 s: the clocks "
                "differ, the API is slow, or the ledger is.",
                width=12,
            ),
        ],
    )
