"""Objects with anything in them: what is right is kept, what is wrong is named, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.kube.tolerant import Tolerant


class Item(msgspec.Struct):
    name: str = ""
    size: float = 0.0


class Inner(msgspec.Struct):
    items: list[Item] | None = None
    labels: dict[str, str] | None = None
    first_seen: str | None = msgspec.field(name="firstSeen", default=None)


class Outer(msgspec.Struct):
    inner: Inner | None = None
    flag: bool | None = None
    number: int | None = None


DECODER = Tolerant(Outer)
GOOD = {
    "inner": {"items": [{"name": "a", "size": 1.5}], "labels": {"x": "y"}, "firstSeen": "now", "unknown": 1},
    "flag": True,
    "number": 3,
}


def decoded(value: object) -> tuple[Outer, list[str]]:
    return DECODER.decode(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("change", "expected", "wrong"),
    [
        ({}, Outer(Inner([Item("a", 1.5)], {"x": "y"}, "now"), True, 3), []),
        ({"flag": "yes"}, Outer(Inner([Item("a", 1.5)], {"x": "y"}, "now"), None, 3), ["flag"]),
        ({"inner": None, "number": None}, Outer(None, True, None), []),
        ({"inner": 5}, Outer(None, True, 3), ["inner"]),
        (
            {"inner": {"items": [1, {"name": 2, "size": 3}, {"name": "b"}, None]}},
            None,
            ["inner.items[]", "inner.items[].name"],
        ),
        (
            {"inner": {"labels": {"a": "b", "c": 4, "d": []}}},
            Outer(Inner(None, {"a": "b"}), True, 3),
            ["inner.labels.*"],
        ),
        ({"inner": {"items": {"name": "no list"}}}, Outer(Inner(), True, 3), ["inner.items"]),
        ({"number": 2.5}, Outer(Inner([Item("a", 1.5)], {"x": "y"}, "now"), True, None), ["number"]),
        ({"flag": None}, Outer(Inner([Item("a", 1.5)], {"x": "y"}, "now"), None, 3), []),
    ],
)
def test_fields_of_all_kinds(change: dict[str, object], expected: Outer | None, wrong: list[str]) -> None:
    found, named = decoded({**GOOD, **change})
    assert named == wrong
    if expected is not None:
        assert found == expected


def test_items_that_are_right_stay() -> None:
    found, _ = decoded({"inner": {"items": [1, {"name": 2, "size": 3}, {"name": "b"}]}})
    assert found.inner
    assert found.inner.items == [Item("", 3.0), Item("b", 0.0)]


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"text"', b"null", b"\xff"])
def test_what_is_no_object(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|expected an object"):
        DECODER.decode(raw)


_NAMES = {"inner", "flag", "number", "items", "labels", "firstSeen", "name", "size", "other"}
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(_NAMES)), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(_NAMES)), _ANY))
def test_anything_at_all(value: dict[str, Any]) -> None:
    """Never an error, and a field that would decode by itself is kept."""
    found, wrong = decoded(value)
    assert isinstance(found, Outer)
    if isinstance(value.get("flag"), bool):
        assert found.flag == value["flag"]
        assert "flag" not in wrong
    if isinstance(value.get("number"), int) and not isinstance(value["number"], bool):
        assert found.number == value["number"] or "number" in wrong
