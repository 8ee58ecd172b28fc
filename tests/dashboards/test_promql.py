"""The PromQL builder: declaration in, query text and unit out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent_observability.metric import Metric
from dashboards.external import EXTERNAL_METRICS
from dashboards.promql import Expr, Match, Scope, aggregate, median, one_of, ratio, share, topk
from tests.catalogue import check_expression

HOST = Scope((("job", Match("=", "agent-obs-host")), ("instance", one_of("$instance"))))
SCOPE = 'job="agent-obs-host", instance=~"$instance"'

CASES: list[tuple[Callable[[], Expr], str, str]] = [
    (lambda: HOST.gauge("node_load1"), f"node_load1{{{SCOPE}}}", "short"),
    (lambda: HOST.gauge("node_memory_MemFree_bytes"), f"node_memory_MemFree_bytes{{{SCOPE}}}", "bytes"),
    (lambda: HOST.gauge("node_hwmon_temp_celsius"), f"node_hwmon_temp_celsius{{{SCOPE}}}", "celsius"),
    (
        lambda: HOST.rate("node_cpu_seconds_total", mode="idle"),
        f'rate(node_cpu_seconds_total{{{SCOPE}, mode="idle"}}[$__rate_interval])',
        "percentunit",
    ),
    (
        lambda: HOST.rate("node_cpu_seconds_total", mode=one_of("user", "system")),
        f'rate(node_cpu_seconds_total{{{SCOPE}, mode=~"user|system"}}[$__rate_interval])',
        "percentunit",
    ),
    (
        lambda: HOST.rate("node_network_receive_bytes_total"),
        f"rate(node_network_receive_bytes_total{{{SCOPE}}}[$__rate_interval])",
        "Bps",
    ),
    (lambda: HOST.rate("node_forks_total"), f"rate(node_forks_total{{{SCOPE}}}[$__rate_interval])", "cps"),
    (lambda: HOST.increase("node_vmstat_oom_kill", "10m"), f"increase(node_vmstat_oom_kill{{{SCOPE}}}[10m])", "short"),
    (
        lambda: HOST.increase("node_disk_read_bytes_total", "1h"),
        f"increase(node_disk_read_bytes_total{{{SCOPE}}}[1h])",
        "bytes",
    ),
    (
        lambda: HOST.buckets("agent_obs_scrape_duration_seconds"),
        f"sum by (le) (rate(agent_obs_scrape_duration_seconds_bucket{{{SCOPE}}}[$__rate_interval]))",
        "cps",
    ),
    (
        lambda: HOST.quantile(0.99, "agent_obs_scrape_duration_seconds", ("job",)),
        "histogram_quantile(0.99, sum by (job, le) "
        f"(rate(agent_obs_scrape_duration_seconds_bucket{{{SCOPE}}}[$__rate_interval])))",
        "s",
    ),
    (
        lambda: HOST.recorded("instance:node_memory_used:ratio"),
        f"instance:node_memory_used:ratio{{{SCOPE}}}",
        "percentunit",
    ),
    (
        lambda: HOST.recorded("instance:node_network_receive_bytes:rate5m"),
        f"instance:node_network_receive_bytes:rate5m{{{SCOPE}}}",
        "Bps",
    ),
    (
        lambda: HOST.recorded("instance_device:node_disk_read_time_seconds:mean5m"),
        f"instance_device:node_disk_read_time_seconds:mean5m{{{SCOPE}}}",
        "s",
    ),
    (lambda: aggregate("max", HOST.gauge("node_load1")), f"max (node_load1{{{SCOPE}}})", "short"),
    (
        lambda: aggregate("count", HOST.gauge("node_memory_MemFree_bytes"), ("instance",)),
        f"count by (instance) (node_memory_MemFree_bytes{{{SCOPE}}})",
        "short",
    ),
    (lambda: aggregate("sum", HOST.gauge("up")).or_zero(), f"sum (up{{{SCOPE}}}) or vector(0)", "short"),
    (lambda: topk(5, HOST.gauge("node_load1")), f"topk(5, node_load1{{{SCOPE}}})", "short"),
    (
        lambda: HOST.gauge("node_memory_MemTotal_bytes") - HOST.gauge("node_memory_MemFree_bytes"),
        f"(node_memory_MemTotal_bytes{{{SCOPE}}} - node_memory_MemFree_bytes{{{SCOPE}}})",
        "bytes",
    ),
    (
        lambda: HOST.gauge("node_load1") + HOST.gauge("node_load5"),
        f"(node_load1{{{SCOPE}}} + node_load5{{{SCOPE}}})",
        "short",
    ),
    (
        lambda: ratio(HOST.gauge("process_open_fds"), HOST.gauge("process_max_fds")),
        f"(process_open_fds{{{SCOPE}}} / process_max_fds{{{SCOPE}}})",
        "percentunit",
    ),
    (
        lambda: HOST.gauge("node_boot_time_seconds").age(),
        f"(time() - node_boot_time_seconds{{{SCOPE}}})",
        "dtdurations",
    ),
    (
        lambda: aggregate("max", HOST.gauge("node_boot_time_seconds").age()).day_before(),
        f"max (((time() - 86400) - node_boot_time_seconds{{{SCOPE}}} offset 1d))",
        "dtdurations",
    ),
    (
        lambda: aggregate("max", HOST.rate("node_forks_total")).day_before(),
        f"max (rate(node_forks_total{{{SCOPE}}}[$__rate_interval] offset 1d))",
        "cps",
    ),
    (
        (HOST.gauge("node_load1") + HOST.gauge("node_load5")).day_before,
        f"(node_load1{{{SCOPE}}} offset 1d + node_load5{{{SCOPE}}} offset 1d)",
        "short",
    ),
    (lambda: HOST.gauge("node_load1").before("1w"), f"node_load1{{{SCOPE}}} offset 1w", "short"),
    (
        lambda: HOST.gauge("node_load1").rises(),
        f"(node_load1{{{SCOPE}}} > node_load1{{{SCOPE}}} offset $__interval)",
        "short",
    ),
    (
        lambda: share(HOST.gauge("node_load1"), HOST.gauge("node_load5")),
        f"(node_load1{{{SCOPE}}} / (node_load5{{{SCOPE}}} > 0))",
        "percentunit",
    ),
    (
        lambda: HOST.gauge("node_load1").share_of(aggregate("sum", HOST.gauge("node_load5"), ("job",)), on=("job",)),
        f"(node_load1{{{SCOPE}}} / on (job) group_left () (sum by (job) (node_load5{{{SCOPE}}}) > 0))",
        "percentunit",
    ),
    (
        lambda: HOST.gauge("node_load1").or_zero_where(HOST.gauge("node_load5")),
        f"(node_load1{{{SCOPE}}} or node_load5{{{SCOPE}}} * 0)",
        "short",
    ),
    (
        lambda: HOST.gauge("node_load1").only(HOST.gauge("node_load5").below(2.5), on=("job",)),
        f"(node_load1{{{SCOPE}}} and on (job) (node_load5{{{SCOPE}}} < 2.5))",
        "short",
    ),
    (
        lambda: HOST.gauge("node_load1").unless(HOST.gauge("node_load5").positive(), on=("job", "instance")),
        f"(node_load1{{{SCOPE}}} unless on (job, instance) (node_load5{{{SCOPE}}} > 0))",
        "short",
    ),
    (
        lambda: HOST.gauge("node_load1").with_labels(("nodename",), HOST.gauge("node_uname_info"), on=("instance",)),
        f"(node_load1{{{SCOPE}}} * on (instance) group_left (nodename) node_uname_info{{{SCOPE}}})",
        "short",
    ),
    (lambda: median(HOST.gauge("node_load1")), f"quantile(0.5, node_load1{{{SCOPE}}})", "short"),
    (
        lambda: HOST.increase("node_forks_total", "1h").rounded(),
        f"round(increase(node_forks_total{{{SCOPE}}}[1h]))",
        "short",
    ),
    (
        lambda: HOST.mean("agent_obs_scrape_duration_seconds", "1d"),
        f"(sum (increase(agent_obs_scrape_duration_seconds_sum{{{SCOPE}}}[1d])) / "
        f"(sum (increase(agent_obs_scrape_duration_seconds_count{{{SCOPE}}}[1d])) > 0))",
        "s",
    ),
    (
        lambda: HOST.quantile(0.5, "agent_obs_scrape_duration_seconds", window="1h", job="x"),
        "histogram_quantile(0.5, sum by (le) "
        f'(increase(agent_obs_scrape_duration_seconds_bucket{{{SCOPE}, job="x"}}[1h])))',
        "s",
    ),
    (
        lambda: HOST.minutes("ALERTS", "$__range", alertstate="firing"),
        f'count_over_time(ALERTS{{{SCOPE}, alertstate="firing"}}[$__range:1m])',
        "m",
    ),
    (
        lambda: HOST.last_seen("ALERTS", "$__range", alertstate="firing"),
        f'max_over_time(timestamp(ALERTS{{{SCOPE}, alertstate="firing"}})[$__range:1m])',
        "s",
    ),
    (lambda: HOST.gauge("node_load1").as_unit("suffix: threads"), f"node_load1{{{SCOPE}}}", "suffix: threads"),
]


@pytest.mark.parametrize(("build", "text", "unit"), CASES, ids=[text for _, text, _ in CASES])
def test_expressions(build: Callable[[], Expr], text: str, unit: str) -> None:
    expr = build()
    assert (expr.text, expr.unit) == (text, unit)


MISTAKES: list[tuple[Callable[[], Expr], str]] = [
    (lambda: HOST.gauge("node_laod1"), "unknown metric 'node_laod1', did you mean node_load1"),
    (lambda: HOST.gauge("node_load1", mode="idle"), "node_load1 has no label 'mode'"),
    (lambda: Scope((("shop", one_of("$shop")),)).gauge("node_load1"), "node_load1 has no label 'shop'"),
    (lambda: HOST.rate("node_load1"), "node_load1 is a gauge, not a counter"),
    (lambda: HOST.increase("node_load1", "1h"), "node_load1 is a gauge, not a counter"),
    (lambda: HOST.quantile(0.5, "node_load1"), "node_load1 is a gauge, not a histogram"),
    (lambda: HOST.recorded("instance:node_memory_used:ration"), "did you mean instance:node_memory_used:ratio"),
    (lambda: aggregate("sum", HOST.gauge("node_load1"), ("device",)), "has no label 'device'"),
    (
        lambda: HOST.gauge("node_load1").or_zero_where(HOST.gauge("node_cpu_seconds_total")),
        "must have the same labels",
    ),
    (lambda: HOST.gauge("node_load1").only(HOST.gauge("node_load5"), on=("device",)), "has no label 'device'"),
    (
        lambda: HOST.gauge("node_load1").with_labels(("device",), HOST.gauge("node_load5"), on=("job",)),
        "node_load5.* has no label 'device'",
    ),
    (HOST.gauge("node_load1").or_zero, "or_zero needs an expression without labels"),
]


@pytest.mark.parametrize(("build", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes_are_named(build: Callable[[], Expr], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_families_are_all_series_it_depends_on() -> None:
    both = HOST.recorded("instance:node_memory_used:ratio") + HOST.gauge("node_load1")
    assert both.families == {
        "instance:node_memory_used:ratio",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemTotal_bytes",
        "node_load1",
    }


@pytest.mark.parametrize("metric", EXTERNAL_METRICS, ids=lambda metric: metric.name)
def test_external_families_are_known_to_the_catalogue_check(metric: Metric) -> None:
    labels = ", ".join(f'{label}=~".*"' for label in metric.label_names)
    assert check_expression(f"{metric.name}{{{labels}}}", metric.name) == []
