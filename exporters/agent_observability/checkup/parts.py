"""The three parts of the check: targets, rules, dashboards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence

from agent_observability.checkup.files import ExpectedRule, Page, Panel
from agent_observability.checkup.grafana import substitute
from agent_observability.checkup.report import Finding, Level, Part
from agent_observability.prometheus_api import ApiError, PrometheusApi, Rule
from agent_observability.registry import Exporter

__all__ = ["check_dashboards", "check_rules", "check_targets"]

_AT_ONCE = 4
_SPACE = re.compile(r"\s+")


async def check_targets(api: PrometheusApi, exporters: Iterable[Exporter]) -> Part:
    """Every exporter has a target, each is up, and carries its stable `instance`."""
    targets = await api.targets()
    findings = []
    seen = 0
    for exporter in exporters:
        own = [target for target in targets if target.job == exporter.job]
        seen += len(own)
        if not own:
            findings.append(Finding(Level.FAILURE, f"{exporter.job}: Prometheus has no such target"))
        for target in own:
            instance = target.labels.get("instance", "")
            if target.health == "unknown":
                findings.append(Finding(Level.FAILURE, f"{exporter.job} at {instance} has not been scraped yet"))
            elif target.health != "up":
                findings.append(Finding(Level.FAILURE, f"{exporter.job} at {instance} is down: {target.last_error}"))
            changing = sorted({"pod", "container", "endpoint"} & target.labels.keys())
            if changing:
                text = (
                    f"{exporter.job} at {instance} carries {', '.join(changing)}: its series break with every new pod"
                )
                findings.append(Finding(Level.WARNING, text))
    return Part("targets", f"{seen} of the suite's exporters", findings)


async def check_rules(api: PrometheusApi, expected: Sequence[ExpectedRule]) -> Part:
    """Every rule is loaded and was evaluated without an error; one with another expression is worth a warning."""
    groups = {group.name: group for group in await api.rule_groups()}
    findings = []
    for rule in expected:
        loaded = [found for found in groups[rule.group].rules if _same(rule, found)] if rule.group in groups else []
        if not loaded:
            findings.append(Finding(Level.FAILURE, f"{rule.title} in group {rule.group} is not loaded"))
            continue
        if loaded[0].health == "unknown":
            findings.append(Finding(Level.FAILURE, f"{rule.title} has not been evaluated yet"))
        elif loaded[0].health != "ok":
            findings.append(Finding(Level.FAILURE, f"{rule.title} fails: {loaded[0].last_error}"))
        if not await _equal(api, rule.expr, loaded[0].query):
            findings.append(Finding(Level.WARNING, f"{rule.title} has another expression than its file"))
    return Part("rules", f"{len(expected)} rules in {len({rule.group for rule in expected})} groups", findings)


async def check_dashboards(api: PrometheusApi, pages: Sequence[Page]) -> Part:
    """Every query parses and is answered. Without data it is only noted: an idle platform has empty panels."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def ask(page: Page, panel: Panel) -> Finding | None:
        expr = substitute(panel.expr, page.variables)
        try:
            async with slots:
                series = await api.series(expr)
        except ApiError as error:
            return Finding(Level.FAILURE, f"{page.uid}/{panel.where}: {error}: {_SPACE.sub(' ', expr)}")
        return None if series else Finding(Level.NOTE, f"{page.uid}/{panel.where} shows no data now")

    asked = await asyncio.gather(*(ask(page, panel) for page in pages for panel in page.panels))
    findings = [finding for finding in asked if finding is not None]
    empty = sum(finding.level is Level.NOTE for finding in findings)
    summary = f"{len(asked)} queries of {len(pages)} pages, {empty} without data now"
    return Part("dashboards", summary, findings)


def _same(expected: ExpectedRule, loaded: Rule) -> bool:
    if expected.name != loaded.name:
        return False
    # A changed severity is another expression's business; without this the two severities of an alert would be one.
    return loaded.type != "alerting" or loaded.labels.get("severity", "") == expected.severity


async def _equal(api: PrometheusApi, expected: str, loaded: str) -> bool:
    if not loaded or _SPACE.sub("", expected) == _SPACE.sub("", loaded):
        return True
    try:
        written, read = await asyncio.gather(api.format(expected), api.format(loaded))
    except ApiError:
        # Not every engine can write an expression in its own way; then spelling and meaning cannot be told apart.
        return True
    return written == read
