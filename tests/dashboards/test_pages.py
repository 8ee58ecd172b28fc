"""What every page and panel must have."""

from __future__ import annotations

import itertools
import re
import urllib.parse
from typing import Any

import pytest
import yaml
from grafanalib import formatunits

from dashboards.external import EXTERNAL_METRICS
from dashboards.optional import OPTIONAL, Empty
from dashboards.page import COLUMNS, SCHEMA_VERSION, TAG, Page
from dashboards.panels import DATASOURCE
from dashboards.rules import rule_book
from dashboards.theme import State
from tests.catalogue import check_expression, rule_files, substitute
from tests.dashboards.pages import PAGES, Case, as_json, panel_cases, query_cases, walk

each_page = pytest.mark.parametrize("page", [page for page, _ in PAGES.values()], ids=PAGES)
each_panel = pytest.mark.parametrize("case", panel_cases(), ids=lambda case: case.where)

KNOWN_UNITS = {value for name, value in vars(formatunits).items() if name.isupper()} | {"bool_yes_no", "dtdurations"}
# Narrower than this a panel of the kind cannot be read; Grafana stacks all panels on a narrow screen.
MIN_WIDTH = {
    "bargauge": 6,
    "gauge": 6,
    "heatmap": 8,
    "piechart": 6,
    "stat": 4,
    "state-timeline": 8,
    "table": 12,
    "timeseries": 6,
}


def words(text: str) -> int:
    return len(text.split())


@each_page
def test_the_page_is_identified_found_and_protected(page: Page) -> None:
    document = as_json(page)
    assert document["uid"] == page.uid and re.fullmatch(r"agentobs-[a-z0-9]+", page.uid)
    assert document["title"] and words(document["description"]) >= 5
    assert document["tags"] == [TAG]
    assert document["editable"] is False
    assert document["timezone"] == "browser"
    assert document["graphTooltip"] == 1
    assert document["schemaVersion"] == SCHEMA_VERSION and 39 <= SCHEMA_VERSION <= 42
    [menu] = document["links"]
    assert (menu["tags"], menu["asDropdown"], menu["includeVars"], menu["keepTime"]) == ([TAG], True, True, True)


@each_page
def test_nothing_is_null(page: Page) -> None:
    assert [path for path, value in walk(page.json()) if value is None] == []


@each_page
def test_panel_ids_are_unique(page: Page) -> None:
    ids = [panel["id"] for top in as_json(page)["panels"] for panel in (top, *(top.get("panels", ())))]
    assert len(ids) == len(set(ids))


@each_page
def test_panel_titles_are_unique_within_a_row(page: Page) -> None:
    for row in page.rows:
        titles = [panel.title for panel in row.panels]
        assert len(titles) == len(set(titles)), row.title


@each_page
def test_the_top_row_is_cards_and_detail_is_collapsed(page: Page) -> None:
    document = as_json(page)
    cards = list(itertools.takewhile(lambda panel: panel["type"] != "row", document["panels"]))
    assert {(card["type"], card["gridPos"]["y"]) for card in cards} == {("stat", 0)}
    assert sum(card["gridPos"]["w"] for card in cards) == COLUMNS
    rows = [panel for panel in document["panels"] if panel["type"] == "row"]
    assert [row["collapsed"] for row in rows] == [False, *[True] * (len(rows) - 1)]


def overlaps(panels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    def area(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        return set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )

    return [
        (first["title"], second["title"])
        for first, second in itertools.combinations(panels, 2)
        if area(first) & area(second)
    ]


@each_page
def test_panels_neither_overlap_nor_leave_the_grid(page: Page) -> None:
    panels = as_json(page)["panels"]
    assert overlaps(panels) == []
    for row in (panel for panel in panels if panel["type"] == "row"):
        assert overlaps([row, *row["panels"]]) == []
        assert bool(row["panels"]) == row["collapsed"]
    for _, panel in panel_cases():
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS
        assert place["w"] >= MIN_WIDTH[panel["type"]], panel["title"]


@each_page
def test_no_line_has_a_gap_at_its_end(page: Page) -> None:
    """Panels share the whole width, or a wide screen shows holes."""
    for panels in (page.cards, *(row.panels for row in page.rows)):
        filled = 0
        for panel in panels:
            filled = panel.width if filled == COLUMNS else filled + panel.width
        assert filled == COLUMNS, [panel.title for panel in panels]


@each_page
def test_a_narrow_screen_shows_panels_in_reading_order(page: Page) -> None:
    """There Grafana puts them below each other, sorted by line and column."""
    document = as_json(page)["panels"]
    for panels in (document, *(row["panels"] for row in document if row["type"] == "row")):
        places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in panels]
        assert places == sorted(places)


def test_the_first_screen_needs_no_scrolling() -> None:
    """1080 lines leave about 900 for panels, at 38 a grid unit."""
    for page, _ in PAGES.values():
        shown = [panel["gridPos"] for panel in as_json(page)["panels"] if panel["type"] != "row"]
        assert max(place["y"] + place["h"] for place in shown) * 38 <= 900


def test_every_declared_exception_and_external_metric_is_used() -> None:
    used = frozenset[str]().union(*(panel.families for page, _ in PAGES.values() for panel in page.panels()))
    assert OPTIONAL.keys() <= used
    queries = (query for page, _ in PAGES.values() for panel in page.panels() for query in panel.queries)
    assert {query.empty for query in queries} == {None, *Empty}
    assert {metric.name for metric in EXTERNAL_METRICS} <= used


