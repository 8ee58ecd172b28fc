"""The index finds the models that the library's own walk finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_observability.llm_cost.pricing.library import Library
from tests.support import examples

from .librarys import NAMES, PROVIDERS

LIBRARY = Library()
names = st.sampled_from(NAMES)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_finds_the_models_that_the_library_finds(provider: str) -> None:
    everybody = list(PROVIDERS.values())
    for _, name in (each for each in NAMES if each[0] == provider):
        theirs = PROVIDERS[provider].find_model(name, all_providers=everybody)
        ours = LIBRARY.find(provider, name)
        assert (ours and ours.model) is theirs or (theirs is None and ours is not None), name


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from(sorted(PROVIDERS)), names, st.text("abz019-.:/", max_size=6), st.integers(0, 30))
def test_finds_changed_names_as_the_library_does(provider: str, name: tuple[str, str], extra: str, cut: int) -> None:
    changed = name[1][: len(name[1]) - cut] + extra
    theirs = PROVIDERS[provider].find_model(changed, all_providers=list(PROVIDERS.values()))
    ours = LIBRARY.find(provider, changed)
    if theirs is not None:
        assert ours is not None
        assert ours.model is theirs
