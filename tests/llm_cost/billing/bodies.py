"""Reports as providers write them, and anything else that may come instead."""

from __future__ import annotations

import json

from hypothesis import strategies as st

__all__ = ["AT", "BODIES", "DAY", "START", "page"]

DAY = 20_530
START = DAY * 86_400
AT = "2026-03-18T00:00:00Z"


def page(*results: object, **more: object) -> bytes:
    """Of one bucket, with the beginning that either provider gives it."""
    bucket = {"object": "bucket", "start_time": START, "starting_at": AT, "results": list(results)}
    return json.dumps({"object": "page", "data": [bucket], "has_more": False, "next_page": None, **more}).encode()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_times = st.integers() | st.sampled_from([AT, "2026-03-18T00:00:00", "yesterday"]) | _json
_names = ("input_tokens", "input_text_tokens", "output_tokens", "num_model_requests", "uncached_input_tokens", "model")
_result = (
    st.dictionaries(st.sampled_from(_names), st.integers() | _json)
    | st.fixed_dictionaries({"amount": st.floats() | _json | st.fixed_dictionaries({"value": _json | st.floats()})})
    | _json
)
_bucket = st.fixed_dictionaries(
    {"start_time": _times, "starting_at": _times, "results": st.lists(_result, max_size=3) | _json}
)
_pages = st.fixed_dictionaries({"data": st.lists(_bucket | _json, max_size=3), "has_more": _json, "next_page": _json})
BODIES = (_pages | _json).map(json.dumps).map(str.encode) | st.binary(max_size=60)
