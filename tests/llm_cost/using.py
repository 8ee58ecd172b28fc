"""Events of a house model with a round price."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from agent_observability.llm_cost.metrics import PICO
from tests.llm_cost.living import Living, total

HOUSE = 'provider="house",model="house-1",project="p",feature="agent_execution"'
KEY = 'provider="house",project="p",feature="agent_execution"'
_numbers = itertools.count()


def use(count: int = 1_000_000, /, **fields: Any) -> dict[str, Any]:
    """An event of now, by default of two dollars."""
    return {
        "id": f"e{next(_numbers)}",
        "timestamp": time.time(),
        "provider": "house",
        "model": "house-1",
        "project": "p",
        "feature": "agent_execution",
        "tokens": {"input": count},
    } | fields


async def agrees(it: Living) -> None:
    """Counters, gauges and the sums in the ledger are one."""
    days = it.days()
    requests = await it.shown("llm_requests_total{")
    assert total(requests) == days["requests"]
    assert total(await it.shown("llm_cost_usd_total{")) == pytest.approx(days["pico_usd"] / PICO, abs=1e-9)
    assert total(await it.shown("llm_cost_month_to_date_usd{")) == pytest.approx(days["pico_usd"] / PICO, abs=1e-9)
