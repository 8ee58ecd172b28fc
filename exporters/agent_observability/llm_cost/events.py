"""Usage as applications push it in the suite's own JSON: its fields, their bounds, and what they mean."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from agent_observability.intake.errors import Rejected
from agent_observability.intake.part import Caller
from agent_observability.ledger.batch import MAX_TEXT
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.usage import NO_UNITS, Tokens, Units, Usage

__all__ = ["NO_PROJECT", "TimeBounds", "UnitEvent", "UsageEvent", "key_of", "project_of", "unfit", "usage_of"]

NO_PROJECT = "unknown"
"""Project of what says none and came with a key for all."""

_MAX_USD = 1_000_000
_PICO = Decimal(PICO)

# One of them separates the parts of a key.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SEPARATOR = "\x1f"
# The ledger's keys are bounded by bytes; this is how many a text may have that is not ASCII.
_MAX_BYTES = {"provider": 100, "model": 250, "project": 200, "id": 400}

Short = Annotated[str, msgspec.Meta(max_length=100)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
# Beyond any model's context by far: what is larger is an error of the sender, not usage.
TokenCount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Moment = datetime | float | None
"""RFC 3339, or seconds since the epoch."""


class TokenCounts(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """As `usage.Tokens`; `input` holds no cached tokens unless the event says `input_includes_cache`."""

    input: TokenCount = 0
    cache_read: TokenCount = 0
    cache_write: TokenCount = 0
    cache_write_1h: TokenCount = 0
    output: TokenCount = 0
    reasoning: TokenCount = 0
    audio_input: TokenCount = 0
    audio_output: TokenCount = 0


class UnitCounts(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """As `usage.Units`."""

    characters: TokenCount = 0
    audio_seconds: Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)] = 0.0
    images: TokenCount = 0
    tool_calls: TokenCount = 0


_NO_TOKENS = TokenCounts()
_NO_UNITS = UnitCounts()


class UsageEvent(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """`POST /api/v1/usage`. `id` and `timestamp` together identify a retry, so an id needs a timestamp."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    id: Id | None = None
    timestamp: Moment = None
    provider: Short = ""
    project: Short = ""
    feature: Short = ""
    agent: Short = ""
    operation: Short = "chat"
    status: Literal["success", "error", "timeout"] = "success"
    error_type: Short = ""
    tokens: TokenCounts = _NO_TOKENS
    input_includes_cache: bool = False
    units: UnitCounts = _NO_UNITS
    duration_seconds: Seconds | None = None
    time_to_first_token_seconds: Seconds | None = None
    cost_usd: Decimal | None = None
    service_tier: Short = ""
    batch: bool = False
    session: Annotated[str, msgspec.Meta(max_length=200)] = ""
    metadata: dict[str, Any] = {}


