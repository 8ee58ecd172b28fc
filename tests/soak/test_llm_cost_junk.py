"""A hundred thousand junk models, as `tests/llm_cost/test_exporter.py` has 20,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.llm_cost.junk import junk


@pytest.mark.timeout(600)
async def test_a_hundred_thousand_junk_models(tmp_path: Path) -> None:
    await junk(tmp_path, 100_000)
