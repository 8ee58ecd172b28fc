"""Event times as the audit log writes them: with an offset, as naive local time, or as a number.

Times are believed if they are of the years 2000 to 2099; anything else is no time at all. What lies ahead of the clock
is the reader's affair, since it needs the clock of this machine.

A naive local time of the hour that clocks pass twice is ambiguous. It is then the one that is closer to the record
before it in the log, and the earlier one if there is none. After a pause of more than half an hour that can be the
wrong one; no other record is affected, and counts never are. One that clocks skip is taken with the offset from
before the change.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo

import msgspec

__all__ = ["NEWEST", "OLDEST", "Times"]

OLDEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
NEWEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()
"""Times from `OLDEST` up to `NEWEST`, exclusive, are believed."""

_FIRST, _LAST = 1999, 2100
_NONE = dt.timedelta()
_EPOCH = dt.datetime(1970, 1, 1)
# RFC 3339, and what loggers make of it: a space or nothing before the offset, a comma, a leap second, no seconds.
_WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt _](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,20}))?)?\s?(?:([Zz]|UTC|GMT)|([+-]\d\d):?(\d\d)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?", re.ASCII)
# Seconds of 2100 are 4e9; milliseconds of 2000 are 9e11, and so on in steps of a thousand.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))


class Times:
    """Of logs whose naive times are those of `zone`. `previous` is the time of the record before."""

    def __init__(self, zone: zoneinfo.ZoneInfo) -> None:
        self.zone = zone
        self.previous: float | None = None
        # The minute of the last naive time, and its offsets from UTC: before and after the change of an ambiguous one.
        self._minute = (_EPOCH, _NONE, _NONE)

    def unix(self, moment: dt.datetime) -> float | None:
        """Unix seconds, or None for a time that is not believed."""
        seconds = self._local(moment) if moment.tzinfo is None else moment.timestamp()
        return seconds if OLDEST <= seconds < NEWEST else None

    def read(self, said: object) -> float | None:
        """Unix seconds of a text, or of a number of seconds, milli-, micro- or nanoseconds; None for anything else."""
        if isinstance(said, str):
            said = said.strip()
            if _NUMBER.fullmatch(said):
                said = float(said)
        if isinstance(said, str):
            moment = _moment(said)
            return None if moment is None else self.unix(moment)
        if isinstance(said, bool) or not isinstance(said, int | float):
            return None
        # Compared first: a whole number may be too large for a float.
        if not OLDEST <= said < NEWEST * 1e9:
            return None
        scale = next((scale for least, scale in _UNITS if said >= least), 1.0)
        seconds = said / scale
        return seconds if OLDEST <= seconds < NEWEST else None

    def _local(self, naive: dt.datetime) -> float:
        if not _FIRST <= naive.year <= _LAST:
            # Not believed anyway, and not every zone can tell of the ends of time.
            return -math.inf
        minute, first, second = self._minute
        if naive.replace(second=0, microsecond=0) != minute:
            local = naive.replace(second=0, microsecond=0)
            first = local.replace(tzinfo=self.zone).utcoffset() or _NONE
            second = local.replace(tzinfo=self.zone, fold=1).utcoffset() or _NONE
            self._minute = (local, first, second)
        since = naive - _EPOCH
        earlier = (since - first).total_seconds()
        # Where clocks skip it, the second offset is the larger one, and the first is meant.
        if first <= second or self.previous is None:
            return earlier
        later = (since - second).total_seconds()
        return later if self.previous > (earlier + later) / 2 else earlier


def _moment(text: str) -> dt.datetime | None:
    try:
        # The same decoder as the fast path's, so that both agree wherever it knows a text.
        return msgspec.convert(text, dt.datetime)
    except (msgspec.ValidationError, ValueError):
        pass
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    date, time, second, fraction, zulu, hours, minutes = match.groups()
    leap = second == "60"
    offset = "+00:00" if zulu else f"{hours}:{minutes or '00'}" if hours else ""
    written = f"{date}T{time}:{'59' if leap else second or '00'}.{(fraction or '0')[:6]}{offset}"
    try:
        moment = msgspec.convert(written, dt.datetime)
        return moment + dt.timedelta(seconds=1) if leap else moment
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None
