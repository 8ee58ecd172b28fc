"""Finds anomalies in what containers ask of the credential proxy."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping

from agent_observability.credential_proxy.anomalies import codec
from agent_observability.credential_proxy.anomalies.baseline import BUCKET_SECONDS, HORIZON_SECONDS
from agent_observability.credential_proxy.anomalies.container import CONTAINER_FACT, MINUTE, Anomaly, Container, slot
from agent_observability.credential_proxy.anomalies.crowd import Crowd
from agent_observability.credential_proxy.anomalies.evidence import Begun, of
from agent_observability.credential_proxy.anomalies.findings import Chunk, Findings
from agent_observability.credential_proxy.anomalies.names import Vocabulary, name
from agent_observability.credential_proxy.anomalies.shown import Shown, named_for, shown
from agent_observability.credential_proxy.anomalies.teller import Teller
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES
from agent_observability.credential_proxy.record import Records, Row
from agent_observability.credential_proxy.texts import clean

__all__ = ["NOBODY", "Detector", "Findings"]

log = logging.getLogger(__name__)

_RATE, _UNKNOWN, _REJECTIONS, _OUTLIER = ANOMALY_TYPES
_ACTIVE_SECONDS = 600.0
NOBODY = "unknown"
"""What a container is called that the log does not name."""


class Detector:
    """`services` are those that the proxy has, with their operations where it is a mapping. `project` is named with
    every anomaly. `clock` gives Unix time: by it goes only what is history, what is still shown, and what may already
    be forgotten.

    All methods may be called from any thread. `see` changes what is remembered at once: where its findings cannot be
    committed, `restore` is called with what the ledger holds.
    """

    def __init__(
        self,
        config: AnomaliesConfig,
        services: Collection[str],
        project: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._vocabulary = Vocabulary(services)
        self._teller = Teller(project)
        self._project = project
        self._clock = clock
        self._lock = threading.Lock()
        self._crowd = Crowd(config.containers, config.cooldown)
        # What is older has no bearing on anything any more.
        self._ended = named_for(config.cooldown)
        self._kept = max(HORIZON_SECONDS, config.rejections_within, self._ended) + _ACTIVE_SECONDS
        self._newest = 0.0
        # By name, since the last `facts`.
        self._changed: set[str] = set()
        self._gone: set[str] = set()

    def see(self, records: Records) -> Findings:
        """Records in the order of the log, or nearly so."""
        with self._lock:
            now = self._clock()
            chunk = Chunk(now, now - self._config.live_within)
            self._look(records, chunk)
            self._changed.update(records.containers)
            self._newest = max(self._newest, *records.timestamps) if records else self._newest
            self._gone.update(chunk.forgotten, self._crowd.expire(min(self._newest, now) - self._kept))
            return Findings(chunk.counts(), self._teller.tell(chunk.begun, now))

    def facts(self) -> dict[tuple[str, str], bytes | None]:
        """What is new about containers since the last call, to be committed with the findings since; None for those
        that are forgotten."""
        with self._lock:
            known, digest = self._crowd.known, self._vocabulary.digest
            changed = [known[who] for who in map(clean, self._changed) if who in known]
            facts: dict[tuple[str, str], bytes | None] = {one.key: codec.pack(one, digest) for one in changed}
            facts.update({(CONTAINER_FACT, who): None for who in self._gone if who not in known})
            self._changed.clear()
            self._gone.clear()
            return facts

    def restore(self, facts: Mapping[str, bytes]) -> None:
        """Take over what is committed, by container, and forget all else. What cannot be read is not taken over."""
        containers: list[Container] = []
        for who, data in facts.items():
            try:
                containers.append(codec.unpack(who, data, self._config, self._vocabulary))
            except ValueError as error:
                unreadable = str(error)
        if len(containers) < len(facts):
            many = len(facts) - len(containers)
            log.warning("containers whose past cannot be read begin anew, %d of %d: %s", many, len(facts), unreadable)
        with self._lock:
            self._changed.clear()
            self._gone.clear()
            heard = [one.until(self._config.cooldown) for one in containers]
            self._newest = max([one.requests.newest for one in containers if one.requests.times], default=0.0)
            oldest = min(self._newest, self._clock()) - self._kept
            self._crowd.load([one for one, until in zip(containers, heard, strict=True) if until >= oldest])

    def shown(self) -> Shown:
        """Containers with an anomaly that goes on, by type, and who some of them are and were."""
        with self._lock:
            now = self._clock()
            signs = self._signs()
        return shown(signs, self._project, now, self._config.cooldown)

    def active_containers(self) -> int:
        """How many asked within the last ten minutes."""
        with self._lock:
            oldest = self._clock() - _ACTIVE_SECONDS
            return sum(one.requests.newest > oldest for one in self._crowd.known.values())

    def busiest(self, most: int) -> list[tuple[str, int]]:
        """The containers with the most requests within the last minute, and how many those are."""
        with self._lock:
            oldest = self._clock() - MINUTE
            busy = [one for one in self._crowd.known.values() if one.requests.newest > oldest]
            asked = [(one.requests.since(oldest), one.name) for one in busy]
        return [(who, many) for many, who in heapq.nsmallest(most, asked, key=lambda one: (-one[0], one[1]))]

    def _look(self, records: Records, chunk: Chunk) -> None:
        get, services, factor = self._crowd.known.get, self._vocabulary.services, self._config.outlier_factor
        for row in records.rows():
            moment, service, operation, _, reason, who = row
            container = get(who)
            if container is None:
                if not who:
                    self._nobody(row, chunk)
                    continue
                container = self._meet(who, moment, chunk)
            past = container.past
            running = past.begin <= moment < past.end or self._turn(container, moment, chunk.now)
            if running:
                past.count += 1
            numbers = services.get(service)
            if numbers is None or reason:
                self._odd(container, row, chunk)
            if container.requests.add(moment, (numbers.get(operation) or numbers[""]) if numbers else 0):
                self._sign(container, _RATE, moment, chunk)
            if running and past.count > past.alarm and past.outlying(factor):
                self._sign(container, _OUTLIER, moment, chunk)

    def _meet(self, who: str, moment: float, chunk: Chunk) -> Container:
        """A container that is not known by this name."""
        cleaned = clean(who)
        container = self._crowd.known.get(cleaned)
        if container is None:
            container = Container.new(cleaned, self._config, moment)
            gone = self._crowd.add(container, moment)
            if gone is not None:
                chunk.forgotten.append(gone)
                chunk.evicted += 1
        return container

    def _turn(self, container: Container, moment: float, now: float) -> bool:
        """A record of another bucket than the one that runs: whether its own does now. Time to forget what is over."""
        if not container.past.turn(int(moment // BUCKET_SECONDS)):
            return False
        if container.rejections is not None or container.anomalies:
            # A single record from the future is no reason to forget what goes on.
            latest = min(moment, now) - BUCKET_SECONDS
            if container.forget(latest - self._config.rejections_within, latest - self._ended):
                self._crowd.troubled.pop(container.name, None)
        return True

    def _odd(self, container: Container, row: Row, chunk: Chunk) -> None:
        """A record of a service that is not known, or one that is no grant."""
        moment, service, operation, status, reason, _ = row
        if self._unknown(service, reason):
            self._scan(container, row, chunk)
        if status == "rejected" and container.rejected(self._config, moment, (name(service), name(operation), reason)):
            self._sign(container, _REJECTIONS, moment, chunk)

    def _nobody(self, row: Row, chunk: Chunk) -> None:
        """A record of somebody who is not named. Those may be many: how much they ask says nothing, but what does."""
        moment, service, _, _, reason, _ = row
        if self._unknown(service, reason):
            container = self._meet(NOBODY, moment, chunk)
            if not container.past.begin <= moment < container.past.end:
                self._turn(container, moment, chunk.now)
            container.requests.add(moment, 0)
            self._changed.add(NOBODY)
            self._scan(container, row, chunk)

    def _unknown(self, service: str, reason: str) -> bool:
        # Who names no service at all has made a mistake, and asks for nothing.
        return reason == _UNKNOWN or (service != "" and service not in self._vocabulary.services)

    def _scan(self, container: Container, row: Row, chunk: Chunk) -> None:
        """A request for a service that there is not."""
        moment, service, operation, status, *_ = row
        begun = self._sign(container, _UNKNOWN, moment, chunk)
        if begun is not None:
            chunk.scans[container.name] = begun.unknown
        scan = chunk.scans.get(container.name)
        if scan is not None:
            scan.append((name(service), name(operation), status))

    def _sign(self, container: Container, type_: str, moment: float, chunk: Chunk) -> Begun | None:
        """A sign of an anomaly: one that begins with it, or None where it belongs to one that goes on.

        History may go on as part of what is live, but not the other way round: an attack that began while nobody
        looked is an anomaly again by its first live sign.
        """
        live = moment >= chunk.live_from
        cooldown = self._config.cooldown
        for where in (slot(type_, live=True),) if live else (slot(type_, live=True), slot(type_, live=False)):
            anomaly = container.anomalies.get(where)
            if anomaly is not None and anomaly.since - cooldown < moment < anomaly.last + cooldown:
                anomaly.last = max(anomaly.last, moment)
                if live:
                    anomaly.shown = max(anomaly.shown, min(moment, chunk.now))
                return None
        container.anomalies[slot(type_, live=live)] = Anomaly(moment, moment, min(moment, chunk.now) if live else 0.0)
        self._crowd.troubled[container.name] = container
        evidence = of(type_, container, moment, self._config, self._vocabulary)
        chunk.begun.append(Begun(type_, container.name, moment, live, evidence))
        return chunk.begun[-1]

    def _signs(self) -> list[tuple[str, str, float]]:
        """Type, container and last sign of the newest live anomaly of each."""
        slots = [(type_, slot(type_, live=True)) for type_ in ANOMALY_TYPES]
        troubled = self._crowd.troubled.items()
        return [
            (type_, who, one.anomalies[where].shown)
            for who, one in troubled
            for type_, where in slots
            if where in one.anomalies
        ]
