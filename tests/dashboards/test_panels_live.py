"""Every query of every page against a real Prometheus, which scrapes real exporters, itself and Alertmanager.

The platform that they read is the demo's, at a quick pace.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from agent_observability.demo import ADMIN_KEY
from agent_observability.registry import BY_NAME
from dashboards.optional import OPTIONAL
from dashboards.page import Page
from dashboards.panels import Column, DataPanel, Query, Table
from tests.catalogue import rule_files, substitute
from tests.dashboards.pages import PAGES
from tests.support import free_port, running, wait_until

pytestmark = pytest.mark.stack

_ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager") or "alertmanager"
_JOBS = (
    "agent-obs-host",
    "agent-obs-cr_state",
    "agent-obs-credential_proxy",
    "agent-obs-llm_cost",
    "alertmanager",
    "prometheus",
)
_GROUP = "the-prometheus-of-this-test"


class Prometheus:
    """Queries of a running Prometheus."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return urllib.request.urlopen(f"{self._base}/-/ready", timeout=5).status == 200
        return False

    def instant(self, expr: str) -> list[dict[str, Any]]:
        """Series whose last value is a number."""
        return [series for series in self._ask("query", query=expr) if not math.isnan(float(series["value"][1]))]

    def last_minute(self, expr: str) -> list[dict[str, Any]]:
        """Series with a number in the last minute."""
        now = time.time()
        found = self._ask("query_range", query=expr, start=now - 60, end=now, step=1)
        return [series for series in found if any(not math.isnan(float(value)) for _, value in series["values"])]

    def _ask(self, api: str, **parameters: Any) -> list[dict[str, Any]]:
        url = f"{self._base}/api/v1/{api}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                result: list[dict[str, Any]] = json.load(response)["data"]["result"]
                return result
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters['query']}: {error.read().decode()}") from None


_MACHINES: dict[str, dict[str, bool]] = {
    "this machine": {},
    "a bare sandbox": dict.fromkeys(
        ("filesystem", "diskstats", "netdev", "pressure", "hwmon", "cgroup", "conntrack", "entropy"), False
    ),
}


