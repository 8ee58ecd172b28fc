"""Reads the audit log: what its lines count, the anomalies in them, the hours of the day, and how late it all is."""

from __future__ import annotations

import logging
import time
import zoneinfo
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from agent_observability.credential_proxy.anomalies import CONTAINER_FACT, Detector
from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.counting import Services, counts_of
from agent_observability.credential_proxy.hours import HOUR_FACT, Hours, Quarters, by_hour
from agent_observability.credential_proxy.parser import Malformed, Parser
from agent_observability.tail.part import Taken

__all__ = ["LAST_FACT", "AuditReader"]

log = logging.getLogger(__name__)

LAST_FACT = "proxy_last_event"
"""Kind of the one fact that says when the newest request was, under the key `newest`."""

# A log that is no audit log must not fill ours.
_WARN_SECONDS = 60.0


class AuditReader:
    """The exporter's share in tailing its log; `restore` comes before the first lines.

    `load` gives the facts of a kind from the ledger. `delayed` is told how many seconds ago the requests were that have
    just been counted, but for those that were history when they were read. A changed configuration needs a new one.
    """

    def __init__(
        self,
        config: CredentialProxyConfig,
        detector: Detector,
        *,
        load: Callable[[str], Mapping[str, bytes]],
        delayed: Callable[[Sequence[float]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._zone = zoneinfo.ZoneInfo(config.time_zone)
        self._services: Services = {name: frozenset(operations) for name, operations in config.services.items()}
        self._live_seconds = float(config.anomalies.live_within)
        self._detector = detector
        self._load = load
        self._delayed = delayed
        self._clock = clock
        self._parser = Parser(self._services, self._zone)
        self._hours = Hours()
        # Event time of the newest request: as taken, and as it was in the facts.
        self._last = self._told_last = 0.0
        # What is committed, for scrapes.
        self._shown_hours: Mapping[int, Quarters] = {}
        self._shown_last = 0.0
        self._warned = -_WARN_SECONDS

    @property
    def last_event(self) -> float:
        """Event time of the newest request that is committed, 0.0 before the first one. From any thread."""
        return self._shown_last

    def hours(self) -> Mapping[str, int]:
        """Committed requests of the last 7 days by hour of the day, `00` to `23`, in the zone. From any thread."""
        return by_hour(self._shown_hours, self._zone, self._clock())

    def restore(self) -> None:
        """Go on from what the ledger holds. Raises what `load` raises."""
        self._detector.restore(self._load(CONTAINER_FACT))
        self._hours.restore(self._load(HOUR_FACT), self._clock())
        last = self._load(LAST_FACT).get("newest")
        self._last = self._told_last = 0.0 if last is None else float(last)
        self._parser.previous = self._last or None
        self._publish(self._hours.counts, self._last)

    def take(self, path: str, lines: Sequence[bytes]) -> Taken:
        """Count lines. Never raises for what is in them."""
        now = self._clock()
        parsed = self._parser.read(lines, now)
        records = parsed.records
        times = records.timestamps
        taken = Taken(parsed=len(records), ignored=parsed.ignored, malformed=parsed.malformed.total())
        if times:
            findings = self._detector.see(records)
            # Clocks differ: one record from tomorrow must not make the log look alive until then.
            taken.newest = min(max(times), now)
            taken.counts = [*counts_of(records, self._services), *findings.counts]
            taken.events = findings.events
            self._hours.add(times, now)
            self._last = max(self._last, taken.newest)
        # Of a log that is read for the first time, all is history.
        live = taken.newest > now - self._live_seconds
        recent = [time for time in times if now - time < self._live_seconds] if live else ()
        taken.committed = self._committed(path, parsed.malformed, recent)
        return taken

    def facts(self) -> dict[tuple[str, str], bytes | None]:
        """What is to be committed with all that was taken since the last call."""
        facts = {**self._detector.facts(), **self._hours.facts()}
        if self._last > self._told_last:
            self._told_last = self._last
            facts[LAST_FACT, "newest"] = repr(self._last).encode()
        return facts

    def _committed(self, path: str, malformed: Counter[Malformed], recent: Sequence[float]) -> Callable[[], None]:
        hours, last = self._hours.counts, self._last

        def committed() -> None:
            self._publish(hours, last)
            if recent:
                now = self._clock()
                # Clocks differ: what comes from the future has come at once.
                self._delayed([max(0.0, now - time) for time in recent])
            if malformed:
                self._warn(path, malformed)

        return committed

    def _publish(self, hours: Mapping[int, Quarters], last: float) -> None:
        self._shown_hours, self._shown_last = hours, last

    def _warn(self, path: str, malformed: Counter[Malformed]) -> None:
        if time.monotonic() - self._warned < _WARN_SECONDS:
            return
        self._warned = time.monotonic()
        # No text of theirs: it may hold credentials.
        whys = "; ".join(f"{number} times: {why.value}" for why, number in malformed.most_common())
        log.warning("%s: %d lines are no records, %s", path, malformed.total(), whys)
