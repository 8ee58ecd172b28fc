"""Clients that push random usage over HTTP, repeat what was not answered, and send some of it twice; and the truth."""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

__all__ = ["MODELS", "Client", "Truth", "push_all"]

# Pico-dollars per token: the published dollars per million.
MODELS: dict[tuple[str, str], dict[str, int]] = {
    ("anthropic", "claude-sonnet-4-5"): {
        "input": 3_000_000,
        "cache_read": 300_000,
        "cache_write": 3_750_000,
        "output": 15_000_000,
    },
    ("anthropic", "claude-haiku-4-5"): {
        "input": 1_000_000,
        "cache_read": 100_000,
        "cache_write": 1_250_000,
        "output": 5_000_000,
    },
    ("openai", "gpt-4o-mini"): {"input": 150_000, "cache_read": 75_000, "output": 600_000},
}
_PROJECTS = ("payments", "search", "docs")
_FEATURES = ("voice_architect", "agent_execution", "other")
_TOGETHER = 100


class Truth:
    """What was pushed: each event once, however often it was sent."""

    def __init__(self) -> None:
        self.tokens: Counter[tuple[str, ...]] = Counter()
        self.pico: Counter[tuple[str, ...]] = Counter()
        self.requests: Counter[tuple[str, ...]] = Counter()

    def add(self, event: dict[str, Any]) -> None:
        whose = (event["provider"], event["model"], event["project"], event["feature"])
        prices = MODELS[whose[0], whose[1]]
        for type_, number in event["tokens"].items():
            self.tokens[*whose, type_] += number
            self.pico[*whose, type_] += number * prices[type_]
        self.requests[whose] += 1


class Client:
    """`duplicates` requests were sent once more on purpose, `repeats` because they got no good answer."""

    def __init__(self, url: str, number: int, events: int) -> None:
        self._url = f"{url}/api/v1/usage"
        self._number = number
        self._events = events
        self._random = random.Random(number)
        self.truth = Truth()
        self.duplicates = 0
        self.repeats = 0

    def run(self) -> None:
        """Until every event was accepted."""
        sent: list[bytes] = []
        for body in self._bodies():
            self._push(body)
            sent = [*sent[-20:], body]
            if self._random.random() < 0.1:
                self.duplicates += 1
                self._push(self._random.choice(sent))

    def _bodies(self) -> Iterator[bytes]:
        for first in range(0, self._events, _TOGETHER):
            events = [self._event(first + number) for number in range(min(_TOGETHER, self._events - first))]
            for event in events:
                self.truth.add(event)
            yield json.dumps(events).encode()

    def _event(self, number: int) -> dict[str, Any]:
        choose = self._random
        provider, model = choose.choice(tuple(MODELS))
        types = MODELS[provider, model]
        moment = time.time() - choose.uniform(0, 3_600)
        return {
            "id": f"{self._number}-{number}",
            "timestamp": datetime.fromtimestamp(round(moment, 3), UTC).isoformat(),
            "provider": provider,
            "model": model,
            "project": choose.choice(_PROJECTS),
            "feature": choose.choice(_FEATURES),
            # Below the sizes at which prices change.
            "tokens": {type_: choose.randrange(1, 20_000) for type_ in types},
            "duration_seconds": choose.uniform(0.1, 20),
        }

    def _push(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        while True:
            try:
                request = urllib.request.Request(self._url, body, headers)
                with urllib.request.urlopen(request, timeout=60) as response:
                    answer = json.load(response)
                    assert not answer["rejected"], answer
                    return
            except urllib.error.HTTPError as error:
                assert error.code in (429, 503), error.read()
            except OSError:
                pass
            self.repeats += 1
            time.sleep(0.02)


def push_all(url: str, *, clients: int, events: int) -> tuple[Truth, list[Client]]:
    """Push so many events in all; what is true in the end."""
    crowd = [Client(url, number, events // clients) for number in range(clients)]
    with ThreadPoolExecutor(clients) as threads:
        for future in [threads.submit(client.run) for client in crowd]:
            future.result()
    truth = Truth()
    for client in crowd:
        truth.tokens += client.truth.tokens
        truth.pico += client.truth.pico
        truth.requests += client.truth.requests
    return truth, crowd
