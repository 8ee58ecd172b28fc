"""How the panel and the summaries write ages, values and foreign text."""

from __future__ import annotations

import datetime
import math

__all__ = ["age", "bytes_per_second", "clean", "percent", "sparkline", "timestamp"]

_BARS = "▁▂▃▄▅▆▇█"


def age(seconds: float) -> str:
    """`7 s`, `12 min`, `3 h`, `5 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def percent(ratio: float) -> str:
    """`37 %`."""
    return f"{ratio * 100:.0f} %"


def bytes_per_second(value: float) -> str:
    """`1.4 MiB/s`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}/s" if unit == "B" else f"{value:.1f} {unit}/s"
        value /= 1024
    return f"{value:.1f} GiB/s"


def sparkline(values: list[float], width: int, top: float | None = None) -> str:
    """The last `width` values as bars from 0 to `top`, or to the largest of them."""
    shown = [value for value in values if math.isfinite(value)][-width:] if width > 0 else []
    highest = top or max(shown, default=0.0)
    scale = (len(_BARS) - 1) / highest if highest > 0 else 0.0
    return "".join(_BARS[max(0, min(len(_BARS) - 1, round(value * scale)))] for value in shown)


def clean(text: str) -> str:
    """One printable line: labels and messages from elsewhere may hold control sequences of a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def timestamp(text: str) -> float:
    """RFC 3339 as Unix seconds; 0 for what is none."""
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
