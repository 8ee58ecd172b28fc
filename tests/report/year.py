"""A made-up year of two providers, three projects and weekends, for whole reports."""

from __future__ import annotations

import datetime as dt

from tests.report.books import CENT, Units, Used

__all__ = ["LAST", "year"]

LAST = dt.date(2026, 11, 20)
_FIRST = dt.date(2025, 11, 1)
_RARE = 5


def year() -> list[Used | Units]:
    """Everything up to `LAST`, a Friday; the last days hold what is worth a warning."""
    entries: list[Used | Units] = []
    for number in range((LAST - _FIRST).days + 1):
        day = _FIRST + dt.timedelta(days=number)
        busy = 1 if day.weekday() >= 5 else 4
        growth = 100 + number // 3
        sonnet = {
            "requests": 120 * busy,
            "failed": busy,
            "input": 90_000 * busy,
            "cache_read": 210_000 * busy,
            "cache_write": 12_345 * busy,
            "output": 31_000 * busy,
        }
        entries += [
            Used(day, growth * busy * 17 * CENT + number, amounts=sonnet),
            Used(day, growth * busy * 5 * CENT, "openai", "gpt-5-mini", "search", "voice_architect"),
            Used(day, growth * CENT // 7, "openai", "whisper-1", "search", "voice_interface"),
            Units(day, "agent_execution", "session", 3 * busy),
            Units(day, "voice_architect", "issue", busy),
        ]
        if number % _RARE == 0:
            entries.append(
                Used(day, 1_234_567 * _RARE, "google", "gemini-2.5-flash", "<script>alert(1)</script>", "other")
            )
    spike = {"requests": 40, "audio_input": 5_000, "audio_output": 700}
    entries.append(Used(LAST, 9_000 * CENT, "openai", "gpt-realtime", "checkout", "voice_interface", amounts=spike))
    entries.append(Used(LAST, 0, "acme", "llama-of-our-own", amounts={"requests": 12, "unpriced": 12, "input": 4_000}))
    return entries
