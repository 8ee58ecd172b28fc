"""What the exporter knows between two readings of the ledger: books, prices, and what telemetry has left behind.

A new one is read whenever this one may no longer be what the ledger holds: after a failure whose end nobody knows, once
another process may have written, and with a new configuration.
"""

from __future__ import annotations

import time
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Event
from agent_observability.ledger.queries import daily, facts, minutely
from agent_observability.llm_cost.booking import AMOUNTS, KIND, UTC_KIND, Booked, Booker
from agent_observability.llm_cost.books import KEPT_DAYS, Books
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.events import TimeBounds
from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.pricing.pricer import Pricer
from agent_observability.llm_cost.projection import Projector
from agent_observability.llm_cost.telemetry import FACT_KINDS, Telemetry

__all__ = ["Life"]

_PICO = AMOUNTS.index("pico_usd")
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


class Life:
    """Made by `read`, in a worker. `settle` and the takers' calls come from the event loop."""

    def __init__(
        self,
        section: LlmCostConfig,
        pricer: Pricer,
        folding: Folding,
        *,
        delayed: Callable[[str, Sequence[float]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.section = section
        self.features = frozenset(section.features)
        self.bounds = TimeBounds(section.oldest, section.ahead)
        self.calendar = Calendar(zoneinfo.ZoneInfo(section.time_zone))
        self.books = Books(self.calendar, ahead=section.ahead)
        self.booker = Booker(self.calendar, pricer, section.features, folding)
        self.pricer = pricer
        self.projector = Projector(self.calendar)
        self.telemetry = Telemetry(section.otlp)
        self.models: set[tuple[str, ...]] = set()
        """(provider, model) of what was used lately, folded."""
        self._folding = folding
        self._delayed = delayed
        self._clock = clock

    def read(self, backend: Backend, now: float) -> None:
        """Take over what the ledger holds. Raises what the driver raises."""
        # Read here, not at the first event: it takes long enough to hold everything up.
        self.pricer.data_timestamp()
        today = self.calendar.day_of(round(now * 1000))
        first = today - KEPT_DAYS
        in_utc = daily(backend, kinds=[UTC_KIND], first=first)
        # Days of the time when local ones were those of UTC.
        since = min((row.day for row in in_utc), default=today + 1)
        for row in daily(backend, kinds=[KIND], first=first):
            provider, model, project, feature = row.labels
            if row.day < since:
                self.books.add_utc_day(row.day, provider, row.amounts[_PICO])
            self.books.add_day(row.day, (provider, project, feature), row.amounts[_PICO])
            self.models.add((provider, model))
            self._folding.remember(row.labels)
        for row in in_utc:
            self.books.add_utc_day(row.day, row.labels[0], row.amounts[0])
        for minute, labels, pico in minutely(backend, kind=KIND, field="cost", start=round(now * 1000) - _HOUR_MS):
            provider, _, project, feature = labels
            self.books.add_recent(minute, (provider, project, feature), pico)
        self.telemetry.load({kind: facts(backend, kind) for kind in FACT_KINDS})
        self.books.loaded()

    def settle(self, booked: Sequence[Booked], source: str = "") -> None:
        """Book what has been committed. `source` tells whose delay it is; none for what was late on purpose."""
        # The books do not tell moments of one minute apart.
        minutes: defaultdict[int, dict[tuple[str, str, str], int]] = defaultdict(dict)
        for event, key, pico in booked:
            spent = minutes[event.timestamp // _MINUTE_MS]
            spent[key] = spent.get(key, 0) + pico
        for minute, spent in minutes.items():
            self.books.add(minute * _MINUTE_MS, spent)
        events = [event for event, _, _ in booked]
        self.models |= {labels[:2] for labels in {event.labels for event in events}}
        if source:
            self.note_delays(events, source)

    def note_delays(self, counted: Iterable[Event], source: str) -> None:
        """How long after they happened these have been counted."""
        now = self._clock()
        self._delayed(source, [max(0.0, now - event.timestamp / 1000) for event in counted])
