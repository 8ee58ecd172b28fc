"""Questions to providers: page after page, as patiently as they want, and with their clock."""

from __future__ import annotations

from collections import Counter

import pytest
from aiohttp import web

from agent_observability.decode import Secret
from agent_observability.llm_cost.billing.anthropic import Anthropic
from agent_observability.llm_cost.billing.errors import (
    AnswerError,
    ThrottledError,
    UnavailableError,
)
from agent_observability.llm_cost.billing.openai import ENDPOINTS, OpenAI
from agent_observability.llm_cost.config import AccountConfig
from agent_observability.units import Duration
from tests.llm_cost.billing.asking import EMPTY, KEY, TODAY, Asking, then
from tests.llm_cost.billing.lab import CLAUDE, GPT, answering, day, providers


async def test_pages_are_followed_to_their_end() -> None:
    async with providers("2026-03-18T12:00", page=2) as world:
        for date in range(1, 19):
            world.use(f"2026-03-{date:02d}T01:00", input=date, cost=date)
            world.use(f"2026-03-{date:02d}T01:00", input=date, cost=date, model=CLAUDE)
        config = world.config()
        for api, model in ((OpenAI(config.openai[0]), GPT), (Anthropic(config.anthropic[0]), CLAUDE)):
            usage, costs = await api.usage(day("2026-03-01")), await api.costs(day("2026-03-01"))
            await api.client.close()
            assert [usage[TODAY - 17 + n][model][1] for n in range(18)] == list(range(1, 19))
            assert [costs[TODAY - 17 + n] for n in range(18)] == [n * 10**12 for n in range(1, 19)]
        # 18 days in pages of 2, of each of the endpoints and of the costs.
        assert set(world.openai.asked.values()) == {9}
        assert len(world.openai.asked) == len(ENDPOINTS) + 1
        assert list(world.anthropic.asked.values()) == [9, 9]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_an_address_may_end_in_different_ways(suffix: str) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T01:00", input=1, cost=2)
        asking = Asking(f"{world.url}/openai{suffix}", key=world.keys[0])
        assert (await asking.costs())[TODAY] == 2 * 10**12


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (429, "7", [7.0]),
        (429, "Wed, 18 Mar 2026 12:00:30 GMT", [30.0]),
        (429, "", [5.0]),
        (503, "9", [9.0]),
        (529, "11", [11.0]),
    ],
)
async def test_waits_as_long_as_it_is_told(status: int, retry_after: str, expected: list[float]) -> None:
    headers = {"Retry-After": retry_after} if retry_after else {}
    headers["Date"] = "Wed, 18 Mar 2026 12:00:00 GMT"
    busy = web.Response(status=status, headers=headers)
    handle, asked = then(busy, web.json_response(EMPTY))
    async with answering(handle) as url:
        asking = Asking(url)
        assert await asking.costs() == {}
        assert (asking.pauses.taken, asked.total()) == (expected, 2)


async def test_a_date_to_wait_for_is_one_of_the_servers_clock() -> None:
    """Which is an hour ahead, so that ours would wait an hour too long."""
    headers = {"Retry-After": "Wed, 18 Mar 2026 13:00:20 GMT", "Date": "Wed, 18 Mar 2026 13:00:00 GMT"}
    handle, _ = then(web.Response(status=429, headers=headers), web.json_response(EMPTY))
    async with answering(handle) as url:
        asking = Asking(url)
        await asking.costs()
        assert asking.pauses.taken == [20.0]


async def test_a_long_wait_is_left_to_the_poller() -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.status[429] = 9
        world.openai.faults.retry_after = "120"
        asking = Asking(f"{world.url}/openai", key=world.keys[0])
        with pytest.raises(ThrottledError) as error:
            await asking.costs()
        assert error.value.seconds == 120
        assert (asking.pauses.taken, world.openai.asked.total()) == ([], 1)


@pytest.mark.parametrize("failures", [1, 3, 4])
async def test_passing_failures_are_borne(failures: int) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T01:00", input=1, cost=2)
        world.openai.faults.status[500] = failures
        asking = Asking(f"{world.url}/openai", key=world.keys[0])
        if failures < 4:
            assert (await asking.costs())[TODAY] == 2 * 10**12
        else:
            assert await asking.fails(UnavailableError) == "/v1/organization/costs answered 500"
        assert world.openai.asked.total() == min(failures + 1, 4)
        assert len(asking.pauses.taken) == min(failures, 3)
        # Each longer than the one before, none long.
        assert all(0.8 * 2**n <= seconds <= 1.6 * 2**n for n, seconds in enumerate(asking.pauses.taken))


