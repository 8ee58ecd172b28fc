"""What became of the items of a request: each counted once, however many exporters take from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_observability.intake.account import Account
from agent_observability.intake.commit import Committed
from agent_observability.intake.errors import Rejected
from agent_observability.intake.formats import Items
from agent_observability.intake.part import Caller, Part
from tests.intake.site import Item, Plain, serving, some
from tests.intake.test_commit import both


def part(items: int, *rejected: int, ignored: int = 0) -> Part:
    return Part(items=items, ignored=ignored, rejected=[Rejected(index, "f", "r") for index in rejected])


@pytest.mark.parametrize(
    ("parts", "stored", "duplicate", "numbers", "result"),
    [
        # accepted, duplicates, ignored, rejected
        ([part(3)], [(True, True, True)], False, (3, 0, 0, 0), "accepted"),
        ([part(3)], [(True, False, True)], False, (2, 1, 0, 0), "accepted"),
        ([part(3, 1)], [(True, False)], False, (1, 1, 0, 1), "partial"),
        ([part(3, 0, 1, 2)], [()], False, (0, 0, 0, 3), "invalid"),
        ([part(3, 1)], [()], True, (0, 2, 0, 1), "partial"),
        ([part(0)], [()], False, (0, 0, 0, 0), "accepted"),
        ([part(5, ignored=5)], [()], False, (0, 0, 5, 0), "accepted"),
        # More events than items, as of a span that several things are made of.
        ([part(1)], [(False, False, False)], False, (0, 1, 0, 0), "accepted"),
        # Two takers: neither rejections nor duplicates are counted twice.
        ([part(3, 1), part(3, 1)], [(True, False), (True, False)], False, (1, 1, 0, 1), "partial"),
        ([part(3, 0), part(3, 2)], [(True,), (True,)], False, (1, 0, 0, 2), "partial"),
        ([part(4, ignored=4), part(4, ignored=1)], [(), (True,) * 3], False, (3, 0, 1, 0), "accepted"),
        ([part(2, ignored=2), part(2, 0, 1)], [(), ()], False, (0, 0, 0, 2), "invalid"),
    ],
)
def test_numbers(
    parts: list[Part], stored: list[tuple[bool, ...]], duplicate: bool, numbers: tuple[int, ...], result: str
) -> None:
    account = Account.of(Committed(parts, stored, duplicate))
    assert (account.accepted, account.duplicates, account.ignored, len(account.rejected)) == numbers
    assert account.result == result


def test_rejected_items_are_in_their_order() -> None:
    account = Account.of(Committed([part(9, 7, 2), part(9, 5, 2)], [(), ()], False))
    assert [one.index for one in account.rejected] == [2, 5, 7]


class _Picky(Plain):
    """Cannot use what has the value 7."""

    def take(self, given: Items[Item], caller: Caller, now: float) -> Part:
        part = super().take(given, caller, now)
        wrong = [Rejected(index, "value", "is 7") for index, one in enumerate(given.values) if one.value == 7]
        part.rejected = [*wrong, *part.rejected]
        return part


async def test_items_count_once_however_many_take_them(tmp_path: Path) -> None:
    """Rejected is what one of them cannot use, ignored what none of them wants."""
    picky = _Picky("picky")
    async with serving(tmp_path, takers=both(picky)) as site:
        site.plain.ignored, picky.ignored = 1, 3
        body = [*some(1, 2, 3), {"id": 4, "value": 7}, {"id": -1}]
        answer = await site.post(body)
        assert [error["index"] for error in answer.json["errors"]] == [3, 4]
        assert (answer.json["accepted"], answer.json["rejected"]) == (2, 2)
        prefix = 'agent_obs_intake_items_total{intake="usage",result='
        assert site.metrics("items") == [
            f'{prefix}"accepted"}} 2',
            f'{prefix}"rejected"}} 2',
            f'{prefix}"ignored"}} 1',
        ]
        site.expect(partial=1)
