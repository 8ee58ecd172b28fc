"""Texts that clients chose, as records, labels and keys can hold them."""

from __future__ import annotations

__all__ = ["MAX_CHARACTERS", "Texts", "clean"]

MAX_CHARACTERS = 200
"""Of a service, an operation or a container; what is longer is cut."""

# Names come back all the time; this many are remembered before they are forgotten all at once.
_KEPT = 5_000


def clean(text: str) -> str:
    """At most `MAX_CHARACTERS`, with a space for whatever cannot be printed: control characters, lone surrogates."""
    text = text[:MAX_CHARACTERS]
    if text.isprintable():
        return text
    return "".join([one if one.isprintable() else " " for one in text])


class Texts(dict[str, str]):
    """Cleaned texts by what was said: `texts[said]`. Equal ones are the same object, and so are quickly compared."""

    def __missing__(self, said: str) -> str:
        kept = clean(said)
        if len(said) <= MAX_CHARACTERS:
            if len(self) >= _KEPT:
                self.clear()
            self[said] = kept
        return kept
