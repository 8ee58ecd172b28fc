"""The look of every page: colours, states, sizes. Data only.

The page's own background is the dark theme of Grafana; a dashboard cannot set it. What panels draw uses these colours.
"""

from __future__ import annotations

import enum

__all__ = ["MAX_SERIES", "NO_DATA", "SERIES", "Colour", "State"]


class Colour(enum.StrEnum):
    """Every colour a panel may use."""

    VIOLET = "#7C3AED"
    BLUE = "#3B82F6"
    GREEN = "#10B981"
    YELLOW = "#F59E0B"
    RED = "#EF4444"
    MUTED = "#A0A0A0"


SERIES: tuple[str, ...] = (
    "#8B5CF6",
    "#56B4E9",
    "#E69F00",
    "#009E73",
    "#F0E442",
    "#CC79A7",
    "#D55E00",
    "#BBBBBB",
)
"""Colours of the queries of a panel, in order: the hues Okabe and Ito chose to stay apart for every kind of colour
vision, with the suite's violet first in place of their dark blue, which vanishes on black."""

MAX_SERIES = 20
"""How many series a panel draws of a family that can have any number of them."""

NO_DATA = "no data yet"


class State(enum.Enum):
    """A state as panels show it: never by colour alone."""

    OK = ("✓ OK", Colour.GREEN)
    WARN = ("▲ WARN", Colour.YELLOW)
    CRIT = ("✕ CRIT", Colour.RED)

    @property
    def text(self) -> str:
        return self.value[0]

    @property
    def colour(self) -> Colour:
        return self.value[1]
