"""The live panel: a picture of the stack for a terminal, drawn anew each second. State is never colour alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent_observability.prometheus_api import ActiveAlert, Target
from agent_observability.stack.kpis import SHOWN
from agent_observability.stack.notifications import Notification
from agent_observability.stack.observer import HEARTBEAT, Observation
from agent_observability.stack.part import PartState
from agent_observability.stack.text import age, clean, sparkline, timestamp

__all__ = ["PartView", "View", "draw"]

_GREEN, _YELLOW, _RED, _BLUE, _VIOLET, _GREY = "#10B981", "#F59E0B", "#EF4444", "#3B82F6", "#7C3AED", "#A0A0A0"
_STATES = {
    PartState.READY: ("✓", _GREEN),
    PartState.STARTING: ("…", _BLUE),
    PartState.HELD: ("■", _YELLOW),
    PartState.WAITING: ("✕", _RED),
    PartState.STOPPED: ("·", _GREY),
}
_SEVERITIES = {"critical": ("✕", _RED), "warning": ("▲", _YELLOW), "info": ("●", _BLUE)}
_SUBJECT_LABELS = ("group", "mountpoint", "device", "collector", "project", "instance", "exporter")
_ALERT_ROWS = SHOWN


@dataclass(frozen=True, slots=True)
class PartView:
    """One part as the panel shows it."""

    name: str
    state: PartState
    pid: int | None
    restarts: int
    url: str
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything one picture needs. Times are Unix seconds; `event` is the supervisor's last (time, text)."""

    now: float
    started: float
    parts: Sequence[PartView]
    observation: Observation
    notifications: Sequence[Notification]
    heartbeat: float
    event: tuple[float, str] | None
    footer: str
    width: int
    height: int


def draw(view: View) -> Layout:
    """The whole screen; what does not fit is cut at the bottom of its box."""
    middle = Layout(name="middle", size=_ALERT_ROWS + 2)
    middle.split_row(Layout(_kpis(view), ratio=1), Layout(_alerts(view), ratio=1))
    layout = Layout()
    layout.split_column(
        Layout(_header(view), size=1),
        Layout(_parts(view), size=len(view.parts) + 3),
        middle,
        Layout(_notifications(view), minimum_size=3),
        Layout(_footer(view), size=1),
    )
    return layout


def _header(view: View) -> Text:
    targets = view.observation.targets
    up = sum(target.health == "up" for target in targets)
    firing = sum(alert.state == "firing" and alert.name != HEARTBEAT for alert in view.observation.alerts)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" agent-obs ", f"bold white on {_VIOLET}")
    text.append(f"  for {age(view.now - view.started)}   ")
    text.append(f"{'✓' if targets and up == len(targets) else '✕'} {up}/{len(targets)} targets up   ")
    text.append(f"✕ {firing} firing", _RED) if firing else text.append("✓ nothing firing", _GREEN)
    if view.heartbeat:
        text.append(f"   ♥ {HEARTBEAT} {age(view.now - view.heartbeat)}")
    return text


def _parts(view: View) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style=_GREY)
    # The address gives way first on a narrow terminal.
    for column, width in (("part", 12), ("state", 11), ("scraped", 14), ("pid", 7), ("restarts", 8), ("address", 0)):
        table.add_column(column, no_wrap=True, overflow="ellipsis", min_width=width)
    targets = {target.job: target for target in view.observation.targets}
    for part in view.parts:
        icon, colour = _STATES[part.state]
        table.add_row(
            part.name,
            Text(f"{icon} {part.state.value}", colour),
            _scraped(targets.get(part.job), view.now) if part.job else Text("", _GREY),
            str(part.pid or ""),
            Text(str(part.restarts), _YELLOW if part.restarts else _GREY),
            Text(part.url.removeprefix("http://").partition("/")[0], _GREY),
        )
    return _box(table, "Parts")


def _scraped(target: Target | None, now: float) -> Text:
    if target is None or target.health == "unknown":
        return Text("… not yet", _GREY)
    ago = age(now - timestamp(target.last_scrape))
    if target.health == "up":
        return Text(f"✓ {ago} ago", _GREEN)
    return Text(f"✕ down, {ago} ago", _RED)


def _kpis(view: View) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, ratio=1)
    width = max(4, view.width // 2 - 29)
    for kpi, history in view.observation.histories:
        value = kpi.write(history[-1]) if history else "–"
        table.add_row(kpi.name, Text(value, "bold"), Text(sparkline(history, width, kpi.top), _VIOLET))
    return _box(table, "Last 5 min")


def _alerts(view: View) -> RenderableType:
    alerts = [alert for alert in view.observation.alerts if alert.name not in (HEARTBEAT, "InfoInhibitor")]
    order = list(_SEVERITIES)
    severity = [alert.labels.get("severity", "") for alert in alerts]
    rank = [order.index(one) if one in order else len(order) for one in severity]
    ranked = sorted(zip(rank, alerts, strict=True), key=lambda pair: (pair[1].state != "firing", pair[0]))
    lines = [_alert(alert, view.now) for _, alert in ranked]
    if len(lines) > _ALERT_ROWS:
        lines = [*lines[: _ALERT_ROWS - 1], Text(f"and {len(lines) - _ALERT_ROWS + 1} more", _GREY)]
    if not lines:
        lines = [Text("✓ none firing, none pending", _GREEN)]
    return _box(Text("\n", no_wrap=True, overflow="ellipsis").join(lines), "Alerts")


def _alert(alert: ActiveAlert, now: float) -> Text:
    icon, colour = _SEVERITIES.get(alert.labels.get("severity", ""), ("●", _GREY))
    subject = next((alert.labels[label] for label in _SUBJECT_LABELS if label in alert.labels), "")
    since = age(now - timestamp(alert.active_at))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{icon} {alert.state} {since} ", colour if alert.state == "firing" else _GREY)
    return text.append(clean(f"{alert.name} {subject}"))


def _notifications(view: View) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    # The summary gives way first on a narrow terminal.
    for style, width in ((_GREY, 8), ("", 10), (_GREY, 10), ("", 0)):
        table.add_column(no_wrap=True, overflow="ellipsis", style=style, min_width=width)
    for one in list(reversed(view.notifications))[: view.height]:
        firing = one.message.status == "firing"
        state = Text("✕ FIRING", _RED) if firing else Text("✓ resolved", _GREEN)
        alerts = one.message.alerts
        names = ", ".join(sorted({alert.labels.get("alertname", "?") for alert in alerts}))
        summary = alerts[0].annotations.get("summary", "") if alerts else ""
        at = time.strftime("%H:%M:%S", time.localtime(one.received))
        count = f" ×{len(alerts)}" if len(alerts) > 1 else ""
        # As Text, since rich reads markup in plain strings.
        table.add_row(at, state, Text(f"→ {one.receiver}"), Text(clean(f"{names}{count}: {summary}")))
    empty = Text("None yet. Make one arrive: agent-obs drill, in another terminal.", _GREY)
    return _box(table if view.notifications else empty, "Notifications delivered")


def _footer(view: View) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    if view.observation.problem:
        return text.append(clean(f" ▲ {view.observation.problem}"), _YELLOW)
    if view.event is not None:
        at, what = view.event
        return text.append(clean(f" ▲ {age(view.now - at)} ago: {what}"), _YELLOW)
    return text.append(clean(f" {view.footer}"), _GREY)


def _box(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left", border_style="#333333", padding=(0, 1))
