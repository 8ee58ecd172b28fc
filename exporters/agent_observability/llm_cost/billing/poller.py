"""All accounts of the configuration, and what is shown of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from agent_observability.collector import Sample
from agent_observability.llm_cost.billing import sums
from agent_observability.llm_cost.billing.account import FACT
from agent_observability.llm_cost.billing.anthropic import Anthropic
from agent_observability.llm_cost.billing.client import Clock, Pause
from agent_observability.llm_cost.billing.fetch import SOURCES, Api
from agent_observability.llm_cost.billing.openai import OpenAI
from agent_observability.llm_cost.billing.reports import DAY_SECONDS, Day
from agent_observability.llm_cost.billing.watch import Load, Ready, Submit, Watch
from agent_observability.llm_cost.config import BillingConfig
from agent_observability.llm_cost.metrics import (
    BILLED,
    PICO,
    POLL_DURATION,
    POLL_LAST_SUCCESS,
    POLL_SUCCESS,
    WINDOWS,
)
from agent_observability.metric import Metric
from agent_observability.runtime import SourceStatus

__all__ = ["FACTS", "Poller"]

FACTS = {FACT: 45.0 * DAY_SECONDS}
"""For `Ledger.keep`: days that no poll asks for any more, and accounts that were removed, are forgotten."""


class Poller:
    """A task per account. `submit` and `ready` are a ledger's, `load` reads the facts of the kind `account.FACT`."""

    def __init__(
        self,
        config: BillingConfig,
        *,
        submit: Submit,
        load: Load,
        ready: Ready,
        clock: Clock = time.time,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._clock = clock
        apis: list[tuple[str, str, float, Api]] = [
            *(("openai", one.name, one.interval, OpenAI(one, clock=clock, pause=pause)) for one in config.openai),
            *(
                ("anthropic", one.name, one.interval, Anthropic(one, clock=clock, pause=pause))
                for one in config.anthropic
            ),
        ]
        self.watches = [
            Watch(provider, name, api, interval, submit=submit, load=load, ready=ready, clock=clock, pause=pause)
            for provider, name, interval, api in apis
        ]

    @property
    def providers(self) -> list[str]:
        """Those with an account."""
        return list(dict.fromkeys(watch.account.provider for watch in self.watches))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self.watches:
                tasks.create_task(watch.run())

    def today(self, provider: str) -> Day:
        """The UTC day by the provider's clock; of several accounts the earliest, which all of them have begun."""
        days = [watch.api.client.today for watch in self.watches if watch.account.provider == provider]
        return min(days, default=int(self._clock() // DAY_SECONDS))

    def billed_between(self, provider: str, first: Day, last: Day) -> int | None:
        """Pico-dollars billed for these days, of all accounts; None unless all are known."""
        accounts = [watch.account for watch in self.watches if watch.account.provider == provider]
        return sums.billed_between(accounts, first, last)

    def snapshot(self) -> list[tuple[Metric, list[Sample]]]:
        """All gauges but the capture ratio, for which it takes what was metered. May be called from any thread."""
        now = self._clock()
        bills: list[Sample] = []
        success: list[Sample] = []
        last: list[Sample] = []
        duration: list[Sample] = []
        for watch in self.watches:
            account, attempts = watch.account, watch.attempts
            for window in WINDOWS:
                cost = sums.billed(account, window, now, watch.api.client.today)
                if cost is not None:
                    bills.append(((account.provider, account.name, window), cost / PICO))
            for source, at in zip(SOURCES, (account.usage_at, account.costs_at), strict=True):
                labels = (f"{watch.title}/{source}",)
                if at:
                    last.append((labels, at))
                if attempt := attempts.get(source):
                    success.append((labels, float(not attempt.problem)))
                    duration.append((labels, attempt.seconds))
        return [(BILLED, bills), (POLL_SUCCESS, success), (POLL_LAST_SUCCESS, last), (POLL_DURATION, duration)]

    def sources(self) -> Sequence[SourceStatus]:
        """For the landing page."""
        now = self._clock()
        found = []
        for watch in self.watches:
            for source, at in zip(SOURCES, (watch.account.usage_at, watch.account.costs_at), strict=True):
                attempt = watch.attempts.get(source)
                problem = "not read yet" if attempt is None else attempt.problem
                detail = problem or watch.api.client.note or f"{len(watch.account.bills)} days"
                lag = f"{max(now - at, 0):.0f} s" if at else ""
                found.append(SourceStatus(f"{watch.title}/{source}", not problem, lag, detail))
        return found
