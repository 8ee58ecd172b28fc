"""How requests of the intake are written and answered: what each protocol asks for."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from aiohttp import hdrs, web

from agent_observability.intake.errors import RefusedError, Rejected
from agent_observability.intake.items import Items, array_items, is_array, is_plain, lines, surely_at_most
from agent_observability.intake.reasons import Reasons, why_no_json

__all__ = ["Format", "Items", "JsonFormat", "media_type"]

DecodedT = TypeVar("DecodedT")
DecodedT_co = TypeVar("DecodedT_co", covariant=True)

_JSON = frozenset({"", "application/json", "text/json"})
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
# An answer names so many of the items that were not taken, and says how many more there were.
_NAMED = 100
_BACKFILL = "backfill"
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Format(Protocol[DecodedT_co]):
    """One protocol on one path. `repeats_by_body`: its senders repeat requests without saying that they do."""

    repeats_by_body: bool

    def check(self, request: web.Request) -> None:
        """Raises RefusedError for a content type that cannot be read."""
        ...

    def decode(self, request: web.Request, body: bytes, most: int) -> DecodedT_co:
        """Pure, maybe in a worker. Raises RefusedError; for more than `most` items, too."""
        ...

    def number(self, given: Any) -> int:
        """How many items a decoded request has."""
        ...

    def answer(
        self, request: web.Request, accepted: int, duplicates: int, ignored: int, rejected: Sequence[Rejected]
    ) -> web.Response: ...

    def refusal(self, request: web.Request, error: RefusedError) -> web.Response: ...


class JsonFormat(Generic[DecodedT]):
    """One object, an array of them, or one per line. Keys that `kind` does not have are errors: a typing error in
    `cost_usd` must not cost anybody the cost. Of a key that stands twice the last one counts.

    With `?backfill=true` they are history, whose delay tells nothing of how fast anything is.
    """

    repeats_by_body = False

    def __init__(self, kind: type[DecodedT]) -> None:
        self._reasons = Reasons(kind)
        self._one = msgspec.json.Decoder(kind)
        self._many = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]

    def check(self, request: web.Request) -> None:
        if (found := media_type(request)) not in _JSON | _LINES:
            raise RefusedError(
                415,
                "invalid",
                f"expected application/json or application/x-ndjson, got {found[:60]!r}",
                field=hdrs.CONTENT_TYPE,
            )
        for name, value in request.query.items():
            if name != _BACKFILL:
                reason = f"{name[:60]!r} is no parameter here; known: {_BACKFILL}"
                raise RefusedError(400, "invalid", reason, field=name[:60])
            if value not in ("true", "false"):
                raise RefusedError(400, "invalid", f"expected true or false, got {value[:60]!r}", field=_BACKFILL)

    def decode(self, request: web.Request, body: bytes, most: int) -> Items[DecodedT]:
        items = self._items(request, body, most)
        items.plain = is_plain(body)
        items.backfill = request.query.get(_BACKFILL) == "true"
        return items

    def _items(self, request: web.Request, body: bytes, most: int) -> Items[DecodedT]:
        body = body.removeprefix(codecs.BOM_UTF8)
        if not body or body.isspace():
            raise RefusedError(400, "invalid", "no valid JSON: the body is empty")
        if media_type(request) in _LINES:
            return self._each(lines(body, most))
        if not is_array(body):
            return self._each([body], whole=True)
        if surely_at_most(body, most):
            try:
                values = self._many.decode(body)
            except _NO_JSON:
                # One of them: its neighbours are still wanted.
                return self._each(array_items(body, most))
            return Items(values, range(len(values)))
        return self._each(array_items(body, most))

    def number(self, given: Items[DecodedT]) -> int:
        return given.number

    def answer(
        self, request: web.Request, accepted: int, duplicates: int, ignored: int, rejected: Sequence[Rejected]
    ) -> web.Response:
        body: dict[str, Any] = {"accepted": accepted, "duplicates": duplicates, "rejected": len(rejected)}
        if rejected:
            body["errors"] = msgspec.to_builtins(rejected[:_NAMED])
        nothing = rejected and not accepted and not duplicates
        return web.json_response(body, status=422 if nothing else 200, dumps=_compact)

    def refusal(self, request: web.Request, error: RefusedError) -> web.Response:
        body = {"error": error.reason} | ({"field": error.field} if error.field else {})
        return web.json_response(body, status=error.status, dumps=_compact)

    def _each(self, texts: Iterable[bytes], *, whole: bool = False) -> Items[DecodedT]:
        items: Items[DecodedT] = Items([], indexes := [])
        for index, text in enumerate(texts):
            try:
                items.values.append(self._one.decode(text))
                indexes.append(index)
            except _NO_JSON as error:
                mistake = self._reasons.rejected(index, text, error, brief=len(items.rejected) >= _NAMED)
                if mistake is None and whole:
                    raise RefusedError(400, "invalid", why_no_json(error)) from error
                items.rejected.append(mistake or Rejected(index, "", why_no_json(error)))
        return items


def media_type(request: web.Request) -> str:
    """The content type without its parameters; "" where none is given."""
    return request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()


def _compact(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"))
