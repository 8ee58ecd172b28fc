"""What every exporter says about itself: build, scrape durations, configuration, process."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Sequence

from prometheus_client import PlatformCollector, ProcessCollector

from agent_observability import __version__
from agent_observability.collector import LiveCollector, Sample
from agent_observability.metric import Metric
from agent_observability.series import SeriesStore
from agent_observability.suite import (
    BUILD_INFO,
    CONFIG_RELOAD_SUCCESS,
    CONFIG_RELOAD_TIMESTAMP,
    PROCESS_METRICS,
    PYTHON_INFO,
    SCRAPE_DURATION,
)

__all__ = ["ProcessMetrics", "suite_store"]


def suite_store(exporter: str) -> SeriesStore:
    """The self metrics an exporter updates as it goes, as a collector named `suite`."""
    store = SeriesStore("suite", (BUILD_INFO, SCRAPE_DURATION, CONFIG_RELOAD_SUCCESS, CONFIG_RELOAD_TIMESTAMP))
    store.set(BUILD_INFO, (__version__, platform.python_version(), exporter), 1)
    record_reload(store, successful=True)
    return store


def record_reload(store: SeriesStore, *, successful: bool) -> None:
    """Note how an attempt to load the configuration ended."""
    store.set(CONFIG_RELOAD_SUCCESS, (), int(successful))
    if successful:
        store.set(CONFIG_RELOAD_TIMESTAMP, (), time.time())


class ProcessMetrics(LiveCollector):
    """`process_*` and `python_info`, read by prometheus_client. One port per process exposes them."""

    name = "process"
    metrics = (*PROCESS_METRICS, PYTHON_INFO)

    def __init__(self) -> None:
        super().__init__()
        self._process = ProcessCollector(registry=None)
        self._platform = tuple(PlatformCollector(registry=None).collect())  # nothing in it ever changes
        self._by_name = {metric.name: metric for metric in self.metrics}

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        for family in (*self._process.collect(), *self._platform):
            for sample in family.samples:
                metric = self._by_name[sample.name]
                yield metric, [(tuple(sample.labels[name] for name in metric.label_names), sample.value)]
