"""The machine's clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from agent_observability.collector import LiveCollector, Sample
from agent_observability.host.metrics import TIME
from agent_observability.metric import Metric

__all__ = ["TimeCollector"]


class TimeCollector(LiveCollector):
    """Shows a clock that is wrong, when compared with Prometheus' own `time()`."""

    name = "time"
    metrics = (TIME,)

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        yield TIME, [((), time.time())]
