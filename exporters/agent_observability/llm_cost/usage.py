"""One use of a model, or a sum of some, as every source tells it: what is priced, booked and counted."""

from __future__ import annotations

import msgspec

__all__ = ["ERROR_TYPES", "OPERATIONS", "STATUSES", "TOKEN_TYPES", "UNIT_TYPES", "Tokens", "Units", "Usage"]

STATUSES = ("success", "error", "timeout")
ERROR_TYPES = ("rate_limited", "overloaded", "auth", "context_length", "content_filter", "timeout", "other")
OPERATIONS = (
    "chat",
    "generate_content",
    "text_completion",
    "embeddings",
    "rerank",
    "moderation",
    "transcription",
    "speech",
    "image",
    "other",
)
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "audio_input", "audio_output")
"""Disjoint: their sum is all tokens. `cache_write` holds those kept for 5 minutes and those kept for 1 hour."""
UNIT_TYPES = ("characters", "audio_seconds", "images", "tool_calls")
"""What else providers charge for."""


class Tokens(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Token counts, all disjoint but `reasoning`, which is a part of `output`.

    `input` holds text that was neither read from nor written to a cache; `cache_write` is kept for 5 minutes or as
    long as the provider thinks fit, `cache_write_1h` for an hour.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0


class Units(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What is charged by other measures. `tool_calls` are calls of the provider's own tools, such as web searches."""

    characters: int = 0
    audio_seconds: float = 0.0
    images: int = 0
    tool_calls: int = 0


NO_UNITS = Units()


class Usage(msgspec.Struct, frozen=True, gc=False):
    """`timestamp` (ms since the epoch, event time) and `id` name it: a second one of both is a duplicate.

    `provider` is the canonical name (see `pricing.providers`), `model` as reported. `project`, `feature` and
    `operation` are not folded yet. `cost` is what the caller says it cost, in pico-dollars; None when it says nothing.
    `tier` is the service tier, "" for the standard one. `requests` is how many calls this stands for: 1, or for a sum
    (`aggregated`, from metrics) as many as are known, maybe 0. Of a sum it is not known how large each call was, so
    that prices by the size of a request cannot be applied to it. Durations are seconds.
    """

    timestamp: int
    id: str
    provider: str
    model: str
    project: str = ""
    feature: str = ""
    agent: str = ""
    operation: str = "chat"
    status: str = "success"
    error_type: str = ""
    session: str = ""
    tokens: Tokens = Tokens()
    units: Units = NO_UNITS
    duration: float | None = None
    first_token: float | None = None
    cost: int | None = None
    tier: str = ""
    batch: bool = False
    requests: int = 1
    aggregated: bool = False
