"""The audit log: is it written, read to the end, and understood?"""

from __future__ import annotations

from dashboards.credentials.scope import PROXY
from dashboards.optional import Empty
from dashboards.page import Row
from dashboards.panels import Query, States, TimeSeries
from dashboards.promql import aggregate
from dashboards.thresholds import alert_thresholds

__all__ = ["row"]

_MALFORMED = "vteam:audit_lines_malformed:ratio1h"
_LIVE = "vteam:audit_records_live:ratio1h"
_NEWEST = "credential_proxy_last_event_timestamp_seconds"
_SOURCE = "{{instance}} {{source}}"


def row() -> Row:
    """There or not, what waits, what lines become, what was lost, how old the newest event is."""
    lines = aggregate("sum", PROXY.recorded("vteam:audit_lines:increase1h"), ("result",))
    rotations = aggregate("sum", PROXY.increase("agent_obs_tail_rotations_total", "1h").rounded(), ("kind",))
    return Row(
        "Audit log",
        [
            States(
                title="Log readable",
                queries=[Query(PROXY.gauge("agent_obs_tail_up"), _SOURCE)],
                description="Whether the log is there and may be read. If not, the exporter's landing page says why; "
                "meanwhile no attack is seen.",
                thresholds=alert_thresholds("CredentialProxyLogUnreadable", "agent_obs_tail_up"),
                width=8,
            ),
            TimeSeries(
                title="Not read yet",
                queries=[Query(PROXY.gauge("agent_obs_tail_lag_bytes"), _SOURCE)],
                description="Bytes of the log that wait. A peak after a start is the past being read; growing and "
                "never falling: the ledger or the exporter stands still.",
            ),
            TimeSeries(
                title="Time since the newest request",
                queries=[Query(PROXY.gauge(_NEWEST).age(), "{{instance}}", empty=Empty.QUIET)],
                description="By the log's own clock. Growing while sessions run: the proxy does not write, or writes "
                "elsewhere. Below zero: clocks or time zones differ, see time_zone.",
                thresholds=alert_thresholds("CredentialProxyLogSilent", _NEWEST),
            ),
            TimeSeries(
                title="Lines per hour by result",
                queries=[Query(lines, "{{result}}")],
                description="What became of the log's lines. ignored ones are no requests; malformed and oversize ones "
                "should have been, and are missing from all figures.",
                stacked=True,
            ),
            TimeSeries(
                title="Records not understood, 1 h",
                queries=[Query(PROXY.recorded(_MALFORMED), _SOURCE, empty=Empty.QUIET)],
                description="Share of the records that could not be understood. A step after an upgrade of the proxy: "
                "its format changed; peaks: its lines are torn by several writers.",
                thresholds=alert_thresholds("CredentialProxyLogMalformed", _MALFORMED),
                share=True,
            ),
            TimeSeries(
                title="Bytes lost, 1 h",
                queries=[
                    Query(PROXY.increase("agent_obs_tail_lost_bytes_total", "1h"), _SOURCE, empty=Empty.QUIET),
                ],
                description="Parts of the log that were destroyed before they could be read. Rotate by renaming, keep "
                "what was rotated for a while, and ask who emptied the file.",
                thresholds=alert_thresholds("CredentialProxyLogBytesLost", "agent_obs_tail_lost_bytes_total"),
            ),
            TimeSeries(
                title="Rotations, 1 h",
                queries=[Query(rotations, "{{kind}}", empty=Empty.QUIET)],
                description="How often the log was replaced (rename) or emptied in place (truncate). More than the "
                "schedule of its rotation: somebody empties it by hand.",
                width=6,
            ),
            TimeSeries(
                title="Size of the log",
                queries=[Query(PROXY.gauge("credential_proxy_audit_log_size_bytes"), "{{instance}}")],
                description="Size of the files that are followed, without rotated ones. Growing without end: nothing "
                "rotates it, and one day its disk is full.",
                width=6,
            ),
            TimeSeries(
                title="Read in time, 1 h",
                queries=[Query(PROXY.recorded(_LIVE), "{{instance}}", empty=Empty.QUIET)],
                description="Share of the requests that were read soon after they were made. The rest is history, in "
                "which attacks page nobody. Low for more than an hour: time_zone is not the log's, or it comes late.",
                thresholds=alert_thresholds("CredentialProxyLogLate", _LIVE),
                share=True,
                width=6,
            ),
            TimeSeries(
                title="From a request to its count",
                queries=[
                    Query(
                        PROXY.quantile(q, "agent_obs_event_delay_seconds", ("source",), window="1h"),
                        f"p{q * 100:g}",
                        empty=Empty.QUIET,
                    )
                    for q in (0.5, 0.99)
                ],
                description="Time from a request, by the log's clock, until it was counted; without history. Seconds "
                "are normal; minutes: the proxy holds lines back, or its clock is not this one's.",
                width=6,
            ),
        ],
    )
