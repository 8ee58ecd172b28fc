"""From figures to what a reader sees, the same for both forms of a report: a headline, warnings and tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import msgspec

from agent_observability.report.figures import Figures, Live
from agent_observability.report.period import Period
from agent_observability.report.sections import Section
from agent_observability.report.spending import spending
from agent_observability.report.usage import usage
from agent_observability.report.words import NO_DATA, Change, change, money, named, number
from agent_observability.stack.text import clean

__all__ = ["Page", "view"]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`changes` are of the total, each with what it is against. `warnings` are loud, `notes` are small print."""

    subject: str
    title: str
    period: str
    status: str
    total: str
    changes: Sequence[tuple[Change, str]]
    trend: Sequence[int | None]
    trend_words: str
    warnings: Sequence[str]
    sections: Sequence[Section]
    notes: Sequence[str]
    made: str
    dashboard_url: str


def view(
    period: Period, figures: Figures, live: Live, *, today: int, made: dt.datetime, zone: str, dashboard_url: str = ""
) -> Page:
    """What to show of the figures. `today` is the day on which the report is made, at `made`."""
    over = today > period.last
    kind = period.kind.capitalize()
    changes = tuple(_changes(period, figures)) if over else ()
    total = money(figures.total[-1])
    told = f" ({changes[0][0].words})" if changes else ""
    status = "" if over else f"This {_noun(period)} is not over: figures are what is known so far, and not compared."
    shown = f"{total} so far" if not over and total != NO_DATA else total
    return Page(
        subject=f"{kind} report, {period.title}: {shown}{told}",
        title=f"{kind} report: language models",
        period=period.title[0].upper() + period.title[1:],
        status=status,
        total=shown,
        changes=changes,
        trend=figures.total,
        trend_words=_trend_words(figures),
        warnings=tuple(_warnings(figures)),
        sections=(*spending(period, figures, live, over), *usage(period, figures, live, over)),
        notes=tuple(_notes(period, figures, live)),
        made=f"Made on {made:%Y-%m-%d} at {made:%H:%M} ({zone}) from {_source(figures)}.",
        dashboard_url=dashboard_url,
    )


def _changes(period: Period, figures: Figures) -> Iterator[tuple[Change, str]]:
    now = figures.total[-1]
    backs = (1, 7) if period.kind == "daily" else (1,)
    for back in backs:
        other = period.before(back)
        found = change(now, figures.total[-1 - back])
        if found is not None:
            yield found, f"against {other.short}" + (" a week ago" if back == 7 else "")


def _trend_words(figures: Figures) -> str:
    known = [amount for amount in figures.total if amount is not None]
    if not known:
        return NO_DATA
    many = {"daily": "days", "weekly": "weeks", "monthly": "months"}[figures.slots[0].kind]
    return f"last {len(figures.total)} {many}: {money(min(known))} to {money(max(known))}"


def _warnings(figures: Figures) -> Iterator[str]:
    if figures.total[-1] is None:
        yield "No data: nothing is known of this period, neither what was spent nor that nothing was."
    counts = figures.counts
    if counts is not None and counts.unpriced is None:
        yield "Whether all requests had a price is not known."
    listed = sorted(figures.unpriced.items(), key=lambda item: (-item[1], item[0]))
    unpriced = sum(figures.unpriced.values())
    if unpriced:
        names = ", ".join(f"{named(' '.join(key))} ({number(count)})" for key, count in listed[:5])
        more = f" and {len(listed) - 5} more models" if len(listed) > 5 else ""
        requests = "1 request has" if unpriced == 1 else f"{number(unpriced)} requests have"
        yield (
            f"{requests} no price, and the cost is missing from every sum here: {names}{more}. Add prices, then run "
            "agent-obs reprice."
        )


def _notes(period: Period, figures: Figures, live: Live) -> Iterator[str]:
    # They may quote what a server answered.
    yield from (" ".join(clean(note).split()) for note in (*figures.notes, *live.notes))
    if figures.approximate:
        yield (
            "Figures are approximate: they come from Prometheus, not from the ledger. Cost by model, requests and "
            "tokens go by when they were scraped, the rest of the money by when it was spent."
        )
    if figures.empty_days and figures.total[-1] is not None:
        days = "1 day" if figures.empty_days == 1 else f"{figures.empty_days} days"
        yield f"{days} of {period.length} without any usage."
    exact = "" if figures.approximate else "; totals are exact sums, rounded once"
    yield f"Parts are rounded one by one and need not add up{exact}."


def _source(figures: Figures) -> str:
    return "the ledger" if figures.source == "ledger" else "Prometheus"


def _noun(period: Period) -> str:
    return {"daily": "day", "weekly": "week", "monthly": "month"}[period.kind]
