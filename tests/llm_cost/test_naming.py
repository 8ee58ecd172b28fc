"""What is remembered of one use never counts for another, and there is an end to it."""

from __future__ import annotations

import pytest

from agent_observability.llm_cost.folding import Folding
from agent_observability.llm_cost.naming import Naming
from agent_observability.llm_cost.pricing.pricer import Priced
from agent_observability.llm_cost.usage import Tokens
from tests.ledger.storage import Storage
from tests.llm_cost.test_booking import _FOLDED, booker, text_of, use


async def test_calls_that_differ_in_one_thing(sqlite: Storage) -> None:
    """What is remembered of one call does not count for the next one, however alike they are."""
    errors = [use(n, status="error", error_type=type_) for n, type_ in enumerate(("rate_limited", "overloaded"))]
    thinking = [use(10 + n, tokens=Tokens(input=10, output=5, reasoning=n)) for n in (0, 1, 0)]
    lines = await text_of(sqlite, *errors, *thinking)
    assert {line.partition("error_type=")[2] for line in lines if line.startswith("llm_request_errors")} == {
        '"rate_limited"} 1',
        '"overloaded"} 1',
    }
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("llm_reasoning")] == ["1"]


async def test_calls_of_a_model_without_a_price_for_different_reasons(
    sqlite: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = booker()
    reasons = ["unknown_tier", "no_price"]
    monkeypatch.setattr(by.pricer, "price", lambda usage: Priced((), "estimated", reasons[usage.timestamp % 2]))
    lines = await text_of(sqlite, *[use(n, tokens=Tokens(input=10)) for n in (0, 1, 3)], by=by)
    assert {line.partition("reason=")[2] for line in lines if line.startswith("llm_unpriced")} == {
        '"unknown_tier"} 1',
        '"no_price"} 2',
    }


def test_what_is_remembered_is_bounded() -> None:
    folding = Folding(_FOLDED, {})
    naming = Naming(["f"], folding, known=10, shapes=7)
    for number in range(100):
        names = naming.names(use(model=f"m{number % 13}", operation=f"o{number}", error_type=f"e{number}"))
        every = (1, 0, number % 2, 0, 0, 0, 0, 0, 0, 0)
        used = (tuple(not amount for amount in every), ("input",), "estimated", "", number % 5, -1)
        shape = naming.shape(names, used, every, Priced((("input", 1),)))
        assert shape is names.shapes[used] is not None
        assert max(len(naming._known), len(naming._said)) <= 10
        assert naming._shapes <= 7
        # Nor is what is forgotten kept elsewhere.
        assert sum(len(known.shapes) for known in (*naming._known.values(), *naming._said.values())) <= 14
    for number in range(100):
        naming.names(use(operation=f"o{number}"))
        assert len(naming._said) <= 10
    # Free text of senders makes no combinations of its own.
    assert len({id(naming.names(use(operation=f"o{n}", error_type=f"e{n}"))) for n in range(50)}) == 1
