"""What a store does at its limits: caps, blocks of series, and every history of births and updates."""

from __future__ import annotations

import threading
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from agent_observability.exposition import Block, Format, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.series import SeriesStore
from agent_observability.suite import SERIES, SERIES_DROPPED
from tests.collectors import scraped
from tests.support import examples

MODEL = Label("model", cap=2)
TOKENS = Metric("tokens_total", Kind.COUNTER, "Tokens", (Label("project", cap=100), MODEL))
PRICE = Metric("price_usd", Kind.GAUGE, "Price", (MODEL,))
SESSIONS = Metric("sessions", Kind.GAUGE, "Sessions", (Label("session"),), series_cap=2)
RUNS = Metric("runs_total", Kind.COUNTER, "Runs", (MODEL, Label("result", values=("ok",))), series_cap=2)
REQUESTS = Metric("requests_total", Kind.COUNTER, "Requests", (Label("path"),))

Samples = dict[tuple[str, ...], float]


def scrape(store: SeriesStore) -> dict[str, Samples]:
    """Values by family and label values."""
    text = write(scraped(store), Format.TEXT).decode()
    samples: dict[str, Samples] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name][tuple(sample.labels.values())] = sample.value
    return dict(samples)


def test_samples_past_a_cap_are_folded_and_counted() -> None:
    store = SeriesStore("test", [TOKENS])
    for model, count in (("gpt", 1), ("opus", 2), ("haiku", 4), ("gemini", 8)):
        store.add(TOKENS, ("blog", model), count)
    born = scrape(store)
    assert born["agent_obs_series_dropped_total"] == {("tokens_total", "project"): 0, ("tokens_total", "model"): 0}
    shown = scrape(store)
    assert shown["tokens_total"] == {("blog", "gpt"): 1, ("blog", "opus"): 2, ("blog", "__overflow__"): 12}
    assert shown["agent_obs_series_dropped_total"] == {("tokens_total", "project"): 0, ("tokens_total", "model"): 2}
    assert shown["agent_obs_series"] == {("tokens_total",): 3}


def test_a_state_past_a_cap_is_refused_and_counted() -> None:
    store = SeriesStore("test", [PRICE])
    for i in range(5):
        store.set(PRICE, (f"model-{i}",), i)
    scrape(store)
    shown = scrape(store)
    assert shown["price_usd"] == {("model-0",): 0, ("model-1",): 1}
    assert shown["agent_obs_series_dropped_total"] == {("price_usd", "model"): 3}
    assert shown["agent_obs_series"] == {("price_usd",): 2}


def test_a_full_family_of_states_has_room_again_after_a_removal() -> None:
    store = SeriesStore("test", [SESSIONS])
    for name in ("a", "b", "c"):
        store.set(SESSIONS, (name,), 1)
    store.remove(SESSIONS, ("a",))
    store.set(SESSIONS, ("d",), 1)
    store.set(SESSIONS, ("b",), 2)
    scrape(store)
    shown = scrape(store)
    assert shown["sessions"] == {("b",): 2, ("d",): 1}
    assert shown["agent_obs_series_dropped_total"] == {("sessions", "*"): 1}
    assert shown["agent_obs_series"] == {("sessions",): 2}


def test_a_full_family_of_counters_loses_nothing() -> None:
    store = SeriesStore("test", [RUNS])
    for model, result in (("gpt", "ok"), ("gpt", "failed"), ("opus", "ok"), ("gpt", "odd"), ("opus", "odd")):
        store.add(RUNS, (model, result))
    scrape(store)
    shown = scrape(store)
    assert shown["runs_total"] == {
        ("gpt", "ok"): 1,
        ("gpt", "other"): 2,
        ("__overflow__", "ok"): 1,
        ("__overflow__", "other"): 1,
    }
    assert shown["agent_obs_series_dropped_total"][("runs_total", "*")] == 2


def test_configured_caps_win() -> None:
    store = SeriesStore("test", [PRICE], {"model": 1})
    store.set(PRICE, ("gpt",), 1)
    store.set(PRICE, ("opus",), 1)
    assert scrape(store)["price_usd"] == {("gpt",): 1}


def test_families_without_caps_need_no_watching() -> None:
    assert SeriesStore("test", [REQUESTS]).metrics == (REQUESTS,)
    assert SeriesStore("test", [REQUESTS, PRICE]).metrics == (REQUESTS, PRICE, SERIES, SERIES_DROPPED)


