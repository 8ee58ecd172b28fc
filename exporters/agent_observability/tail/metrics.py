"""What a tailer tells of itself. Data only."""

from __future__ import annotations

from agent_observability.metric import Kind, Label, Metric

__all__ = [
    "TAIL_COUNTED",
    "TAIL_LAG",
    "TAIL_LAST_EVENT",
    "TAIL_LINES",
    "TAIL_LOST",
    "TAIL_METRICS",
    "TAIL_ROTATIONS",
    "TAIL_UP",
]

_SOURCE = Label("source")

TAIL_UP = Metric("agent_obs_tail_up", Kind.GAUGE, "1 if the log is there and can be read", (_SOURCE,))
TAIL_LAG = Metric(
    "agent_obs_tail_lag_bytes", Kind.GAUGE, "What is in the files of a log and has not been counted yet", (_SOURCE,)
)
TAIL_LAST_EVENT = Metric(
    "agent_obs_tail_last_event_timestamp_seconds", Kind.GAUGE, "Event time of the newest line, as Unix time", (_SOURCE,)
)
TAIL_LINES = Metric(
    "agent_obs_tail_lines_total",
    Kind.COUNTER,
    "Lines of a log by what became of them",
    (_SOURCE, Label("result", ("parsed", "ignored", "malformed", "oversize"))),
)
TAIL_LOST = Metric(
    "agent_obs_tail_lost_bytes_total",
    Kind.COUNTER,
    "Bytes of a log that were seen to be there and were destroyed before they could be read",
    (_SOURCE,),
)
TAIL_ROTATIONS = Metric(
    "agent_obs_tail_rotations_total",
    Kind.COUNTER,
    "How often a log was replaced by another file, or emptied in place",
    (_SOURCE, Label("kind", ("rename", "truncate"))),
)
TAIL_COUNTED = (TAIL_LINES, TAIL_LOST, TAIL_ROTATIONS)
"""What is committed together with the positions."""
TAIL_METRICS = (TAIL_UP, TAIL_LAG, TAIL_LAST_EVENT, *TAIL_COUNTED)
