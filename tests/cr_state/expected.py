"""What the exporter has to show of a demo platform, computed from what the platform knows, the slow and simple way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from agent_observability.demo.cast import CUSTOM_MODELS
from agent_observability.demo.platform import Platform
from agent_observability.demo.run import Run

DAY = 86_400
Truth = Mapping[str, Mapping[tuple[str, ...], float]]

_COUNTS = {
    "created": "vteam_sessions_created_total",
    "completed": "vteam_sessions_completed_total",
    "outcomes": "vteam_session_outcomes_total",
    "transitions": "vteam_session_phase_transitions_total",
    "restarts": "vteam_session_restarts_total",
    "repos": "vteam_session_repos_total",
    "jobs_created": "vteam_operator_jobs_created_total",
    "jobs_completed": "vteam_operator_jobs_completed_total",
}
_SECONDS = {
    "duration": "vteam_session_duration_seconds",
    "run": "vteam_session_run_duration_seconds",
    "queue": "vteam_session_queue_duration_seconds",
}


def counted(platform: Platform, *, without: Iterable[str] = ()) -> Truth:
    """Counters and histograms."""
    truth = platform.truth
    found: dict[str, Mapping[tuple[str, ...], float]] = {
        metric: truth.counts[name] for name, metric in _COUNTS.items() if name not in without
    }
    for name, metric in _SECONDS.items():
        if name not in without:
            found[f"{metric}_count"] = {key: len(values) for key, values in truth.seconds[name].items()}
            found[f"{metric}_sum"] = {key: sum(values) for key, values in truth.seconds[name].items()}
    return found


def present(platform: Platform) -> Truth:
    """Gauges of what there is."""
    runs = list(platform.runs.values())
    unfinished = [run for run in runs if not run.over]
    pending = [run for run in unfinished if run.phase == "pending"]
    oldest: dict[tuple[str, ...], float] = {}
    for run in pending:
        oldest[run.project,] = min(run.created, oldest.get((run.project,), run.created))
    return {
        "vteam_sessions": Counter((run.project, run.phase) for run in runs),
        "vteam_sessions_by_mode": Counter((run.project, _mode(platform, run)) for run in unfinished),
        "vteam_sessions_by_model": Counter(
            (run.project, run.model, str(run.model in CUSTOM_MODELS).lower()) for run in unfinished
        ),
        "vteam_sessions_by_repos": Counter((run.project, _repos(run)) for run in unfinished),
        "vteam_session_queue_depth": Counter((run.project,) for run in pending),
        "vteam_session_oldest_pending_timestamp_seconds": oldest,
    }


def segments(sessions: Iterable[tuple[str, float]], now: float) -> Counter[tuple[str, ...]]:
    """By segment and window, of sessions as (subject, created)."""
    times: dict[str, list[float]] = defaultdict(list)
    for subject, created in sessions:
        times[subject].append(created)
    found: Counter[tuple[str, ...]] = Counter()
    for created in times.values():
        first = min(created)
        for window, days in (("24h", 1), ("7d", 7), ("30d", 30)):
            found["active", window] += any(one > now - days * DAY for one in created)
        now30 = sum(one > now - 30 * DAY for one in created)
        before = sum(now - 60 * DAY < one <= now - 30 * DAY for one in created)
        found["power", "30d"] += now30 >= 10
        found["retained", "30d"] += now30 > 0 and before > 0
        found["churned", "30d"] += now30 == 0 and before > 0
        new = first > now - 7 * DAY
        found["new", "7d"] += new
        found["activated", "7d"] += new and sum(one <= first + 7 * DAY for one in created) >= 3
    return found


def _mode(platform: Platform, run: Run) -> str:
    """As first seen."""
    return platform.truth.mode(run)


def _repos(run: Run) -> str:
    return "3+" if run.repos > 2 else str(max(1, run.repos))