def _blocks(store: SeriesStore) -> list[Block]:
    return list(scraped(store)[0].blocks)


def test_an_update_renders_only_its_own_block() -> None:
    store = SeriesStore("test", [REQUESTS])
    for i in range(1000):
        store.add(REQUESTS, (f"/{i}",), i)
    scraped(store)
    before = _blocks(store)
    assert len(before) == 4
    assert all(block.text.count(b"\n") == 250 for block in before)
    assert all(old is new for old, new in zip(before, _blocks(store), strict=True))
    store.add(REQUESTS, ("/600",))
    after = _blocks(store)
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, True, False, True]
    assert b'requests_total{path="/600"} 601\n' in after[2].text
    assert b'requests_total{path="/600"} 600\n' in before[2].text
    store.remove(REQUESTS, ("/10",))
    assert [old is new for old, new in zip(after, _blocks(store), strict=True)] == [False, True, True, True]


def test_watching_a_capped_family_costs_nothing_while_it_stays_as_it_is() -> None:
    store = SeriesStore("test", [PRICE])
    store.set(PRICE, ("gpt",), 1)

    def watching() -> list[Block]:
        return [block for family in scraped(store)[1:] for block in family.blocks]

    scraped(store)
    before = watching()
    assert len(before) == 2
    assert all(old is new for old, new in zip(before, watching(), strict=True))
    store.set(PRICE, ("opus",), 1)
    assert [old is new for old, new in zip(before, watching(), strict=True)] == [False, True]


def test_series_of_several_blocks_can_all_be_removed() -> None:
    store = SeriesStore("test", [REQUESTS])
    for i in range(600):
        store.add(REQUESTS, (f"/{i}",), 1)
    scraped(store)
    for i in range(250, 500):
        store.remove(REQUESTS, (f"/{i}",))
    assert scrape(store)["requests_total"] == {(f"/{i}",): 1 for i in (*range(250), *range(500, 600))}
    for i in (*range(250), *range(500, 600)):
        store.remove(REQUESTS, (f"/{i}",))
    assert _blocks(store) == []
    store.add(REQUESTS, ("/new",), 1)
    scrape(store)
    assert scrape(store) == {"requests_total": {("/new",): 1}}


_paths = st.sampled_from(["/", "/login", "/api", "/health"])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _paths, st.integers(0, 2**60)),
        st.tuples(st.just("restore"), _paths, st.integers(0, 2**60)),
        st.tuples(st.just("scrape"), st.none(), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=examples(200), deadline=None)
@given(steps=_steps)
def test_increases_between_scrapes_add_up_to_the_truth(steps: list[tuple[str, str, int]]) -> None:
    """Whenever births, restores, updates and scrapes happen: no value falls, and nothing counted is missed."""
    store = SeriesStore("test", [REQUESTS])
    truth: dict[str, int] = {}
    base: dict[str, int] = {}
    seen: dict[str, int] = {}
    increase: dict[str, int] = defaultdict(int)

    def look() -> None:
        for line in b"".join(block.text for block in _blocks(store)).decode().splitlines():
            labels, value = line.split(" ")
            path = labels.removeprefix('requests_total{path="').removesuffix('"}')
            if path in seen:
                assert int(value) >= seen[path]
                increase[path] += int(value) - seen[path]
            else:
                assert int(value) == base[path]
            seen[path] = int(value)

    for step, path, amount in steps:
        if step == "scrape":
            look()
        elif step == "add":
            store.add(REQUESTS, (path,), amount)
            base.setdefault(path, 0)
            truth[path] = truth.get(path, 0) + amount
        elif path not in truth:  # restoring comes before counting
            store.restore(REQUESTS, (path,), [amount])
            base[path] = truth[path] = amount
    look()
    look()
    assert seen == truth
    assert increase == {path: truth[path] - base[path] for path in truth}


def test_updates_from_several_threads_while_scraped() -> None:
    threads = 4
    store = SeriesStore("test", [REQUESTS])
    begin = threading.Barrier(threads + 1)

    def work(number: int) -> None:
        begin.wait()
        for i in range(500):
            store.add(REQUESTS, (f"/{(number + i) % 300}",))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    begin.wait()
    totals = []
    while any(worker.is_alive() for worker in workers):
        totals.append(sum(scrape(store).get("requests_total", {}).values()))
    for worker in workers:
        worker.join()
    scrape(store)
    assert sum(scrape(store)["requests_total"].values()) == threads * 500
    assert totals == sorted(totals)
