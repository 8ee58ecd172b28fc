"""Uses of models for tests, and what they cost in all."""

from __future__ import annotations

import datetime

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.pricing.pricer import Priced, Pricer
from agent_observability.llm_cost.pricing.prices import parse
from agent_observability.llm_cost.usage import Tokens, Usage

M = PICO // 1_000_000
"""A dollar per million tokens, in pico-dollars per token."""


def at(moment: str) -> int:
    return int(datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC).timestamp() * 1000)


NOW = at("2026-11-18T12:00")


def usage(provider: str, model: str, tokens: Tokens = Tokens(input=1000, output=100), **more: object) -> Usage:  # noqa: B008
    return Usage(**{"timestamp": NOW, "id": "x", "provider": provider, "model": model, "tokens": tokens} | more)


def pricer(text: str) -> Pricer:
    return Pricer(parse(text, "prices.yaml"))


def total(priced: Priced) -> int:
    assert priced.reason == ""
    return sum(amount for _, amount in priced.amounts)
