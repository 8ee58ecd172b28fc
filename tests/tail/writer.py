"""A process that writes audit lines, as several do at once in `tests/tail/torture.py`.

`python -m tests.tail.writer LOG LOCK NUMBER RECORDS SEED PAUSE` ends with the counts of its records on its output, as
JSON. Whoever destroys something holds the lock, and so does a writer while it writes a line in fragments.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SERVICES = {"github": ("clone", "push", "pull"), "anthropic": ("api_call",)}
STATUSES = ("GRANTED", "REJECTED", "ERROR")

Key = tuple[str, str, str]


def record(number: str, choice: random.Random) -> tuple[Key, bytes]:
    """One, of the size that they have in the field."""
    service = choice.choice(list(SERVICES))
    operation = choice.choice(SERVICES[service])
    status = choice.choice(STATUSES)
    line = {
        "version": "1.0",
        "timestamp": "2026-09-21T10:15:30.123456Z",
        "event_type": "credential_request",
        "request_id": number,
        "service": service,
        "operation": operation,
        "resource": "x" * choice.randrange(200),
        "status": status,
        "requester": {"pid": choice.randrange(32768), "container_id": f"c{choice.randrange(20)}", "user": "agent"},
        "response_time_ms": choice.randrange(20),
    }
    return (service, operation, status.lower()), json.dumps(line).encode()


def key_of(line: bytes) -> Key | None:
    """Of a line that may be anything."""
    try:
        one = json.loads(line.lstrip(b"\0"))
        return one["service"], one["operation"], one["status"].lower()
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def junk(choice: random.Random) -> bytes:
    """What must be passed over."""
    kinds = (
        b"\xff\xfe\x80 no text\n",
        b'{"service": "github", "operation"\n',
        b"[]\n\n\r\n\n",
        b"\0\0\0\0\n",
        b"2026-09-21 10:15:30,123 [INFO] Proxy started\n",
        b"x" * choice.choice((65_536, 65_537, 1024 * 1024)) + b"\n",
    )
    return choice.choices(kinds, weights=(20, 20, 20, 20, 20, 1))[0]


class Writer:
    """`late`: it keeps the file open for a while after somebody has renamed it."""

    def __init__(self, log: Path, lock: Path, choice: random.Random, *, late: bool) -> None:
        self._log = log
        self._choice = choice
        self._late = late
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT)
        self._file = -1
        self._until = 0.0

    def write(self, lines: list[bytes]) -> None:
        torn = self._choice.random() < 0.05
        fcntl.flock(self._lock, fcntl.LOCK_EX if torn else fcntl.LOCK_SH)
        try:
            self._reopen()
            if not torn:
                os.write(self._file, b"".join(lines))
                return
            os.write(self._file, b"".join(lines[:-5]))
            # No more than some, or nobody else would get to write.
            for line in lines[-5:]:
                cut = self._choice.randrange(len(line))
                os.write(self._file, line[:cut])
                time.sleep(self._choice.choice((0, 0.001, 0.08)))
                os.write(self._file, line[cut:])
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _reopen(self) -> None:
        if self._file >= 0:
            try:
                there = self._log.stat().st_ino == os.fstat(self._file).st_ino
            except FileNotFoundError:
                there = False
            if there:
                self._until = time.monotonic() + 0.3
                return
            # Into a file without a name nobody writes: what is destroyed has to be known.
            if self._late and time.monotonic() < self._until and os.fstat(self._file).st_nlink:
                return
            os.close(self._file)
        self._file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def bursts(number: int, records: int, choice: random.Random) -> Iterator[tuple[list[Key], list[bytes]]]:
    written = 0
    while written < records:
        keys, lines = [], []
        for _ in range(min(choice.choice((1, 3, 20, 200)), records - written)):
            key, line = record(f"{number}-{written}", choice)
            keys.append(key)
            lines.append(choice.choice((b"", b"", b"", b"\0\0")) + line + choice.choice((b"\n", b"\n", b"\r\n")))
            written += 1
            if choice.random() < 0.02:
                lines.append(junk(choice))
        yield keys, lines


def main() -> None:
    log, lock, number, records, seed, pause = sys.argv[1:]
    choice = random.Random(f"{seed}/{number}")
    writer = Writer(Path(log), Path(lock), choice, late=int(number) % 2 == 0)
    truth: Counter[Key] = Counter()
    for keys, lines in bursts(int(number), int(records), choice):
        writer.write(lines)
        truth.update(keys)
        time.sleep(choice.uniform(0, 2 * float(pause)))
    json.dump([[*key, value] for key, value in truth.items()], sys.stdout)


if __name__ == "__main__":
    main()