def test_alerts_link_to_pages_and_set_variables_they_have() -> None:
    links = [
        (rule["alert"], urllib.parse.urlsplit(re.sub(r"\{\{.*?\}\}", "", rule["annotations"]["dashboard_url"])))
        for file in rule_files()
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "dashboard_url" in rule.get("annotations", {})
    ]
    assert len({alert for alert, _ in links}) >= 20
    for alert, link in links:
        page, _ = PAGES[link.path.removeprefix("/d/")]
        variables = {f"var-{variable['name']}" for variable in page.variables}
        assert set(urllib.parse.parse_qs(link.query, keep_blank_values=True)) <= variables, alert


def test_the_overlap_check_finds_overlaps() -> None:
    first = {"title": "a", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}}
    second = {"title": "b", "gridPos": {"x": 11, "y": 7, "w": 12, "h": 8}}
    assert overlaps([first, second]) == [("a", "b")]


@each_page
def test_variables_and_annotations(page: Page) -> None:
    document = as_json(page)
    datasource, *queried = document["templating"]["list"]
    assert (datasource["name"], datasource["type"], datasource["query"]) == ("datasource", "datasource", "prometheus")
    assert queried[0]["name"] == "cluster"
    for variable in queried:
        assert variable["datasource"] == DATASOURCE
        assert variable["multi"] and variable["includeAll"] and variable["allValue"]
        assert variable["current"]["value"] == ["$__all"]
        query = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
        assert query and check_expression(substitute(query[1]), variable["name"]) == []
    builtin, *asked = document["annotations"]["list"]
    assert builtin["builtIn"] == 1
    assert [annotation["name"] for annotation in asked] == ["Firing alerts", "Rollouts"]
    for annotation in asked:
        assert annotation["datasource"] == DATASOURCE
        assert check_expression(substitute(annotation["expr"]), "annotation") == []


@each_page
def test_only_variables_of_the_page_are_used(page: Page) -> None:
    document = as_json(page)
    defined = {variable["name"] for variable in document["templating"]["list"]}
    own = {name for _, text in walk(document) if isinstance(text, str) for name in re.findall(r"\$\{?([a-z]\w*)", text)}
    assert own == defined


@each_page
def test_panels_that_do_not_follow_the_project_say_so(page: Page) -> None:
    """Otherwise figures of all projects would be taken for those of the chosen one."""
    if "project" not in {variable["name"] for variable in page.variables}:
        return
    for panel in page.panels():
        follows = all("$project" in query.expr.text for query in panel.queries)
        assert panel.title.endswith("(all projects)") != follows, panel.title


@each_panel
def test_every_panel_explains_itself(case: Case) -> None:
    own, *_ = case.value["description"].split("\n\n")
    assert own.endswith(".") and words(own) >= 10


@each_panel
def test_every_panel_has_unit_thresholds_source_and_a_way_on(case: Case) -> None:
    panel = case.value
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["datasource"] == DATASOURCE
    assert defaults["unit"] in KNOWN_UNITS or defaults["unit"].startswith("suffix:")
    assert defaults["noValue"]
    assert defaults["thresholds"]["mode"] == "absolute" and defaults["thresholds"]["steps"]
    [link] = defaults["links"]
    target = re.fullmatch(r"/d/([a-z-]+)\?\$\{__url_time_range\}&\$\{__all_variables\}", link["url"])
    assert target and target[1] in PAGES and not case.where.startswith(target[1])


@each_panel
def test_thresholds_are_explained_by_the_alerts_they_come_from(case: Case) -> None:
    steps = case.value["fieldConfig"]["defaults"]["thresholds"]["steps"]
    named = re.search(r"Thresholds are those of (.+)\.", case.value["description"])
    assert (len(steps) > 1) == bool(named)
    if named:
        alerts = {f"{alert.name} ({alert.severity})" for alert in rule_book().alerts}
        assert set(named[1].split(", ")) <= alerts


@each_panel
def test_state_is_never_colour_alone(case: Case) -> None:
    """Where thresholds colour a value there is a word, a bar, a line or a number beside it that says the same."""
    panel = case.value
    if len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) == 1:
        return
    if panel["type"] == "timeseries":
        assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] == "dashed"
    elif panel["type"] == "gauge":
        assert panel["options"]["showThresholdLabels"] and panel["options"]["showThresholdMarkers"]
    elif panel["type"] != "bargauge":
        texts = {value for path, value in walk(panel["fieldConfig"]) if path.endswith("/text")}
        assert State.OK.text in texts and texts <= {state.text for state in State} and len(texts) > 1


@pytest.mark.parametrize("case", query_cases(), ids=lambda case: case.where)
def test_queries(case: Case) -> None:
    query = case.value
    assert check_expression(substitute(query["expr"]), case.where) == []
    assert query["datasource"] == DATASOURCE
    assert query["range"] != query["instant"]
    assert query["format"] in {"time_series", "table", "heatmap"}
    # Rates over a fixed window would be empty or smeared, depending on the zoom.
    assert re.findall(r"rate\([^[]+\[(?!\$__rate_interval\])", query["expr"]) == []


@each_panel
def test_queries_are_named_by_letters_in_order(case: Case) -> None:
    refs = [target["refId"] for target in case.value["targets"]]
    assert refs == [chr(ord("A") + index) for index in range(len(refs))]
