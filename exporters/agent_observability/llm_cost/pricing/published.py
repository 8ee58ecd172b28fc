"""What providers publish about prices and genai-prices does not hold, or holds otherwise. Data and small rules only."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from fractions import Fraction

__all__ = [
    "CLAUDE_1H",
    "CLAUDE_WRITE",
    "WEEKDAY_PEAKS",
    "amendment",
    "amendment_days",
    "batch_price",
    "free_output",
    "is_free",
    "least_seconds",
    "same_as_standard",
    "tier_of",
]

_STANDARD = frozenset({"", "default", "standard", "standard_only", "auto", "on_demand", "on-demand"})

CLAUDE_WRITE = Fraction(5, 4)
"""Anthropic: what a token written to the cache for 5 minutes costs, in input tokens."""
CLAUDE_1H = Fraction(2)
"""Anthropic: what a token written to the cache for an hour costs, in input tokens."""

_HALF = Fraction(1, 2)
# Anthropic and Amazon: batches at 50 %. OpenAI and Azure: 50 % of input and output. Google: likewise, and a cache hit's
# discount takes the place of the batch's.
_HALVED = frozenset({"anthropic", "aws", "azure", "google", "openai"})
# OpenAI lists 2.225 and 12.50 dollars for batches of this fine-tuned model, which is no half.
_NOT_HALVED = frozenset({("openai", "ft:gpt-4o")})
_TOKENS = frozenset({"input", "cache_write", "cache_write_1h", "output", "reasoning", "audio_input", "audio_output"})
_UNDISCOUNTED = frozenset({"cache_read", "tool_calls", "requests"})

# A model without prices in the library is free only if that is what was published.
_FREE = frozenset({("google", "gemma-3"), ("google", "gemma-3n"), ("openai", "moderation")})
_SAID_FREE = re.compile(r"free of charge|included in the subscription", re.IGNORECASE)
_SAID_FREE_OUTPUT = re.compile(r"\boutput (?:tokens are )?free\b", re.IGNORECASE)

WEEKDAY_PEAKS = {
    "deepseek-flash": datetime.date(2026, 9, 10),
    "deepseek-v4-flash": datetime.date(2026, 8, 17),
    "deepseek-v4-pro": datetime.date(2026, 8, 17),
}
"""DeepSeek's models whose peak hours are those of Mondays to Fridays since a day; the library has them always."""

# Prices the library lacks: provider, models, first day and the one it ends on (UTC), dollars per million by type.
_Amendment = tuple[str, re.Pattern[str], str, str, Mapping[str, Fraction]]


def _amend(provider: str, models: str, first: str, end: str, **dollars: str) -> _Amendment:
    return provider, re.compile(models), first, end, {kind: Fraction(price) for kind, price in dollars.items()}


_DEEPSEEK = "deepseek-chat|deepseek-reasoner"
_AMENDMENTS = (
    _amend("openai", "o3(?:-2025-04-16)?", "", "2025-06-10", cache_read="2.50"),
    _amend("openai", "gpt-4o-audio-preview-2024-10-01", "", "", audio_input="100", audio_output="200"),
    _amend("openai", "gpt-4o-audio-preview(?:-2024-12-17|-2025-06-03)?", "", "", audio_input="40", audio_output="80"),
    _amend("openai", "gpt-4o-mini-audio-preview(?:-2024-12-17)?", "", "", audio_input="10", audio_output="20"),
    # Peak hours ended on 2025-09-05 at 16:00; V3.2 was cheaper, and from 2026-04-24 on the names meant V4 Flash.
    _amend("deepseek", _DEEPSEEK, "2025-09-06", "2025-09-29", input="0.56", cache_read="0.07", output="1.68"),
    _amend("deepseek", _DEEPSEEK, "2025-09-29", "2026-04-24", input="0.28", cache_read="0.028", output="0.42"),
    _amend("deepseek", _DEEPSEEK, "2026-04-24", "2026-04-26", input="0.14", cache_read="0.028", output="0.28"),
    _amend("deepseek", _DEEPSEEK, "2026-04-26", "", input="0.14", cache_read="0.0028", output="0.28"),
)


def tier_of(tier: str) -> str:
    """A service tier in lower case; "" for the standard one.

    "auto" is standard: it is what APIs assume when nothing is asked for, and without capacity bought in advance it
    resolves to the standard tier. Which tier served is in the response; sources should report that.
    """
    name = tier.strip().lower()
    return "" if name in _STANDARD else name


def same_as_standard(provider: str, tier: str) -> bool:
    """Whether a tier is published to cost what the standard one costs: Groq's flex tier."""
    return provider == "groq" and tier == "flex"


def batch_price(provider: str, model: str, kind: str, price: Fraction) -> Fraction | None:
    """What a batch pays where only the provider's general discount is known; None if it has none for this."""
    if provider not in _HALVED or (provider, model) in _NOT_HALVED:
        return None
    if kind in _TOKENS or (kind == "cache_read" and "claude" in model):
        return price * _HALF
    return price if kind in _UNDISCOUNTED else None


def is_free(provider: str, model: str, comment: str | None) -> bool:
    """Whether a model that the library has without any price is published to be free."""
    return model.endswith(":free") or (provider, model) in _FREE or bool(_SAID_FREE.search(comment or ""))


def free_output(comment: str | None) -> bool:
    """Whether a model that the library has without a price of output is published not to charge for it."""
    return bool(_SAID_FREE_OUTPUT.search(comment or ""))


def least_seconds(provider: str, model: str) -> int:
    """Seconds of audio that a call is charged for at least: Groq's transcriptions count 10."""
    return 10 if provider == "groq" and model.startswith("whisper-large-v3") else 0


def amendment(provider: str, model: str, day: str) -> dict[str, Fraction]:
    """Dollars per million by type that replace or complete the library's prices on a day (an ISO date)."""
    found: dict[str, Fraction] = {}
    for maker, names, first, end, prices in _AMENDMENTS:
        if maker == provider and names.fullmatch(model) and first <= day and (not end or day < end):
            found |= prices
    return found


def amendment_days(provider: str, model: str) -> set[str]:
    """The days (ISO dates) on which an amendment of a model begins or ends."""
    return {
        day
        for maker, names, first, end, _ in _AMENDMENTS
        if maker == provider and names.fullmatch(model)
        for day in (first, end)
        if day
    }
