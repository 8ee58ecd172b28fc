"""Calls of a model that has no price yet, and the price it gets."""

from __future__ import annotations

import time
from typing import Any

from tests.llm_cost.living import PRICES

NEW = PRICES + "  - {provider: house, model: house-2, per_million: {input: 3, output: 0.000001}}\n"
"""Three millionths of a dollar for each token in, and the thousandth of a nano-dollar for each out."""
MODEL = "house/house-2"


def use(number: int, model: str = "house-2", **fields: Any) -> dict[str, Any]:
    """One of some seconds ago."""
    return {
        "id": f"e{number}",
        "timestamp": round(time.time() - 600 + number / 1000, 3),
        "provider": "house",
        "model": model,
        "project": "p",
        "tokens": {"input": number, "output": 1},
    } | fields


def pico(numbers: range) -> int:
    """What these cost once there is a price."""
    return sum(3_000_000 * number + 1 for number in numbers)
