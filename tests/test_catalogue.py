"""The catalogue check finds names that do not exist, wherever an expression may carry them, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.metric import Label
from tests.catalogue import check_expression, foreign_value, known_names, output_labels, substitute
from tests.promql import parse, selectors

CPU = 'rate(node_cpu_seconds_total{job="agent-obs-host"}[5m])'


@pytest.mark.parametrize(
    "expression",
    [
        "node_load1",
        'node_cpu_seconds_total{mode!~"idle|iowait", cpu="0", instance="a", cluster="eu"}',
        f"sum by (mode, instance) ({CPU})",
        f"sum without (cpu, mode) ({CPU})",
        f"topk by (instance) (3, {CPU})",
        f"sum without (cpu) ({CPU}) / ignoring (mode) group_left () sum without (cpu, mode) ({CPU})",
        "node_load1 * on (instance) group_left (nodename, release) node_uname_info",
        "node_uname_info * on (instance) group_right (nodename) node_load1",
        'node_filesystem_free_bytes{fstype!="tmpfs"} unless on (mountpoint) node_filesystem_readonly == 1',
        "histogram_quantile(0.95, sum by (le, job) (rate(agent_obs_scrape_duration_seconds_bucket[5m])))",
        "rate(agent_obs_scrape_duration_seconds_sum[5m]) / rate(agent_obs_scrape_duration_seconds_count[5m])",
        'sum by (exporter) (label_replace(up, "exporter", "$1", "job", "agent-obs-(.+)"))',
        'sum by (place) (label_join(node_filesystem_size_bytes, "place", "/", "instance", "mountpoint"))',
        'count_values by (instance) ("load", node_load1)',
        "max_over_time(instance:node_cpu_busy:ratio_rate5m[1h:5m] offset 1d)",
        'instance_mountpoint:node_filesystem_used:ratio{mountpoint="/", device=~"/dev/.*", fstype="ext4"}',
        'sum by (alertname, severity) (ALERTS{alertstate="firing", mountpoint!=""})',
        'prometheus_rule_evaluation_failures_total{rule_group=~".*"}',
        "time() - node_boot_time_seconds",
        "vector(1) or on () node_load1",
        "-node_load1 > bool 1",
        'absent(up{job="agent-obs-host"})',
        "scalar(count(node_load1)) * node_load5",
    ],
)
def test_sound_expressions_pass(expression: str) -> None:
    assert check_expression(expression, "here") == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("node_cpu_second_total", "unknown metric node_cpu_second_total (did you mean node_cpu_seconds_total?)"),
        ("rate(node_zzz_total[5m])", "unknown metric node_zzz_total"),
        ("agent_obs_scrape_duration_seconds", "(did you mean agent_obs_scrape_duration_seconds_sum?)"),
        ("max_over_time(instance:node_cpu:ratio[1h:5m])", "unknown metric instance:node_cpu:ratio"),
        ('node_load1{mode="x"}', "node_load1 has no label 'mode'"),
        ('node_cpu_seconds_total{mod="idle"}', "has no label 'mod' (did you mean mode?)"),
        ('instance:node_cpu_busy:ratio_rate5m{cpu="0"}', "has no label 'cpu'"),
        ('prometheus_rule_evaluation_failures_total{rule_grup="x"}', "(did you mean rule_group?)"),
        ('agent_obs_scrape_duration_seconds_sum{le="1.0"}', "has no label 'le'"),
        ('{job="agent-obs-host"}', 'selector {job="agent-obs-host"} names no metric'),
        (f"sum by (instnce) ({CPU})", "label 'instnce' in sum by (…)"),
        (f"sum without (cpus) ({CPU})", "label 'cpus' in sum without (…)"),
        (f"topk by (moed) (3, {CPU})", "label 'moed' in topk by (…)"),
        (f"max by (cpu) (sum by (mode) ({CPU}))", "label 'cpu' in max by (…)"),
        ("node_load1 / on (mode) node_cpu_seconds_total", "label 'mode' in on (…)"),
        ("node_load1 / ignoring (device) node_load5", "label 'device' in ignoring (…)"),
        ("node_load1 * on (instance) group_left (nodname) node_uname_info", "label 'nodname' in group_left (…)"),
        ("node_uname_info * on (instance) group_right (nodname) node_load1", "label 'nodname' in group_right (…)"),
        ("node_load1 unless on (mountpoint) node_filesystem_readonly", "label 'mountpoint' in on (…)"),
        (
            "sum by (mountpoint) (node_load1 / on (instance) sum by (instance) (node_filesystem_size_bytes))",
            "label 'mountpoint' in sum by (…)",
        ),
        ('label_replace(node_load1, "a", "$1", "jab", "(.*)")', "label 'jab' in label_replace (…)"),
        (
            "histogram_quantile(0.9, sum by (job) (rate(agent_obs_scrape_duration_seconds_bucket[5m])))",
            "label 'le' in histogram_quantile (…)",
        ),
        ("sum(node_load1", "unclosed left parenthesis"),
        ("rate(node_load1)", "expected type matrix"),
    ],
)
def test_unknown_names_are_found(expression: str, problem: str) -> None:
    [found] = check_expression(expression, "panel CPU")
    assert found.startswith("panel CPU: ")
    assert problem in found


@pytest.mark.parametrize(
    ("matcher", "foreign"),
    [
        ('x="hit"', None),
        ('x="other"', None),
        ('x=~"hit|miss"', None),
        ('x=~"h.*"', None),
        ('x=""', None),
        ('x!="mis"', "mis"),
        ('x=~"hit|mis"', "mis"),
        ('x!~"hits"', "hits"),
    ],
)
def test_values_outside_an_enum_are_found(matcher: str, foreign: str | None) -> None:
    [selector] = selectors(parse(f"y{{{matcher}}}"))
    [parsed] = selector.matchers.matchers
    assert foreign_value(parsed, Label("x", values=("hit", "miss"))) == foreign
    assert foreign_value(parsed, Label("x")) is None


@pytest.mark.parametrize(
    ("expression", "labels", "lacks"),
    [
        (f"sum by (mode) ({CPU})", {"mode"}, {"cpu", "job"}),
        (f"sum({CPU})", set(), {"mode", "job"}),
        ("node_load1 / on (instance) node_load5", {"instance"}, {"job"}),
        ('absent(up{job="agent-obs-host", instance=~".+"})', {"job"}, {"instance"}),
        ("vector(1)", set(), {"job"}),
        ("time()", set(), {"job"}),
    ],
)
def test_output_labels(expression: str, labels: set[str], lacks: set[str]) -> None:
    found = output_labels(expression)
    assert labels <= found
    assert not lacks & found


def test_selectors_reach_every_corner() -> None:
    tree = parse("a + sum(b) / max_over_time(rate(c[5m])[1h:]) unless (d or -e) > scalar(f) and topk(scalar(g), h)")
    assert [selector.name for selector in selectors(tree)] == list("abcdefgh")


@pytest.mark.parametrize(
    ("panel", "query"),
    [
        ('node_load1{instance=~"$instance"}', 'node_load1{instance=~".*"}'),
        ('node_load1{job=~"${job:regex}", a="[[b]]"}', 'node_load1{job=~".*", a=".*"}'),
        ("rate(node_forks_total[$__rate_interval])", "rate(node_forks_total[5m])"),
        ("max_over_time(node_load1[${__range}:$__interval])", "max_over_time(node_load1[6h:1m])"),
        ("node_forks_total / $__range_s", "node_forks_total / 21600"),
        ('label_replace(up, "x", "$1", "job", "(.+)")', 'label_replace(up, "x", "$1", "job", "(.+)")'),
        ("node_load1", "node_load1"),
    ],
)
def test_substitute(panel: str, query: str) -> None:
    assert substitute(panel) == query
    parse(query)


def test_substitute_refuses_what_it_cannot_know() -> None:
    with pytest.raises(ValueError, match=r"\$metric stands outside a quoted matcher"):
        substitute("rate($metric[5m])")


names = st.sampled_from(known_names())


@given(
    names,
    st.sampled_from(["sum", "max", "avg"]),
    st.sampled_from(["by", "without"]),
    st.from_regex(r"[a-z]{3,9}_x", fullmatch=True),
)
def test_any_known_series_passes_and_any_invented_label_is_found(
    name: str, operator: str, clause: str, label: str
) -> None:
    assert check_expression(f"{operator} {clause} (job) ({name})", "here") == []
    assert len(check_expression(f"{operator} {clause} ({label}) ({name})", "here")) == 1


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    for problem in check_expression(text, "here"):
        assert problem.startswith("here: ")