@pytest.fixture(scope="module", params=_MACHINES.values(), ids=_MACHINES)
def prometheus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("live")
    ports = {job: free_port() for job in _JOBS}
    rules = folder / "rules"
    rules.mkdir()
    for file in rule_files():
        document = yaml.safe_load(file.read_text())
        # Scrapes are faster than in real life, so rules are too; their windows stay as they are.
        for group in document["groups"]:
            group["interval"] = "1s"
        (rules / file.name).write_text(yaml.safe_dump(document))
    host = {"processes": {"groups": {_GROUP: str(folder)}}, "collectors": request.param}
    demo, intake = free_port(), free_port()
    account = {"key": ADMIN_KEY}
    billing = {
        provider: [account | {"url": f"http://127.0.0.1:{demo}/{provider}"}] for provider in ("openai", "anthropic")
    }
    exporters = {
        "host": host,
        "cr_state": {"kubernetes": {"url": f"http://127.0.0.1:{demo}"}},
        "credential_proxy": {
            "log": {"paths": [f"{folder}/proxy/audit*.log"]},
            "project": "shop",
            "probes": {"targets": {"demo": f"unix://{folder}/proxy/proxy.sock"}, "interval": "5s"},
        },
        "llm_cost": {"billing": billing},
        "intake": {"listen": [f"127.0.0.1:{intake}"]},
        "ledger": {"directory": str(folder / "ledger")},
    }
    (folder / "exporter.yml").write_text(yaml.safe_dump(exporters))
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    targets = {job: [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": "here"}}] for job, port in ports.items()}
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules}/*.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": targets["alertmanager"]}]},
        "scrape_configs": [{"job_name": job, "honor_labels": True, "static_configs": targets[job]} for job in _JOBS],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    listen = "--web.listen-address=127.0.0.1:{}".format
    exporter = [sys.executable, "-m", "agent_observability", "run", "--config", folder / "exporter.yml"]
    platform = [sys.executable, "-m", "agent_observability.demo", "--port", str(demo), "--pace", "30"]
    usage = ["--intake", f"http://127.0.0.1:{intake}", "--proxy", str(folder / "proxy")]
    alertmanager = [_ALERTMANAGER, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager"]
    server = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus"]
    with (
        running([*platform, "--per-hour", "400", *usage], folder / "demo.log"),
        running([*exporter, "host", listen(ports["agent-obs-host"])], folder / "exporter.log"),
        running([*exporter, "cr_state", listen(ports["agent-obs-cr_state"])], folder / "cr_state.log"),
        running([*exporter, "credential_proxy", listen(ports["agent-obs-credential_proxy"])], folder / "proxy.log"),
        running([*exporter, "llm_cost", listen(ports["agent-obs-llm_cost"])], folder / "llm_cost.log"),
        running(
            [*alertmanager, listen(ports["alertmanager"]), "--cluster.listen-address="], folder / "alertmanager.log"
        ),
        running([*server, listen(ports["prometheus"])], folder / "prometheus.log") as child,
    ):
        api = Prometheus(ports["prometheus"])
        wait_until(api.ready, 30, what=child.output)
        wait_until(lambda: len(api.instant("up == 1")) == len(_JOBS), 30, what=lambda: str(api.instant("up")))
        wait_until(lambda: attacked(demo), 60)
        yield api


def attacked(demo: int) -> bool:
    """Whether the demo is there, and has let somebody loose on its credential proxy."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return urllib.request.urlopen(f"http://127.0.0.1:{demo}/attack/scan", data=b"", timeout=5).status == 200
    return False


def as_grafana_asks(page: Page, expr: str) -> str:
    """The query with every variable set to All, and the day or week before moved to a moment ago."""
    for variable in page.variables:
        expr = expr.replace(f"${variable['name']}", variable["allValue"])
    return substitute(re.sub(r"offset -?\d+[dwh]", "offset 1s", expr))


def answer(api: Prometheus, page: Page, query: Query) -> list[dict[str, Any]]:
    expr = as_grafana_asks(page, query.expr.text)
    return api.instant(expr) if query.instant else api.last_minute(expr)


def labels_shown(panel: DataPanel, query: Query, columns: tuple[Column, ...]) -> set[str]:
    legend = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
    return legend | {column.field for column in columns if column.field.islower() and query is panel.queries[0]}


def complaint(api: Prometheus, page: Page, panel: DataPanel, query: Query) -> str:
    """What is wrong with a query's answer, or "". Alerts differ in their labels, so theirs are not expected."""
    where = f"{page.uid}/{panel.title}: {as_grafana_asks(page, query.expr.text)}"
    found = answer(api, page, query)
    if not found:
        lacking = [name for name in sorted(query.expr.families & OPTIONAL.keys()) if not api.instant(name)]
        return "" if lacking or query.empty else f"{where}: no data"
    columns = tuple(panel.columns) if isinstance(panel, Table) else ()
    carried = {label for series in found for label in series["metric"]}
    missing = set() if "ALERTS" in query.expr.families else labels_shown(panel, query, columns) - carried
    return f"{where}: no series has the label {sorted(missing)}" if missing else ""


@pytest.mark.parametrize("page", [page for page, _ in PAGES.values()], ids=PAGES)
def test_every_query_has_data(prometheus: Prometheus, page: Page) -> None:
    waiting = [(panel, query) for panel in page.panels() for query in panel.queries]

    def complaints() -> list[str]:
        found = [(case, complaint(prometheus, page, *case)) for case in waiting]
        waiting[:] = [case for case, problem in found if problem]
        return [problem for _, problem in found if problem]

    wait_until(lambda: not complaints(), 60, what=lambda: "\n".join(complaints()))


def test_the_watched_group_counts_exactly_its_processes(prometheus: Prometheus) -> None:
    """The group's pattern is this test's folder, which seven command lines name."""
    job = BY_NAME["host"].job
    [series] = prometheus.instant(f'host_process_group_processes{{job="{job}", group="{_GROUP}"}}')
    assert series["value"][1] == "7"


def test_the_page_about_credentials_names_who_attacks(prometheus: Prometheus) -> None:
    page, _ = PAGES["agentobs-credentials"]
    [timeline] = [panel for panel in page.panels() if panel.title == "Anomalies: who and what"]
    [table] = [panel for panel in page.panels() if panel.title == "Who behaves strangely now"]

    def who(panel: DataPanel) -> set[str]:
        series = answer(prometheus, page, panel.queries[0])
        return {one["metric"]["container_id"] for one in series if one["metric"]["type"] == "unknown_service"}

    wait_until(lambda: who(timeline) and who(timeline) <= who(table), 60, what=lambda: f"{who(timeline)} {who(table)}")


def test_a_query_without_data_is_reported(prometheus: Prometheus) -> None:
    page, _ = PAGES["agentobs-host"]
    panel = next(panel for panel in page.panels() if panel.title == "Load average")
    nothing = Query(panel.queries[0].expr.as_unit("s"), "{{instance}} {{shop}}")
    assert "no series has the label ['shop']" in complaint(prometheus, page, panel, nothing)
    [first, *_] = panel.queries
    empty = Query(type(first.expr)("node_load1 > 1e9", "short", first.expr.families, None), "")
    assert complaint(prometheus, page, panel, empty).endswith("no data")
