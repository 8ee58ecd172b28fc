"""Checks that both decoders share, so that they accept the same."""

from __future__ import annotations

import itertools
import math

from agent_observability.intake.otlp.errors import OtlpError

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_DEPTH",
    "MAX_EMPTY",
    "MAX_EVENTS",
    "MAX_ITEMS",
    "check_depth",
    "check_histogram",
    "check_ids",
    "check_number",
    "exponential_buckets",
    "log_ids",
]

MAX_ITEMS = 10_000
"""Items in one request, unless the caller says otherwise."""
MAX_EMPTY = 1_000
"""Resources, scopes and metrics in one request that hold no item."""
MAX_ATTRIBUTES = 1_000
"""Attributes of one item, event or resource, and members of one list or mapping."""
MAX_DEPTH = 20
"""How deep values may be nested."""
MAX_EVENTS = 1_000
"""Events of one span."""
MAX_BUCKETS = 1_000
_MAX_SCALE = 30
_TRACE_ID, _SPAN_ID = 16, 8
_NO_TRACE, _NO_SPAN = bytes(_TRACE_ID), bytes(_SPAN_ID)


def check_number(number: int, what: str, most: int = MAX_ATTRIBUTES) -> None:
    """Raises OtlpError for more than an item may have."""
    if number > most:
        raise OtlpError("", f"expected at most {most:,} {what}, got {number:,}")


def check_depth(depth: int) -> None:
    """Raises OtlpError for values that are nested too deep."""
    if depth > MAX_DEPTH:
        raise OtlpError("", f"expected values nested at most {MAX_DEPTH} deep")


def check_ids(trace_id: bytes, span_id: bytes) -> None:
    """Raises OtlpError for a span without valid ids: nothing else names it."""
    if len(trace_id) != _TRACE_ID or trace_id == _NO_TRACE:
        raise OtlpError("traceId", f"expected {_TRACE_ID} bytes, not all of them 0")
    if len(span_id) != _SPAN_ID or span_id == _NO_SPAN:
        raise OtlpError("spanId", f"expected {_SPAN_ID} bytes, not all of them 0")


def log_ids(trace_id: bytes, span_id: bytes) -> tuple[bytes, bytes]:
    """Ids of a log record, which may do without: invalid ones count as none."""
    if len(trace_id) != _TRACE_ID or len(span_id) != _SPAN_ID or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return b"", b""
    return trace_id, span_id


def check_histogram(count: int, bounds: list[float], counts: list[int]) -> None:
    """Raises OtlpError for buckets that contradict each other."""
    if len(counts) > MAX_BUCKETS or len(bounds) > MAX_BUCKETS:
        raise OtlpError("bucketCounts", f"expected at most {MAX_BUCKETS:,} buckets")
    if counts and len(counts) != len(bounds) + 1:
        raise OtlpError("bucketCounts", f"expected one more than the {len(bounds)} bounds, got {len(counts)}")
    if any(math.isnan(bound) for bound in bounds) or any(a >= b for a, b in itertools.pairwise(bounds)):
        raise OtlpError("explicitBounds", "expected ascending numbers")
    if counts and sum(counts) != count:
        raise OtlpError("count", f"expected the sum of the buckets, {sum(counts)}, got {count}")


def exponential_buckets(
    scale: int, zeros: int, offset: int, positive: list[int], negative: list[int]
) -> tuple[list[float], list[int]]:
    """Bounds and counts of an exponential histogram, of which bucket i ends at base^(offset+i+1).

    Raises OtlpError for one of negative values, which nothing that is measured here has.
    """
    if not -_MAX_SCALE <= scale <= _MAX_SCALE:
        raise OtlpError("scale", f"expected a number from -{_MAX_SCALE} to {_MAX_SCALE}, got {scale}")
    if len(positive) > MAX_BUCKETS:
        raise OtlpError("positive.bucketCounts", f"expected at most {MAX_BUCKETS:,} buckets")
    if any(negative):
        raise OtlpError("negative.bucketCounts", "expected no negative values")
    bounds: list[float] = [0.0]
    counts = [zeros]
    beyond = 0
    width = 2.0**-scale
    for at, number in enumerate(positive):
        power = (offset + at + 1) * width
        bound = 2.0**power if power < 1024 else math.inf
        if math.isinf(bound):
            beyond += number
        elif bound > bounds[-1]:
            bounds.append(bound)
            counts.append(number)
        else:  # too small for a number of its own
            counts[-1] += number
    return bounds, [*counts, beyond]
