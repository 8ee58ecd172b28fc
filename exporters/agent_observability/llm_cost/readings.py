"""Metric points that tell of the use of models, and the usage that their increments make."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from agent_observability.intake.otlp.model import CUMULATIVE, DELTA, Point
from agent_observability.ledger.batch import Count
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.attributes import BadValueError, shown
from agent_observability.llm_cost.streams import Sample
from agent_observability.llm_cost.usage import Tokens, Usage
from agent_observability.metric import Metric

__all__ = ["MAX_CALLS", "MAX_USD", "Base", "Reading", "Told", "digest", "fold", "reading", "timing", "whole"]

# More than a process ever uses or takes: what is as large is an error of the sender, which must not stay in a counter
# for good. Scaled they all fit into 64 bits, as `streams` needs.
_MOST = 10**12
MAX_CALLS = 10**9
MAX_USD = 10**6
_DIGEST_BYTES = 16

Told: TypeAlias = Literal[
    "input", "all_input", "cache_read", "cache_write", "output", "reasoning", "cost", "duration", "first_token"
]
"""What a metric counts; `all_input` includes what is read from and written to a cache."""


class Base(NamedTuple):
    """What usage of one kind has in common."""

    provider: str
    model: str
    operation: str = "chat"
    project: str = ""
    feature: str = ""
    agent: str = ""
    session: str = ""
    tier: str = ""
    status: str = "success"
    error_type: str = ""


class Reading(NamedTuple):
    """One point: whose, what, and of which stream. `audio` tokens are counted apart."""

    item: int
    base: Base
    told: Told
    sample: Sample
    audio: bool = False


@dataclass(slots=True)
class _Sum:
    """Increments of one request. `points` name them, `until` is the end of the last one, in ns."""

    told: Counter[str] = field(default_factory=Counter)
    points: list[str] = field(default_factory=list)
    until: int = 0


def digest(*parts: object) -> str:
    """A name for what would be too long for one; the order of members of mappings does not matter."""
    data = msgspec.json.encode(parts, order="deterministic")
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def reading(
    point: Point, where: str, base: Base, told: Told, values: tuple[int, ...], *, audio: bool = False
) -> Reading:
    """`where` names resource and scope. Raises BadValueError for points that do not say what they add to."""
    if point.temporality not in (DELTA, CUMULATIVE):
        raise BadValueError(point.metric, "expected delta or cumulative temporality")
    if point.time_ns <= 0:
        raise BadValueError("timeUnixNano", "expected a time")
    key = digest(where, point.metric, point.unit, point.kind, point.attributes)
    sample = Sample(key, point.temporality == DELTA, point.start_ns, point.time_ns, values)
    return Reading(point.index, base, told, sample, audio)


def whole(point: Point, value: float | int | None, scale: int = 1, most: int = _MOST) -> int:
    """A sum as a whole number of 1/`scale`, below `most`. Raises BadValueError for what is none, or can fall."""
    if point.kind == "sum" and not point.monotonic:
        raise BadValueError(point.metric, "expected a monotonic sum")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
        raise BadValueError(point.metric, f"expected a number from 0 to {most:,}, got {shown(value)}")
    if scale == 1 and value != int(value):
        raise BadValueError(point.metric, f"expected a whole number, got {shown(value)}")
    return value * scale if isinstance(value, int) else round(value * scale)


def timing(provider: str, model: str, operation: str, metric: Metric, delta: Sequence[int]) -> Count:
    """Durations as a count: `delta` holds number, sum in µs, and how many were not longer than each edge."""
    number, total, *upto = delta
    steps = []
    below = 0
    for slot, edge in enumerate([*upto, number]):
        # A sender that makes its buckets coarser may move some of what was told already.
        reached = min(max(edge, below), number)
        if reached > below:
            steps.append((slot, reached - below))
        below = reached
    return Count(metric, (provider, model, operation), (*steps, (len(metric.buckets) + 1, total)))


def fold(found: Iterable[tuple[Reading, tuple[int, ...]]]) -> tuple[list[Usage], list[Count]]:
    """Usage and durations that these increments make.

    What a cost is without its tokens is left out: those are, or were, priced without it.
    """
    sums: dict[Base, _Sum] = {}
    counts: list[Count] = []
    for one, delta in found:
        base, sample = one.base, one.sample
        if not any(delta):
            continue
        if one.told in ("duration", "first_token"):
            metric = m.REQUEST_DURATION if one.told == "duration" else m.FIRST_TOKEN
            counts.append(timing(base.provider, base.model, base.operation, metric, delta))
            if one.told == "first_token":
                continue
        into = sums.setdefault(base, _Sum())
        into.told[f"audio_{one.told}" if one.audio else one.told] += delta[0]
        into.points.append(f"{sample.key}.{sample.start}.{sample.time}")
        into.until = max(into.until, sample.time)
    return [usage for base, total in sums.items() if (usage := _usage(base, total))], counts


def _usage(base: Base, total: _Sum) -> Usage | None:
    tokens = _tokens(total.told)
    requests = total.told["duration"]
    used = tokens != _NO_TOKENS
    if not used and not requests:
        return None
    return Usage(
        timestamp=total.until // 1_000_000,
        id=f"metric-{digest(*sorted(total.points))}",
        provider=base.provider,
        model=base.model,
        project=base.project,
        feature=base.feature,
        agent=base.agent,
        operation=base.operation,
        status=base.status,
        error_type=base.error_type,
        session=base.session,
        tokens=tokens,
        # A cost of nothing for something is none that anybody knows.
        cost=(total.told["cost"] or None) if used else None,
        tier="" if base.tier == "batch" else base.tier,
        batch=base.tier == "batch",
        requests=requests,
        aggregated=True,
    )


_NO_TOKENS = Tokens()


def _tokens(told: Counter[str]) -> Tokens:
    """Disjoint ones: what is read from or written to a cache is a part of `all_input`, `reasoning` of the output."""
    output = told["output"]
    return Tokens(
        input=told["input"] + max(0, told["all_input"] - told["cache_read"] - told["cache_write"]),
        cache_read=told["cache_read"] + told["audio_cache_read"],
        cache_write=told["cache_write"] + told["audio_cache_write"],
        output=output,
        reasoning=min(told["reasoning"], output),
        audio_input=max(0, told["audio_all_input"] - told["audio_cache_read"] - told["audio_cache_write"]),
        audio_output=told["audio_output"],
    )
