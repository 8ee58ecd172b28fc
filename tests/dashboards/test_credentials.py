"""The page about credentials: series in, what its panels' own queries answer out, and what only its panels do."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_observability.credential_proxy.metrics import ANOMALY_TYPES
from dashboards.panels import DataPanel
from dashboards.theme import State
from tests.dashboards.figures import Case, promtool
from tests.dashboards.pages import PAGES

PAGE = "agentobs-credentials"
JOB = 'job="agent-obs-credential_proxy"'
REQUESTS = "vteam:credential_requests:increase1h"
ACTIVE, INFO = "credential_proxy_anomaly_active", "credential_proxy_anomaly_info"
CONTAINER = "credential_proxy_container_anomaly_active"
UPTIME = "vteam:credential_proxy_uptime:ratio"


def labels(**pairs: str) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


def requests(service: str, **counts: str) -> dict[str, str]:
    named = f'{REQUESTS}{{{JOB}, instance="a", target_service="{service}"'
    return {f'{named}, status="{status}"}}': count for status, count in counts.items()}


def anomaly(type_: str, active: str, instance: str = "a", **containers: str) -> dict[str, str]:
    """`active` by scrape, and whether that of each container goes on, for as long as it is named."""
    own = f'{JOB}, instance="{instance}", type="{type_}"'
    series = {f"{ACTIVE}{{{own}}}": active}
    for who, values in containers.items():
        labels = f'{{{own}, container_id="{who}", project="p"}}'
        series |= {f"{CONTAINER}{labels}": values, f"{INFO}{labels}": values.replace("0x", "1x")}
    return series


def shown(type_: str, container: str, instance: str = "a") -> str:
    return f'{{{JOB}, instance="{instance}", type="{type_}", container_id="{container}", project="p"}}'


def who(type_: str, container: str, instance: str = "a") -> str:
    return labels(instance=instance, type=type_, container_id=container, project="p")


# Two kinds go on, one of them in two containers but not in a third that is named, too; one is over; another is a guess.
STRANGE = (
    anomaly("high_request_rate", "0x2 2x3", one="_x3 1x2", two="0x2 1x2", five="0x5")
    | anomaly("unknown_service", "1x2 0x3", one="1x2 0x2")
    | anomaly("rate_outlier", "1x5", three="1x5")
    | anomaly("unknown_service", "1x5", "b", four="1x5")
)

CASES = [
    Case(
        PAGE, "Rejected, 1 h", 0, "1m",
        requests("github", granted="60", rejected="20", error="10") | requests("other", granted="0", rejected="10"),
        "0m", {"{}": 0.3},
    ),
    Case(PAGE, "Rejected, 1 h", 0, "1m", requests("github", granted="0", rejected="0"), "0m", {}),
    Case(PAGE, "Requests, 1 h", 0, "1m", requests("a", granted="60", error="10") | requests("b", rejected="5"), "0m",
         {"{}": 75}),
    Case(
        PAGE, "Rejected, worst service, 1 h", 0, "1m",
        {f'vteam:credential_rejections:ratio1h{{{JOB}, target_service="{service}"}}': ratio
         for service, ratio in {"github": "0.125", "anthropic": "0.25", "other": "1"}.items()},
        "0m", {"{}": 0.25},
    ),
    Case(PAGE, "Anomalies now", 0, "1m", STRANGE, "5m", {"{}": 3}),
    Case(
        PAGE, "Anomalies: who and what", 0, "1m", STRANGE, "5m",
        {CONTAINER + shown("high_request_rate", "one"): 1, CONTAINER + shown("high_request_rate", "two"): 1,
         CONTAINER + shown("unknown_service", "four", "b"): 1},
    ),
    Case(PAGE, "Anomalies: who and what", 0, "1m", STRANGE, "2m",
         {CONTAINER + shown("unknown_service", "one"): 1, CONTAINER + shown("unknown_service", "four", "b"): 1}),
    Case(PAGE, "Anomalies: who and what", 1, "1m", STRANGE, "5m", {CONTAINER + shown("rate_outlier", "three"): 1}),
    Case(
        PAGE, "Who behaves strangely now", 0, "1m", STRANGE, "5m",
        {who("high_request_rate", "one"): 3, who("high_request_rate", "two"): 6, who("rate_outlier", "three"): 6,
         who("unknown_service", "four", "b"): 6},
    ),
    # Begun ten seconds ago: the page about it has gone out already.
    Case(
        PAGE, "Who behaves strangely now", 0, "5s", anomaly("unknown_service", "0x13 1x5", one="_x14 1x5"), "1m20s",
        {who("unknown_service", "one"): 0},
    ),
    Case(
        PAGE, "Anomalies of the time shown", 0, "1m", anomaly("unknown_service", "1x2 0x7", one="1x2 0x2"), "9m",
        {who("unknown_service", "one"): 240},
    ),
    Case(
        PAGE, "Uptime", 2, "1m",
        {f'{UPTIME}30d{{{JOB}, instance="a", probe="socket", cluster="{cluster}"}}': ratio
         for cluster, ratio in {"eu": "0.5", "us": "1"}.items()},
        "0m", {labels(instance="a", probe="socket"): 0.5},
    ),
    Case(
        PAGE, "Requests by hour of the day, 7 d", 0, "1m",
        {f'credential_proxy_hour_of_day_requests{{{JOB}, instance="{instance}", hour="{hour}"}}': count
         for instance, hour, count in (("a", "00", "3"), ("b", "00", "4"), ("a", "23", "5"))},
        "0m", {labels(hour="00"): 7, labels(hour="23"): 5},
    ),
    Case(
        PAGE, "Noisiest containers, last minute", 0, "1m",
        {f'credential_proxy_container_requests_last_minute{{{JOB}, instance="{instance}", container_id="{one}"}}': count
         for instance, one, count in (("a", "x", "9"), ("b", "y", "2"))},
        "0m", {labels(container_id="x"): 9, labels(container_id="y"): 2},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.panel}-{case.query}-{case.at}")
def test_figures(tmp_path: Path, case: Case) -> None:
    done = promtool(tmp_path, case)
    assert done.returncode == 0, done.stdout + done.stderr


def panel(title: str) -> DataPanel:
    [found] = [one for row in PAGES[PAGE][0].rows for one in row.panels if one.title == title]
    return found


def test_guesses_are_warnings_and_the_rest_is_critical() -> None:
    timeline = panel("Anomalies: who and what").to_json_data()["fieldConfig"]
    [guesses] = timeline["overrides"]
    assert guesses["matcher"] == {"id": "byFrameRefID", "options": "B"}
    [theirs] = [one["value"] for one in guesses["properties"] if one["id"] == "mappings"]
    worst = [mappings[0]["options"]["result"]["text"] for mappings in (timeline["defaults"]["mappings"], theirs)]
    assert worst == [State.CRIT.text, State.WARN.text]


def test_every_kind_of_anomaly_has_words() -> None:
    overrides = panel("Who behaves strangely now").to_json_data()["fieldConfig"]["overrides"]
    [words] = [
        one["properties"][0]["value"][0]["options"] for one in overrides if one["matcher"]["options"] == "Anomaly"
    ]
    assert set(words) == set(ANOMALY_TYPES)
    assert all(word["text"][0] in {state.text[0] for state in State} for word in words.values())


def test_hours_stand_side_by_side() -> None:
    options = panel("Requests by hour of the day, 7 d").options()
    assert options["orientation"] == "vertical"
    assert panel("Noisiest containers, last minute").options() == options | {"orientation": "horizontal"}
