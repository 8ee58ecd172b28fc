"""What follows from polls: which steps counters take, what is stored, and what of it is found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.billing.account import (
    DAYS,
    FACT,
    MODELS,
    Account,
    Bill,
    Change,
    Poll,
    after,
    first_day,
    restore,
)
from agent_observability.llm_cost.billing.reports import Costs, Usage, calendar
from agent_observability.llm_cost.metrics import PROVIDER_REQUESTS, PROVIDER_TOKENS
from tests.llm_cost.billing.lab import at, day
from tests.support import examples

TODAY = day("2026-03-18")
NEW = Account(provider="openai", name="default")
KNOWN = msgspec.structs.replace(NEW, origin=TODAY - 30)


def poll(
    usage: Usage | None = None, costs: Costs | None = None, *, today: int = TODAY, first: int = TODAY - 17
) -> Poll:
    return Poll(first=first, today=today, at=today * 86_400.0, usage=usage, costs=costs)


def tokens(number: int, calls: int = 0) -> tuple[int, ...]:
    return (calls, number, 0, 0, 0, 0, 0)


def steps(*changes: Change) -> Counter[tuple[str, ...]]:
    """What counters have risen by, by model and type; calls by model."""
    total: Counter[tuple[str, ...]] = Counter()
    for change in changes:
        for metric, labels, amounts, _ in change.counts:
            assert metric in (PROVIDER_TOKENS, PROVIDER_REQUESTS)
            assert labels[:2] == ("openai", "default")
            total[labels[2:]] += amounts[0][1]
    return total


def stored(changes: Iterable[Change]) -> dict[str, bytes]:
    """What a ledger holds after these."""
    facts: dict[str, bytes] = {}
    for change in changes:
        for (kind, key), data in change.facts.items():
            assert kind == FACT
            if data is None:
                del facts[key]
            else:
                facts[key] = data
    return facts


def test_all_types_are_counted_each_for_itself() -> None:
    change = after(KNOWN, poll({TODAY: {"gpt": (1, 2, 3, 4, 5, 6, 7), "other": tokens(9)}}))
    assert steps(change) == {
        ("gpt",): 1,
        ("gpt", "input"): 2,
        ("gpt", "cache_read"): 3,
        ("gpt", "cache_write"): 4,
        ("gpt", "output"): 5,
        ("gpt", "audio_input"): 6,
        ("gpt", "audio_output"): 7,
        ("other", "input"): 9,
    }


def test_of_several_types_each_has_its_own_highest() -> None:
    first = after(KNOWN, poll({TODAY: {"gpt": (10, 10, 10, 0, 0, 0, 0)}}))
    second = after(first.account, poll({TODAY: {"gpt": (8, 12, 9, 0, 0, 0, 0)}}))
    third = after(second.account, poll({TODAY: {"gpt": (11, 11, 10, 0, 0, 0, 0)}}))
    assert [steps(change) for change in (second, third)] == [{("gpt", "input"): 2}, {("gpt",): 1}]


def test_a_model_that_vanishes_keeps_its_highest() -> None:
    first = after(KNOWN, poll({TODAY: {"gpt": tokens(10)}}))
    gone = after(first.account, poll({TODAY: {}}))
    back = after(gone.account, poll({TODAY: {"gpt": tokens(11)}}))
    assert steps(gone, back) == {("gpt", "input"): 1}


def test_days_outside_of_what_was_asked_for_are_left_out() -> None:
    days = (TODAY - 18, TODAY - 17, TODAY, TODAY + 1, 10**9, -5)
    change = after(KNOWN, poll({day: {"gpt": tokens(1)} for day in days}, dict.fromkeys(days, 100)))
    assert steps(change) == {("gpt", "input"): 2}
    assert sorted(change.account.bills) == list(range(TODAY - 17, TODAY + 1))
    assert sum(bill.cost or 0 for bill in change.account.bills.values()) == 200


def test_a_day_without_a_bucket_costs_nothing_or_what_was_known() -> None:
    first = after(KNOWN, poll(costs={TODAY: 5}))
    second = after(first.account, poll(costs={}))
    assert [second.account.bills[one].cost for one in (TODAY - 1, TODAY)] == [0, 5]


def test_a_day_is_over_once_it_was_read_after_its_end() -> None:
    first = after(KNOWN, poll(costs={TODAY: 5}))
    assert [first.account.bills[one].over for one in (TODAY - 1, TODAY)] == [True, False]
    later = after(first.account, poll(costs={}, today=TODAY + 3, first=TODAY + 1))
    assert [later.account.bills[one].over for one in (TODAY - 1, TODAY, TODAY + 2)] == [True, False, True]


def test_only_what_has_changed_is_stored() -> None:
    first = after(KNOWN, poll({TODAY: {"gpt": tokens(3)}}, {TODAY: 7}))
    same = after(first.account, poll({TODAY: {"gpt": tokens(3)}}, {TODAY: 7}))
    assert [key for _, key in same.facts] == ["openai/default/state"]
    more = after(first.account, poll(costs={TODAY - 1: 8}))
    assert [key for _, key in more.facts] == ["openai/default/state", "openai/default/2026-03-17"]


def test_old_days_are_forgotten() -> None:
    account, changes = KNOWN, []
    for today in range(TODAY, TODAY + 100):
        changes.append(after(account, poll({today: {"gpt": tokens(1)}}, {today: 1}, today=today, first=today - 2)))
        account = changes[-1].account
    assert sorted(account.bills) == list(range(TODAY + 99 - DAYS + 1, TODAY + 100))
    facts = stored(changes)
    assert len(facts) == DAYS + 1
    assert restore("openai", "default", facts) == (account, [])


def test_models_past_the_limit_are_one() -> None:
    many = {f"model-{number:04d}": tokens(10_000 - number) for number in range(3 * MODELS)}
    total = sum(used[1] for used in many.values())
    first = after(KNOWN, poll({TODAY: many}))
    assert steps(first).total() == total
    assert len(first.account.bills[TODAY].counted) == MODELS
    # The largest have their own series.
    assert steps(first)["model-0000", "input"] == 10_000
    assert ("model-1400", "input") not in steps(first)
    # Whoever comes later, however large, moves nobody.
    more = {**many, "large": tokens(10**9), "other": tokens(5)}
    second = after(first.account, poll({TODAY: more}))
    assert steps(second) == {("other", "input"): 10**9 + 5}
    fewer = {model: used for model, used in more.items() if model in ("large", "model-0000", "model-1400")}
    third = after(second.account, poll({TODAY: fewer}))
    assert steps(third) == {}


def test_accounts_are_told_apart() -> None:
    facts = {}
    for number, (provider, name) in enumerate((("openai", "a"), ("openai", "a/b"), ("anthropic", "a"))):
        account = Account(provider=provider, name=name)
        facts |= {key: data for (_, key), data in after(account, poll(costs={TODAY: number})).facts.items()}
    assert [
        restore(provider, name, facts)[0].bills[TODAY].cost
        for provider, name in (("openai", "a"), ("openai", "a/b"), ("anthropic", "a"))
    ] == [0, 1, 2]
    assert restore("openai", "b", facts) == (Account(provider="openai", name="b"), [])


@pytest.mark.parametrize("data", [b"", b"[]", b'{"counted": {"gpt": [1, 2]}}', b'{"counted": {"gpt": ["x"]}}', b"\xff"])
def test_a_day_that_cannot_be_read_is_never_counted_again(data: bytes) -> None:
    first = after(KNOWN, poll({TODAY: {"gpt": tokens(3)}}, {TODAY: 7}))
    facts = stored([first]) | {"openai/default/2026-03-18": data}
    account, broken = restore("openai", "default", facts)
    assert broken == ["openai/default/2026-03-18"]
    again = after(account, poll({TODAY: {"gpt": tokens(9)}}, {TODAY: 7}))
    assert steps(again) == {}
    assert again.account.bills[TODAY].cost == 7
    tomorrow = after(again.account, poll({TODAY + 1: {"gpt": tokens(4)}}, today=TODAY + 1))
    assert steps(tomorrow) == {("gpt", "input"): 4}


def test_a_state_that_cannot_be_read_counts_nothing_twice() -> None:
    first = after(KNOWN, poll({TODAY: {"gpt": tokens(3)}}))
    facts = stored([first]) | {"openai/default/state": b"?", "openai/default/someday": b"{}"}
    account, broken = restore("openai", "default", facts)
    assert broken == ["openai/default/state", "openai/default/someday"]
    assert steps(after(account, poll({TODAY: {"gpt": tokens(4)}}))) == {("gpt", "input"): 1}


@pytest.mark.parametrize(
    ("today", "read", "whole", "expected"),
    [
        ("2026-03-18", None, True, "2026-03-01"),
        ("2026-03-31", None, True, "2026-03-01"),
        ("2026-03-03", None, True, "2026-02-22"),
        ("2026-03-01", None, True, "2026-02-20"),
        ("2028-03-05", None, True, "2028-02-25"),
        ("2026-03-18", "2026-03-18", True, "2026-03-01"),
        ("2026-03-03", "2026-02-12", True, "2026-02-10"),
        ("2026-03-03", "2025-06-01", True, "2026-01-24"),
        ("2026-03-18", "2026-03-18", False, "2026-03-16"),
        ("2026-03-01", "2026-03-01", False, "2026-02-27"),
    ],
)
def test_from_where_to_read(today: str, read: str | None, whole: bool, expected: str) -> None:
    seconds = at(read) if read else 0.0
    account = msgspec.structs.replace(NEW, usage_at=seconds, costs_at=seconds)
    assert calendar(first_day(account, day(today), whole=whole)).isoformat() == expected


_counts = st.tuples(*[st.integers(0, 1_000)] * 7)
_usage = st.dictionaries(
    st.integers(TODAY - 3, TODAY), st.dictionaries(st.sampled_from(["a", "b", "c"]), _counts), max_size=3
)


@settings(max_examples=examples(200))
@given(reports=st.lists(st.tuples(_usage, st.booleans()), max_size=12))
def test_whatever_is_restated_counters_show_the_highest(reports: list[tuple[Usage, bool]]) -> None:
    """After any reports, and restarts between some of them."""
    account = KNOWN
    changes: list[Change] = []
    highest: dict[tuple[int, str, int], int] = {}
    for usage, restart in reports:
        changes.append(after(account, poll(usage)))
        account = changes[-1].account
        for when, models in usage.items():
            for model, used in models.items():
                for slot, amount in enumerate(used):
                    key = (when, model, slot)
                    highest[key] = max(highest.get(key, 0), amount)
        if restart:
            account, broken = restore("openai", "default", stored(changes))
            assert not broken
    assert steps(*changes).total() == sum(highest.values())
    for model in "abc":
        calls = sum(amount for (_, name, slot), amount in highest.items() if (name, slot) == (model, 0))
        assert steps(*changes)[(model,)] == calls


def test_a_bill_has_counts_for_each_type() -> None:
    with pytest.raises(ValueError, match="expected 7 counts"):
        Bill(counted={"gpt": (1, 2)})
