"""Records in a logger's lines: where they may stand, and that no line takes long to be told from them."""

from __future__ import annotations

import time

import pytest

from agent_observability.credential_proxy.formats import embedded

RECORD = b'{"status": "GRANTED"}'


@pytest.mark.parametrize(
    ("before", "moment"),
    [
        (b"2025-11-13 10:15:30,123 [INFO] ", "2025-11-13 10:15:30,123"),
        (b"2025-11-13 10:15:30,123 - proxy.audit - INFO - ", "2025-11-13 10:15:30,123"),
        (b"  [2025-11-13T10:15:30Z] [a-b] WARNING: ", "2025-11-13T10:15:30Z"),
        (b"INFO:proxy:", None),
        (b"INFO: ", ""),
        (b"---- [proxy] INFO | ", ""),
        (b"2025-11-13 10:15:30.123456789012 INFO ", "2025-11-13 10:15:30.123456789012"),
        # A message that quotes what a client sent.
        (b"2025-11-13 10:15:30,123 [WARNING] refused: [INFO] ", None),
        (b"2025-11-13 10:15:30,123 -WARNING- [INFO] ", None),
        (b"2025-11-13 10:15:30,123-WARNING[INFO] ", None),
        (b"2025-11-13 10:15:30.123-WARNING[INFO] ", None),
        (b"-WARNING INFO: ", None),
    ],
)
def test_only_right_behind_the_level(before: bytes, moment: str | None) -> None:
    found = embedded(before + b"Credential request: " + RECORD)
    assert (found and (found.time, found.record)) == (None if moment is None else (moment, RECORD))


@pytest.mark.parametrize(
    "line",
    [
        b"-" * 200,
        b"- " * 100,
        b" " * 20 + b"-" * 200,
        b"a" + b"-" * 200,
        b"2025-11-13 10:15:30 " + b"-" * 200,
        b"2025-11-13 10:15:30 INFO " + b"-" * 200,
        b"a-" * 100,
        b"[" * 60_000,
        b" " * 10 + b"INFO " * 10_000,
    ],
    ids=range(9),
)
def test_lines_that_could_be_divided_in_many_ways(line: bytes) -> None:
    """The log of a proxy is full of dashes. A second is a hundred times what a thousand of them take."""
    begun = time.process_time()
    for _ in range(1_000):
        assert embedded(line) is None
    assert time.process_time() - begun < 1
