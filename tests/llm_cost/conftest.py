"""Fixtures: a place for a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.storage import Storage, place


@pytest.fixture
def sqlite(tmp_path: Path) -> Storage:
    return place(tmp_path, None)
