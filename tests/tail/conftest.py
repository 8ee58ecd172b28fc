"""A log, and one that has read some lines of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tail.following import Following, append, numbered


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def following(log: Path) -> Following:
    """Ten lines of it are read."""
    append(log, *numbered(0, 10))
    following = Following(log)
    assert following.poll() == numbered(0, 10)
    return following
