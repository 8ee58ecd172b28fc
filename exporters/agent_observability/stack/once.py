"""`agent-obs up --once`: waits until everything works and says what was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent_observability.errors import StartError
from agent_observability.prometheus_api import ActiveAlert, ApiError, PrometheusApi, RuleGroup, Target

__all__ = ["Summary", "summary_text", "wait_until_working"]

_POLL_SECONDS = 0.5
# Prometheus spreads groups over their interval: one that is evaluated every few minutes may not begin before.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Summary:
    """The stack, working. `series` counts the series in Prometheus' memory."""

    targets: Sequence[Target]
    groups: Sequence[RuleGroup]
    alerts: Sequence[ActiveAlert]
    series: int


async def wait_until_working(api: PrometheusApi, jobs: Sequence[str], seconds: float) -> Summary:
    """Returns once every job has a target, every target is up and every rule group has been evaluated without error.

    Groups that are evaluated less than once a minute are not waited for.

    Raises StartError with what is missing when that takes longer than `seconds`.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            targets, groups = await asyncio.gather(api.targets(), api.rule_groups())
            missing = _missing(targets, groups, jobs)
            if not missing:
                alerts, series = await asyncio.gather(api.alerts(), api.series_count())
                return Summary(targets, groups, alerts, series)
        except ApiError as error:
            missing = [str(error)]
        if asyncio.get_running_loop().time() >= deadline:
            raise StartError(
                f"not everything works after {seconds:.0f} s:\n" + "\n".join(f"  {line}" for line in missing)
            )
        await asyncio.sleep(_POLL_SECONDS)


def _missing(targets: Sequence[Target], groups: Sequence[RuleGroup], jobs: Sequence[str]) -> list[str]:
    found = {target.job for target in targets}
    problems = [f"no target of job {job}" for job in jobs if job not in found]
    problems += [
        f"target {target.job} ({target.scrape_url}) is {target.health}: {target.last_error or '–'}"
        for target in targets
        if target.health != "up"
    ]
    if not groups:
        problems.append("no rule group is loaded")
    for group in groups:
        failing = [f"{rule.name}: {rule.last_error}" for rule in group.rules if rule.health == "err"]
        if failing:
            problems.append(f"rule group {group.name} fails: {'; '.join(failing)}")
        elif not group.evaluated and group.interval <= _PATIENCE_SECONDS:
            problems.append(f"rule group {group.name} has not been evaluated (interval {group.interval:.0f} s)")
    return problems


def summary_text(summary: Summary, where: Mapping[str, str]) -> str:
    """What a person reads; `where` names places."""
    lines = [f"Targets ({len(summary.targets)} of {len(summary.targets)} up):"]
    lines += [
        f"  ✓ {target.job:<24} {target.scrape_url}  {target.last_scrape_duration * 1000:.1f} ms"
        for target in sorted(summary.targets, key=lambda one: one.job)
    ]
    lines.append(f"Series: {summary.series}")
    rules = sum(len(group.rules) for group in summary.groups)
    evaluated = sum(group.evaluated for group in summary.groups)
    lines.append(f"Rule groups ({evaluated} of {len(summary.groups)} evaluated, {rules} rules):")
    lines += [_group_line(group) for group in summary.groups]
    lines.append(f"Alerts ({len(summary.alerts)} active):")
    for alert in summary.alerts:
        lines.append(f"  {alert.state:<8} {alert.name} ({alert.labels.get('severity', 'no severity')})")
    lines.append("Where:")
    lines += [f"  {name:<16} {place}" for name, place in where.items()]
    return "\n".join(lines)


def _group_line(group: RuleGroup) -> str:
    line = f"  {'✓' if group.evaluated else '–'} {group.name:<32} {len(group.rules)} rules"
    return line if group.evaluated else f"{line}, evaluated every {group.interval:.0f} s"
