"""Every use of `cases.py` costs what its expression says; the table covers what it should."""

from __future__ import annotations

import datetime

import pytest

from agent_observability.llm_cost.metrics import COST_TYPES, UNPRICED_REASONS
from agent_observability.llm_cost.pricing.pricer import Pricer
from agent_observability.llm_cost.pricing.providers import canonical
from agent_observability.llm_cost.usage import Usage

from .cases import CASES, Case


@pytest.fixture(scope="module")
def pricer() -> Pricer:
    return Pricer()


def use(case: Case) -> Usage:
    moment = datetime.datetime.fromisoformat(case.at).replace(tzinfo=datetime.UTC)
    return Usage(
        timestamp=int(moment.timestamp() * 1000),
        id="use",
        provider=canonical(case.provider, case.model),
        model=case.model,
        tokens=case.tokens,
        units=case.units,
        tier=case.tier,
        batch=case.batch,
        aggregated=case.aggregated,
        operation=case.operation,
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_price(pricer: Pricer, case: Case) -> None:
    priced = pricer.price(use(case))
    assert priced.source == "estimated"
    assert (priced.reason or sum(amount for _, amount in priced.amounts)) == case.cost
    if isinstance(case.cost, str):
        assert case.cost in UNPRICED_REASONS
        assert priced.amounts == ()
    assert all(kind in COST_TYPES and amount > 0 for kind, amount in priced.amounts)


def test_table_covers_models_and_ways_to_charge() -> None:
    priced = [case for case in CASES if isinstance(case.cost, int) and case.cost]
    assert len(priced) >= 65
    named = " ".join(case.model for case in priced)
    for family in (
        "gpt-4 ",
        "gpt-3.5-turbo",
        "whisper-1",
        "tts-1",
        "claude-3-opus",
        "claude-3-sonnet",
        "claude-3-haiku",
    ):
        assert family in named
    for family in (
        "claude-3-5-",
        "claude-3-7-",
        "claude-opus-4-5",
        "claude-sonnet-4-",
        "claude-haiku-4-5",
        "grok",
        "gemini",
    ):
        assert family in named
    for field in ("cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output"):
        assert any(getattr(case.tokens, field) for case in priced)
    for field in ("characters", "audio_seconds", "images", "tool_calls"):
        assert any(getattr(case.units, field) for case in priced)
    reasons = {case.cost for case in CASES if isinstance(case.cost, str)}
    assert reasons == {"unknown_model", "unknown_provider", "unknown_tier", "no_price"}
