"""The `llm_cost` section of the configuration."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent_observability.decode import Secret
from agent_observability.metric import OTHER
from agent_observability.units import Duration

__all__ = ["AccountConfig", "BillingConfig", "BudgetConfig", "LlmCostConfig", "OtlpConfig"]

_FEATURES = ("voice_architect", "e2e_generation", "voice_interface", "agent_execution")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Url = Annotated[str, msgspec.Meta(pattern="^https?://[^?#]+$")]


class BudgetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars for one day or month of the configured time zone: in total, or of one provider, project or feature."""

    name: Name
    usd: Annotated[float, msgspec.Meta(gt=0, le=1e12)]
    period: Literal["day", "month"]
    scope: Literal["total", "provider", "project", "feature"] = "total"
    key: str = ""

    def __post_init__(self) -> None:
        if (self.scope == "total") != (not self.key):
            raise ValueError("a budget of a provider, project or feature has a key, one in total has none")


class OtlpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which signal counts where the same use of a model arrives as several."""

    genai: Literal["spans", "metrics"] = "spans"
    coding_agents: Literal["logs", "metrics"] = "logs"


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One organization at a provider, read with an admin key of it."""

    name: Name = "default"
    key: Secret
    url: Url = ""
    """Where its admin API is, for proxies and tests; the provider's own address when empty."""
    interval: Annotated[Duration, msgspec.Meta(ge=60)] = Duration(300)
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30)


class BillingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whose usage and cost reports are read."""

    openai: list[AccountConfig] = []
    anthropic: list[AccountConfig] = []

    def __post_init__(self) -> None:
        for provider, accounts in (("openai", self.openai), ("anthropic", self.anthropic)):
            names = [account.name for account in accounts]
            if len(set(names)) < len(names):
                raise ValueError(f"accounts of {provider} need different names")


_BUDGETS = (
    BudgetConfig(name="daily", usd=100.0, period="day"),
    BudgetConfig(name="monthly", usd=1000.0, period="month"),
)


class LlmCostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`prices` is a file of the user's own prices. Days, months and budgets are those of `time_zone`.

    Events that are older than `oldest`, or further in the future than `ahead`, are rejected.
    """

    time_zone: str = "UTC"
    features: list[Name] = msgspec.field(default_factory=lambda: list(_FEATURES))
    budgets: list[BudgetConfig] = msgspec.field(default_factory=lambda: list(_BUDGETS))
    prices: Path | None = None
    otlp: OtlpConfig = OtlpConfig()
    billing: BillingConfig = BillingConfig()
    oldest: Duration = Duration(30 * 86_400)
    ahead: Duration = Duration(300)

    def __post_init__(self) -> None:
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"time_zone {self.time_zone!r} is none such as Europe/Berlin") from None
        known = {*self.features, OTHER}
        if strange := [budget.key for budget in self.budgets if budget.scope == "feature" and budget.key not in known]:
            raise ValueError(f"a budget is for the feature {strange[0]!r}, which is none of features")
        names = [budget.name for budget in self.budgets]
        if len(set(names)) < len(names):
            raise ValueError("budgets need different names")
