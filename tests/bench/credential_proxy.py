"""The credential proxy exporter over 500,000 audit lines, in lines per CPU second, beside mtail over the same file.

The exporter is the real process, with its ledger: it follows, parses, counts, watches for anomalies and commits. Its
CPU seconds (user and system) are taken once it shows every line as counted, less what it takes to start and to be
scraped over an empty log. mtail reads the file once and ends (`--one_shot`); its start takes next to nothing. It
does so with two programs: the first, of which the ratio is told, takes fields in between and leaves out other events as
the exporter does; the second does the least that can be done. All counters are compared with what the lines were made
from.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent_observability.credential_proxy.config import CredentialProxyConfig
from agent_observability.credential_proxy.record import Record
from tests.bench.host import TICK_SECONDS
from tests.bench.llm_cost import SCRAPER
from tests.credential_proxy.records import make
from tests.support import Child, free_port, running

LINES = 500_000
SECONDS = 86_400
ROUNDS = 5
# Scrapes cost, too; nobody scrapes more often.
LOOK_SECONDS = 2.0

_HERE = Path(__file__).parent
_SERVICES = CredentialProxyConfig().services
_SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# How the log says what the exporter calls otherwise.
_WORDS = {
    "GRANTED": "granted",
    "REJECTED": "rejected",
    "ERROR": "error",
    "Unknown service": "unknown_service",
    "Operation not allowed": "operation_not_allowed",
    "Rate limit exceeded": "rate_limit_exceeded",
    "Resource not allowed": "resource_not_allowed",
    "Missing service or operation": "invalid_request",
}


class Totals(NamedTuple):
    """Requests by service, operation and status; refusals by service and reason; response times by service."""

    requests: Counter[tuple[str, ...]]
    rejections: Counter[tuple[str, ...]]
    answers: Counter[tuple[str, ...]]
    milliseconds: int


def write(path: Path, number: int) -> Totals:
    """Make the log; what is in it."""
    totals = Totals(Counter(), Counter(), Counter(), 0)
    milliseconds = size = 0
    with path.open("wb") as log:
        for line, record in make(number, begin=time.time() - SECONDS, seconds=SECONDS):
            log.write(line + b"\n")
            size += len(line)
            count(totals, record)
            milliseconds += round((record.duration or 0) * 1_000)
    print(f"{number:,} lines of {size / number:.0f} bytes", file=sys.stderr)
    return totals._replace(milliseconds=milliseconds)


def count(totals: Totals, record: Record) -> None:
    service = record.service if record.service in _SERVICES else "other"
    operation = record.operation if record.operation in _SERVICES.get(service, ()) else "other"
    totals.requests[service, operation, record.status] += 1
    totals.answers[service,] += 1
    if record.reason:
        totals.rejections[service, record.reason] += 1


def read(text: str, prefix: str = "") -> Totals:
    """What an exposition shows, with mtail's words and names as the exporter would write them."""
    totals = Totals(Counter(), Counter(), Counter(), 0)
    seconds = 0.0
    for name, said, number in _SAMPLE.findall(text):
        labels = dict(_LABEL.findall(said))
        service = labels.get("target_service", labels.get("service", ""))
        service = service if service in _SERVICES else "other"
        value = int(float(number)) if float(number).is_integer() else 0
        match name.removeprefix(prefix):
            case "requests_total":
                operation = labels["operation"] if labels["operation"] in _SERVICES.get(service, ()) else "other"
                totals.requests[service, operation, _WORDS.get(labels["status"], labels["status"])] += value
            case "rejections_total":
                totals.rejections[service, _WORDS.get(labels["reason"], labels["reason"])] += value
            case "response_duration_seconds_count" | "response_seconds_count":
                totals.answers[service,] += value
            case "response_duration_seconds_sum" | "response_seconds_sum":
                seconds += float(number)
    # Series that were born at 0 count nothing.
    return Totals(+totals.requests, +totals.rejections, +totals.answers, round(seconds * 1_000))


def compare(found: Totals, expected: Totals, who: str) -> None:
    if found != expected:
        sys.exit(f"{who} has counted\n{found}\nand not\n{expected}")


@contextlib.contextmanager
def exporting(log: Path) -> Iterator[tuple[Child, int]]:
    """The exporter over a log, with a ledger of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        config = folder / "config.yml"
        document = {
            "web": {"listen": {"credential_proxy": [f"127.0.0.1:{port}"]}},
            "credential_proxy": {"log": {"paths": [str(log)]}},
            "ledger": {"directory": str(folder)},
        }
        config.write_text(json.dumps(document))
        command = (sys.executable, "-m", "agent_observability", "run", "credential_proxy", "--config", str(config))
        with running(command, folder / "output") as child:
            yield child, port


def shown(port: int) -> str:
    # Series that are born wait at 0 until a scraper has seen them.
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=SCRAPER)
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())
    return ""


def follow(log: Path, lines: int) -> tuple[float, str]:
    """CPU seconds until that many lines are shown as counted, and what is shown then."""
    with exporting(log) as (child, port):
        deadline = time.monotonic() + 300
        while True:
            text = shown(port)
            if text and read(text, "credential_proxy_").requests.total() >= lines and ready(port):
                break
            if time.monotonic() > deadline or child.process.poll() is not None:
                sys.exit(f"the exporter has not counted {lines} lines:\n{child.output()}")
            time.sleep(LOOK_SECONDS)
        fields = Path(f"/proc/{child.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_SECONDS, text


def ready(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10) as answer:
        return bool(answer.status == 200)
    return False


def ours(log: Path, start: float, expected: Totals) -> float:
    """Lines per CPU second of the exporter, which takes `start` CPU seconds before it reads."""
    seconds, text = follow(log, LINES)
    compare(read(text, "credential_proxy_"), expected, "the exporter")
    return LINES / (seconds - start)


def theirs(program: Path, log: Path, expected: Totals) -> float:
    """Lines per CPU second of mtail with a program."""
    command = ["mtail", "--one_shot", "--one_shot_format", "prometheus", "--progs", str(program), "--logs", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        text = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"mtail with {program.name} ended with {process.returncode}")
    compare(read(text), expected, f"mtail with {program.name}")
    return LINES / (usage.ru_utime + usage.ru_stime)


def main(folder: Path) -> None:
    log, empty = folder / "audit.log", folder / "empty.log"
    expected = write(log, LINES)
    empty.touch()
    programs = [_HERE / "audit.mtail", _HERE / "audit_least.mtail"]
    if shutil.which("mtail") is None:
        print("mtail is left out: it is not installed (Debian: apt-get install mtail)", file=sys.stderr)
        programs = []
    start = statistics.median(follow(empty, 0)[0] for _ in range(ROUNDS))
    print(f"the exporter's start: {start:.2f} CPU seconds", file=sys.stderr)
    # In turn, so that all of them meet the same machine.
    rounds = []
    for number in range(ROUNDS):
        rounds.append([ours(log, start, expected), *(theirs(program, log, expected) for program in programs)])
        told = ", ".join(f"{one:,.0f}" for one in rounds[-1])
        print(f"round {number + 1}: {told} lines per CPU second", file=sys.stderr)
    fast, *slow = map(statistics.median, zip(*rounds, strict=True))
    for program, one in zip(programs, slow, strict=True):
        print(f"{fast / one:.1f} times mtail with {program.name}", file=sys.stderr)
    result = {
        "bench": "credential_proxy",
        "lines_per_s": round(fast),
        "mtail_lines_per_s": round(slow[0]) if slow else None,
        "ratio": round(fast / slow[0], 2) if slow else None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
