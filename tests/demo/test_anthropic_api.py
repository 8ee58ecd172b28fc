"""The demo's Anthropic answers as the real one does: whom, what, in which pages, and when it does not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from agent_observability.demo.anthropic_api import AnthropicAdminApi
from agent_observability.demo.billing import Meter, Spent
from agent_observability.llm_cost.usage import Tokens, Units
from tests.demo.asking import Asked, asking
from tests.llm_cost.billing.lab import Clock, at

KEY = "sk-ant-admin-of-the-tests"
VERSION = {"anthropic-version": "2023-06-01"}
ADMIN = {"x-api-key": KEY, **VERSION}
COSTS, USAGE = "/v1/organizations/cost_report", "/v1/organizations/usage_report/messages"
TODAY = {"starting_at": "2026-03-18T00:00:00Z"}


@contextlib.asynccontextmanager
async def served(*, page: int | None = None) -> AsyncIterator[tuple[Asked, Meter, AnthropicAdminApi]]:
    meter = Meter(ratio=1.0, late=0, restates=False, clock=Clock(at("2026-03-18T12:00")))
    api = AnthropicAdminApi(meter, KEY, page=page)
    async with asking(api, ADMIN) as asked:
        yield asked, meter, api


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        (VERSION, 401, "authentication_error"),
        ({"x-api-key": "wrong", **VERSION}, 401, "authentication_error"),
        ({"Authorization": f"Bearer {KEY}", **VERSION}, 401, "authentication_error"),
        ({"x-api-key": "sk-ant-of-a-workspace", **VERSION}, 403, "permission_error"),
        ({"x-api-key": KEY}, 400, "invalid_request_error"),
        (ADMIN, 200, None),
    ],
)
async def test_only_admin_keys(headers: dict[str, str], status: int, kind: str | None) -> None:
    async with served() as (asked, _, _):
        found, body, _ = await asked.get(COSTS, TODAY, headers)
        assert found == status
        if kind is None:
            assert set(body) == {"data", "has_more", "next_page"}
        else:
            assert set(body) == {"type", "error", "request_id"}
            assert (body["type"], body["error"]["type"]) == ("error", kind)


@pytest.mark.parametrize(
    ("path", "parameters", "word"),
    [
        (COSTS, {}, "starting_at"),
        (COSTS, {"starting_at": "yesterday"}, "starting_at"),
        (COSTS, {"starting_at": "2026-03-19T00:00:00Z"}, "starting_at"),
        (COSTS, {**TODAY, "ending_at": "2026-03-18T00:00:00Z"}, "starting_at"),
        (COSTS, {**TODAY, "ending_at": "2026-03-18T10:00:00Z"}, "starting_at"),
        (COSTS, {**TODAY, "bucket_width": "1h"}, "bucket_width"),
        (COSTS, {**TODAY, "limit": "32"}, "limit"),
        (COSTS, {**TODAY, "group_by[]": "model"}, "group_by"),
        (COSTS, {**TODAY, "page": "page_2"}, "page"),
        (USAGE, {**TODAY, "group_by[]": "description"}, "group_by"),
        (USAGE, {**TODAY, "group_by": "model"}, "group_by"),
        (USAGE, {**TODAY, "limit": "32"}, "limit"),
        (USAGE, {**TODAY, "bucket_width": "1h", "limit": "169"}, "limit"),
        (USAGE, {**TODAY, "start_time": "0"}, "start_time"),
    ],
)
async def test_wrong_parameters_are_named(path: str, parameters: dict[str, str], word: str) -> None:
    async with served() as (asked, _, _):
        status, body, _ = await asked.get(path, parameters)
        assert (status, body["error"]["type"]) == (400, "invalid_request_error")
        assert body["error"]["message"].startswith(word)


async def test_pages_lead_to_the_present() -> None:
    async with served(page=4) as (asked, _, _):
        parameters = {"starting_at": "2026-03-09T17:00:00+02:00", "limit": "31"}
        starts, token = [], ""
        for _ in range(3):
            _, body, _ = await asked.get(USAGE, {**parameters, **({"page": token} if token else {})})
            starts += [bucket["starting_at"] for bucket in body["data"]]
            token = body["next_page"]
        assert (starts, token) == ([f"2026-03-{day:02d}T00:00:00Z" for day in range(9, 19)], None)


async def test_only_buckets_that_have_ended_by_the_end() -> None:
    async with served() as (asked, _, _):
        parameters = {"starting_at": "2026-03-15T00:00:00Z", "ending_at": "2026-03-17T00:00:00Z"}
        _, body, _ = await asked.get(COSTS, parameters)
        assert [bucket["ending_at"] for bucket in body["data"]] == ["2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z"]


async def test_usage_by_group() -> None:
    async with served() as (asked, meter, _):
        now = at("2026-03-18T10:00")
        tokens = Tokens(input=10, cache_read=7, cache_write=2, cache_write_1h=1, output=5)
        meter.add(
            Spent(
                provider="anthropic",
                model="claude-a",
                timestamp=now,
                tokens=tokens,
                units=Units(tool_calls=3),
                project="search",
            )
        )
        meter.add(Spent(provider="anthropic", model="claude-b", timestamp=now, tokens=Tokens(input=100), batch=True))
        meter.add(Spent(provider="openai", model="gpt-4o", timestamp=now, tokens=Tokens(input=1)))
        [[one]] = await asked.results(USAGE, TODAY)
        assert {name: value for name, value in one.items() if value is not None} == {
            "uncached_input_tokens": 110,
            "cache_creation": {"ephemeral_1h_input_tokens": 1, "ephemeral_5m_input_tokens": 2},
            "cache_read_input_tokens": 7,
            "output_tokens": 5,
            "server_tool_use": {"web_search_requests": 3},
        }
        for group, expected in (
            ("model", {"claude-a", "claude-b"}),
            ("workspace_id", {"wrkspc_search", None}),
            ("service_tier", {"standard", "batch"}),
        ):
            [results] = await asked.results(USAGE, {**TODAY, "group_by[]": group})
            assert {result[group] for result in results} == expected


async def test_costs_are_cents_as_text_to_the_last_digit() -> None:
    async with served() as (asked, meter, _):
        meter.add(
            Spent(
                provider="anthropic",
                model="claude-a",
                timestamp=at("2026-03-18T10:00"),
                cost=1_234_567_890_123,
                project="search",
            )
        )
        meter.add(Spent(provider="anthropic", model="claude-b", timestamp=at("2026-03-18T10:00"), cost=1))
        [[one]] = await asked.results(COSTS, TODAY)
        assert (one["amount"], one["currency"], one["model"]) == ("123.4567890124", "USD", None)
        [results] = await asked.results(COSTS, {**TODAY, "group_by[]": "description"})
        assert {(result["model"], result["amount"]) for result in results} == {
            ("claude-a", "123.4567890123"),
            ("claude-b", "0.0000000001"),
        }


async def test_faults_on_demand() -> None:
    async with served() as (asked, _, api):
        api.faults.set({"status": {"429": 1, "529": 1}, "retry_after": ""})
        status, body, headers = await asked.get(COSTS, TODAY)
        assert (status, body["error"]["type"]) == (429, "rate_limit_error")
        assert "Retry-After" not in headers
        status, body, _ = await asked.get(COSTS, TODAY)
        assert (status, body["error"]["type"]) == (529, "overloaded_error")
        assert (await asked.get(COSTS, TODAY))[0] == 200
