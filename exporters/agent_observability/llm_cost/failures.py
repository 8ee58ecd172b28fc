"""What went wrong with a call: from codes, names of exceptions and messages to the few kinds that are counted."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent_observability.intake.otlp.model import Attribute
from agent_observability.llm_cost.attributes import code

__all__ = ["failure"]

# 529 is how Anthropic says that it is overloaded.
_CODES = {
    401: "auth",
    403: "auth",
    408: "timeout",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

# The first that fits counts. Names of exceptions as SDKs have them, codes of error bodies, and words of messages.
_PATTERNS = (
    ("timeout", re.compile(r"time[-_ ]?d?[-_ ]?out|deadline")),
    ("rate_limited", re.compile(r"rate[-_ ]?limit|too[-_ ]?many[-_ ]?requests|quota|resource[-_ ]?exhausted|throttl")),
    ("overloaded", re.compile(r"overload|unavailable|at capacity")),
    (
        "context_length",
        re.compile(r"context[-_ ]?(?:length|window)|prompt is too long|token[-_ ]?limit|too many tokens"),
    ),
    ("content_filter", re.compile(r"content[-_ ]?(?:filter|policy)|safety|refusal")),
    (
        "auth",
        re.compile(r"unauthor|authenticat|authoriz|permission|forbidden|api[-_ ]?key|credential|access[-_ ]?denied"),
    ),
)
_LOOKED_AT = 1_000


def failure(signs: Iterable[Attribute]) -> tuple[str, str]:
    """Status and error type of a call that failed. Of the signs the first that says something decides."""
    for sign in signs:
        known = _CODES.get(code(sign)) or _named(sign)
        if known:
            return ("timeout" if known == "timeout" else "error"), known
    return "error", "other"


def _named(sign: Attribute) -> str:
    if not isinstance(sign, str):
        return ""
    text = sign[:_LOOKED_AT].lower()
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), "")