class UnitEvent(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """`POST /api/v1/units`: a feature has brought about so many sessions, tests or issues."""

    feature: Short
    unit: Literal["session", "test", "issue"]
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    id: Id | None = None
    timestamp: Moment = None
    project: Short = ""


class TimeBounds(msgspec.Struct, frozen=True):
    """Which event times are believed, in seconds before and after now."""

    oldest: float
    ahead: float

    def check(self, moment: Moment, now: float) -> float | str:
        """Unix time, now for None; or what is wrong with it."""
        if moment is None:
            return now
        if isinstance(moment, datetime):
            if moment.tzinfo is None:
                return "expected a time with its offset, such as 2026-01-31T12:00:00Z"
            seconds = moment.timestamp()
        else:
            seconds = moment
        if seconds > now + self.ahead:
            hint = "; is it in milliseconds?" if seconds > 1e11 else ""
            return f"{_shown(seconds)} is more than {self.ahead:g} s in the future{hint}"
        if seconds < now - self.oldest:
            return f"{_shown(seconds)} is more than {self.oldest / 86_400:g} days ago"
        return seconds


def usage_of(
    event: UsageEvent, index: int, caller: Caller, bounds: TimeBounds, now: float, *, plain: bool = False
) -> Usage | Rejected:
    """What an event tells, or why it cannot be believed. `plain`: its texts are known to be printable ASCII."""
    at = bounds.check(event.timestamp, now)
    if isinstance(at, str):
        return Rejected(index, "timestamp", at)
    if event.id is not None and event.timestamp is None:
        return Rejected(index, "timestamp", "an id needs the timestamp of the event: both together tell a retry")
    project = project_of(event.project, index, caller)
    if isinstance(project, Rejected):
        return project
    if not plain and (wrong := unfit(index, event, project)):
        return wrong
    tokens = event.tokens
    uncached = tokens.input
    if event.input_includes_cache:
        uncached -= tokens.cache_read + tokens.cache_write + tokens.cache_write_1h
        if uncached < 0:
            return Rejected(index, "tokens.input", "is less than the cached tokens that it is said to include")
    if tokens.reasoning > tokens.output:
        return Rejected(index, "tokens.reasoning", "is a part of the output and cannot be more than that")
    cost = None
    if event.cost_usd is not None:
        if not event.cost_usd.is_finite() or not 0 <= event.cost_usd <= _MAX_USD:
            return Rejected(index, "cost_usd", f"expected 0 to {_MAX_USD:,} dollars")
        cost = int((event.cost_usd * _PICO).to_integral_value())
    units = event.units
    # By position, in the order of the fields: names would take several times as long.
    return Usage(
        round(at * 1000),
        key_of(project, event.id),
        canonical(event.provider, event.model),
        event.model,
        project,
        event.feature,
        event.agent,
        event.operation,
        event.status,
        event.error_type,
        event.session,
        Tokens(
            uncached,
            tokens.cache_read,
            tokens.cache_write,
            tokens.cache_write_1h,
            tokens.output,
            tokens.reasoning,
            tokens.audio_input,
            tokens.audio_output,
        ),
        NO_UNITS
        if units is _NO_UNITS
        else Units(
            characters=units.characters,
            audio_seconds=units.audio_seconds,
            images=units.images,
            tool_calls=units.tool_calls,
        ),
        event.duration_seconds,
        event.time_to_first_token_seconds,
        cost,
        event.service_tier,
        event.batch,
    )


def project_of(said: str, index: int, caller: Caller) -> str | Rejected:
    """The key's project, or for keys that are for all the one that is said."""
    if not caller.project:
        return said or NO_PROJECT
    if said and said != caller.project:
        return Rejected(index, "project", f"this key is for {caller.project!r} only")
    return caller.project


def unfit(index: int, event: UsageEvent | UnitEvent, project: str) -> Rejected | None:
    """The first text, by its field, that has control characters, or more bytes than a key of the ledger can hold."""
    if isinstance(event, UsageEvent):
        rest = f"{event.provider}{event.model}{event.agent}{event.operation}{event.error_type}{event.service_tier}"
        together = f"{project}{event.id}{event.feature}{event.session}{rest}"
    else:
        together = f"{project}{event.id}{event.feature}"
    # Nearly always; what has no control characters and is ASCII is short enough: characters are bounded, too.
    if together.isascii() and together.isprintable():
        return None
    for field in msgspec.structs.fields(event):
        text = getattr(event, field.name)
        if isinstance(text, str):
            if _CONTROL.search(text):
                return Rejected(index, field.name, "expected no control characters")
            most = _MAX_BYTES.get(field.name, MAX_TEXT)
            if len(text.encode()) > most:
                return Rejected(index, field.name, f"expected at most {most} bytes of UTF-8, got {text[:20]!r}…")
    return None


def key_of(project: str, id_: str | None, *, kind: str = "") -> str:
    """Ids of one project and kind are not those of another; an event without one is never a duplicate."""
    if id_ is None:
        return uuid.uuid4().hex
    return _SEPARATOR.join((kind, project, id_) if kind else (project, id_))


def _shown(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"
