"""Scrapes see the old picture or the new one, never something between."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from agent_observability.cr_state.curtain import Curtain, Scenery
from agent_observability.cr_state.lists import ScopeSink
from agent_observability.cr_state.metrics import SESSIONS
from agent_observability.cr_state.scene import Baselines, Namespaces, Scene
from agent_observability.exposition import Block, Format, RenderedFamily, write
from tests.cr_state.test_follower import Things, thing
from tests.cr_state.test_recorder import idle, listed, raw


class Stage:
    """A picture of one number, drawn while the curtain's lock is held."""

    def __init__(self, curtain: Curtain, name: str = "it") -> None:
        self.curtain = curtain
        self.number = 0
        self.drawn = 0
        curtain.paint(name, self.draw)

    def draw(self) -> Scenery:
        assert self.curtain.lock.locked()
        self.drawn += 1
        return [RenderedFamily(SESSIONS, (Block(b"vteam_sessions %d\n" % self.number),))]


def seen(curtain: Curtain, name: str = "it") -> int:
    return int(write(curtain.see(name), Format.TEXT).split()[-1])


def test_an_open_curtain_shows_what_is() -> None:
    curtain = Curtain()
    stage = Stage(curtain)
    for number in (1, 2):
        stage.number = number
        assert seen(curtain) == number


def test_a_closed_one_shows_what_was_until_the_last_opens_it() -> None:
    """Lists of several resources may end at the same time."""
    curtain = Curtain()
    stage, other = Stage(curtain), Stage(curtain, "other")
    with curtain.closed():
        stage.number = 1
        assert seen(curtain) == 0
        with curtain.closed():
            stage.number = other.number = 2
            assert (seen(curtain), seen(curtain, "other")) == (0, 0)
        assert (seen(curtain), seen(curtain, "other")) == (0, 0)
    assert (seen(curtain), seen(curtain, "other")) == (2, 2)
    assert stage.drawn == 2, "drawn once behind the curtain, and once after"


def test_closed_again_it_shows_what_was_then() -> None:
    curtain = Curtain()
    stage = Stage(curtain)
    for number in (1, 2):
        with curtain.closed():
            stage.number = number
            assert seen(curtain) == number - 1
        assert not curtain._old, "the old picture takes no room"


def test_what_a_painter_yields_is_drawn_when_it_closes() -> None:
    curtain = Curtain()
    stage = Stage(curtain)
    curtain.paint("it", lambda: (one for one in stage.draw()))  # type: ignore[arg-type, return-value]
    with curtain.closed():
        stage.number = 1
        assert (seen(curtain), seen(curtain)) == (0, 0)


def test_broken_off_in_the_middle_it_stays_closed() -> None:
    """There is no whole picture any more."""
    curtain = Curtain()
    stage = Stage(curtain)
    with pytest.raises(OSError, match="broken"), curtain.closed():
        stage.number = 1
        raise OSError("broken")
    assert seen(curtain) == 0
    assert not curtain.lock.locked()


def test_a_painter_that_fails_does_not_close_it() -> None:
    curtain = Curtain()
    stage = Stage(curtain)

    def fail() -> Scenery:
        raise OSError("no paint")

    curtain.paint("other", fail)
    with pytest.raises(OSError, match="no paint"), curtain.closed():
        pass
    stage.number = 1
    assert seen(curtain) == 1
    assert not curtain.lock.locked()


def test_a_look_waits_for_a_change_that_is_going_on() -> None:
    """In another thread, as scrapes are."""
    curtain = Curtain()
    stage = Stage(curtain)
    found: list[int] = []
    entered = threading.Event()

    def look() -> None:
        entered.set()
        found.append(seen(curtain))

    thread = threading.Thread(target=look)
    with curtain.lock:
        thread.start()
        assert entered.wait(10)
        stage.number = 1
        thread.join(0.05)
        assert not found
        stage.number = 2
    thread.join(10)
    assert found == [2]


async def test_lists_replace_the_picture_at_once(tmp_path: Path) -> None:
    """While a long one is taken over piece by piece, scrapes get the old picture."""
    recorder = idle(tmp_path)
    things = Things(Scene(recorder, Baselines((), recorder), Namespaces(every=True)))
    before = {str(uid): 1 for uid in range(300)}
    after = {str(uid): 2 for uid in range(150, 1_000)}
    await listed(things, *(thing(uid, 1, number) for uid, number in before.items()))

    def paint() -> Scenery:
        return [RenderedFamily(SESSIONS, (Block(json.dumps(things.picture).encode()),))]

    def seen() -> dict[str, int]:
        [family] = things.curtain.see("it")
        found: dict[str, int] = json.loads(family.blocks[0].text)
        return found

    things.curtain.paint("it", paint)
    listing = ScopeSink(things).listing()
    for uid, number in after.items():
        listing.add(raw(thing(uid, 2, number)))
        assert things.picture == before
    task = asyncio.ensure_future(listing.finish())
    looks = 0
    while not task.done():
        looks += things.picture not in (before, after)
        assert seen() in (before, after)
        await asyncio.sleep(0)
    assert looks, "the test never looked in between"
    assert seen() == things.picture == after
