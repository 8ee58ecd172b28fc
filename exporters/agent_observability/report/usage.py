"""The tables about what was done: requests and tokens, bills, sessions, alerts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from agent_observability.report.figures import Counts, Figures, Live
from agent_observability.report.period import Period
from agent_observability.report.sections import Cell, Column, Row, Section
from agent_observability.report.words import NO_DATA, change, named, number, share

__all__ = ["usage"]

_TOKEN_WORDS = {
    "input": "input",
    "cache_read": "read from a cache",
    "cache_write": "written to a cache",
    "output": "output",
    "audio_input": "audio input",
    "audio_output": "audio output",
}
_CACHEABLE = ("input", "cache_read", "cache_write")
# As the alert on it has them.
_CAPTURE = (0.95, 1.05)


def usage(period: Period, figures: Figures, live: Live, over: bool) -> Iterator[Section]:
    """The tables, in order. Nothing is compared with a period that is not `over`."""
    yield _usage(period, figures, over)
    yield _bills(live)
    yield _sessions(period, live, over)
    yield _alerts(live)


def _usage(period: Period, figures: Figures, over: bool) -> Section:
    now, before = figures.counts, figures.counts_before if over else None
    columns = [Column(""), *([Column(f"vs {period.before().short}")] if over else ())]
    if now is None:
        return Section(title="Requests and tokens", columns=columns)

    def row(name: str, count: int | None, was: int | None, loud: bool = False) -> Row:
        cells: list[Cell] = [number(count), *([change(count, was)] if over else ())]
        return Row(name, cells, loud=loud)

    def ratio(name: str, text: str, was: str) -> Row:
        return Row(name, [text, *([f"was {was}" if before else None] if over else ())])

    rows = [
        row("Requests", now.requests, before.requests if before else None),
        ratio("Failed", share(now.failed, now.requests, 1), share(before.failed, before.requests, 1) if before else ""),
        row("Without a price", now.unpriced, before.unpriced if before else None, loud=bool(now.unpriced)),
    ]
    if now.tokens is None:
        rows.append(Row("Tokens", [NO_DATA, *([None] if over else ())]))
    else:
        was = before.tokens if before else None
        rows.append(row("Tokens", sum(now.tokens.values()), sum(was.values()) if was is not None else None))
        rows += [
            row(f"– {words}", now.tokens.get(type_, 0), was.get(type_, 0) if was is not None else None)
            for type_, words in _TOKEN_WORDS.items()
            if now.tokens.get(type_) or (was or {}).get(type_)
        ]
        rows.append(ratio("Cached share of input", _cached(now), _cached(before) if before else ""))
    return Section(title="Requests and tokens", columns=columns, rows=rows)


def _cached(counts: Counts) -> str:
    tokens = counts.tokens
    if tokens is None:
        return NO_DATA
    return share(tokens.get("cache_read", 0), sum(tokens.get(type_, 0) for type_ in _CACHEABLE))


def _bills(live: Live) -> Section:
    rows = []
    for provider, ratio in sorted((live.capture or {}).items()):
        off = not _CAPTURE[0] <= ratio <= _CAPTURE[1]
        words = "callers are not metered" if ratio < 1 else "counted twice, or priced too high"
        shown = share(Fraction(ratio), 1)
        rows.append(Row(named(provider), [shown], f"off: {words}?" if off else "", loud=off))
    return Section(
        title="Metered of billed, eight to two days ago",
        columns=(Column("Metered"),),
        rows=rows,
        empty=f"{NO_DATA}: no bills were read, or they are below a dollar",
    )


def _sessions(period: Period, live: Live, over: bool) -> Section:
    columns = [Column(""), *([Column(f"vs {period.before().short}")] if over else ())]
    if live.sessions is None:
        return Section(title="Sessions", columns=columns)
    ended, before = live.sessions, live.sessions_before if over else None
    total, total_before = sum(ended.values()), sum(before.values()) if before is not None else None
    rows = [Row("Ended", [number(total), *([change(total, total_before)] if over else ())])]
    was = f"was {share(before.get('completed', 0), total_before)}" if before is not None else None
    rows.append(Row("Completion rate", [share(ended.get("completed", 0), total), *([was] if over else ())]))
    rows += [
        Row(f"– {named(phase)}", [number(count), *([change(count, (before or {}).get(phase))] if over else ())])
        for phase, count in sorted(ended.items())
    ]
    return Section(title="Sessions", columns=columns, rows=rows)


def _alerts(live: Live) -> Section:
    rows = [
        Row(named(alert.name), [alert.severity, number(alert.number)], loud=alert.severity == "critical")
        for alert in live.alerts or ()
    ]
    shown = rows[:20]
    return Section(
        title="Alerts firing now",
        columns=(Column("Severity", right=False), Column("Number")),
        rows=shown,
        note=f"{len(rows) - len(shown)} more" if len(rows) > len(shown) else "",
        empty=NO_DATA if live.alerts is None else "none",
    )
