"""How a use of a model and its cost, worked out by hand from published prices, are written down.

`M` is a price of one dollar per million tokens: a million pico-dollars per token. `C` is a cent per million, `T` a
tenth of a cent per million. So `3 * M * 1000 + 15 * M * 200` are 1,000 tokens at $3.00 and 200 at $15.00 per million.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.usage import NO_UNITS, Tokens, Units

M = PICO // 1_000_000
C = M // 100
T = C // 10
NO_TOKENS = Tokens()
SEARCH = PICO // 100
"""Web searches at $10 per thousand."""


@dataclass(frozen=True)
class Case:
    """One use; `cost` in pico-dollars, or why it has none. `model` and `provider` as telemetry reports them."""

    provider: str
    model: str
    cost: int | str
    tokens: Tokens = NO_TOKENS
    at: str = "2026-11-18T12:00"  # a Wednesday
    units: Units = NO_UNITS
    tier: str = ""
    batch: bool = False
    aggregated: bool = False
    operation: str = "chat"

    def __str__(self) -> str:
        extra = [self.tier, "batch" if self.batch else "", "sum" if self.aggregated else ""]
        return " ".join(filter(None, [self.provider, self.model, self.at, *extra]))


def t(input: int = 0, output: int = 0, **more: int) -> Tokens:  # noqa: A002
    return Tokens(input=input, output=output, **more)
