"""What the panel and the summaries show, for given observations."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from agent_observability.prometheus_api import ActiveAlert, Rule, RuleGroup, Target
from agent_observability.stack.kpis import KPIS, SHOWN, shown
from agent_observability.stack.notifications import Alert, Message, Notification
from agent_observability.stack.observer import Observation
from agent_observability.stack.once import Summary, summary_text
from agent_observability.stack.panel import PartView, View, draw
from agent_observability.stack.part import PartState
from agent_observability.stack.text import age, bytes_per_second, clean, percent, sparkline, timestamp
from tests.catalogue import check_expression

NOW = 1_700_000_000.0
SCRAPED = "2023-11-14T22:13:18.123456789Z"  # two seconds before NOW

TARGETS = [
    Target({"job": "agent-obs-host"}, "http://127.0.0.1:9801/metrics", "up", SCRAPED, 0.004),
    Target({"job": "prometheus"}, "http://127.0.0.1:9090/metrics", "down", SCRAPED, 0.0, "refused"),
]
PARTS = [
    PartView("canary", PartState.HELD, None, 0, "", ""),
    PartView("host", PartState.READY, 4711, 0, "http://127.0.0.1:9801", "agent-obs-host"),
    PartView("prometheus", PartState.WAITING, None, 3, "http://127.0.0.1:9090", "prometheus"),
]


def alert(name: str, state: str = "firing", severity: str = "critical", **labels: str) -> ActiveAlert:
    return ActiveAlert({"alertname": name, "severity": severity, **labels}, state, {}, SCRAPED)


def notification(
    number: int, status: Any = "firing", summary: str = "A watched process is not running."
) -> Notification:
    one = Alert(status, {"alertname": "HostProcessGroupDown"}, {"summary": summary})
    return Notification(number, NOW - 60, "critical", Message("4", status, [one]))


HOST = shown(["agent-obs-host"])


def screen(width: int, height: int, **changes: Any) -> list[str]:
    options: dict[str, Any] = {
        "now": NOW,
        "started": NOW - 200,
        "parts": PARTS,
        "observation": Observation(
            TARGETS, [alert("HostProcessGroupDown", group="drill")], [(kpi, [0.0, 0.5, 1.0]) for kpi in HOST]
        ),
        "notifications": [notification(1)],
        "heartbeat": NOW - 12,
        "event": None,
        "footer": "Ctrl-C stops everything",
        "width": width,
        "height": height,
    } | changes
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(draw(View(**options)), height=height)
    return captured.get().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 45), (200, 60)])
def test_the_panel_fits_and_shows_everything(width: int, height: int) -> None:
    lines = screen(width, height)
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    for part in (
        "1/2 targets up",
        "✕ 1 firing",
        "♥ Watchdog 12 s",
        "■ held down",
        "✓ ready",
        "✓ 2 s ago",
        "4711",
        "127.0.0.1:9801",
        "✕ crashed",
        "✕ down",
        *(kpi.name for kpi in HOST),
        "100 % ▁▅█",
        "✕ firing 2 s HostProcessGroupDown",
        "✕ FIRING   → critical HostProcessGroupDown",
        "Ctrl-C stops everything",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"observation": Observation()},
            ["0/0 targets up", "✓ nothing firing", "… not yet", "none firing, none pending"],
        ),
        ({"notifications": []}, ["agent-obs drill"]),
        ({"notifications": [notification(1), notification(2, "resolved")]}, ["✓ resolved → critical"]),
        ({"event": (NOW - 5, "host exited with status 1")}, ["5 s ago: host exited with status 1"]),
        ({"observation": Observation(problem="Prometheus does not answer")}, ["▲ Prometheus does not answer"]),
        (
            {"observation": Observation(alerts=[alert(f"A{n}", "pending", "warning") for n in range(9)])},
            ["▲ pending 2 s A0", "and 4 more"],
        ),
        ({"observation": Observation(alerts=[alert("Watchdog", severity="none")])}, ["✓ nothing firing"]),
        # Colours and cursor moves in a label are no commands to the terminal, nor markup to rich.
        ({"notifications": [notification(1, summary="\x1b[2J[red]x\nnext")]}, ["[2J[red]x next"]),
    ],
)
def test_what_the_panel_says(changes: dict[str, Any], expected: list[str]) -> None:
    text = "\n".join(screen(100, 30, **changes))
    assert "\x1b" not in text
    for part in expected:
        assert part in text


def test_firing_comes_before_pending_and_critical_before_warning() -> None:
    alerts = [alert("P", "pending"), alert("W", severity="warning"), alert("C")]
    text = "\n".join(screen(100, 30, observation=Observation(alerts=alerts)))
    assert text.index("firing 2 s C") < text.index("firing 2 s W") < text.index("pending 2 s P")


def test_figures_of_what_runs() -> None:
    names = [kpi.name for kpi in shown(["agent-obs-host", "agent-obs-cr_state"])]
    assert len(names) == len(HOST) == SHOWN
    assert {"CPU", "Memory", "Sessions active"} <= set(names)
    assert all(kpi.job == "agent-obs-host" for kpi in HOST)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_every_figure_names_known_metrics(kpi: Any) -> None:
    assert check_expression(kpi.query, kpi.name) == []


def test_the_summary_names_targets_series_groups_alerts_and_places() -> None:
    group = RuleGroup("agent-obs-host-alerts", 30.0, [Rule("HostCpuHigh", "alerting", "ok")], SCRAPED)
    text = summary_text(Summary(TARGETS[:1], [group], [alert("Watchdog", severity="none")], 973), {"state": "/s"})
    assert text.splitlines() == [
        "Targets (1 of 1 up):",
        "  ✓ agent-obs-host           http://127.0.0.1:9801/metrics  4.0 ms",
        "Series: 973",
        "Rule groups (1 of 1 evaluated, 1 rules):",
        "  ✓ agent-obs-host-alerts            1 rules",
        "Alerts (1 active):",
        "  firing   Watchdog (none)",
        "Where:",
        "  state            /s",
    ]


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (age, 0.4, "0 s"),
        (age, -3, "0 s"),
        (age, 119, "119 s"),
        (age, 120, "2 min"),
        (age, 7200, "2 h"),
        (age, 200_000, "2 d"),
        (percent, 0.375, "38 %"),
        (bytes_per_second, 0, "0 B/s"),
        (bytes_per_second, 1536, "1.5 KiB/s"),
        (bytes_per_second, 3 * 1024**2, "3.0 MiB/s"),
        (bytes_per_second, 5 * 1024**4, "5120.0 GiB/s"),
        (clean, "a\x1b[31m\tb\u202e", "a [31m b "),
        (timestamp, SCRAPED, NOW - 1.876544),
        (timestamp, "never", 0),
    ],
)
def test_text(function: Any, value: Any, expected: Any) -> None:
    assert function(value) == pytest.approx(expected) if isinstance(expected, float) else function(value) == expected


@pytest.mark.parametrize(
    ("values", "width", "top", "expected"),
    [
        ([], 5, 1.0, ""),
        ([0.0, 0.5, 1.0], 5, 1.0, "▁▅█"),
        ([0.0, 0.5, 1.0], 2, 1.0, "▅█"),
        ([0.0, 0.5, 1.0], 0, 1.0, ""),
        ([2.0, -1.0], 5, 1.0, "█▁"),
        ([0.0, 0.0], 5, None, "▁▁"),
        ([1.0, 4.0], 5, None, "▃█"),
        ([float("nan"), float("inf"), 1.0], 5, 1.0, "█"),
    ],
)
def test_sparkline(values: list[float], width: int, top: float | None, expected: str) -> None:
    assert sparkline(values, width, top) == expected
