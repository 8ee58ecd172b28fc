from __future__ import annotations

import os
import platform
import time

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_observability import __version__
from agent_observability.collector import Collector
from agent_observability.exposition import Format, write
from agent_observability.selfmetrics import ProcessMetrics, record_reload, suite_store
from agent_observability.suite import SCRAPE_DURATION, SUITE_METRICS
from tests.collectors import scraped


def _samples(collector: Collector) -> dict[str, tuple[dict[str, str], float]]:
    text = write(collector.collect(), Format.TEXT).decode()
    return {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_a_fresh_exporter_says_of_itself() -> None:
    before = time.time()
    samples = _samples(suite_store("host"))
    assert samples["agent_obs_build_info"] == (
        {"version": __version__, "python_version": platform.python_version(), "exporter": "host"},
        1,
    )
    assert samples["agent_obs_config_last_reload_successful"][1] == 1
    assert before <= samples["agent_obs_config_last_reload_success_timestamp_seconds"][1] <= time.time()
    assert samples["agent_obs_scrape_duration_seconds_count"][1] == 0


def test_scrape_durations_are_counted() -> None:
    store = suite_store("host")
    scraped(store)
    store.observe(SCRAPE_DURATION, (), 0.2)
    samples = _samples(store)
    assert samples["agent_obs_scrape_duration_seconds_count"][1] == 1
    assert samples["agent_obs_scrape_duration_seconds_sum"][1] == pytest.approx(0.2)


def test_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    store = suite_store("host")
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    record_reload(store, successful=True)
    monkeypatch.setattr(time, "time", lambda: 2000.0)
    record_reload(store, successful=False)
    samples = _samples(store)
    assert samples["agent_obs_config_last_reload_successful"][1] == 0
    assert samples["agent_obs_config_last_reload_success_timestamp_seconds"][1] == 1000
    record_reload(store, successful=True)
    samples = _samples(store)
    assert samples["agent_obs_config_last_reload_successful"][1] == 1
    assert samples["agent_obs_config_last_reload_success_timestamp_seconds"][1] == 2000


def test_process_metrics_are_the_declared_ones_and_true() -> None:
    collector = ProcessMetrics()
    families = [family.metric for family in collector.collect()]
    assert sorted(metric.name for metric in families) == sorted(metric.name for metric in collector.metrics)
    assert set(families) <= set(SUITE_METRICS)

    with open(os.devnull) as _one, open(os.devnull) as _more:  # noqa: PTH123
        samples = {name: value for name, (_, value) in _samples(collector).items()}
        process = psutil.Process()
        assert abs(samples["process_open_fds"] - process.num_fds()) <= 2
    assert samples["process_resident_memory_bytes"] == pytest.approx(process.memory_info().rss, rel=0.2)
    assert samples["process_start_time_seconds"] == pytest.approx(process.create_time(), abs=2)
    assert samples["process_cpu_seconds_total"] == pytest.approx(sum(process.cpu_times()[:2]), abs=2)
    labels, value = _samples(collector)["python_info"]
    assert (labels["version"], labels["implementation"], value) == (
        platform.python_version(),
        platform.python_implementation(),
        1,
    )
