"""What the demo's providers have metered: late, restated, bounded, and with a past that agrees with its bills."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from agent_observability.demo.anthropic_api import AnthropicAdminApi
from agent_observability.demo.billing import Meter, Part, Spent
from agent_observability.demo.openai_api import OpenAIAdminApi
from agent_observability.demo.traffic import Traffic, spent
from agent_observability.llm_cost.billing.sums import capture_days, capture_ratio
from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.usage import Tokens
from tests.llm_cost.billing.lab import ANTHROPIC_KEY, OPENAI_KEY, Clock, Providers, at, day, polling, serving

DAY = 86_400


def meter(now: str, *, ratio: float = 1.0, late: float = 0.0, restates: bool = False) -> tuple[Meter, Clock]:
    clock = Clock(at(now))
    return Meter(ratio=ratio, late=late, restates=restates, clock=clock), clock


def reported(found: Meter, date: str) -> Counter[str]:
    """Of a whole day."""
    start = int(at(date))
    return sum(found.reported("openai", start, start + DAY).values(), Counter[str]())


def test_usage_appears_late() -> None:
    found, clock = meter("2026-03-18T12:00", late=240)
    found.add(Spent(provider="openai", model="gpt", timestamp=at("2026-03-18T12:00"), tokens=Tokens(input=5), cost=7))
    assert reported(found, "2026-03-18")["input"] == 0
    clock.set("2026-03-18T12:04")
    assert reported(found, "2026-03-18")["input"] == 0
    clock.set("2026-03-18T12:05")
    assert reported(found, "2026-03-18") == {"input": 5, "cost": 7, "requests": 1}


def test_bills_follow_the_ratio() -> None:
    found, _ = meter("2026-03-18T12:00", ratio=0.99)
    found.add(
        Spent(
            provider="openai",
            model="gpt",
            timestamp=at("2026-03-18T11:00"),
            tokens=Tokens(input=1_000),
            cost=100 * PICO,
        )
    )
    assert reported(found, "2026-03-18")["cost"] == 99 * PICO
    assert reported(found, "2026-03-18")["input"] == 1_000
    assert found.metered("openai", day("2026-03-18"), day("2026-03-18")) == 100 * PICO


def test_some_days_are_restated_up_and_some_down() -> None:
    found, clock = meter("2026-03-18T12:00", restates=True)
    seen = Counter[int]()
    for date in range(1, 29):
        text = f"2026-05-{date:02d}"
        clock.set(f"{text}T23:00")
        found.add(Spent(provider="openai", model="gpt", timestamp=at(f"{text}T20:00"), tokens=Tokens(input=1_000)))
        before = reported(found, text)["input"]
        clock.now += 2 * DAY
        assert reported(found, text)["input"] == 1_000
        seen[before] += 1
    assert set(seen) == {960, 1_000, 1_030}


def test_a_day_is_restated_on_demand() -> None:
    found, _ = meter("2026-03-18T12:00")
    found.add(
        Spent(provider="openai", model="gpt", timestamp=at("2026-03-17T11:00"), tokens=Tokens(input=1_000), cost=500)
    )
    found.restate("openai", day("2026-03-17"), 1_100)
    assert reported(found, "2026-03-17") == {"input": 1_100, "cost": 550, "requests": 1}


def test_minutes_become_hours_and_are_forgotten_in_the_end() -> None:
    found, clock = meter("2026-03-18T00:00")
    for minute in range(6 * 60):
        found.add(
            Spent(provider="openai", model="gpt", timestamp=clock.now + minute * 60, tokens=Tokens(input=1), cost=3)
        )
    assert len(found._sums["openai"]) == 360
    clock.now += 4 * DAY
    found.add(Spent(provider="openai", model="gpt", timestamp=clock.now, tokens=Tokens(input=1)))
    assert len(found._sums["openai"]) == 7
    assert reported(found, "2026-03-18") == {"input": 360, "cost": 1_080, "requests": 360}
    assert found.metered("openai", day("2026-03-18"), day("2026-03-18")) == 1_080
    clock.now += 60 * DAY
    found.add(Spent(provider="openai", model="gpt", timestamp=clock.now, tokens=Tokens(input=1)))
    assert len(found._sums["openai"]) == 2


def test_parts_are_told_apart() -> None:
    found, _ = meter("2026-03-18T12:00")
    now = at("2026-03-18T11:00")
    for model, project, batch in (("a", "x", False), ("a", "x", True), ("a", "y", False), ("b", "x", False)):
        found.add(
            Spent(provider="openai", model=model, timestamp=now, tokens=Tokens(input=1), project=project, batch=batch)
        )
    assert set(found.reported("openai", int(now), int(now) + 60)) == {
        Part("a", "x", False),
        Part("a", "x", True),
        Part("a", "y", False),
        Part("b", "x", False),
    }
    assert found.reported("anthropic", int(now), int(now) + 60) == {}


async def test_a_seeded_past_shows_bills_and_a_capture_ratio_at_once(tmp_path: Path) -> None:
    clock = Clock(at("2026-03-18T12:34"))
    found = Meter(clock=clock)
    for call in Traffic().past(clock.now, 40):
        found.add(spent(call))
    world = Providers(clock, found, OpenAIAdminApi(found, OPENAI_KEY), AnthropicAdminApi(found, ANTHROPIC_KEY))
    routes = (*world.openai.routes(), *world.anthropic.routes())
    async with serving(*routes) as world.url, polling(tmp_path, world.config(), clock) as lab:
        ratios = {}
        for provider in ("openai", "anthropic"):
            first, last = capture_days(lab.poller.today(provider))
            metered = found.metered(provider, first, last)
            ratio = capture_ratio(metered, lab.poller.billed_between(provider, first, last))
            assert ratio is not None
            ratios[provider] = round(ratio, 6)
            assert (lab.billed("month_to_date", provider) or 0) > (lab.billed("yesterday", provider) or 0) > 1
        # As the meter bills 99 cents per metered dollar.
        assert ratios == {"openai": 1.010101, "anthropic": 1.010101}
