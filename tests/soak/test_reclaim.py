"""`agent-obs up` killed with SIGKILL at random moments: the next one reclaims everything and works."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import psutil

from tests.stack.local import LocalStack
from tests.support import wait_until

ROUNDS = 20


def test_killed_at_random_moments(tmp_path: Path) -> None:
    stack = LocalStack.create(tmp_path)
    choice = random.Random(20)
    for number in range(ROUNDS):
        with stack.up() as killed:
            # From before the first part has started until after all are ready.
            time.sleep(choice.uniform(0.5, 8))
            killed.process.send_signal(signal.SIGKILL)
            killed.process.wait()
            left = stack.record
            parts = dict(left.parts) if left else {}
            with stack.up() as up:
                wait_until(lambda: (now := stack.ready) and now.supervisor.pid == up.process.pid, 60, what=up.output)
                assert not [name for name, identity in parts.items() if identity.alive]
                up.end(signal.SIGTERM, 20)
        strays = [p.pid for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or ())]
        assert strays == []
        print(f"round {number + 1} of {ROUNDS}: {len(parts)} parts reclaimed")
