"""What both providers' reports come to: tokens and calls per day and model, and dollars per day."""

from __future__ import annotations

import decimal
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

import msgspec

from agent_observability.llm_cost.billing.errors import AnswerError
from agent_observability.llm_cost.usage import TOKEN_TYPES
from agent_observability.metric import OTHER

__all__ = [
    "DAY_SECONDS",
    "Costs",
    "Count",
    "Day",
    "Page",
    "Usage",
    "UsageOfDay",
    "Used",
    "calendar",
    "check_currency",
    "day_of",
    "decoder",
    "model_name",
    "next_page",
    "pico_dollars",
    "text_of",
    "total_costs",
    "total_usage",
    "used",
]

DAY_SECONDS = 86_400

Day = int
"""UTC days since the epoch."""

Used = tuple[int, ...]
"""Calls, and then tokens in the order of `TOKEN_TYPES`; 0 where a provider does not tell."""

UsageOfDay = dict[str, Used]
"""By model."""

Usage = dict[Day, UsageOfDay]
Costs = dict[Day, int]
"""Pico-dollars."""

Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""No day of anybody has more; beyond that it is an error, which must not stay in a counter for good."""

T = TypeVar("T")

# 10**21 pico-dollars, and what begins with that many digits.
_LARGEST = 21
_MODEL_CHARACTERS = 200
_EPOCH = date(1970, 1, 1).toordinal()


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a report, and the token of the next one, "" for none."""

    report: T
    following: str


def day_of(seconds: float) -> Day:
    """The UTC day of a Unix time."""
    return int(seconds // DAY_SECONDS)


def calendar(day: Day) -> date:
    """The day as people write it."""
    return date.fromordinal(_EPOCH + day)


def text_of(day: Day) -> str:
    """The day's begin in RFC 3339."""
    return datetime.fromtimestamp(day * DAY_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decoder(kind: type[T]) -> Callable[[bytes], T]:
    """Decodes JSON; numbers may be text. Raises AnswerError with the path and what was expected there."""
    # Not strict, since both providers write some numbers as text, now and then.
    decode = msgspec.json.Decoder(kind, strict=False).decode

    def checked(body: bytes) -> T:
        try:
            return decode(body)
        except msgspec.ValidationError as error:
            raise AnswerError(f"an answer of another shape: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise AnswerError(f"{len(body)} bytes that are no JSON") from None
        except RecursionError:
            raise AnswerError("an answer that is nested too deeply") from None

    return checked


def next_page(has_more: bool, token: str | None) -> str:
    """The token to go on with, "" at the end."""
    if has_more and not token:
        raise AnswerError("has_more is true: expected a next_page, got none")
    return (token or "") if has_more else ""


def model_name(found: str | None) -> str:
    """A model as a label: printable and short; `other` where the provider names none."""
    name = "".join(character for character in found or "" if character.isprintable())
    return name[:_MODEL_CHARACTERS].strip() or OTHER


def used(*, requests: int | None = 0, **tokens: int | None) -> Used:
    """Calls and tokens by type; None is 0."""
    return (requests or 0, *(tokens.get(kind) or 0 for kind in TOKEN_TYPES))


def pico_dollars(amount: Decimal, scale: int, where: str) -> int:
    """The nearest whole number of pico-dollars of an `amount` in 1/10**`scale` of them. Credits are negative.

    Raises AnswerError for what no bill says.
    """
    if not amount:
        return 0
    # Before any arithmetic: 1e999999999 is a number, too, and fills the memory as an integer.
    if not amount.is_finite() or amount.adjusted() + scale > _LARGEST:
        raise AnswerError(f"{where}: expected an amount below 10 billion dollars, got another number")
    with decimal.localcontext(prec=60, rounding=decimal.ROUND_HALF_EVEN):
        return int(amount.scaleb(scale).to_integral_value())


def total_usage(parts: Iterable[Usage]) -> Usage:
    """Pages, or reports of different endpoints, as one."""
    total: defaultdict[Day, UsageOfDay] = defaultdict(dict)
    for part in parts:
        for day, models in part.items():
            of_day = total[day]
            for model, more in models.items():
                known = of_day.get(model)
                of_day[model] = more if known is None else tuple(map(sum, zip(known, more, strict=True)))
    return dict(total)


def total_costs(parts: Iterable[Costs]) -> Costs:
    """Pages as one."""
    total: defaultdict[Day, int] = defaultdict(int)
    for part in parts:
        for day, cost in part.items():
            total[day] += cost
    return dict(total)


def check_currency(found: str | None, where: str) -> None:
    """Raises AnswerError for anything but US dollars: nothing here converts."""
    if (found or "usd").lower() != "usd":
        raise AnswerError(f"{where}: expected usd, got another currency")
