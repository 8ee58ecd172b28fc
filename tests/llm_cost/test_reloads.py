"""A new configuration under a running exporter."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from agent_observability.errors import ConfigError
from agent_observability.ledger.queries import daily
from agent_observability.llm_cost.booking import KIND
from agent_observability.llm_cost.budgets import budgets
from agent_observability.llm_cost.config import BudgetConfig, LlmCostConfig
from tests.llm_cost.living import living, prices_in
from tests.llm_cost.using import HOUSE, agrees, use
from tests.support import wait_until_async


async def test_reloads_under_load(tmp_path: Path) -> None:
    """Each reload reads the books anew; nobody who repeats what was refused loses or doubles anything."""
    async with living(tmp_path) as it:
        done = False
        refused = 0

        async def client(number: int) -> None:
            nonlocal refused
            for n in range(40):
                event = use(id=f"{number}-{n}")
                while (await it.post("usage", event))[0] == 503:
                    refused += 1
                    await asyncio.sleep(0.005)

        async def reload() -> None:
            for number in range(1_000):
                if done:
                    return
                section = it.service.section
                assert isinstance(section, LlmCostConfig)
                features = ["agent_execution", f"feature {number % 10}"]
                it.service.reload(LlmCostConfig(prices=section.prices, features=features))
                await asyncio.sleep(0.05)

        reloading = asyncio.create_task(reload())
        await asyncio.gather(*map(client, range(8)))
        done = True
        await reloading
        await it.ready()
        await agrees(it)
        assert it.days()["requests"] == 320
        print(f"{refused} of {320 + refused} pushes came while the books were read")


async def test_a_reload_changes_features_budgets_and_zone(tmp_path: Path) -> None:
    async with living(tmp_path) as it:
        await it.push(use(feature="new one"), use())
        other = "Pacific/Kiritimati"
        budget = BudgetConfig(name="new", usd=10, period="month", scope="feature", key="new one")
        prices = prices_in(tmp_path)
        prices.write_text(prices.read_text().replace("input: 2", "input: 20"))
        section = LlmCostConfig(features=["new one"], budgets=[budget], time_zone=other, prices=prices)
        it.service.reload(section)
        await wait_until_async(lambda: it.runtime._life and it.runtime._life.section is section)
        await it.push(use(feature="new one"), use())
        costs = await it.values("llm_cost_usd_total")
        by_feature = {name.partition('feature="')[2].partition('"')[0]: value for name, value in costs.items()}
        # What was counted before stays where it was.
        assert by_feature == {"other": 22, "agent_execution": 2, "new one": 20}
        units = await it.shown('llm_feature_units_total{feature="new one"')
        assert len(units) == 3
        labels = 'budget="new",scope="feature",key="new one",period="month"'
        found = await it.values("llm_budget")
        calendar = it.runtime._life.calendar  # type: ignore[union-attr]
        [state] = budgets([budget], calendar, time.time(), None)
        assert found == {
            f"llm_budget_limit_usd{{{labels}}}": 10,
            f"llm_budget_spent_usd{{{labels}}}": 20,
            f"llm_budget_remaining_usd{{{labels}}}": -10,
            f"llm_budget_reset_timestamp_seconds{{{labels}}}": state.reset,
        }
        assert calendar.zone.key == other
        today = calendar.today(time.time())
        late = [row.amounts[0] for row in daily(it.ledger.backend, kinds=[KIND], first=today, last=today)]
        assert sum(late) >= 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prices: [{provider: house, model: house-1, per_million: {input: -2}}]", "input"),
        ("prices: [", "prices.yaml"),
        (None, "No such file"),
    ],
)
async def test_a_broken_file_of_prices_changes_nothing(tmp_path: Path, text: str | None, problem: str) -> None:
    async with living(tmp_path) as it:
        await it.push(use())
        file = prices_in(tmp_path)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
        life = it.runtime._life
        with pytest.raises(ConfigError, match=problem):
            it.service.reload(LlmCostConfig(prices=file, features=["x"], budgets=[]))
        await it.push(use())
        assert it.runtime._life is life
        assert await it.values("llm_cost_usd_total") == {
            f'llm_cost_usd_total{{{HOUSE},type="input",cost_source="estimated"}}': 4
        }
        assert len(await it.scrape("llm_budget_limit_usd")) == 2
