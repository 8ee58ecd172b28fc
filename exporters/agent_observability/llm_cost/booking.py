"""From a use of a model to what the ledger keeps of it: the priced event, its counts, and its share of the day."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from agent_observability.ledger.batch import Count, DailyShare, Event
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.naming import Naming
from agent_observability.llm_cost.pricing.pricer import Priced, Pricer
from agent_observability.llm_cost.usage import NO_UNITS, Tokens, Units, Usage

__all__ = ["AMOUNTS", "KIND", "REPRICED", "UTC_KIND", "Booked", "Booker", "Stored"]

KIND = "usage"
"""Kind of events and daily aggregates; labels (provider, model, project, feature), folded; amounts `AMOUNTS`."""
UTC_KIND = "usage_utc"
"""Kind of daily aggregates by UTC days, as providers bill, where the books have other days: labels (provider,), amounts
(pico-dollars,).
"""
REPRICED = "\x1frepriced"
"""Ends the id of the event that brings the cost of one that had no price; no sender's id has control characters."""
AMOUNTS = (
    "requests",
    "failed",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "audio_input",
    "audio_output",
    "pico_usd",
    "unpriced",
)

_DAY_MS = 86_400_000


_encode = msgspec.json.Encoder().encode


class Stored(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is kept with an event beside its labels: enough to price it again. Money in pico-dollars."""

    provider: str
    model: str
    project: str = ""
    feature: str = ""
    tokens: Tokens = Tokens()
    units: Units = NO_UNITS
    agent: str = ""
    session: str = ""
    operation: str = "chat"
    status: str = "success"
    tier: str = ""
    batch: bool = False
    aggregated: bool = False
    requests: int = 1
    duration: float | None = None
    cost: int = 0
    source: str = ""
    reason: str = ""


class Booked(NamedTuple):
    """`event` goes to the ledger; once it is there, `pico` dollars have been spent by `key` (provider, project,
    feature).
    """

    event: Event
    key: tuple[str, str, str]
    pico: int


class Booker:
    """Folds, prices and counts. Of one configuration; may be used by several threads."""

    def __init__(self, calendar: Calendar, pricer: Pricer, features: Iterable[str], folding: Folding) -> None:
        self.pricer = pricer
        self._calendar = calendar
        self._naming = Naming(features, folding)
        self._lock = threading.Lock()

    def book(self, usage: Usage) -> Booked:
        """What to commit for one use."""
        with self._lock:
            return self._book(usage)

    def book_all(self, usages: Iterable[Usage]) -> list[Booked]:
        """The same for some."""
        with self._lock:
            return [self._book(usage) for usage in usages]

    def _book(self, usage: Usage) -> Booked:
        names = self._naming.names(usage)
        priced = self.pricer.price(usage)
        tokens, timestamp, requests = usage.tokens, usage.timestamp, usage.requests
        failed = requests if usage.status != "success" else 0
        unpriced = max(1, requests) if priced.reason else 0
        input_, cache_read, output = tokens.input, tokens.cache_read, tokens.output
        cache_write = tokens.cache_write + tokens.cache_write_1h
        audio_input, audio_output, reasoning = tokens.audio_input, tokens.audio_output, tokens.reasoning
        every = (
            requests,
            failed,
            input_,
            cache_read,
            cache_write,
            output,
            audio_input,
            audio_output,
            reasoning,
            unpriced,
        )
        types: list[str] = []
        costs: list[int] = []
        for type_, amount in priced.amounts:
            types.append(type_)
            costs.append(amount)
        pico = sum(costs)
        added = [*filter(None, every), *costs]
        took = waited = -1
        if (duration := usage.duration) is not None:
            took = bisect_left(m.CALL_SECONDS, duration)
            added += (1, round(duration * m.REQUEST_DURATION.scale))
        if (first_token := usage.first_token) is not None:
            waited = bisect_left(m.CALL_SECONDS, first_token)
            added += (1, round(first_token * m.FIRST_TOKEN.scale))
        # What is 0 and what is not: written out, as a loop takes three times as long.
        zeros = (
            not requests,
            not failed,
            not input_,
            not cache_read,
            not cache_write,
            not output,
            not audio_input,
            not audio_output,
            not reasoning,
            not unpriced,
        )
        used = (zeros, tuple(types), priced.source, priced.reason, took, waited)
        try:
            shape = names.shapes[used]
        except KeyError:
            shape = self._naming.shape(names, used, every, priced)
        amounts = (*every[:-2], pico, unpriced)
        event = Event(
            timestamp,
            usage.id,
            KIND,
            names.dimension,
            _data(usage, pico, priced),
            (),
            self._calendar.day_of(timestamp),
            amounts,
            self._shares(timestamp, names.key[0], pico),
            shape,
            tuple(added),
        )
        return Booked(event, names.key, pico)

    def reprice(self, timestamp: int, id_: str, labels: tuple[str, ...], stored: Stored) -> Booked | None:
        """What to commit for an event that had no price when it came; None if it has none now, either.

        It goes where that event went (`labels`), whatever features there are by now.
        """
        usage = Usage(
            timestamp=timestamp,
            id=id_,
            provider=stored.provider,
            model=stored.model,
            project=stored.project,
            feature=stored.feature,
            operation=stored.operation,
            status=stored.status,
            tokens=stored.tokens,
            units=stored.units,
            tier=stored.tier,
            batch=stored.batch,
            requests=stored.requests,
            aggregated=stored.aggregated,
        )
        priced = self.pricer.price(usage)
        if priced.reason:
            return None
        provider, _, project, feature = labels
        key = (provider, project, feature)
        whose = (stored.provider, stored.model, stored.project, feature)
        counts = [Count(m.COST, (*whose, type_, "repriced"), ((0, amount),)) for type_, amount in priced.amounts]
        pico = sum(amount for _, amount in priced.amounts)
        nothing = (0,) * (len(AMOUNTS) - 2)
        event = Event(
            timestamp,
            f"{id_}{REPRICED}",
            KIND,
            labels,
            _encode(msgspec.structs.replace(stored, cost=pico, source="repriced", reason="", requests=0)),
            counts,
            self._calendar.day_of(timestamp),
            (*nothing, pico, -max(1, stored.requests)),
            self._shares(timestamp, provider, pico),
        )
        return Booked(event, key, pico)

    def _shares(self, timestamp: int, provider: str, pico: int) -> tuple[DailyShare, ...]:
        """Where local days are those of UTC, nothing has to be kept twice."""
        if not pico or self._calendar.utc:
            return ()
        return (DailyShare(timestamp // _DAY_MS, UTC_KIND, (provider,), (pico,)),)


def _data(usage: Usage, pico: int, priced: Priced) -> bytes:
    """What is kept with the event."""
    # By position, in the order of the fields.
    stored = Stored(
        usage.provider,
        usage.model,
        usage.project,
        usage.feature,
        usage.tokens,
        usage.units,
        usage.agent,
        usage.session,
        usage.operation,
        usage.status,
        usage.tier,
        usage.batch,
        usage.aggregated,
        usage.requests,
        usage.duration,
        pico,
        priced.source,
        priced.reason,
    )
    return _encode(stored)
