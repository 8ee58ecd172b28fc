"""Why a provider's report could not be read.

BillingError
├── KeyRefusedError      401, 403: it takes a person to mend that
├── ThrottledError       429: with the seconds to wait
├── UnavailableError     5xx, no answer, or one that was cut off
└── AnswerError          an answer that makes no sense, or that was refused for another reason

No message holds a key, or anything of a body but its shape: providers repeat parts of keys in what they answer.
"""

from __future__ import annotations

from agent_observability.errors import AgentObsError

__all__ = ["AnswerError", "BillingError", "KeyRefusedError", "ThrottledError", "UnavailableError"]


class BillingError(AgentObsError):
    """The base of all; the message is one line."""


class KeyRefusedError(BillingError):
    """The key is wrong, or is none of an administrator."""


class ThrottledError(BillingError):
    """Too many requests; try again after `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class UnavailableError(BillingError):
    """It may well work in a moment."""


class AnswerError(BillingError):
    """The same request would get the same answer again."""