async def test_an_answer_that_is_cut_is_asked_for_again() -> None:
    async with providers("2026-03-18T12:00") as world:
        world.use("2026-03-18T01:00", input=1, cost=2)
        world.openai.faults.cut = 2
        asking = Asking(f"{world.url}/openai", key=world.keys[0])
        assert (await asking.costs())[TODAY] == 2 * 10**12
        assert world.openai.asked.total() == 3
        world.openai.faults.cut = 9
        assert "the answer is not whole" in await Asking(f"{world.url}/openai", key=world.keys[0]).fails(
            UnavailableError
        )


async def test_bad_json_is_said_and_not_asked_for_again() -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.malformed = 1
        asking = Asking(f"{world.url}/openai", key=world.keys[0])
        assert "bytes that are no JSON" in await asking.fails(AnswerError)
        assert world.openai.asked.total() == 1


async def test_a_slow_provider() -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.latency = 30
        asking = Asking(f"{world.url}/openai", key=world.keys[0], timeout=0.05)
        assert "no answer within" in await asking.fails(UnavailableError)
        assert len(asking.pauses.taken) == 3


async def test_pages_without_end() -> None:
    asked = Counter[str]()

    async def handle(request: web.Request) -> web.StreamResponse:
        asked["pages"] += 1
        return web.json_response({**EMPTY, "has_more": True, "next_page": f"page_{asked['pages']}"})

    async with answering(handle) as url:
        assert "expected at most 50 pages" in await Asking(url).fails(AnswerError)
        assert asked.total() == 50


async def test_pages_in_a_circle() -> None:
    again = web.json_response({**EMPTY, "has_more": True, "next_page": "page_1"})
    handle, asked = then(web.json_response({**EMPTY, "has_more": True, "next_page": "page_1"}), again)
    async with answering(handle) as url:
        assert "page 2 leads back" in await Asking(url).fails(AnswerError)
        assert asked.total() == 2


async def test_the_costs_of_many_projects_fit_into_an_answer() -> None:
    """A provider that is asked to tell them apart does, for each project and line item of each day."""

    async def handle(request: web.Request) -> web.StreamResponse:
        parts = 2_000 if "group_by" in request.query else 1
        amount = {"value": 1_000 / parts, "currency": "usd"}
        result = {
            "object": "organization.costs.result",
            "amount": amount,
            "line_item": "x" * 40,
            "project_id": "p" * 30,
        }
        days = [{"start_time": (TODAY - ago) * 86_400, "results": [result] * parts} for ago in range(40)]
        return web.json_response({**EMPTY, "data": days})

    async with answering(handle) as url:
        assert (await Asking(url).costs())[TODAY] == 1_000 * 10**12


async def test_what_is_sent() -> None:
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response(EMPTY)

    async with answering(handle) as url:
        config = AccountConfig(key=Secret(KEY), url=url, timeout=Duration(5))
        for api in (OpenAI(config), Anthropic(config)):
            await api.costs(TODAY)
            await api.usage(TODAY)
            await api.client.close()
    openai, anthropic = seen[0], seen[-1]
    assert openai.headers["Authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in openai.headers
    assert list(openai.query.items()) == [
        ("start_time", str(TODAY * 86_400)),
        ("bucket_width", "1d"),
        ("limit", "180"),
    ]
    assert (anthropic.headers["x-api-key"], anthropic.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in anthropic.headers
    assert anthropic.path == "/v1/organizations/usage_report/messages"
    assert list(anthropic.query.items()) == [
        ("starting_at", "2026-03-18T00:00:00Z"),
        ("bucket_width", "1d"),
        ("limit", "31"),
        ("group_by[]", "model"),
    ]


@pytest.mark.parametrize(("skew", "today"), [(-86_400, TODAY - 1), (45, TODAY), (12 * 3_600, TODAY + 1), (9e6, TODAY)])
async def test_the_providers_clock_decides_what_day_it_is(skew: float, today: int) -> None:
    async with providers("2026-03-18T12:00") as world:
        world.openai.faults.skew = skew
        asking = Asking(f"{world.url}/openai", key=world.keys[0])
        assert (asking.api.client.today, asking.api.client.note) == (TODAY, "")
        await asking.costs()
        assert asking.api.client.today == today
        assert bool(asking.api.client.note) == (abs(skew) > 60)
