from __future__ import annotations

import math
from typing import Any

import pytest

from agent_observability.metric import Kind, Label, Metric, check_unique

_VALID: dict[str, Any] = {"name": "jobs", "kind": Kind.GAUGE, "help": "Jobs waiting"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "is no metric name"),
        ({"name": "9jobs"}, "is no metric name"),
        ({"name": "jobs-waiting"}, "is no metric name"),
        ({"name": "jobs\n"}, "is no metric name"),
        ({"name": "jobs", "kind": Kind.COUNTER}, "counters, and only counters, end in _total"),
        ({"name": "jobs_total"}, "counters, and only counters, end in _total"),
        ({"name": "jobs_total", "kind": Kind.UNTYPED}, "counters, and only counters, end in _total"),
        ({"name": "jobs", "kind": Kind.INFO}, "ends in _info"),
        ({"kind": Kind.HISTOGRAM}, "histograms, and only histograms, have buckets"),
        ({"buckets": (1.0,)}, "histograms, and only histograms, have buckets"),
        ({"kind": Kind.HISTOGRAM, "buckets": (1.0, math.inf)}, "finite, not negative, distinct and ascending"),
        ({"kind": Kind.HISTOGRAM, "buckets": (-math.inf, 1.0)}, "finite, not negative, distinct and ascending"),
        ({"kind": Kind.HISTOGRAM, "buckets": (math.nan,)}, "finite, not negative, distinct and ascending"),
        ({"kind": Kind.HISTOGRAM, "buckets": (-1.0, 1.0)}, "finite, not negative, distinct and ascending"),
        ({"kind": Kind.HISTOGRAM, "buckets": (2.0, 1.0)}, "finite, not negative, distinct and ascending"),
        ({"kind": Kind.HISTOGRAM, "buckets": (1.0, 1.0)}, "finite, not negative, distinct and ascending"),
        ({"labels": (Label("queue"), Label("queue"))}, "label names clash"),
        ({"kind": Kind.HISTOGRAM, "buckets": (1.0,), "labels": (Label("le"),)}, "label names clash"),
        ({"help": ""}, "help is one phrase without a final full stop"),
        ({"help": "Jobs waiting."}, "help is one phrase without a final full stop"),
    ],
)
def test_refused_declarations(change: dict[str, Any], message: str) -> None:
    Metric(**_VALID)
    with pytest.raises(ValueError, match=message):
        Metric(**_VALID | change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "9lives"}, "is no label name"),
        ({"name": "a-b"}, "is no label name"),
        ({"name": "a:b"}, "is no label name"),
        ({"name": "__name"}, "is no label name"),
        *(({"name": name}, "belongs to the scraper") for name in ("job", "instance", "pod", "container", "service")),
        ({"name": "endpoint"}, "belongs to the scraper"),
        ({"name": "state", "values": ("on", "off"), "cap": 2}, "either an enum or capped"),
    ],
)
def test_refused_labels(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Label(**arguments)


@pytest.mark.parametrize(
    ("name", "kind", "family", "unit", "sample_names"),
    [
        ("jobs", Kind.GAUGE, "jobs", "", ("jobs",)),
        ("jobs_total", Kind.COUNTER, "jobs", "", ("jobs_total",)),
        ("cpu_seconds_total", Kind.COUNTER, "cpu_seconds", "seconds", ("cpu_seconds_total",)),
        ("cost_usd_total", Kind.COUNTER, "cost_usd", "usd", ("cost_usd_total",)),
        ("memory_bytes", Kind.GAUGE, "memory_bytes", "bytes", ("memory_bytes",)),
        ("hit_ratio", Kind.GAUGE, "hit_ratio", "ratio", ("hit_ratio",)),
        ("core_temp_celsius", Kind.GAUGE, "core_temp_celsius", "celsius", ("core_temp_celsius",)),
        ("kilobytes", Kind.GAUGE, "kilobytes", "", ("kilobytes",)),
        ("build_info", Kind.INFO, "build", "", ("build_info",)),
        ("boot_seconds_info", Kind.INFO, "boot_seconds", "", ("boot_seconds_info",)),
        ("uname_info", Kind.GAUGE, "uname_info", "", ("uname_info",)),
        (
            "wait_seconds",
            Kind.HISTOGRAM,
            "wait_seconds",
            "seconds",
            ("wait_seconds_bucket", "wait_seconds_sum", "wait_seconds_count"),
        ),
        ("node_netstat_Tcp_CurrEstab", Kind.UNTYPED, "node_netstat_Tcp_CurrEstab", "", ("node_netstat_Tcp_CurrEstab",)),
    ],
)
def test_names_derived_from_a_declaration(
    name: str, kind: Kind, family: str, unit: str, sample_names: tuple[str, ...]
) -> None:
    metric = Metric(name, kind, "Something", buckets=(1.0,) if kind is Kind.HISTOGRAM else ())
    assert (metric.family, metric.unit, metric.sample_names) == (family, unit, sample_names)


@pytest.mark.parametrize(
    ("labels", "series_cap", "capped"),
    [
        ((), None, False),
        ((Label("cpu"), Label("mode", values=("idle",))), None, False),
        ((Label("cpu"),), 10, True),
        ((Label("model", cap=5),), None, True),
        ((Label("model", cap=0),), None, True),
    ],
)
def test_capped(labels: tuple[Label, ...], series_cap: int | None, capped: bool) -> None:
    assert Metric("jobs", Kind.GAUGE, "Jobs", labels, series_cap=series_cap).capped is capped


def test_a_metric_is_the_family_not_its_fields() -> None:
    one, other = Metric(**_VALID), Metric(**_VALID)
    assert one != other
    assert len({one, other, one}) == 2


def _metric(name: str) -> Metric:
    endings = {"_total": Kind.COUNTER, "_info": Kind.INFO, "_seconds": Kind.HISTOGRAM}
    kind = next((kind for ending, kind in endings.items() if name.endswith(ending)), Kind.GAUGE)
    return Metric(name, kind, "Something", buckets=(1.0,) if kind is Kind.HISTOGRAM else ())


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (("jobs", "workers"), None),
        (("jobs", "jobs"), "jobs and jobs both expose jobs"),
        (("jobs_total", "jobs"), "jobs and jobs_total both expose jobs"),
        (("jobs_total", "jobs_info"), "jobs_info and jobs_total both expose jobs"),
        (("wait_seconds", "wait_seconds_count"), "wait_seconds_count and wait_seconds both expose wait_seconds_count"),
        (("wait_seconds_bucket", "wait_seconds"), "wait_seconds and wait_seconds_bucket both expose"),
    ],
)
def test_families_of_one_exposition_must_not_share_names(names: tuple[str, ...], clash: str | None) -> None:
    metrics = [_metric(name) for name in names]
    if clash is None:
        check_unique(metrics)
        check_unique(metrics * 2)  # the same declaration twice is one family
    else:
        with pytest.raises(ValueError, match=clash):
            check_unique(metrics)
