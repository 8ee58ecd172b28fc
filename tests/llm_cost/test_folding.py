"""Label values of events: bounded, whatever is sent, and the same after a restart."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agent_observability.llm_cost.folding import Folding
from agent_observability.metric import OVERFLOW, Label

LABELS = (Label("provider", cap=2), Label("model", cap=3))


def test_what_comes_past_a_cap() -> None:
    folding = Folding(LABELS, {})
    assert [folding.fold((provider, "m")) for provider in "abcab"] == [
        ("a", "m"),
        ("b", "m"),
        (OVERFLOW, "m"),
        ("a", "m"),
        ("b", "m"),
    ]
    assert folding.fold(("c", "n")) == (OVERFLOW, "n")


def test_caps_of_the_configuration() -> None:
    folding = Folding(LABELS, {"model": 1})
    assert [folding.fold(("a", model))[1] for model in "mnm"] == ["m", OVERFLOW, "m"]


def test_what_earlier_processes_admitted() -> None:
    """Also where that is more than the cap by now; nothing new gets in then."""
    folding = Folding(LABELS, {})
    folding.restore({"provider": frozenset("xyz"), "other": frozenset("o")})
    assert [folding.fold((provider, "m"))[0] for provider in "xyza"] == ["x", "y", "z", OVERFLOW]


def test_combinations_are_bounded() -> None:
    folding = Folding((Label("a", cap=100), Label("b", cap=100)), {}, tuples=10)
    kept = {folding.fold((str(a), str(b))) for a in range(20) for b in range(20)}
    assert len(kept) == 11
    assert (OVERFLOW, OVERFLOW) in kept
    # Those that were there first stay.
    assert folding.fold(("0", "0")) == ("0", "0")


def test_combinations_of_earlier_processes_count() -> None:
    """Else each restart would let as many new ones into a table that never shrinks."""
    folding = Folding((Label("a", cap=100), Label("b", cap=100)), {}, tuples=3)
    for kept in (("1", "1"), ("2", "2"), (OVERFLOW, "3")):
        folding.remember(kept)
    assert folding.fold(("2", "2")) == ("2", "2")
    assert folding.fold(("1", "2")) == (OVERFLOW, OVERFLOW)


def test_a_value_that_is_called_overflow_takes_no_place() -> None:
    folding = Folding(LABELS, {"provider": 1})
    assert folding.fold((OVERFLOW, "m")) == (OVERFLOW, "m")
    assert folding.fold(("a", "m")) == ("a", "m")


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=60))
def test_never_more_than_the_caps(values: Sequence[tuple[str, str]]) -> None:
    folding = Folding(LABELS, {}, tuples=5)
    folded = [folding.fold(one) for one in values]
    assert len({provider for provider, _ in folded} - {OVERFLOW}) <= 2
    assert len({model for _, model in folded} - {OVERFLOW}) <= 3
    assert len(set(folded)) <= 6
    assert [folding.fold(one) for one in values] == folded or len(set(folded)) > 5
