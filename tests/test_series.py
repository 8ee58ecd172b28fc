from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.exemplar import Exemplar
from agent_observability.exposition import Format, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.series import SeriesStore
from tests.collectors import scraped

RESULT = Label("result", values=("ok", "failed"))
RUNS = Metric("runs_total", Kind.COUNTER, "Runs", (Label("project"), RESULT))
STARTS = Metric("starts_total", Kind.COUNTER, "Starts")
RESULTS = Metric("results_total", Kind.COUNTER, "Results", (RESULT,))
WAIT = Metric("wait_seconds", Kind.HISTOGRAM, "Waiting", (Label("queue"),), buckets=(1, 2.5))
LEVEL = Metric("level", Kind.GAUGE, "Level", (Label("tank"),))
BUILD = Metric("build_info", Kind.INFO, "Build", (Label("version"),))
NETSTAT = Metric("tcp_established", Kind.UNTYPED, "Connections")


def scrape(store: SeriesStore, format_: Format = Format.TEXT) -> list[str]:
    """Sample lines of one scrape."""
    return [line for line in write(scraped(store), format_).decode().splitlines() if not line.startswith("#")]


def test_a_new_child_shows_0_for_one_scrape() -> None:
    store = SeriesStore("test", [RUNS])
    store.add(RUNS, ("blog", "ok"), 5)
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 0']
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 5']
    store.add(RUNS, ("shop", "ok"))
    store.add(RUNS, ("blog", "ok"))
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 6', 'runs_total{project="shop",result="ok"} 0']
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 6', 'runs_total{project="shop",result="ok"} 1']


def test_what_happens_between_birth_and_the_next_scrape_is_not_lost() -> None:
    store = SeriesStore("test", [STARTS])
    assert scrape(store) == ["starts_total 0"]
    store.add(STARTS, (), 2)
    assert scrape(store) == ["starts_total 2"]


def test_a_new_histogram_shows_zeros_for_one_scrape() -> None:
    store = SeriesStore("test", [WAIT])
    for value in (1, 1.5, 100):
        store.observe(WAIT, ("in",), value)
    assert scrape(store) == [
        'wait_seconds_bucket{queue="in",le="1.0"} 0',
        'wait_seconds_bucket{queue="in",le="2.5"} 0',
        'wait_seconds_bucket{queue="in",le="+Inf"} 0',
        'wait_seconds_sum{queue="in"} 0',
        'wait_seconds_count{queue="in"} 0',
    ]
    assert scrape(store) == [
        'wait_seconds_bucket{queue="in",le="1.0"} 1',
        'wait_seconds_bucket{queue="in",le="2.5"} 2',
        'wait_seconds_bucket{queue="in",le="+Inf"} 3',
        'wait_seconds_sum{queue="in"} 102.5',
        'wait_seconds_count{queue="in"} 3',
    ]


@pytest.mark.parametrize(
    ("metric", "labels", "line"),
    [
        (LEVEL, ("north",), 'level{tank="north"} 3'),
        (BUILD, ("1.0",), 'build_info{version="1.0"} 3'),
        (NETSTAT, (), "tcp_established 3"),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Metric) else "",
)
def test_states_are_not_born(metric: Metric, labels: tuple[str, ...], line: str) -> None:
    store = SeriesStore("test", [metric])
    assert scrape(store) == []
    store.set(metric, labels, 3)
    assert scrape(store) == [line]


def test_a_counter_set_to_an_absolute_value_is_born_too() -> None:
    store = SeriesStore("test", [RUNS])
    store.set(RUNS, ("blog", "ok"), 41)
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 0']
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 41']


def test_a_restored_counter_shows_its_base_for_one_scrape() -> None:
    store = SeriesStore("test", [RUNS])
    store.restore(RUNS, ("blog", "ok"), [1000])
    store.add(RUNS, ("blog", "ok"), 5)
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 1000']
    assert scrape(store) == ['runs_total{project="blog",result="ok"} 1005']


