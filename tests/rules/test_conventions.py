"""The conventions of rules: names, labels, annotations, the metrics and labels they use."""

from __future__ import annotations

import json
import re
from collections import Counter

import promql_parser as ql
import pytest

from agent_observability.registry import EXTERNAL
from tests.catalogue import check_expression, output_labels
from tests.promql import parse, selectors
from tests.rules.rulebook import Alert, Record, load
from tests.support import ROOT

RUNBOOKS = "https://github.com/agent-observability/agent-observability/blob/main/docs/runbooks"
DASHBOARD_URL = re.compile(r"\{\{ \$externalLabels\.grafana_url \}\}/d/(?P<uid>[a-z-]+)(\?(?P<query>.+))?")

ALERTS, RECORDS = load()
RULES = [*ALERTS, *RECORDS]

# A mean of the sum over all projects, under a name the design has fixed.
A_TOTAL = "vteam:active_sessions_total:avg1d"

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.id)
every_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)


@every_rule
def test_uses_known_metrics_and_labels(rule: Alert | Record) -> None:
    assert check_expression(rule.expr, rule.id) == []


@every_rule
def test_selects_the_suites_own_jobs(rule: Alert | Record) -> None:
    """Series that node_exporter, cAdvisor or somebody's Python exposes as well are told apart by their job alone."""
    for selector in selectors(parse(rule.expr)):
        if any(re.fullmatch(pattern, selector.name or "") for pattern in EXTERNAL if pattern != "up"):
            continue
        jobs = [matcher for matcher in selector.matchers.matchers if matcher.name == "job"]
        assert [matcher.op for matcher in jobs] in ([ql.MatchOp.Equal], [ql.MatchOp.Re]), f"{selector} selects no job"
        assert jobs[0].value.startswith("agent-obs-"), f"{selector} selects a foreign job"


@every_rule
def test_group_is_recognised_as_the_suites(rule: Alert | Record) -> None:
    assert rule.group.startswith("agent-obs-")


@every_record
def test_record_name_says_level_metric_operations(record: Record) -> None:
    assert re.fullmatch(r"[a-z_]+:[a-z][a-zA-Z0-9_]*:[a-z0-9_]+", record.name)
    total = record.name.split(":")[1].endswith("_total")
    assert not total or record.name == A_TOTAL, "a rate of a counter is no total"


@every_record
def test_record_keeps_target_labels(record: Record) -> None:
    assert output_labels(record.expr) >= {"job", "instance", "cluster"}


@every_alert
def test_alert_is_labelled(alert: Alert) -> None:
    assert re.fullmatch(r"([A-Z][a-z0-9]+)+", alert.name)
    assert alert.severity in {"critical", "warning", "info", "none"}
    assert alert.labels["team"]


@every_alert
def test_alert_explains_itself(alert: Alert) -> None:
    assert set(alert.annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    summary, description = alert.annotations["summary"], alert.annotations["description"]
    assert summary.endswith(".") and "{{" not in summary and "\n" not in summary
    assert description.endswith(".") and "{{" in description and "\n" not in description
    assert alert.annotations["runbook_url"] == f"{RUNBOOKS}/{alert.name}.md"


def _dashboard_variables() -> dict[str, set[str]]:
    """The variables of each generated dashboard, by uid."""
    pages = [json.loads(path.read_text()) for path in (ROOT / "dashboards" / "json").rglob("*.json")]
    return {page["uid"]: {variable["name"] for variable in page["templating"]["list"]} for page in pages}


@every_alert
def test_dashboard_link_leads_somewhere(alert: Alert) -> None:
    url = DASHBOARD_URL.fullmatch(alert.annotations["dashboard_url"])
    assert url is not None
    variables = _dashboard_variables()
    assert url["uid"] in variables
    assert set(re.findall(r"var-(\w+)=", url["query"] or "")) <= variables[url["uid"]]


@every_alert
def test_annotations_use_labels_the_alert_has(alert: Alert) -> None:
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(alert.annotations.values())))
    assert used <= output_labels(alert.expr) | set(alert.labels)


def test_alerts_are_unique() -> None:
    twice = [key for key, count in Counter(rule.id for rule in RULES).items() if count > 1]
    assert twice == []
