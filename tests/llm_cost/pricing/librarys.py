"""The providers of the library, and a name that each of its models is found by."""

from __future__ import annotations

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ClauseContains, ClauseEndsWith, ClauseEquals, ClauseOr, ClauseStartsWith

PROVIDERS = {provider.id: provider for provider in get_snapshot().providers}


def example(clause: object) -> list[str]:
    match clause:
        case ClauseOr(or_=parts):
            return [name for part in parts for name in example(part)]
        case ClauseEquals(equals=text) | ClauseContains(contains=text) | ClauseEndsWith(ends_with=text):
            return [text]
        case ClauseStartsWith(starts_with=text):
            return [text, f"{text}-20250101"]
    return []


NAMES = sorted(
    {
        (provider.id, name)
        for provider in PROVIDERS.values()
        for model in provider.models
        for name in example(model.match)
    }
)
