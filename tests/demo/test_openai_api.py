"""The demo's OpenAI answers as the real one does: whom, what, in which pages, and when it does not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from agent_observability.demo.billing import Meter, Spent
from agent_observability.demo.openai_api import OpenAIAdminApi
from agent_observability.llm_cost.usage import Tokens, Units
from tests.demo.asking import Asked, asking
from tests.llm_cost.billing.lab import Clock, at

KEY = "sk-admin-of-the-tests"
ADMIN = {"Authorization": f"Bearer {KEY}"}
START = int(at("2026-03-18"))
COSTS, COMPLETIONS = "/v1/organization/costs", "/v1/organization/usage/completions"
TODAY = {"start_time": str(START)}


@contextlib.asynccontextmanager
async def served(*, page: int | None = None) -> AsyncIterator[tuple[Asked, Meter, OpenAIAdminApi]]:
    meter = Meter(ratio=1.0, late=0, restates=False, clock=Clock(at("2026-03-18T12:00")))
    api = OpenAIAdminApi(meter, KEY, page=page)
    async with asking(api, ADMIN) as asked:
        yield asked, meter, api


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        ("Bearer wrong", 401, "invalid_api_key"),
        (f"Bearer {KEY}x", 401, "invalid_api_key"),
        ("Bearer sk-of-a-project", 403, "missing_scope"),
        (f"Bearer {KEY}", 200, None),
    ],
)
async def test_only_admin_keys(authorization: str | None, status: int, code: str | None) -> None:
    async with served() as (asked, _, _):
        headers = {"Authorization": authorization} if authorization else {}
        found, body, _ = await asked.get(COSTS, TODAY, headers)
        assert found == status
        if code is None:
            assert set(body) == {"object", "data", "has_more", "next_page"}
        else:
            assert set(body["error"]) == {"message", "type", "param", "code"}
            assert (body["error"]["type"], body["error"]["code"]) == ("invalid_request_error", code)


@pytest.mark.parametrize(
    ("path", "parameters", "parameter"),
    [
        (COSTS, {}, "start_time"),
        (COSTS, {"start_time": "yesterday"}, "start_time"),
        (COSTS, {"start_time": "-1"}, "start_time"),
        (COSTS, {"start_time": str(START + 86_400)}, "start_time"),
        (COSTS, {**TODAY, "end_time": str(START)}, "start_time"),
        (COSTS, {**TODAY, "bucket_width": "1h"}, "bucket_width"),
        (COSTS, {**TODAY, "limit": "181"}, "limit"),
        (COSTS, {**TODAY, "group_by": "model"}, "group_by"),
        (COSTS, {**TODAY, "page": "page_2"}, "page"),
        (COSTS, {**TODAY, "page": "page_MTIgMzQ="}, "page"),
        (COMPLETIONS, {**TODAY, "bucket_width": "1w"}, "bucket_width"),
        (COMPLETIONS, {**TODAY, "limit": "32"}, "limit"),
        (COMPLETIONS, {**TODAY, "limit": "0"}, "limit"),
        (COMPLETIONS, {**TODAY, "bucket_width": "1h", "limit": "169"}, "limit"),
        (COMPLETIONS, {**TODAY, "bucket_width": "1m", "limit": "1441"}, "limit"),
        (COMPLETIONS, {**TODAY, "group_by": "line_item"}, "group_by"),
        ("/v1/organization/usage/embeddings", {**TODAY, "group_by": "batch"}, "group_by"),
    ],
)
async def test_wrong_parameters_are_named(path: str, parameters: dict[str, str], parameter: str) -> None:
    async with served() as (asked, _, _):
        status, body, _ = await asked.get(path, parameters)
        assert (status, body["error"]["param"]) == (400, parameter)


@pytest.mark.parametrize(
    ("width", "limit", "buckets", "more"),
    [
        ("1d", None, 7, True),
        ("1d", "31", 31, True),
        ("1d", "3", 3, True),
        ("1h", None, 24, True),
        ("1h", "168", 168, True),
        ("1m", "1440", 1_440, True),
    ],
)
async def test_pages_have_as_many_buckets_as_their_width_allows(
    width: str, limit: str | None, buckets: int, more: bool
) -> None:
    async with served() as (asked, _, _):
        start = START - 40 * 86_400
        parameters = {"start_time": str(start), "bucket_width": width, **({"limit": limit} if limit else {})}
        _, body, _ = await asked.get(COMPLETIONS, parameters)
        assert (len(body["data"]), body["has_more"], body["data"][0]["start_time"]) == (buckets, more, start)


async def test_pages_lead_to_the_present_by_tokens_that_belong_to_them() -> None:
    async with served(page=4) as (asked, _, _):
        parameters = {"start_time": str(START - 9 * 86_400 + 4_711), "limit": "31"}
        starts, token = [], ""
        for _ in range(3):
            _, body, _ = await asked.get(COMPLETIONS, {**parameters, **({"page": token} if token else {})})
            starts += [bucket["start_time"] for bucket in body["data"]]
            token = body["next_page"]
        assert (starts, token) == ([START + day * 86_400 for day in range(-9, 1)], None)
        _, body, _ = await asked.get(COMPLETIONS, parameters)
        status, _, _ = await asked.get(COSTS, {**parameters, "page": body["next_page"]})
        assert status == 400


async def test_usage_by_endpoint_and_group() -> None:
    async with served() as (asked, meter, _):
        now = at("2026-03-18T10:00")
        tokens = Tokens(
            input=10, cache_read=7, cache_write=2, cache_write_1h=1, output=5, audio_input=3, audio_output=4
        )
        meter.add(Spent(provider="openai", model="gpt-4o", timestamp=now, tokens=tokens, project="search"))
        meter.add(
            Spent(
                provider="openai", model="gpt-4o", timestamp=now, tokens=Tokens(input=100), project="docs", batch=True
            )
        )
        meter.add(Spent(provider="openai", model="text-embedding-3-small", timestamp=now, tokens=Tokens(input=9)))
        meter.add(Spent(provider="openai", model="omni-moderation-latest", timestamp=now, tokens=Tokens(input=8)))
        meter.add(Spent(provider="openai", model="whisper-1", timestamp=now, units=Units(audio_seconds=61.6)))
        meter.add(Spent(provider="openai", model="tts-1", timestamp=now, units=Units(characters=44)))
        meter.add(Spent(provider="openai", model="gpt-image-1", timestamp=now, units=Units(images=2)))
        meter.add(Spent(provider="anthropic", model="claude-haiku-4-5", timestamp=now, tokens=Tokens(input=1)))
        [[one]] = await asked.results(COMPLETIONS, TODAY)
        assert (one["model"], one["project_id"], one["batch"]) == (None, None, None)
        assert {name: value for name, value in one.items() if isinstance(value, int)} == {
            "input_tokens": 123,
            "input_uncached_tokens": 113,
            "input_cached_tokens": 7,
            "input_cache_write_tokens": 3,
            "input_text_tokens": 110,
            "input_audio_tokens": 3,
            "output_tokens": 9,
            "output_text_tokens": 5,
            "output_audio_tokens": 4,
            "num_model_requests": 2,
        }
        for group, expected in (
            ("model", {"gpt-4o"}),
            ("project_id", {"proj_search", "proj_docs"}),
            ("batch", {False, True}),
        ):
            for name in ("group_by", "group_by[]"):
                [results] = await asked.results(COMPLETIONS, {**TODAY, name: group})
                assert {result[group] for result in results} == expected
        for endpoint, field, number in (
            ("embeddings", "input_tokens", 9),
            ("moderations", "input_tokens", 8),
            ("audio_transcriptions", "seconds", 62),
            ("audio_speeches", "characters", 44),
            ("images", "images", 2),
        ):
            [[result]] = await asked.results(f"/v1/organization/usage/{endpoint}", TODAY)
            assert (result["object"], result[field]) == (f"organization.usage.{endpoint}.result", number)


async def test_costs_are_numbers_or_text_to_the_last_digit() -> None:
    async with served() as (asked, meter, _):
        pico = 12_345_678_901_234_567
        for day in ("2026-03-17T01:00", "2026-03-18T01:00"):
            meter.add(Spent(provider="openai", model="gpt-4o", timestamp=at(day), cost=pico, project="search"))
        parameters = [("start_time", str(START - 86_400)), ("group_by", "line_item"), ("group_by", "project_id")]
        url = f"{asked.url}{COSTS}"
        async with asked.session.get(url, params=parameters, headers=ADMIN) as response:
            page = json.loads(await response.text(), parse_float=lambda text: ("number", text))
        values = [[result["amount"]["value"] for result in bucket["results"]] for bucket in page["data"]]
        plain = [sorted(one if isinstance(one, str) else one[1] for one in amounts) for amounts in values]
        assert plain == [["4938.271560493826", "7407.407340740741"]] * 2
        assert {type(one) for amounts in values for one in amounts} == {str, tuple}
        results = page["data"][0]["results"]
        assert {(one["line_item"], one["project_id"]) for one in results} == {
            ("gpt-4o, input", "proj_search"),
            ("gpt-4o, output", "proj_search"),
        }
        [[whole]] = await asked.results(COSTS, TODAY)
        assert (whole["line_item"], whole["project_id"], whole["amount"]["currency"]) == (None, None, "usd")


async def test_faults_on_demand() -> None:
    async with served() as (asked, _, api):
        faults = {"status": {"429": 1, "500": 1}, "retry_after": "7", "malformed": 1, "cut": 1, "skew": 7_200}
        async with asked.session.post(f"{asked.url}/faults", json=faults) as response:
            assert response.status == 200
        status, body, headers = await asked.get(COSTS, TODAY)
        assert (status, headers["Retry-After"], body["error"]["code"]) == (429, "7", "rate_limit_exceeded")
        status, body, headers = await asked.get(COSTS, TODAY)
        assert (status, body["error"]["type"]) == (500, "server_error")
        assert "Retry-After" not in headers
        assert headers["Date"] == "Wed, 18 Mar 2026 14:00:00 GMT"
        # The first of the answers is both half and cut, which only shows as cut.
        with pytest.raises(aiohttp.ClientPayloadError):
            await asked.get(COSTS, TODAY)
        api.faults.malformed = 1
        with pytest.raises(json.JSONDecodeError):
            await asked.get(COSTS, TODAY)
        assert (await asked.get(COSTS, TODAY))[0] == 200
        with pytest.raises(ValueError, match="could not convert"):
            api.faults.set({"latency": "slow"})


async def test_what_is_asked_is_counted() -> None:
    async with served() as (asked, _, api):
        for path in (COSTS, COSTS, COMPLETIONS):
            await asked.get(path, TODAY)
        assert api.asked == {COSTS: 2, COMPLETIONS: 1}
