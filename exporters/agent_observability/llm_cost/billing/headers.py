"""What the headers of an answer say about time."""

from __future__ import annotations

import email.utils
from datetime import UTC

__all__ = ["http_date", "retry_after", "skew"]

_RETRY_AFTER_SECONDS = (1.0, 3600.0)
_RETRY_AFTER_DEFAULT = 5.0
# A second of rounding and a slow answer are no skew.
_SKEW_SECONDS = 60.0
# No clock is to be believed that is further away than any error of a day or a time zone.
_ABSURD_SECONDS = 2 * 86_400.0


def http_date(text: str) -> float | None:
    """Unix time of an HTTP date; None if it is none."""
    try:
        found = email.utils.parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after(text: str, now: float) -> float:
    """Seconds to wait, from seconds or an HTTP date, within sane bounds. `now` is the server's time, if known."""
    least, most = _RETRY_AFTER_SECONDS
    seconds: float | None
    try:
        seconds = float(int(text))
    except (ValueError, OverflowError):
        at = http_date(text)
        seconds = None if at is None else at - now
    return min(max(_RETRY_AFTER_DEFAULT if seconds is None else seconds, least), most)


def skew(date: str, now: float) -> tuple[float, str]:
    """Seconds that the server's clock is ahead, 0 for a minute or less; and what to say of it, or ""."""
    at = http_date(date)
    if at is None or abs(at - now) <= _SKEW_SECONDS:
        return 0.0, ""
    ahead = at - now
    words = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this one"
    if abs(ahead) > _ABSURD_SECONDS:
        return 0.0, f"the server's clock is {words}, which is not believed"
    return ahead, f"the server's clock is {words}; days are the server's"
