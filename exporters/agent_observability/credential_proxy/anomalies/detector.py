"""Finds anomalies in what containers ask of the credential proxy."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

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
from agent_observability.credential_proxy.record import Record
from agent_observability.credential_proxy.texts import clean

__all__ = ["Detector", "Findings"]

log = logging.getLogger(__name__)

_RATE, _UNKNOWN, _REJECTIONS, _OUTLIER = ANOMALY_TYPES
_ACTIVE_SECONDS = 600.0


class Detector:
    """`services` are those that the proxy has, with their operations where it is a mapping. `project` is named with
    every anomaly. `clock` gives Unix time, and decides only what is history and what is still shown.

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

    def see(self, records: Sequence[Record]) -> Findings:
        """Records in the order of the log, or nearly so. Those of nobody are passed over."""
        with self._lock:
            now = self._clock()
            chunk = Chunk(now, now - self._config.live_within)
            self._look(records, chunk)
            newest = max([one.requests.newest for one in chunk.touched.values()], default=self._newest)
            self._newest = max(self._newest, newest)
            chunk.forgotten += self._crowd.expire(min(self._newest, now) - self._kept)
            digest = self._vocabulary.digest
            facts: dict[tuple[str, str], bytes | None] = {
                container.key: codec.pack(container, digest) for container in chunk.touched.values()
            }
            known = self._crowd.known
            facts.update({(CONTAINER_FACT, gone): None for gone in chunk.forgotten if gone not in known})
            return Findings(chunk.counts(), self._teller.tell(chunk.begun, now), facts)

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

    def _look(self, records: Sequence[Record], chunk: Chunk) -> None:
        known, services, config = self._crowd.known, self._vocabulary.services, self._config
        touched, factor = chunk.touched, config.outlier_factor
        for record in records:
            moment, service, operation, status, reason, who, _ = record
            if not who:
                continue
            container = known.get(who) or self._meet(who, moment, chunk)
            touched[who] = container
            past = container.past
            if moment // BUCKET_SECONDS == past.bucket:
                past.count += 1
                running = True
            else:
                running = self._turn(container, moment)
            numbers = services.get(service)
            # Who names no service at all has made a mistake, and asks for nothing.
            if (numbers is None and service) or reason == _UNKNOWN:
                self._unknown(container, record, chunk)
            mark = numbers.get(operation) or numbers[""] if numbers else 0
            if container.requests.add(moment, mark):
                self._sign(container, _RATE, moment, chunk)
            if status == "rejected":
                rejection = (name(service), name(operation), reason)
                if container.rejected(config, moment, rejection):
                    self._sign(container, _REJECTIONS, moment, chunk)
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
                chunk.touched.pop(gone, None)
                chunk.forgotten.append(gone)
                chunk.evicted += 1
        return container

    def _turn(self, container: Container, moment: float) -> bool:
        """A record of another bucket than the one that runs: whether its own does now. Time to forget what is over."""
        if not container.past.turn(int(moment // BUCKET_SECONDS)):
            return False
        container.past.count = 1
        rejections = moment - self._config.rejections_within - BUCKET_SECONDS
        if container.forget(rejections, moment - self._ended - BUCKET_SECONDS):
            self._crowd.troubled.pop(container.name, None)
        return True

    def _unknown(self, container: Container, record: Record, chunk: Chunk) -> None:
        begun = self._sign(container, _UNKNOWN, record.timestamp, chunk)
        if begun is not None:
            chunk.scans[container.name] = begun.unknown
        scan = chunk.scans.get(container.name)
        if scan is not None:
            scan.append(record)

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
