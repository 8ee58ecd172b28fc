"""The exporter beside a living platform: its figures are the platform's own, after thousands of random events."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent_observability.demo.components import LABELS
from tests.cr_state.expected import counted, present, segments
from tests.cr_state.living import living, quick

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["quick"]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_thousands_of_events(seed: int, tmp_path: Path) -> None:
    async with living(tmp_path, seed=seed) as life:
        await life.start()
        await life.synced()
        subjects = [(run.user, run.project, run.created) for run in life.platform.runs.values()]
        life.platform.on_create = lambda run: subjects.append((run.user, run.project, run.created))
        await life.work(4_000)
        platform = life.platform
        shown = await life.agrees({**counted(platform), **present(platform)})
        assert sum(platform.truth.counts["completed"].values()) > 200
        now = time.time()
        assert shown["vteam_users"] == pytest.approx(dict(segments([(user, at) for user, _, at in subjects], now)))
        assert shown["vteam_projects"] == pytest.approx(dict(segments([(name, at) for _, name, at in subjects], now)))
        restarts = {(LABELS[app],): float(number) for app, number in platform.rollouts.restarts.items()}
        assert shown["vteam_component_restarts_total"] == restarts
        assert shown["vteam_rfe_step_status"] == platform.estate.steps()
        assert set(shown["cr_state_synced"].values()) == {1.0}
        assert not any(shown["cr_state_decode_errors_total"].values())
