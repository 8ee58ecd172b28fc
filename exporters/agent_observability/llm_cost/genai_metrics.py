"""GenAI client metrics as readings: the older histogram of tokens, the newer counters, and durations.

Histograms of a call's duration have edges of their own. Ours take each bucket of theirs as a whole, where its upper
edge belongs: no call is told as shorter than it was.
"""

from __future__ import annotations

import bisect
from typing import NamedTuple

from agent_observability.intake.otlp.model import EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUM, Attributes, Point
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.attributes import BadValueError, Whose, clean, text, whose
from agent_observability.llm_cost.failures import failure
from agent_observability.llm_cost.genai import MODEL, NO_MODEL, PROVIDER, metric_operation, tier_of
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.readings import MAX_CALLS, Base, Reading, Told, reading, whole

__all__ = ["FAMILIES", "Family", "read"]


class Family(NamedTuple):
    """`tells` is the same for metrics of which only one generation may count: `generation`."""

    tells: str
    generation: str
    told: Told | None


_USAGE = "gen_ai.client.inference.usage"
FAMILIES = {
    "gen_ai.client.token.usage": Family("tokens", "histogram", None),
    f"{_USAGE}.input_tokens": Family("tokens", "counters", "all_input"),
    f"{_USAGE}.output_tokens": Family("tokens", "counters", "output"),
    f"{_USAGE}.cache_read.input_tokens": Family("tokens", "counters", "cache_read"),
    f"{_USAGE}.cache_write.input_tokens": Family("tokens", "counters", "cache_write"),
    f"{_USAGE}.cache_creation.input_tokens": Family("tokens", "counters", "cache_write"),
    f"{_USAGE}.reasoning.output_tokens": Family("tokens", "counters", "reasoning"),
    "gen_ai.client.operation.duration": Family("durations", "operation", "duration"),
    "gen_ai.client.inference.duration": Family("durations", "inference", "duration"),
    "gen_ai.client.operation.time_to_first_chunk": Family("first chunks", "operation", "first_token"),
    "gen_ai.client.inference.time_to_first_chunk": Family("first chunks", "inference", "first_token"),
}
"""By name. Per-operation histograms of the newer generation tell nothing of totals and are not here."""

_TOKEN_TYPES: dict[str, Told] = {
    "input": "all_input",
    "prompt": "all_input",
    "output": "output",
    "completion": "output",
}
_UNITS = {"s": 1.0, "": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_MICRO = 10**6


def read(point: Point, where: str, common: Whose, project: str) -> Reading | None:
    """None for a point that counts nothing here. Raises BadValueError."""
    attributes = point.attributes
    operation = metric_operation(attributes)
    if operation is None:
        return None
    told = FAMILIES[point.metric].told or _token_type(attributes)
    if told is None:
        return None
    base = _base(attributes, operation, whose(attributes, common, project))
    if told in ("duration", "first_token"):
        return reading(point, where, base, told, _durations(point))
    # Tokens of failed calls cost what they cost: the failure is told by durations.
    base = base._replace(status="success", error_type="")
    audio = attributes.get("gen_ai.token.modality") == "audio" and told != "reasoning"
    if point.kind in (HISTOGRAM, EXPONENTIAL_HISTOGRAM):
        return reading(point, where, base, told, (whole(point, point.sum),), audio=audio)
    if point.kind != SUM:
        raise BadValueError(point.metric, f"expected a sum or a histogram, got a {point.kind}")
    return reading(point, where, base, told, (whole(point, point.value),), audio=audio)


def _token_type(attributes: Attributes) -> Told | None:
    said = attributes.get("gen_ai.token.type")
    return _TOKEN_TYPES.get(said) if isinstance(said, str) else None


def _base(attributes: Attributes, operation: str, belongs: Whose) -> Base:
    model = text(attributes, MODEL)
    error = attributes.get("error.type")
    status, error_type = ("success", "") if error is None else failure([error])
    provider = clean(canonical(text(attributes, PROVIDER), model))
    return Base(provider, model or NO_MODEL, operation, *belongs, tier_of(attributes), status, error_type)


def _durations(point: Point) -> tuple[int, ...]:
    """Number, sum in µs, and per edge how many were not longer."""
    if point.kind not in (HISTOGRAM, EXPONENTIAL_HISTOGRAM):
        raise BadValueError(point.metric, f"expected a histogram, got a {point.kind}")
    unit = _UNITS.get(point.unit)
    if unit is None:
        raise BadValueError(point.metric, f"expected the unit s, ms, us or ns, got {clean(point.unit)!r}")
    total = None if point.sum is None else point.sum * unit
    slots = [0] * len(m.CALL_SECONDS)
    for bound, number in zip(point.bounds, point.counts, strict=False):
        slot = bisect.bisect_left(m.CALL_SECONDS, round(bound * unit, 9))
        if number and slot < len(slots):
            slots[slot] += number
    for slot in range(1, len(slots)):
        slots[slot] += slots[slot - 1]
    return (whole(point, point.count, most=MAX_CALLS), whole(point, total, _MICRO), *slots)
