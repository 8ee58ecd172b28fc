"""What is written is what parsers read: prometheus_client's strict OpenMetrics parser, its text parser, promtool."""

from __future__ import annotations

import gzip
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric as ParsedMetric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.exemplar import Exemplar
from agent_observability.exposition import Format, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.series import SeriesStore
from tests.collectors import scraped
from tests.support import examples

COUNTER = Metric("money_usd_total", Kind.COUNTER, 'Money, in "dollars" \\ or so', (Label("project"), Label("model")))
GAUGE = Metric("queue_bytes", Kind.GAUGE, "Bytes\nwaiting", (Label("project"),))
HISTOGRAM = Metric("wait_seconds", Kind.HISTOGRAM, "Waiting time", (Label("queue"),), buckets=(0, 0.5, 1, 1e16))
INFO = Metric("build_info", Kind.INFO, "The build", (Label("version"),))
UNTYPED = Metric("tcp_established", Kind.UNTYPED, "Open connections")
METRICS = (COUNTER, GAUGE, HISTOGRAM, INFO, UNTYPED)

_SURROGATE = re.compile("[\ud800-\udfff]")
# Every character there is, with those that need escaping much more often than chance would have them.
_texts = st.text(st.one_of(st.characters(), st.sampled_from('\\"\n{},= #\ud800\udcff')), max_size=8)
_amounts = st.one_of(st.integers(0, 2**70), st.floats(0, 1e18))
_numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats())

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _labels(count: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.tuples(*[_texts] * count)


def _read(families: Iterable[ParsedMetric]) -> Samples:
    samples: Samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def _key(name: str, metric: Metric, labels: tuple[str, ...], **more: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted({**dict(zip(metric.label_names, labels, strict=True)), **more}.items()))


def _same(left: float, right: float) -> bool:
    return float(left) == float(right) or (math.isnan(left) and math.isnan(right))


_PARSERS: list[tuple[Format, Callable[[str], Iterable[ParsedMetric]]]] = [
    (Format.OPENMETRICS, openmetrics_parser.text_string_to_metric_families),
    (Format.TEXT, text_string_to_metric_families),
]


@settings(max_examples=examples(120), deadline=None)
@given(
    counters=st.dictionaries(_labels(2), _amounts, max_size=5),
    gauges=st.dictionaries(_labels(1), _numbers, max_size=5),
    observations=st.dictionaries(_labels(1), st.lists(st.floats(0, 1e18), min_size=1, max_size=5), max_size=3),
    versions=st.sets(_labels(1), max_size=3),
    # prometheus_client's parser loses its way in exemplars that hold an escaped quote.
    exemplar=st.text(st.characters(codec="utf-8", exclude_characters='"\\{}#'), max_size=20),
)
def test_parsers_read_what_was_put_in(
    counters: dict[tuple[str, ...], float],
    gauges: dict[tuple[str, ...], float],
    observations: dict[tuple[str, ...], list[float]],
    versions: set[tuple[str, ...]],
    exemplar: str,
) -> None:
    store = SeriesStore("test", METRICS)
    expected: Samples = {}

    # Series whose labels differ only in surrogates look alike outside; the last one stands for all of them.
    def clean(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_SURROGATE.sub("\ufffd", label) for label in labels)

    for labels, amount in {clean(labels): amount for labels, amount in counters.items()}.items():
        store.add(COUNTER, labels, amount, Exemplar({"trace_id": exemplar}, 1700000000.25))
        expected[_key(COUNTER.name, COUNTER, labels)] = amount
    for labels, number in {clean(labels): number for labels, number in gauges.items()}.items():
        store.set(GAUGE, labels, number)
        expected[_key(GAUGE.name, GAUGE, labels)] = number
    for labels, values in {clean(labels): values for labels, values in observations.items()}.items():
        total = 0.0
        for value in values:
            store.observe(HISTOGRAM, labels, value, Exemplar({"trace_id": exemplar}, 1700000000.25))
            total += value
        for edge, le in ((0, "0.0"), (0.5, "0.5"), (1, "1.0"), (1e16, "1e+16"), (math.inf, "+Inf")):
            count = sum(value <= edge for value in values)
            expected[_key("wait_seconds_bucket", HISTOGRAM, labels, le=le)] = count
        expected[_key("wait_seconds_count", HISTOGRAM, labels)] = len(values)
        expected[_key("wait_seconds_sum", HISTOGRAM, labels)] = total
    for labels in {clean(labels) for labels in versions}:
        store.set(INFO, labels, 1)
        expected[_key(INFO.name, INFO, labels)] = 1
    store.set(UNTYPED, (), -1)
    expected[_key(UNTYPED.name, UNTYPED, ())] = -1

    scraped(store)
    families = scraped(store)
    for format_, parse in _PARSERS:
        plain = write(families, format_)
        assert gzip.decompress(write(families, format_, gzip=True)) == plain
        read = _read(parse(plain.decode()))
        assert read.keys() == expected.keys()
        assert all(_same(read[key], value) for key, value in expected.items())


@given(text=_texts)
def test_any_text_is_a_label_value(text: str) -> None:
    """Surrogates included, which neither UTF-8 nor a parser could take."""
    store = SeriesStore("test", [GAUGE])
    store.set(GAUGE, (text,), 1)
    for format_, parse in _PARSERS:
        families = parse(write(scraped(store), format_).decode())
        labels = [sample.labels for family in families for sample in family.samples]
        assert labels == [{"project": _SURROGATE.sub("\ufffd", text)}]


def test_kinds_units_and_exemplars_arrive() -> None:
    store = SeriesStore("test", METRICS)
    exemplar = Exemplar({"trace_id": "4bf92f"}, 1700000000.25)
    store.add(COUNTER, ("blog", "gpt"), 2, exemplar)
    store.observe(HISTOGRAM, ("in",), 0.7, exemplar)
    store.set(GAUGE, ("blog",), 1)
    store.set(INFO, ("1",), 1)
    store.set(UNTYPED, (), 1)
    scraped(store)
    families = list(
        openmetrics_parser.text_string_to_metric_families(write(scraped(store), Format.OPENMETRICS).decode())
    )
    assert [(family.name, family.type, family.unit, family.documentation) for family in families] == [
        ("money_usd", "counter", "usd", COUNTER.help),
        ("queue_bytes", "gauge", "bytes", GAUGE.help),
        ("wait_seconds", "histogram", "seconds", HISTOGRAM.help),
        ("build", "info", "", INFO.help),
        ("tcp_established", "unknown", "", UNTYPED.help),
    ]
    carried = {
        (sample.name, sample.labels.get("le")): (
            sample.exemplar.labels,
            sample.exemplar.value,
            float(sample.exemplar.timestamp or 0),
        )
        for family in families
        for sample in family.samples
        if sample.exemplar
    }
    assert carried == {
        ("money_usd_total", None): ({"trace_id": "4bf92f"}, 2, 1700000000.25),
        ("wait_seconds_bucket", "1.0"): ({"trace_id": "4bf92f"}, 0.7, 1700000000.25),
    }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say() -> None:
    store = SeriesStore("test", [metric for metric in METRICS if metric is not UNTYPED], caps={"project": 1})
    capped = Metric(
        "runs_total", Kind.COUNTER, "Runs", (Label("model", cap=1), Label("result", values=("ok", "failed")))
    )
    capped_store = SeriesStore("capped", [capped])
    for model in ("a", "b"):
        capped_store.add(capped, (model, "ok"))
    store.add(COUNTER, ("blog", 'g"p\\t\n'), 2)
    store.observe(HISTOGRAM, ("in",), 0.7)
    store.set(GAUGE, ("blog",), math.inf)
    store.set(INFO, ("1",), 1)
    for families in (scraped(store), scraped(capped_store)):
        result = subprocess.run(
            ["promtool", "check", "metrics"],
            check=False,
            input=write(families, Format.TEXT),
            capture_output=True,
            timeout=30,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
