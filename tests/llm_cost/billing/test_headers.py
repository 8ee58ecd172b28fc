"""Times in headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.llm_cost.billing.headers import http_date, retry_after, skew
from tests.llm_cost.billing.lab import at

NOW = at("2026-03-18T12:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        (" 30 ", 30),
        ("0", 1),
        ("-5", 1),
        ("999999", 3_600),
        ("9" * 400, 5),
        ("", 5),
        ("soon", 5),
        ("1.5", 5),
        ("Wed, 18 Mar 2026 12:02:00 GMT", 120),
        ("Wed, 18 Mar 2026 11:00:00 GMT", 1),
        ("Wed, 18 Mar 2026 13:02:00 +0100", 120),
        ("Wed, 18 Mar 2026 12:02:00 -0000", 120),
        ("Wed, 99 Mar 2026 12:02:00 GMT", 5),
    ],
)
def test_retry_after(text: str, expected: float) -> None:
    assert retry_after(text, NOW) == expected


@pytest.mark.parametrize(
    ("date", "seconds", "note"),
    [
        ("Wed, 18 Mar 2026 12:00:59 GMT", 0, ""),
        ("Wed, 18 Mar 2026 11:59:00 GMT", 0, ""),
        ("Wed, 18 Mar 2026 12:01:01 GMT", 61, "61 s ahead of this one; days are the server's"),
        ("Wed, 18 Mar 2026 10:00:00 GMT", -7_200, "7200 s behind this one; days are the server's"),
        ("Sat, 21 Mar 2026 12:00:00 GMT", 0, "259200 s ahead of this one, which is not believed"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, "which is not believed"),
        ("", 0, ""),
        ("today", 0, ""),
    ],
)
def test_skew(date: str, seconds: float, note: str) -> None:
    found = skew(date, NOW)
    assert found[0] == seconds
    assert found[1].endswith(note)
    assert bool(found[1]) == bool(note)


@given(st.text())
def test_any_header_is_borne(text: str) -> None:
    assert 1 <= retry_after(text, NOW) <= 3_600
    assert http_date(text) is None or isinstance(http_date(text), float)
    assert abs(skew(text, NOW)[0]) <= 2 * 86_400
