"""The demo's OpenAI: an organization's usage and costs, as the real admin API reports them.

https://platform.openai.com/docs/api-reference/usage
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from agent_observability.demo.admin_api import (
    USAGE_LIMITS,
    WIDTHS,
    AdminApi,
    Asked,
    RefusedError,
    choice,
    limit_of,
)
from agent_observability.demo.billing import Part

__all__ = ["OpenAIAdminApi"]

_USAGE = "/v1/organization/usage/"
_COSTS = "/v1/organization/costs"
_GROUPS = ("project_id", "user_id", "api_key_id", "model")
_COST_GROUPS = ("project_id", "line_item")
_COST_LIMITS = {"1d": (7, 180)}
_PICO = Decimal(10) ** -12

Sums = Counter[str]


def _completions(sums: Sums) -> dict[str, int]:
    fresh = sums["input"] + sums["audio_input"]
    written = sums["cache_write"] + sums["cache_write_1h"]
    return {
        "input_tokens": fresh + sums["cache_read"] + written,
        "output_tokens": sums["output"] + sums["audio_output"],
        "input_cached_tokens": sums["cache_read"],
        "input_uncached_tokens": fresh,
        "input_cache_write_tokens": written,
        "input_text_tokens": sums["input"],
        "input_audio_tokens": sums["audio_input"],
        "output_text_tokens": sums["output"],
        "output_audio_tokens": sums["audio_output"],
    }


def _input(sums: Sums) -> dict[str, int]:
    return {"input_tokens": sums["input"]}


_ENDPOINTS: dict[str, Callable[[Sums], dict[str, int]]] = {
    "completions": _completions,
    "embeddings": _input,
    "moderations": _input,
    "images": lambda sums: {"images": sums["images"]},
    "audio_speeches": lambda sums: {"characters": sums["characters"]},
    "audio_transcriptions": lambda sums: {"seconds": sums["audio_seconds"]},
}
# How the name of a model tells its endpoint; the first that fits.
_BEGINNINGS = (
    ("text-embedding", "embeddings"),
    ("omni-moderation", "moderations"),
    ("text-moderation", "moderations"),
    ("dall-e", "images"),
    ("gpt-image", "images"),
    ("tts", "audio_speeches"),
    ("whisper", "audio_transcriptions"),
    ("", "completions"),
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


class OpenAIAdminApi(AdminApi):
    """Usage by endpoint, and costs by line item and project. Amounts are numbers on some days and text on others."""

    prefix = "/openai"
    provider = "openai"

    def paths(self) -> Sequence[str]:
        return [*(_USAGE + endpoint for endpoint in _ENDPOINTS), _COSTS]

    def check_key(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.is_key(given):
            return
        if given.startswith("sk-") and not given.startswith("sk-admin"):
            raise RefusedError(403, "This key lacks the scope api.usage.read, which admin keys have.")
        # The real one repeats both ends of the key as well.
        raise RefusedError(401, f"No such API key: {given[:8]}***{given[-4:]}.")

    def read(self, request: web.Request) -> Asked:
        costs = request.path.endswith(_COSTS)
        query = request.query
        limits = _COST_LIMITS if costs else USAGE_LIMITS
        width = query.get("bucket_width", "1d")
        if width not in limits:
            raise RefusedError(400, f"bucket_width: expected one of {', '.join(limits)}, got {width!r}", "bucket_width")
        groups = _COST_GROUPS if costs else _GROUPS
        if request.path.endswith("/completions"):
            groups = (*groups, "batch", "service_tier")
        now = int(self.meter.clock())
        start, end = _seconds(query.get("start_time"), "start_time"), now
        if "end_time" in query:
            end = min(_seconds(query["end_time"], "end_time"), now)
        if start >= end:
            raise RefusedError(400, "start_time: expected a time before the end and before now", "start_time")
        return Asked(
            start,
            end,
            WIDTHS[width],
            limit_of(query.get("limit"), *limits[width]),
            choice([*query.getall("group_by", ()), *query.getall("group_by[]", ())], groups, "group_by"),
        )

    def bucket(self, request: web.Request, asked: Asked, start: int, end: int) -> dict[str, Any]:
        parts = self.meter.reported(self.provider, start, end)
        if request.path.endswith(_COSTS):
            results = _costs(parts, asked.groups, as_text=start // 86_400 % 2 == 0)
        else:
            endpoint = request.path.rpartition("/")[2]
            its = {part: sums for part, sums in parts.items() if _endpoint(part.model) == endpoint}
            results = _usage(its, asked.groups, endpoint)
        return {"object": "bucket", "start_time": start, "end_time": end, "results": results}

    def whole(self, buckets: list[dict[str, Any]], following: str | None) -> bytes:
        return _encode({"object": "page", "data": buckets, "has_more": following is not None, "next_page": following})

    def refusal(self, error: RefusedError) -> dict[str, Any]:
        kind, code = {
            401: ("invalid_request_error", "invalid_api_key"),
            403: ("invalid_request_error", "missing_scope"),
            429: ("requests", "rate_limit_exceeded"),
        }.get(error.status, ("server_error" if error.status >= 500 else "invalid_request_error", None))
        told = {"message": error.message, "type": kind, "param": error.parameter or None, "code": code}
        return {"error": told}


def _endpoint(model: str) -> str:
    return next(endpoint for beginning, endpoint in _BEGINNINGS if model.startswith(beginning))


def _usage(parts: dict[Part, Sums], groups: frozenset[str], endpoint: str) -> list[dict[str, Any]]:
    grouped: dict[tuple[object, ...], Sums] = {}
    for part, sums in parts.items():
        key = (
            f"proj_{part.project}" if "project_id" in groups and part.project else None,
            part.model if "model" in groups else None,
            part.batch if "batch" in groups else None,
        )
        grouped.setdefault(key, Counter()).update(sums)
    return [
        {
            "object": f"organization.usage.{endpoint}.result",
            **_ENDPOINTS[endpoint](sums),
            "num_model_requests": sums["requests"],
            "project_id": project,
            "user_id": None,
            "api_key_id": None,
            "model": model,
            **({"batch": batch, "service_tier": None} if endpoint == "completions" else {}),
        }
        for (project, model, batch), sums in grouped.items()
    ]


def _costs(parts: dict[Part, Sums], groups: frozenset[str], *, as_text: bool) -> list[dict[str, Any]]:
    grouped: dict[tuple[str | None, str | None], int] = {}
    for part, sums in parts.items():
        project = f"proj_{part.project}" if "project_id" in groups and part.project else None
        output = sums["cost"] * 2 // 5
        for direction, pico in (("input", sums["cost"] - output), ("output", output)):
            key = (project, f"{part.model}, {direction}" if "line_item" in groups else None)
            grouped[key] = grouped.get(key, 0) + pico
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": _dollars(pico, as_text=as_text), "currency": "usd"},
            "line_item": item,
            "project_id": project,
        }
        for (project, item), pico in grouped.items()
    ]


def _dollars(pico: int, *, as_text: bool) -> Decimal | str:
    amount = pico * _PICO
    return f"{amount:f}" if as_text else amount


def _seconds(text: str | None, parameter: str) -> int:
    if text is None or not text.isdecimal() or len(text) > 12:
        raise RefusedError(400, f"{parameter}: expected Unix seconds, got {text!r}", parameter)
    return int(text)
