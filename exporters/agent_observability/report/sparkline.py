"""Small charts of a figure over the last periods: as SVG for mail, and as characters where that does not show."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

__all__ = ["blocks", "svg"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_BAR, _STEP, _HEIGHT = 5, 7, 18


def blocks(values: Sequence[int | None]) -> str:
    """A block for each value, from 0 to the largest one; a dot where there is no data."""
    highest = max((value for value in values if value is not None), default=0)
    return "".join(_GAP if value is None else _BLOCKS[_level(value, highest, len(_BLOCKS) - 1)] for value in values)


def svg(values: Sequence[int | None], description: str) -> Markup:
    """Bars, the last one darker than those before; no bar where there is no data. Needs nothing from outside."""
    width = len(values) * _STEP - (_STEP - _BAR)
    highest = max((value for value in values if value is not None), default=0)
    bars = [
        ""
        if value is None
        else f"M{index * _STEP} {_HEIGHT}v-{max(1, _level(value, highest, _HEIGHT))}h{_BAR}V{_HEIGHT}z"
        for index, value in enumerate(values)
    ]
    # Two shapes and not one per bar: mail clients cut off what is longer than 100 KiB.
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" '
        'preserveAspectRatio="none" role="img" aria-label="{2}"><path fill="#a78bfa" d="{3}"/>'
        '<path fill="#7c3aed" d="{4}"/></svg>'
    ).format(width, _HEIGHT, description, "".join(bars[:-1]), bars[-1])


def _level(value: int, highest: int, levels: int) -> int:
    return 0 if highest <= 0 else max(0, min(levels, (2 * value * levels + highest) // (2 * highest)))
