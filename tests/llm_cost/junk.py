"""A flood of models, projects and operations that nobody has heard of."""

from __future__ import annotations

from pathlib import Path

from agent_observability.llm_cost.metrics import PICO
from tests.llm_cost.living import living, total
from tests.llm_cost.using import use

__all__ = ["junk"]


async def junk(tmp_path: Path, number: int) -> None:
    """Series, label tuples in the ledger and memory stay bounded, and no token or dollar is lost."""
    together = 5_000
    async with living(tmp_path) as it:
        before = _resident()
        for first in range(0, number, together):
            await it.push(
                *(
                    use(1, model=f"junk-{n}", project=f"p{n % 1_500}", operation=f"o{n}", cost_usd="0.000000000003")
                    for n in range(first, first + together)
                )
            )
        grown = _resident() - before
        requests = await it.shown("llm_requests_total{")
        assert total(requests) == number
        assert sum(int(line.rsplit(" ", 1)[1]) for line in await it.shown("llm_tokens_total{")) == number
        assert round(total(await it.shown("llm_cost_usd_total{")) * PICO) == 3 * number
        everything = await it.scrape()
        rows = it.ledger.backend.rows()
        print(f"{len(everything)} lines, {rows['dimension']} label tuples, {rows['series']} series, +{grown >> 20} MiB")
        assert len(requests) <= 20_000
        assert len({line.partition('model="')[2].partition('"')[0] for line in requests}) <= 201
        assert rows["dimension"] <= 20_003
        assert grown < 250 * 1024**2
        days = it.days()
        assert (days["requests"], days["pico_usd"]) == (number, 3 * number)
        gauge = await it.scrape("llm_cost_today_usd{")
        assert len(gauge) <= 10_000
        assert round(total(gauge) * PICO) == 3 * number
        dropped = await it.values('agent_obs_series_dropped_total{metric="llm_requests_total"')
        assert sum(dropped.values()) > 0


def _resident() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4096
