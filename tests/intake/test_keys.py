"""API keys: made, stored as hashes, found again by the header they come in, and shown nowhere."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_observability.intake import keys as module
from agent_observability.intake.keys import EVERY_PROJECT, Key, Keyring, new_key


def ring(*keys: Key) -> Keyring:
    return Keyring({key.id: key for key in keys})


def test_a_new_key_is_long_random_and_kept_nowhere() -> None:
    texts = {new_key("n", "p")[0] for _ in range(50)}
    assert len(texts) == 50
    text, key = new_key("n", "p", 7)
    prefix, id_, secret = text.split("_", 2)
    assert (prefix, id_, len(secret)) == ("aok", key.id, 43)
    assert secret not in repr(key)
    assert (key.name, key.project, key.rate) == ("n", "p", 7)
    assert new_key("n", "p")[1].hash != new_key("n", "p")[1].hash


def test_a_key_is_found_by_its_header() -> None:
    (text, key), (other_text, other) = new_key("n", "p"), new_key("m", EVERY_PROJECT)
    keys = ring(key, other)
    for header in (f"Bearer {text}", f"bearer {text}", f"BEARER   {text}  "):
        assert keys.find(header) is key
    assert keys.find(f"Bearer {other_text}") is other
    assert len(keys) == 2


def test_what_is_no_key_in_force() -> None:
    text, key = new_key("n", "p")
    stranger, _ = new_key("n", "p")
    keys = ring(key)
    end = text[-1]
    wrong = text[:-1] + ("A" if end != "A" else "B")
    mixed = f"aok_{key.id}_{stranger.split('_', 2)[2]}"
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        text,
        f"Basic {text}",
        f"Token {text}",
        f"Bearer {wrong}",
        f"Bearer {mixed}",
        f"Bearer {stranger}",
        f"Bearer {text}x",
        f"Bearer {text[:-1]}",
        f"Bearer {text} {text}",
        f"Bearer\t{text}",
        f"Bearer {text.upper()}",
        f"Bearer {key.hash}",
        "Bearer \udcff",
        "Bearer " + "a" * 100_000,
    ):
        assert keys.find(header) is None, header
    assert Keyring({}).find(f"Bearer {text}") is None


@given(st.text())
def test_any_header_is_only_refused(header: str) -> None:
    _, key = new_key("n", "p")
    assert ring(key).find(header) is None
    assert ring(key).find(f"Bearer {header}") is None
    assert ring(key).find(f"Bearer aok_{key.id}_{header}") is None


def test_the_same_work_for_a_key_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash and one comparison of the same lengths, so that time does not tell which ids exist."""
    work: list[tuple[str, int, int]] = []
    hashed, compared = module._hashed, hmac.compare_digest

    def hash_(salt: str, text: str) -> str:
        work.append(("hash", len(salt), len(text)))
        return hashed(salt, text)

    def compare(one: str, other: str) -> bool:
        work.append(("compare", len(one), len(other)))
        return compared(one, other)

    text, key = new_key("n", "p")
    keys = ring(key)
    monkeypatch.setattr(module, "_hashed", hash_)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    seen = []
    for candidate in (text, text[:-1] + ("A" if text[-1] != "A" else "B"), f"aok_{'z' * 8}_{'A' * 43}"):
        work.clear()
        assert (keys.find(f"Bearer {candidate}") is not None) == (candidate == text)
        seen.append(tuple(work))
    assert seen[0] == seen[1] == seen[2]
    assert [step[0] for step in seen[0]] == ["hash", "compare"]
