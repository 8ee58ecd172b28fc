"""One real Prometheus scrapes the exporters in every way it can: formats, encodings, TLS, passwords, certificates.

And what it then knows is right: values, what has been counted, exemplars.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from tests.pki import Pki
from tests.process.exporters import Running, probes
from tests.prometheus.relay import Relay, relay
from tests.prometheus.server import SCRAPE_SECONDS, Prometheus, prometheus
from tests.support import wait_until

pytestmark = pytest.mark.stack

PASSWORD = "hunter2"
# Relays, and what they are to have seen pass.
RELAYED = {
    "text": ({"Accept": "text/plain", "Accept_Encoding": "identity"}, ("text/plain", "")),
    "text-gzip": ({"Accept": "text/plain"}, ("text/plain", "gzip")),
    "openmetrics": ({"Accept_Encoding": "identity"}, ("application/openmetrics-text", "")),
    "as-it-comes": ({}, ("application/openmetrics-text", "gzip")),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """Prometheus and what it scrapes."""

    prometheus: Prometheus
    relays: dict[str, Relay]
    counted: Running


def _job(name: str, port: int, **more: object) -> dict[str, object]:
    return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}], **more}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("plain", "counted", "tls", "mtls", "prometheus")}
    pki = Pki(folders["prometheus"])
    server, client = pki.issue("server", "127.0.0.1"), pki.issue("client", "scraper.example")
    files = f"tls_server_config:\n  cert_file: {server.cert}\n  key_file: {server.key}\n"
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=5)).decode()
    verify = f"  client_ca_file: {pki.authority}\n  client_auth_type: RequireAndVerifyClientCert\n"
    web = {
        "tls": _web(folders["tls"], f"{files}basic_auth_users: {{kim: {hashed}}}\n"),
        "mtls": _web(folders["mtls"], f"{files}{verify}  client_allowed_sans: [scraper.example]\n"),
    }
    with contextlib.ExitStack() as opened:
        plain = opened.enter_context(probes(folders["plain"], probe={"text": "plain"}))
        # Scraped by nobody else: who sees a birth first is a matter of each scraper.
        counted = opened.enter_context(probes(folders["counted"]))
        tls, mtls = (
            opened.enter_context(probes(folders[name], probe={"text": name}, web={"config_file": str(file)}))
            for name, file in web.items()
        )
        relays = {
            name: opened.enter_context(relay(plain.ports["probe"], **headers)) for name, (headers, _) in RELAYED.items()
        }
        authority = {"ca_file": str(pki.authority)}
        jobs = [
            *(_job(name, it.port) for name, it in relays.items()),
            _job("direct", plain.ports["probe"]),
            _job("counted", counted.ports["probe"]),
            _job(
                "tls",
                tls.ports["probe"],
                scheme="https",
                tls_config=authority,
                basic_auth={"username": "kim", "password": PASSWORD},
            ),
            _job(
                "mtls",
                mtls.ports["probe"],
                scheme="https",
                tls_config={**authority, "cert_file": str(client.cert), "key_file": str(client.key)},
            ),
            _job(
                "no-password",
                tls.ports["probe"],
                scheme="https",
                tls_config=authority,
            ),
            _job("no-certificate", mtls.ports["probe"], scheme="https", tls_config=authority),
        ]
        yield Stack(opened.enter_context(prometheus(folders["prometheus"], jobs)), relays, counted)


def _web(folder: Path, text: str) -> Path:
    file = folder / "web.yml"
    file.write_text(text)
    return file


REFUSED = {"no-password": "401 Unauthorized", "no-certificate": "403 Forbidden"}


def test_scrapes_in_every_way(stack: Stack) -> None:
    jobs = {*RELAYED, "direct", "counted", "tls", "mtls", *REFUSED}
    wait_until(lambda: stack.prometheus.query("up").keys() == jobs, 20, what=lambda: str(stack.prometheus.targets()))
    assert stack.prometheus.query("up") == {job: float(job not in REFUSED) for job in jobs}
    errors = stack.prometheus.targets()
    for job, error in errors.items():
        assert REFUSED.get(job, "") in error
        assert (error == "") == (job not in REFUSED)


def test_formats_are_those_asked_for(stack: Stack) -> None:
    wait_until(lambda: all(it.seen for it in stack.relays.values()), 20)
    assert {name: it.seen for name, it in stack.relays.items()} == {
        name: {passed} for name, (_, passed) in RELAYED.items()
    }


def test_values_arrive_alike_in_every_way(stack: Stack) -> None:
    prometheus = stack.prometheus
    expected = {**dict.fromkeys([*RELAYED, "direct"], "plain"), "tls": "tls", "mtls": "mtls", "counted": "steady"}
    wait_until(lambda: prometheus.query("probe_info").keys() == expected.keys(), 20)
    for job, text in expected.items():
        assert prometheus.query(f'probe_info{{job="{job}",text="{text}"}}') == {job: 1}
    edges = prometheus.api("label/le/values", **{"match[]": "probe_job_duration_seconds_bucket"})
    assert edges == ["+Inf", "0.5", "1.0"]
    assert prometheus.query("min by (job) (agent_obs_collector_success)") == dict.fromkeys(expected, 1)
    started = prometheus.query("process_start_time_seconds")
    assert all(0 <= prometheus.query("vector(time())")[""] - value < 600 for value in started.values())


def test_a_new_series_is_counted_from_its_birth(stack: Stack) -> None:
    """Five jobs of a kind never seen before are five jobs, not none; then two more are seven."""
    prometheus = stack.prometheus
    wait_until(lambda: prometheus.query('agent_obs_series{job="counted"}'), 20)
    stack.counted.configure(probe={"counts": {"new": 5}})
    assert stack.counted.get("/-/reload", method="POST") == (200, "reloaded\n")
    assert _increase(prometheus, 5) == pytest.approx(5)
    assert _increase(prometheus, 5, "probe_job_duration_seconds_count") == pytest.approx(1)

    stack.counted.configure(probe={"counts": {"new": 7}})
    assert stack.counted.get("/-/reload", method="POST")[0] == 200
    assert _increase(prometheus, 7) == pytest.approx(7)


def _increase(prometheus: Prometheus, expected: float, selector: str = 'probe_jobs_total{kind="new"}') -> float:
    """`increase()` of the counted job once its newest sample shows `expected` jobs.

    Evaluated at the time of that sample, since `increase()` extrapolates over what lies after it.
    """
    jobs = 'probe_jobs_total{job="counted",kind="new"}'
    wait_until(lambda: prometheus.query(jobs) == {"counted": expected}, 10 * SCRAPE_SECONDS)
    moment = prometheus.query(f"timestamp({jobs})")["counted"]
    return prometheus.query(f"increase({selector}[5m])", time=moment)["counted"]


def test_exemplars_arrive(stack: Stack) -> None:
    stack.counted.configure(probe={"counts": {"traced": 1}})
    assert stack.counted.get("/-/reload", method="POST")[0] == 200
    prometheus = stack.prometheus

    def found() -> list[dict[str, str]]:
        now = prometheus.query("vector(time())")[""]
        series = prometheus.api(
            "query_exemplars", query='probe_job_duration_seconds_bucket{job="counted"}', start=now - 300, end=now + 5
        )
        exemplars = [(one["seriesLabels"]["le"], exemplar) for one in series for exemplar in one["exemplars"]]
        return [
            {"le": edge, "value": exemplar["value"], **exemplar["labels"]}
            for edge, exemplar in exemplars
            if exemplar["labels"]["trace_id"] == "trace-traced"
        ]

    assert wait_until(found, 10 * SCRAPE_SECONDS) == [{"le": "1.0", "value": "0.75", "trace_id": "trace-traced"}]
