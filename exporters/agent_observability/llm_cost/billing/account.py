"""What is known of one account's days, and what follows from a poll: gauges, facts, and steps of counters.

Billed dollars are gauges: the provider's latest word on a day replaces the one before, upwards or downwards. Usage goes
into counters, so per day, model and type only what exceeds the highest count so far is added; that highest count is a
fact, committed together with the steps, so that neither a restart nor a second look at a day counts anything twice.

The first poll ever counts the usage of today and yesterday. What is older was used before anybody watched: it enters no
counter, which would jump by a month's usage, while its bills show in the gauges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from agent_observability.ledger.batch import Count, count
from agent_observability.llm_cost.billing.reports import Costs, Day, Usage, UsageOfDay, Used, calendar
from agent_observability.llm_cost.metrics import PROVIDER_REQUESTS, PROVIDER_TOKENS
from agent_observability.llm_cost.usage import TOKEN_TYPES
from agent_observability.metric import OTHER

__all__ = ["DAYS", "FACT", "MODELS", "REREAD", "Account", "Bill", "Change", "Poll", "after", "first_day", "restore"]

FACT = "billed"
"""The kind of all facts here: `provider/account/YYYY-MM-DD` for a day, `provider/account/state` for the rest."""

DAYS = 40
"""How long days are kept."""

MODELS = 500
"""Of a day; those that come later are `other`."""

REREAD = 2
"""Days before today that each poll reads again, since providers restate them."""

_CAPTURED = 9
_FURTHEST = DAYS - 2
_STATE = "state"
_NOTHING: Used = (0,) * (1 + len(TOKEN_TYPES))


class Bill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One UTC day. `cost`: pico-dollars as billed, None while unknown; `over`: it was read after the day had ended.

    `counted`: per model the highest calls and tokens that have entered the counters.
    """

    cost: int | None = None
    over: bool = False
    counted: dict[str, Used] = {}

    def __post_init__(self) -> None:
        if any(len(used) != len(_NOTHING) for used in self.counted.values()):
            raise ValueError(f"expected {len(_NOTHING)} counts per model")


class _State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    origin: Day | None = None
    usage_at: float = 0.0
    costs_at: float = 0.0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`origin`: the first day whose usage is counted. `usage_at`, `costs_at`: when each was last read (Unix time)."""

    provider: str
    name: str
    bills: dict[Day, Bill] = {}
    origin: Day | None = None
    usage_at: float = 0.0
    costs_at: float = 0.0


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from the day `first` on, as of the day `today` and the time `at`; None for what was not."""

    first: Day
    today: Day
    at: float
    usage: Usage | None = None
    costs: Costs | None = None


class Change(msgspec.Struct, frozen=True):
    """An account after a poll, and what the ledger has to commit for it to be true."""

    account: Account
    counts: Sequence[Count]
    facts: Mapping[tuple[str, str], bytes | None]


_decode_state = msgspec.json.Decoder(_State).decode
_decode_bill = msgspec.json.Decoder(Bill).decode


def restore(provider: str, name: str, facts: Mapping[str, bytes]) -> tuple[Account, list[str]]:
    """The account out of the facts of all accounts; and the keys of those that cannot be read.

    Of a day that cannot be read it is not known what was counted, so usage up to there counts no more.
    """
    prefix = f"{provider}/{name}/"
    state, bills = _State(), {}
    broken = []
    unread: list[Day] = []
    for key, data in facts.items():
        if key.rpartition("/")[0] + "/" != prefix:
            continue
        try:
            if key == prefix + _STATE:
                state = _decode_state(data)
            else:
                day = _day(key)
                unread.append(day)
                bills[day] = _decode_bill(data)
                unread.pop()
        except (msgspec.MsgspecError, ValueError):
            broken.append(key)
    origins = [day + 1 for day in unread] + ([] if state.origin is None else [state.origin])
    account = Account(
        provider=provider,
        name=name,
        bills=bills,
        origin=max(origins, default=None),
        usage_at=state.usage_at,
        costs_at=state.costs_at,
    )
    return account, broken


