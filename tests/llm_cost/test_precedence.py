"""Which signal counts when several tell the same."""

from __future__ import annotations

import pytest

from agent_observability.llm_cost.precedence import KIND, Sources, Told

NOW = 1_790_000_000_000
HOUR_MS = 3_600_000


class Kept:
    """Sources with a ledger."""

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.sources = Sources(most)
        self.facts: dict[str, bytes] = {}

    def detailed(self, key: str, time: int, rank: int = 2, now: int = NOW) -> bool:
        plan = self.sources.plan(now)
        counts = plan.detailed(key, time, rank)
        self._commit(plan)
        return counts

    def summed(self, key: str, until: int, *family: str, now: int = NOW, always: bool = False) -> bool:
        plan = self.sources.plan(now)
        counts = plan.summed(key, until, *family, always=always)
        self._commit(plan)
        return counts

    def _commit(self, plan: object) -> None:
        facts = self.sources.facts(plan)  # type: ignore[arg-type]
        self.sources.commit(plan)  # type: ignore[arg-type]
        for (kind, key), data in facts.items():
            assert kind == KIND
            if data is None:
                del self.facts[key]
            else:
                self.facts[key] = data

    def restart(self) -> None:
        self.sources = Sources(self.most)
        self.sources.load(self.facts)


@pytest.mark.parametrize("restarts", [False, True])
def test_sums_count_until_detail_is_seen_and_cover_what_they_counted(restarts: bool) -> None:
    kept = Kept()
    found = []
    for kind, time in [
        ("sum", 10),  # nothing else was seen
        ("sum", 20),
        ("detail", 15),  # in the sum
        ("detail", 20),
        ("detail", 21),
        ("sum", 30),  # from here on detail counts
        ("detail", 22),
        ("detail", 29),
    ]:
        found.append(kept.summed("a", time) if kind == "sum" else kept.detailed("a", time))
        if restarts:
            kept.restart()
    assert found == [True, True, False, False, True, False, True, True]
    assert kept.summed("b", 30)


def test_spans_outrank_events() -> None:
    kept = Kept()
    assert kept.detailed("a", 10, rank=1)
    assert not kept.summed("a", 20)
    assert kept.detailed("a", 11, rank=2)
    assert not kept.detailed("a", 12, rank=1)


def test_of_two_metrics_that_tell_the_same_the_first_counts() -> None:
    kept = Kept()
    assert kept.summed("a", 10, "tokens", "old")
    assert not kept.summed("a", 10, "tokens", "new")
    assert kept.summed("a", 10, "durations", "new")
    kept.restart()
    assert not kept.summed("a", 20, "tokens", "new")
    assert kept.summed("a", 20, "tokens", "old")


def test_sums_count_whatever_there_is_where_they_are_to() -> None:
    kept = Kept()
    kept.detailed("a", 10)
    assert kept.summed("a", 20, always=True)


def test_nothing_is_stored_where_nothing_changes() -> None:
    kept = Kept()
    kept.detailed("a", 10)
    plan = kept.sources.plan(NOW + 1)
    assert plan.detailed("a", 11)
    assert not plan.summed("a", 12)
    assert kept.sources.facts(plan) == {}


@pytest.mark.parametrize("restarts", [False, True])
def test_the_source_that_was_silent_for_longest_is_forgotten(restarts: bool) -> None:
    kept = Kept(most=3)
    for at, key in enumerate("abc"):
        kept.detailed(key, 10, now=NOW + at)
    kept.detailed("a", 11, now=NOW + HOUR_MS + 10)
    if restarts:
        kept.restart()
    kept.detailed("d", 10, now=NOW + HOUR_MS + 11)
    assert set(kept.facts) == {"a", "c", "d"}
    assert len(kept.sources) == 3
    assert not kept.summed("a", 20, now=NOW + HOUR_MS + 12)
    # Forgotten, it begins anew.
    assert kept.summed("b", 20, now=NOW + HOUR_MS + 13)


def test_told_spans_are_bounded() -> None:
    told = Told(most=3)
    facts = told.facts(["a", "b"])
    assert "a" not in told
    told.commit(facts)
    assert told.facts(["a", "b"]) == {}
    told.commit(told.facts(["c", "d"]))
    assert [id_ in told for id_ in "abcd"] == [False, True, True, True]
    later = Told(most=3)
    later.load({"b": b"", "c": b""})
    assert "b" in later