def test_a_restored_histogram_shows_its_base_for_one_scrape() -> None:
    store = SeriesStore("test", [WAIT])
    store.restore(WAIT, ("in",), [2, 0, 1, 9.5])
    store.observe(WAIT, ("in",), 2)
    for le_2, total, sum_ in ((2, 3, 9.5), (3, 4, 11.5)):
        assert scrape(store) == [
            'wait_seconds_bucket{queue="in",le="1.0"} 2',
            f'wait_seconds_bucket{{queue="in",le="2.5"}} {le_2}',
            f'wait_seconds_bucket{{queue="in",le="+Inf"}} {total}',
            f'wait_seconds_sum{{queue="in"}} {sum_}',
            f'wait_seconds_count{{queue="in"}} {total}',
        ]


def test_restoring_replaces_a_series_that_was_born_at_0() -> None:
    store = SeriesStore("test", [RESULTS])
    store.restore(RESULTS, ("ok",), [7])
    assert sorted(scrape(store)) == ['results_total{result="failed"} 0', 'results_total{result="ok"} 7']


def test_restored_values_are_the_stores_own() -> None:
    store = SeriesStore("test", [STARTS])
    committed = [7]
    store.restore(STARTS, (), committed)  # type: ignore[arg-type]
    store.add(STARTS, ())
    assert committed == [7]


def test_enum_label_sets_exist_from_the_start() -> None:
    store = SeriesStore("test", [RESULTS, RUNS, STARTS, WAIT, LEVEL])
    assert scrape(store) == ['results_total{result="ok"} 0', 'results_total{result="failed"} 0', "starts_total 0"]


def test_known_projects_are_born_with_every_result() -> None:
    store = SeriesStore("test", [RUNS])
    store.expect(RUNS, {"project": ["blog", "shop"], "unrelated": ["x"]})
    assert scrape(store) == [
        f'runs_total{{project="{project}",result="{result}"}} 0'
        for project in ("blog", "shop")
        for result in ("ok", "failed")
    ]
    store.add(RUNS, ("shop", "ok"), 3)
    store.expect(RUNS, {"project": ["shop"]})
    assert 'runs_total{project="shop",result="ok"} 3' in scrape(store)


def test_removed_series_are_gone_and_reborn_at_0() -> None:
    store = SeriesStore("test", [STARTS, LEVEL])
    store.add(STARTS, (), 5)
    store.set(LEVEL, ("north",), 1)
    scrape(store)
    store.remove(STARTS, ())
    store.remove(LEVEL, ("north",))
    store.remove(LEVEL, ("never there",))
    assert scrape(store) == []
    store.add(STARTS, (), 2)
    assert scrape(store) == ["starts_total 0"]
    assert scrape(store) == ["starts_total 2"]


def test_removed_while_being_born() -> None:
    store = SeriesStore("test", [RUNS])
    store.add(RUNS, ("blog", "ok"))
    store.remove(RUNS, ("blog", "ok"))
    assert scrape(store) == []
    assert scrape(store) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda store: store.add(STARTS, (), -1),
        lambda store: store.add(STARTS, (), float("nan")),
        lambda store: store.observe(WAIT, ("in",), float("nan")),
        lambda store: store.add(LEVEL, ("north",), 1, Exemplar({}, 0)),
        lambda store: store.restore(STARTS, (), [1, 2]),
        lambda store: store.restore(STARTS, (), []),
        lambda store: store.restore(WAIT, ("in",), [1, 2, 3]),
        lambda store: store.restore(STARTS, ("blog",), [1]),
        lambda store: store.add(STARTS, ("blog",)),
        lambda store: store.set(LEVEL, (), 1),
    ],
)
def test_refused_updates_change_nothing(wrong) -> None:  # type: ignore[no-untyped-def]
    store = SeriesStore("test", [STARTS, WAIT, LEVEL])
    with pytest.raises(ValueError, match=r"starts_total|wait_seconds|level"):
        wrong(store)
    assert scrape(store) == ["starts_total 0"]


