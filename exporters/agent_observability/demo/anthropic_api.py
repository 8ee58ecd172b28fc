"""The demo's Anthropic: an organization's usage and cost reports, as the real admin API has them.

https://platform.claude.com/docs/en/manage-claude/usage-cost-api
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from agent_observability.demo.admin_api import (
    USAGE_LIMITS,
    WIDTHS,
    AdminApi,
    Asked,
    RefusedError,
    choice,
    encoded,
    limit_of,
)
from agent_observability.demo.billing import Part

__all__ = ["AnthropicAdminApi"]

_USAGE = "/v1/organizations/usage_report/messages"
_COSTS = "/v1/organizations/cost_report"
_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
_COST_GROUPS = ("workspace_id", "description")
_COST_LIMITS = {"1d": (7, 31)}
_PARAMETERS = {"starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]"}
_PICO_CENTS = Decimal(10) ** -10
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}

Sums = Counter[str]


class AnthropicAdminApi(AdminApi):
    """Usage of messages, which has no numbers of calls, and costs in cents as decimal text."""

    prefix = "/anthropic"
    provider = "anthropic"

    def paths(self) -> Sequence[str]:
        return [_USAGE, _COSTS]

    def check_key(self, request: web.Request) -> None:
        given = request.headers.get("x-api-key", "")
        if not self.is_key(given):
            if given.startswith("sk-ant-") and not given.startswith("sk-ant-admin"):
                raise RefusedError(403, "This key is not one of an administrator.")
            raise RefusedError(401, "invalid x-api-key")
        if "anthropic-version" not in request.headers:
            raise RefusedError(400, "anthropic-version: header is required")

    def read(self, request: web.Request) -> Asked:
        costs = request.path.endswith(_COSTS)
        query = request.query
        if strange := query.keys() - _PARAMETERS:
            raise RefusedError(400, f"{min(strange)}: not a parameter of this report")
        limits = _COST_LIMITS if costs else USAGE_LIMITS
        width = query.get("bucket_width", "1d")
        if width not in limits:
            raise RefusedError(400, f"bucket_width: expected one of {', '.join(limits)}, got {width!r}")
        now = int(self.meter.clock())
        start, end = _seconds(query.get("starting_at"), "starting_at"), now
        if "ending_at" in query:
            # Only buckets that have ended by then.
            end = min(_seconds(query["ending_at"], "ending_at") - WIDTHS[width] + 1, now)
        if start >= end:
            raise RefusedError(400, "starting_at: expected a time before the end and before now")
        groups = choice(query.getall("group_by[]", ()), _COST_GROUPS if costs else _GROUPS, "group_by")
        return Asked(start, end, WIDTHS[width], limit_of(query.get("limit"), *limits[width]), groups)

    def bucket(self, request: web.Request, asked: Asked, start: int, end: int) -> dict[str, Any]:
        parts = self.meter.reported(self.provider, start, end)
        report = _costs if request.path.endswith(_COSTS) else _usage
        return {"starting_at": _text(start), "ending_at": _text(end), "results": report(parts, asked.groups)}

    def whole(self, buckets: list[dict[str, Any]], following: str | None) -> bytes:
        return encoded({"data": buckets, "has_more": following is not None, "next_page": following})

    def refusal(self, error: RefusedError) -> dict[str, Any]:
        kind = _KINDS.get(error.status, "api_error")
        number = sum(self.asked.values())
        told = {"type": kind, "message": error.message}
        return {"type": "error", "error": told, "request_id": f"req_demo{number:08d}"}


def _usage(parts: dict[Part, Sums], groups: frozenset[str]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str | None, str | None, str | None], Sums] = {}
    for part, sums in parts.items():
        tier = "batch" if part.batch else "standard"
        key = (
            part.model if "model" in groups else None,
            _workspace(part) if "workspace_id" in groups else None,
            tier if "service_tier" in groups else None,
        )
        grouped.setdefault(key, Counter()).update(sums)
    return [
        {
            "uncached_input_tokens": sums["input"],
            "cache_creation": {
                "ephemeral_1h_input_tokens": sums["cache_write_1h"],
                "ephemeral_5m_input_tokens": sums["cache_write"],
            },
            "cache_read_input_tokens": sums["cache_read"],
            "output_tokens": sums["output"],
            "server_tool_use": {"web_search_requests": sums["tool_calls"]},
            "api_key_id": None,
            "workspace_id": workspace,
            "model": model,
            "service_tier": tier,
            "context_window": None,
        }
        for (model, workspace, tier), sums in grouped.items()
    ]


def _costs(parts: dict[Part, Sums], groups: frozenset[str]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str | None, str | None], int] = {}
    described = "description" in groups
    for part, sums in parts.items():
        key = (part.model if described else None, _workspace(part) if "workspace_id" in groups else None)
        grouped[key] = grouped.get(key, 0) + sums["cost"]
    return [
        {
            "currency": "USD",
            "amount": f"{pico * _PICO_CENTS:f}",
            "workspace_id": workspace,
            "description": f"{model} Usage" if model else None,
            "cost_type": "tokens" if described else None,
            "context_window": "0-200k" if described else None,
            "model": model,
            "service_tier": "standard" if described else None,
            "token_type": None,
        }
        for (model, workspace), pico in grouped.items()
    ]


def _workspace(part: Part) -> str | None:
    """Null is the default one."""
    return f"wrkspc_{part.project}" if part.project else None


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str | None, parameter: str) -> int:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        raise RefusedError(400, f"{parameter}: expected a time as in RFC 3339, got {text!r}") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
