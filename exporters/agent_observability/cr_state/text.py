"""Texts from objects as labels and keys."""

from __future__ import annotations

import sys

__all__ = ["clean", "shared"]

# The longest name that an object may have.
_MAX_TEXT = 253


def clean(text: str) -> str:
    """A label value that a ledger can hold: of bounded length, and without what no key may have."""
    if len(text) <= _MAX_TEXT and text.isascii() and text.isprintable():
        return text
    kept = "".join([one if one.isprintable() else " " for one in text[:_MAX_TEXT]])
    return kept.encode("utf-8", "replace").decode()


def shared(text: str) -> str:
    """The same, kept once: for what stands in many objects, such as namespaces, models and users."""
    return sys.intern(clean(text))
