"""Pages of lines: whatever is put there, changed and taken away, what stands there is what a dict would hold."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.cr_state import shelf as module
from agent_observability.cr_state.shelf import Lines, Page, Shelf
from agent_observability.exposition import Format, RenderedFamily, write
from agent_observability.metric import Kind, Label, Metric

FAMILIES = ("a", "b")
METRICS = [Metric(name, Kind.GAUGE, "Test", (Label("of"),)) for name in FAMILIES]

contents = st.tuples(*(st.lists(st.sampled_from(["1", "2", "10", r"\"x"]), max_size=2) for _ in FAMILIES))
steps = st.lists(st.tuples(st.sampled_from(["put", "put", "remove", "look", "pack"]), st.integers(0, 12), contents))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that are soon full."""
    monkeypatch.setattr(module, "_PAGE_OBJECTS", 3)


def lines(key: int, values: tuple[list[str], ...]) -> Lines:
    """Of one object: any number of lines per family."""
    return tuple(
        "".join(f'{family}{{of="{key}",n="{at}"}} {value}\n' for at, value in enumerate(found)).encode()
        for family, found in zip(FAMILIES, values, strict=True)
    )


def text(shelf: Shelf, *, gzip: bool = False) -> bytes:
    families = [RenderedFamily(metric, blocks) for metric, blocks in zip(METRICS, shelf.blocks(), strict=True)]
    return write(families, Format.TEXT, gzip=gzip)


def shown(shelf: Shelf, family: int) -> list[bytes]:
    return sorted(b"".join(block.text for block in shelf.blocks()[family]).splitlines(keepends=True))


def agree(shelf: Shelf, truth: dict[int, Lines], pages: dict[int, Page]) -> None:
    for family in range(len(FAMILIES)):
        expected = b"".join(held[family] for held in truth.values())
        assert shown(shelf, family) == sorted(expected.splitlines(keepends=True))
        assert len(shelf.blocks()[family]) == len(set(pages.values()))
    for page in pages.values():
        assert page.objects == list(pages.values()).count(page) <= module._PAGE_OBJECTS


@pytest.mark.usefixtures("small")
@given(steps=steps)
def test_any_sequence_leaves_what_a_dict_holds(steps: list[tuple[str, int, tuple[list[str], ...]]]) -> None:
    shelf = Shelf(len(FAMILIES))
    truth: dict[int, Lines] = {}
    pages: dict[int, Page] = {}
    for kind, key, values in steps:
        new = lines(key, values)
        if kind == "look":
            agree(shelf, truth, pages)
        elif kind == "pack":
            for page in pages.values():
                page.pack()
        elif kind == "remove" and key in truth:
            shelf.remove(pages.pop(key), truth.pop(key))
        elif kind == "put" and key in truth:
            pages[key].replace(truth[key], new)
            truth[key] = new
        elif kind == "put":
            pages[key], truth[key] = shelf.add(new), new
    agree(shelf, truth, pages)
    for key, page in pages.items():
        shelf.remove(page, truth[key])
    assert shelf.blocks() == [[], []]


@pytest.mark.usefixtures("small")
def test_room_is_used_before_a_page_is_begun() -> None:
    shelf = Shelf(2)
    held = [lines(key, (["1"], [])) for key in range(6)]
    first, *_, second = [shelf.add(one) for one in held]
    assert first is not second
    shelf.remove(first, held[0])
    assert shelf.add(lines(6, (["1"], []))) is first
    assert shelf.add(lines(7, (["1"], []))) not in {first, second}
    assert [len(blocks) for blocks in shelf.blocks()] == [3, 3]


def test_a_block_stays_until_it_changes() -> None:
    """So does its compressed form."""
    shelf = Shelf(2)
    one, other = lines(1, (["1"], ["1"])), lines(1, (["1"], ["2"]))
    page = shelf.add(one)
    before = [blocks[0] for blocks in shelf.blocks()]
    assert [blocks[0] for blocks in shelf.blocks()] == before
    page.replace(one, other)
    after = [blocks[0] for blocks in shelf.blocks()]
    assert [new is old for new, old in zip(after, before, strict=True)] == [True, False]


@pytest.mark.parametrize("wrong", [lines(2, (["1"], [])), lines(1, (["2"], [])), lines(1, (["1", "1"], []))])
def test_what_is_not_there_cannot_be_replaced(wrong: Lines) -> None:
    shelf = Shelf(2)
    held = lines(1, (["1"], []))
    page = shelf.add(held)
    with pytest.raises(ValueError, match="not on this page"):
        page.replace(wrong, lines(1, (["5"], ["5"])))
    with pytest.raises(ValueError, match="not on this page"):
        shelf.remove(page, wrong)
    assert shown(shelf, 0) == [held[0]]


def test_full_pages_are_compressed_and_read_the_same() -> None:
    shelf = Shelf(2)
    held = [lines(key, ([str(key)], ["7"])) for key in range(1_000)]
    for one in held:
        shelf.add(one)
    assert [len(blocks) for blocks in shelf.blocks()] == [4, 4]
    assert all(block._plain is None for blocks in shelf.blocks() for block in blocks)
    assert gzip.decompress(text(shelf, gzip=True)) == text(shelf)
    assert shown(shelf, 0) == sorted(one[0] for one in held)
