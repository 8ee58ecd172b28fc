"""How a report writes money, numbers, shares and changes. Pure; rounding happens here, and nowhere before."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from agent_observability.llm_cost.metrics import PICO
from agent_observability.stack.text import clean

__all__ = ["NO_DATA", "Change", "change", "money", "named", "number", "share"]

NO_DATA = "no data"

_NAME_LENGTH = 48
_CENT = PICO // 100


class Change(NamedTuple):
    """From one period to another: `sign` is 1, 0 or -1, `amount` its size without it, such as `12 %`; "" for new."""

    sign: int
    amount: str

    @property
    def symbols(self) -> str:
        """`▲ 12 %`, `▼ 3 %`, `± 0 %`, `new`."""
        return f"{('±', '▲', '▼')[self.sign]} {self.amount}" if self.amount else "new"

    @property
    def words(self) -> str:
        """`up 12 %`, `down 3 %`, `unchanged`, `new`."""
        if not self.amount:
            return "new"
        return f"{('', 'up', 'down')[self.sign]} {self.amount}" if self.sign else "unchanged"


def money(pico: int | Fraction | None) -> str:
    """`$1,234.50`; what is above nothing and below a cent is `< $0.01`."""
    if pico is None:
        return NO_DATA
    if pico < 0:
        return f"-{money(-pico)}" if pico <= -_CENT else "> -$0.01"
    if 0 < pico < _CENT:
        return "< $0.01"
    cents = round(Fraction(pico, _CENT))
    return f"${cents // 100:,}.{cents % 100:02}"


def number(count: int | None) -> str:
    """`1,234`."""
    return NO_DATA if count is None else f"{count:,}"


def share(part: int | Fraction | None, whole: int | None, digits: int = 0) -> str:
    """`37 %`; what is above nothing but would be rounded to it is `< 1 %`, what is not quite all is never `100 %`."""
    if part is None or whole is None:
        return NO_DATA
    if whole == 0:
        return "–"
    percent = Fraction(part, whole) * 100
    least = Fraction(1, 10**digits)
    if 0 < percent < least:
        return f"< {float(least):.{digits}f} %"
    if 100 - least < percent < 100:
        return f"> {float(100 - least):.{digits}f} %"
    return f"{float(round(percent, digits)):,.{digits}f} %"


def change(now: int | None, before: int | None) -> Change | None:
    """From `before` to `now`; None where either is not known, or both are nothing."""
    if now is None or before is None or (not now and not before):
        return None
    if before <= 0:
        return Change(1, "")
    percent = Fraction(abs(now - before), before) * 100
    if not percent:
        return Change(0, "0 %")
    return Change(1 if now > before else -1, f"{round(percent):,} %" if percent >= 1 else "< 1 %")


def named(text: str) -> str:
    """A label's value, on one line and not too long."""
    if text == "__overflow__":
        return "all others (past the limit)"
    shown = " ".join(clean(text).split())
    if not shown:
        return "(none)"
    return shown if len(shown) <= _NAME_LENGTH else f"{shown[: _NAME_LENGTH - 1]}…"
