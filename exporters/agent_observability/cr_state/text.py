"""Texts from objects as labels and keys."""

from __future__ import annotations

import sys

__all__ = ["clean", "shared"]

# The longest name that an object may have.
_MAX_BYTES = 253


def clean(text: str) -> str:
    """A label value that a ledger can hold: of bounded length in UTF-8, and without what no key may have."""
    if len(text) <= _MAX_BYTES and text.isascii() and text.isprintable():
        return text
    kept = "".join([one if one.isprintable() else " " for one in text[:_MAX_BYTES]])
    return kept.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore")


def shared(text: str) -> str:
    """The same, kept once: for what stands in many objects, such as namespaces, models and users."""
    return sys.intern(clean(text))