def test_gauges_may_fall() -> None:
    store = SeriesStore("test", [LEVEL])
    store.add(LEVEL, ("north",), 2)
    store.add(LEVEL, ("north",), -3)
    assert scrape(store) == ['level{tank="north"} -1']


@pytest.mark.parametrize(
    ("start", "delta", "shown"), [(2**53, 1, "9007199254740993"), (10**21, 7, "1000000000000000000007")]
)
def test_whole_numbers_stay_exact(start: int, delta: int, shown: str) -> None:
    store = SeriesStore("test", [STARTS])
    store.add(STARTS, (), start)
    store.add(STARTS, (), delta)
    scrape(store)
    assert scrape(store) == [f"starts_total {shown}"]


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (-1, (1, 1, 1)),
        (1, (1, 1, 1)),
        (1.0000001, (0, 1, 1)),
        (2.5, (0, 1, 1)),
        (2.6, (0, 0, 1)),
        (float("inf"), (0, 0, 1)),
    ],
)
def test_edges_belong_to_their_bucket(value: float, counts: tuple[int, ...]) -> None:
    store = SeriesStore("test", [WAIT])
    store.observe(WAIT, ("in",), value)
    scrape(store)
    assert [int(line.split()[-1]) for line in scrape(store) if "_bucket" in line] == list(counts)


def test_exemplars_are_the_latest_and_only_in_openmetrics() -> None:
    store = SeriesStore("test", [STARTS, WAIT])
    store.add(STARTS, (), 1, Exemplar({"trace_id": "a"}, 10))
    store.add(STARTS, (), 2, Exemplar({"trace_id": "b"}, 11.5))
    store.observe(WAIT, ("in",), 2, Exemplar({"trace_id": 'c"'}, 12))
    assert scrape(store, Format.OPENMETRICS)[0] == "starts_total 0"  # nothing has been counted yet, as far as it shows
    assert [line for line in scrape(store, Format.OPENMETRICS) if "#" in line] == [
        'starts_total 3 # {trace_id="b"} 2 11.500',
        'wait_seconds_bucket{queue="in",le="2.5"} 1 # {trace_id="c\\""} 2 12.000',
    ]
    assert not [line for line in scrape(store) if "#" in line]


@pytest.mark.parametrize(("size", "shown"), [(120, True), (121, False)])
def test_exemplars_longer_than_openmetrics_allows_are_left_out(size: int, shown: bool) -> None:
    store = SeriesStore("test", [STARTS])
    store.add(STARTS, (), 1, Exemplar({"trace_id": "é" * size}, 10))  # the name is 8 characters long
    scrape(store)
    assert (" # {" in scrape(store, Format.OPENMETRICS)[0]) is shown


_MONEY = Metric("money_usd_total", Kind.COUNTER, "Money", scale=10**12)


@given(st.lists(st.integers(0, 10**30), max_size=20))
def test_scaled_values_are_exact_and_rounded_once(amounts: list[int]) -> None:
    store = SeriesStore("money", (_MONEY,))
    scraped(store)
    for amount in amounts:
        store.add(_MONEY, (), amount)
    [line] = scrape(store)
    assert float(line.rpartition(" ")[2]) == float(Fraction(sum(amounts), 10**12))


def test_only_the_sum_of_a_histogram_is_scaled() -> None:
    metric = Metric("cost_usd", Kind.HISTOGRAM, "Cost", buckets=(1.0,), scale=1000)
    store = SeriesStore("cost", (metric,))
    store.restore(metric, (), [2, 1, 4500])
    scraped(store)
    assert scrape(store)[-2:] == ["cost_usd_sum 4.5", "cost_usd_count 3"]
