"""What is known of one container."""

from __future__ import annotations

from agent_observability.credential_proxy.anomalies.baseline import BUCKET_SECONDS, Baseline
from agent_observability.credential_proxy.anomalies.window import Window
from agent_observability.credential_proxy.config import AnomaliesConfig
from agent_observability.credential_proxy.metrics import ANOMALY_TYPES

__all__ = ["CONTAINER_FACT", "MINUTE", "Anomaly", "Container", "Rejection", "slot"]

CONTAINER_FACT = "proxy_container"
"""Kind of the facts, by name of the container."""

MINUTE = 60.0
Rejection = tuple[str, str, str]
"""Service, operation and reason, the first two as they may be shown."""

_TYPES = {type_: 2 * at for at, type_ in enumerate(ANOMALY_TYPES)}


def slot(type_: str, *, live: bool) -> int:
    """Where a container's newest anomaly of a type is: history has its own, which keeps no live one from beginning."""
    return _TYPES[type_] + (not live)


class Anomaly:
    """One that has begun. `since` and `last` are event time, those of its first and of its newest sign.

    `shown` is when there was a sign of it by the wall clock, but not before it happened; 0.0 for history.
    """

    __slots__ = ("last", "shown", "since")

    def __init__(self, since: float, last: float, shown: float) -> None:
        self.since = since
        self.last = last
        self.shown = shown


class Container:
    """`past.bucket` is that of the newest record. `rejections` is None as long as there was none lately."""

    __slots__ = ("anomalies", "key", "name", "past", "rejections", "requests")

    def __init__(self, name: str, config: AnomaliesConfig, past: Baseline, times: list[float], marks: list[int]):
        self.name = name
        self.key = (CONTAINER_FACT, name)
        self.past = past
        self.requests = Window(config.requests_per_minute, MINUTE, times, marks)
        self.rejections: Window[Rejection] | None = None
        self.anomalies: dict[int, Anomaly] = {}

    @classmethod
    def new(cls, name: str, config: AnomaliesConfig, moment: float) -> Container:
        """One whose first record is of this moment."""
        return cls(name, config, Baseline(int(moment // BUCKET_SECONDS)), [], [])

    def rejected(self, config: AnomaliesConfig, moment: float, rejection: Rejection) -> bool:
        """Whether there are too many rejections with this one."""
        if self.rejections is None:
            self.rejections = self.rejections_of(config, [], [])
        return self.rejections.add(moment, rejection)

    @staticmethod
    def rejections_of(config: AnomaliesConfig, times: list[float], marks: list[Rejection]) -> Window[Rejection]:
        """A window of them."""
        return Window(config.rejections, config.rejections_within, times, marks)

    def forget(self, rejections: float, anomalies: float) -> bool:
        """Drop rejections and anomalies whose last sign was before these moments; whether no anomaly is left."""
        if self.rejections is not None and self.rejections.newest < rejections:
            self.rejections = None
        if not self.anomalies:
            return False
        kept = {at: one for at, one in self.anomalies.items() if max(one.last, one.shown) >= anomalies}
        self.anomalies = kept
        return not kept

    def until(self, cooldown: float) -> float:
        """When it was last heard of. One with an anomaly is heard of until that has ended: it is the last to go."""
        heard = self.requests.newest if self.requests.times else 0.0
        return max([heard, *(one.last + cooldown for one in self.anomalies.values())]) if self.anomalies else heard
