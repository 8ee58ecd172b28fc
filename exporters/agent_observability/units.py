"""Durations and sizes as people write them: `30s`, `1h30m`, `500ms`, `64KiB`, `10GB`."""

from __future__ import annotations

import math
import re
from fractions import Fraction

__all__ = ["Duration", "Size"]

_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")
_SIZE_UNITS = {"": 1, "B": 1} | {
    f"{prefix}{suffix}": base**power
    for suffix, base in (("B", 1000), ("iB", 1024))
    for power, prefix in enumerate("KMGT", start=1)
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


class Duration(float):
    """Seconds. Written with a unit (`30s`, `1h30m`, `2d`); a bare number is refused, since its unit is a guess."""

    expected = "a duration such as 30s, 5m or 1h30m"

    @classmethod
    def parse(cls, value: object) -> Duration:
        """Raises ValueError."""
        if value == 0 and not isinstance(value, bool):
            return cls(0)
        if not isinstance(value, str):
            raise ValueError(cls.expected)
        parts = list(_DURATION_PART.finditer(value))
        if not parts or "".join(part.group() for part in parts) != value:
            raise ValueError(cls.expected)
        seconds = sum(float(part[1]) * _DURATION_UNITS[part[2]] for part in parts)
        if not math.isfinite(seconds):
            raise ValueError(cls.expected)
        return cls(seconds)


class Size(int):
    """Bytes. `KB`, `MB`, … are powers of 1000, `KiB`, `MiB`, … of 1024; a bare whole number is bytes."""

    expected = "a size such as 64KiB, 10MB or 4096"

    @classmethod
    def parse(cls, value: object) -> Size:
        """Raises ValueError."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(value)
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2] not in _SIZE_UNITS:
            raise ValueError(cls.expected)
        size = Fraction(match[1]) * _SIZE_UNITS[match[2]]
        if size.denominator != 1:
            raise ValueError("a whole number of bytes")
        return cls(int(size))
