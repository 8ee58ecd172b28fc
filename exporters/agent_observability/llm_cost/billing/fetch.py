"""One look at an account: what each of its sources says, or why it says nothing."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent_observability.llm_cost.billing.account import Account, first_day
from agent_observability.llm_cost.billing.client import AdminClient
from agent_observability.llm_cost.billing.errors import BillingError, KeyRefusedError, ThrottledError
from agent_observability.llm_cost.billing.reports import Costs, Day, Usage

__all__ = ["SOURCES", "Api", "Attempt", "Found", "fetch", "where"]

SOURCES = ("usage", "costs")

# All pages of all reports of a source together, waiting included.
_SOURCE_SECONDS = 300.0
# Nobody mends a key within minutes; asking on with a wrong one looks like an attack.
_REFUSED_SECONDS = 900.0


class Api(Protocol):
    """A provider's, see `openai.OpenAI` and `anthropic.Anthropic`."""

    client: AdminClient

    async def usage(self, first: Day) -> Usage: ...
    async def costs(self, first: Day) -> Costs: ...


class Attempt(msgspec.Struct, frozen=True):
    """How a source fared in the last poll: the seconds it took, and what went wrong, "" for nothing."""

    seconds: float
    problem: str = ""


class Found(msgspec.Struct, kw_only=True):
    """Reports from the day `first` on; None for one that could not be read.

    `wait`: seconds that the provider has to be left alone, at least.
    """

    first: Day
    today: Day
    usage: Usage | None = None
    costs: Costs | None = None
    attempts: dict[str, Attempt] = {}
    wait: float = 0.0


async def fetch(api: Api, account: Account, whole: Day | None) -> Found:
    """Read an account's sources, all that is wanted of them unless that was done on the day `whole`. Never raises."""
    found = await _fetch(api, account, whole)
    # Only the first answer tells what day it is for the provider.
    return found if found.today == api.client.today else await _fetch(api, account, whole)


async def _fetch(api: Api, account: Account, whole: Day | None) -> Found:
    today = api.client.today
    found = Found(first=first_day(account, today, whole=whole != today), today=today)
    for source in SOURCES:
        begun = time.monotonic()
        problem = ""
        try:
            async with asyncio.timeout(_SOURCE_SECONDS):
                if source == "usage":
                    found.usage = await api.usage(found.first)
                else:
                    found.costs = await api.costs(found.first)
        except BillingError as error:
            problem = str(error)
            found.wait = max(found.wait, _wait(error))
        except TimeoutError:
            problem = f"not done within {_SOURCE_SECONDS:.0f} s"
        except Exception as error:
            # A fault of ours. Its message may quote anything, so only its place is told.
            problem = f"failed: {where(error)}"
        found.attempts[source] = Attempt(time.monotonic() - begun, problem)
    return found


def _wait(error: BillingError) -> float:
    if isinstance(error, ThrottledError):
        return error.seconds
    return _REFUSED_SECONDS if isinstance(error, KeyRefusedError) else 0.0


def where(error: Exception) -> str:
    """The kind of an error and the line it came from."""
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
