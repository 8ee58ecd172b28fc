"""Thresholds read from alerts: expression in, steps and words out."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.rules import Alert, RuleBook, read_rules, rule_book
from dashboards.theme import Colour, State
from dashboards.thresholds import NEUTRAL, Thresholds, alert_thresholds

OK, WARN, CRIT = State.OK, State.WARN, State.CRIT


def book(*alerts: tuple[str, str]) -> RuleBook:
    return RuleBook({}, tuple(Alert("A", severity, expr) for severity, expr in alerts))


CASES: list[tuple[str, RuleBook, State, tuple[tuple[float, State], ...]]] = [
    ("above", book(("warning", "m > 0.8")), OK, ((0.8, WARN),)),
    ("two severities", book(("critical", "m > 0.9"), ("warning", "m > 0.8")), OK, ((0.8, WARN), (0.9, CRIT))),
    ("one number, two severities", book(("critical", "m > 3"), ("warning", "m > 3")), OK, ((3, CRIT),)),
    ("at least", book(("warning", "m >= 5")), OK, ((5, WARN),)),
    ("number first", book(("warning", "0.8 < m")), OK, ((0.8, WARN),)),
    ("parentheses", book(("warning", "m > (0.8)")), OK, ((0.8, WARN),)),
    ("any", book(("warning", "increase(m[5m]) > 0")), OK, ((1e-9, WARN),)),
    ("other comparisons", book(("warning", "m > 0.8 and rate(x[5m]) > 1 unless y == 1")), OK, ((0.8, WARN),)),
    ("info", book(("info", "m > 1")), OK, ((1, WARN),)),
    ("none left", book(("warning", "m == 0")), WARN, ((1, OK),)),
    ("none left, two severities", book(("warning", "m == 0"), ("critical", "m == 0")), CRIT, ((1, OK),)),
    (
        "below, two severities",
        book(("warning", "m < 0.8"), ("critical", "m < 0.5")),
        CRIT,
        ((0.5, WARN), (0.8, OK)),
    ),
    ("enough to judge by", book(("warning", "1 - m / (m offset 1w >= 5) > 0.2")), OK, ((0.2, WARN),)),
    ("below", book(("critical", "avg_over_time(m[15m]) < 0.5")), CRIT, ((0.5, OK),)),
]


@pytest.mark.parametrize(("rules", "base", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_steps(rules: RuleBook, base: State, steps: tuple[tuple[float, State], ...]) -> None:
    found = alert_thresholds("A", "m", lambda: rules)
    assert (found.base, found.steps) == (base, steps)
    assert found.alerts == tuple(f"A ({alert.severity})" for alert in rules.alerts)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (book(), "there is no alert 'A'"),
        (book(("warning", "m > n")), r"must compare m with one number, found \[\]"),
        (book(("warning", "n > 1")), r"must compare m with one number, found \[\]"),
        (book(("warning", "m > 1 and m < 2")), "must compare m with one number"),
        (book(("warning", "m != 1")), "cannot draw thresholds"),
        (book(("warning", "m == 1"), ("critical", "m == 0")), "cannot draw thresholds"),
        (book(("warning", "m < 1"), ("critical", "m > 5")), "cannot draw thresholds"),
    ],
)
def test_what_gives_no_threshold_is_named(rules: RuleBook, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        alert_thresholds("A", "m", lambda: rules)


def test_grafana_form() -> None:
    thresholds = Thresholds(OK, ((0.8, WARN), (0.9, CRIT)), ("A (warning)",))
    assert thresholds.json() == {
        "mode": "absolute",
        "steps": [
            {"color": Colour.GREEN, "value": 0},
            {"color": Colour.YELLOW, "value": 0.8},
            {"color": Colour.RED, "value": 0.9},
        ],
    }
    shown = [(entry["options"]["from"], entry["options"]["result"]["text"]) for entry in thresholds.mappings()]
    assert shown == [(0.9, "✕ CRIT"), (0.8, "▲ WARN"), (-1e15, "✓ OK")]


def test_without_an_alert_the_value_is_violet() -> None:
    assert NEUTRAL.json()["steps"] == [{"color": Colour.VIOLET, "value": 0}]


def test_a_changed_alert_changes_the_threshold(tmp_path: Path) -> None:
    def rules(limit: float) -> RuleBook:
        file = tmp_path / f"{limit}.yaml"
        file.write_text(
            f"groups: [{{name: g, rules: [{{alert: A, expr: m > {limit}, labels: {{severity: warning}}}}]}}]\n"
        )
        return read_rules([file])

    assert alert_thresholds("A", "m", lambda: rules(0.7)).steps == ((0.7, WARN),)
    assert alert_thresholds("A", "m", lambda: rules(0.6)).steps == ((0.6, WARN),)


def test_a_name_recorded_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("groups: [{name: g, rules: [{record: a, expr: b}, {record: a, expr: c}]}]\n")
    with pytest.raises(ValueError, match=r"rules\.yaml: a is recorded twice"):
        read_rules([file])


def test_families_of_records_built_on_records() -> None:
    rules = RuleBook({"a:b:c": "x / y", "d:e:f": "sum(a:b:c) + rate(z[5m])"}, ())
    assert rules.families("d:e:f") == {"d:e:f", "a:b:c", "x", "y", "z"}


def test_the_suites_own_rules_are_read() -> None:
    assert alert_thresholds("HostMemoryHigh", "instance:node_memory_used:ratio").steps == ((0.8, WARN), (0.9, CRIT))
    assert "instance:node_cpu_busy:ratio_rate5m" in rule_book().records