def first_day(account: Account, today: Day, *, whole: bool) -> Day:
    """From where to read: some days back; or the `whole` of the month, of the days that are compared with what was
    metered, and of what was missed since the last success.
    """
    if not whole:
        return today - REREAD
    month = today - (calendar(today).day - 1)
    times = [at for at in (account.usage_at, account.costs_at) if at]
    missed = [int(at // 86_400) - REREAD for at in times]
    return max(min(month, today - _CAPTURED, *missed), today - _FURTHEST)


def after(account: Account, poll: Poll) -> Change:
    """What follows from a poll. Days outside of what was asked for are left out."""
    bills = dict(account.bills)
    counts: list[Count] = []
    origin, usage_at, costs_at = account.origin, account.usage_at, account.costs_at
    if poll.usage is not None:
        usage_at = poll.at
        origin = poll.today - 1 if origin is None else origin
        for day in range(max(poll.first, origin), poll.today + 1):
            if models := poll.usage.get(day):
                bill = bills.get(day, Bill())
                counted = _raised(account, bill.counted, models, counts)
                bills[day] = msgspec.structs.replace(bill, counted=counted)
    if poll.costs is not None:
        costs_at = poll.at
        for day in range(poll.first, poll.today + 1):
            bill = bills.get(day, Bill())
            cost = poll.costs.get(day, bill.cost or 0)
            bills[day] = msgspec.structs.replace(bill, cost=cost, over=bill.over or day < poll.today)
    bills = {day: bill for day, bill in bills.items() if day > poll.today - DAYS}
    new = msgspec.structs.replace(account, bills=bills, origin=origin, usage_at=usage_at, costs_at=costs_at)
    return Change(new, counts, _facts(account, new))


def _raised(account: Account, counted: Mapping[str, Used], models: UsageOfDay, counts: list[Count]) -> dict[str, Used]:
    """The highest counts by now; what they have risen by goes to `counts`."""
    highest = dict(counted)
    for model, now in _bounded(counted, models).items():
        before = highest.get(model, _NOTHING)
        new = tuple(map(max, now, before))
        rise = [high - low for high, low in zip(new, before, strict=True)]
        labels = (account.provider, account.name, model)
        if rise[0]:
            counts.append(count(PROVIDER_REQUESTS, labels, rise[0]))
        for kind, amount in zip(TOKEN_TYPES, rise[1:], strict=True):
            if amount:
                counts.append(count(PROVIDER_TOKENS, (*labels, kind), amount))
        highest[model] = new
    return highest


def _bounded(counted: Mapping[str, Used], models: UsageOfDay) -> UsageOfDay:
    """`models` with those past the limit summed up as `other`; one that has its own count keeps it."""
    if len(counted.keys() | models.keys()) <= MODELS:
        return models
    places = max(MODELS - 1 - len(counted.keys() - {OTHER}), 0)
    new = sorted(models.keys() - counted.keys() - {OTHER}, key=lambda model: (-sum(models[model]), model))
    kept = counted.keys() | set(new[:places])
    bounded = {model: used for model, used in models.items() if model in kept and model != OTHER}
    rest = [used for model, used in models.items() if model not in bounded]
    return {**bounded, OTHER: tuple(map(sum, zip(*rest, strict=True)))} if rest else bounded


def _facts(old: Account, new: Account) -> dict[tuple[str, str], bytes | None]:
    prefix = f"{new.provider}/{new.name}/"
    state = _State(origin=new.origin, usage_at=new.usage_at, costs_at=new.costs_at)
    facts: dict[tuple[str, str], bytes | None] = {(FACT, prefix + _STATE): msgspec.json.encode(state)}
    for day, bill in new.bills.items():
        if old.bills.get(day) != bill:
            facts[FACT, f"{prefix}{calendar(day).isoformat()}"] = msgspec.json.encode(bill)
    for day in old.bills.keys() - new.bills.keys():
        facts[FACT, f"{prefix}{calendar(day).isoformat()}"] = None
    return facts


def _day(key: str) -> Day:
    return date.fromisoformat(key.rpartition("/")[2]).toordinal() - calendar(0).toordinal()
