"""Who is really told of what: the project's routing in a real Alertmanager, with real receivers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.alertmanager.deployment import alert
from tests.alertmanager.links import labels_of
from tests.alertmanager.receivers import Post
from tests.alertmanager.world import World
from tests.support import wait_until

pytestmark = pytest.mark.stack

ONCALL, FINANCE = "oncall@example.org", "finance@example.org"


@pytest.mark.parametrize(
    ("labels", "everybody"),
    [
        ({"severity": "critical"}, {"pagerduty", "#alerts-critical", ONCALL}),
        ({"severity": "warning"}, {"#alerts", ONCALL}),
        ({"severity": "info"}, {ONCALL}),
        ({"severity": "critical", "team": "security"}, {"#security", "pagerduty", "#alerts-critical", ONCALL}),
        ({"severity": "warning", "team": "security"}, {"#security", "#alerts", ONCALL}),
        ({"severity": "critical", "team": "finance"}, {FINANCE, "pagerduty", "#alerts-critical", ONCALL}),
        ({"severity": "warning", "team": "finance"}, {FINANCE, "#alerts", ONCALL}),
        ({"severity": "unheard-of"}, {"#alerts", ONCALL}),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_who_is_told_and_told_of_the_end(world: World, labels: dict[str, str], everybody: set[str]) -> None:
    name = "Told" + "".join(value.title() for value in labels.values()).replace("-", "")
    fires = alert(name, **labels)
    world.running.post(fires)
    firing = {f"{who} {'trigger' if who == 'pagerduty' else 'firing'}" for who in everybody}
    wait_until(lambda: world.told(name) == firing, what=lambda: f"{world.told(name)} {world.taken.refused}")
    world.running.resolve(fires)
    resolved = {f"{who} {'resolve' if who == 'pagerduty' else 'resolved'}" for who in everybody}
    wait_until(lambda: world.told(name) >= resolved, what=lambda: f"{world.told(name)} {world.taken.refused}")
    world.settle()
    assert world.messages(name) == 2 * len(everybody)
    assert len({page.event["dedup_key"] for page in world.pages(name)}) == ("pagerduty" in everybody)


def test_an_anomaly_of_the_credential_proxy_takes_its_own_way_to_the_same_people_once(world: World) -> None:
    name, containers = "CredentialProxyAnomaly", ("0123456789ab", "ba9876543210")
    everybody = {"#security firing", "pagerduty trigger", "#alerts-critical firing", f"{ONCALL} firing"}
    for number, container in enumerate(containers, start=1):
        world.running.post(alert(name, team="security", type="unknown_service", container_id=container))
        wait_until(lambda number=number: world.messages(name) == 4 * number, what=lambda: str(world.taken.refused))  # type: ignore[misc]
        assert world.told(name) == everybody
    world.settle()
    assert world.messages(name) == 4 * len(containers)


def test_ends_of_anomalies_are_told_once_while_another_goes_on(world: World) -> None:
    """Prometheus repeats an end every minute for a quarter of an hour, each alert's at a moment of its own."""
    first, second, third = anomalies = [_anomaly("ends", container) for container in ("aa01", "bb02", "cc03")]
    over = [{**one, "endsAt": datetime.now(UTC).isoformat()} for one in (first, second)]
    for number, one in enumerate((*anomalies, *over), start=1):
        world.running.post(one)
        wait_until(lambda number=number: len(_posts(world, "ends")) == 2 * number)  # type: ignore[misc]
    for one in over * 2:
        world.running.post(one)
        world.settle()
    assert len(_posts(world, "ends")) == 2 * 5
    world.running.resolve(third)


def test_a_silence_of_an_anomaly_is_of_its_container(world: World) -> None:
    """Else whoever acknowledges two attacks would not be told of a third."""
    anomalies = [_anomaly("silences", container) for container in ("dd04", "ee05")]
    for number, one in enumerate(anomalies, start=1):
        world.running.post(one)
        wait_until(lambda number=number: len(_posts(world, "silences")) == 2 * number)  # type: ignore[misc]
    links = [labels_of(post.buttons["Silence"], "silences/new") for post in _posts(world, "silences")]
    assert {link.get("container_id") for link in links} == {"dd04", "ee05"}
    world.running.resolve(*anomalies)


def _anomaly(project: str, container: str) -> dict[str, Any]:
    return alert(
        "CredentialProxyAnomaly", team="security", type="unknown_service", project=project, container_id=container
    )


def _posts(world: World, project: str) -> list[Post]:
    """In both channels."""
    return [post for post in world.posts("CredentialProxyAnomaly") if post.group.get("project") == project]


def test_the_watchdog_reaches_the_dead_man_again_and_again_and_nobody_else(world: World) -> None:
    watchdog = alert("Watchdog", "none")
    world.running.post(watchdog)
    wait_until(lambda: len(world.taken.beats) >= 3, what=world.running.child.output)
    assert {beat["status"] for beat in world.taken.beats} == {"firing"}
    world.running.resolve(watchdog)
    wait_until(lambda: world.taken.beats[-1]["status"] == "resolved")
    world.settle()
    assert world.messages("Watchdog") == 0


def test_info_inhibitor_is_heard_by_nobody(world: World) -> None:
    world.running.post(alert("InfoInhibitor", "none", project="elsewhere"), alert("OfNoSeverity", "none"))
    world.settle()
    assert world.messages("InfoInhibitor") == world.messages("OfNoSeverity") == 0


def test_forty_five_failures_are_one_message_each_that_says_so_and_lists_ten(world: World) -> None:
    world.running.post(*(alert("Forty", project="p", instance=f"vm{number:02}") for number in range(45)))
    wait_until(lambda: world.messages("Forty") == 3, what=lambda: str(world.taken.refused))
    world.settle()
    (post,), (page,), (mail,) = world.posts("Forty"), world.pages("Forty"), world.mails("Forty")
    for title in (post.attachment["title"], page.event["payload"]["summary"], mail.subject):
        assert title == "[CRITICAL ×45] Forty fires · p"
    details = page.event["payload"]["custom_details"]
    for text in (post.attachment["text"], details["firing"], mail.text):
        assert "45" in text.splitlines()[0]
        assert "the first ten" in text.splitlines()[0]
        assert text.count("•") == 10
    assert (details["num_firing"], details["resolved"]) == ("45", "")
    assert mail.html.count("<b>Forty fires.</b>") == 20


def test_projects_are_told_apart(world: World) -> None:
    world.running.post(alert("Apart", project="a"), alert("Apart", project="b"))
    wait_until(lambda: world.messages("Apart") == 6)
    assert {page.group["project"] for page in world.pages("Apart")} == {"a", "b"}


def test_infos_are_one_mail_without_a_silence_for_all_of_them(world: World) -> None:
    infos = (alert("GoalBehind", "info", project="a"), alert("CacheCold", "info", project="b"))
    world.running.post(*infos)
    wait_until(lambda: world.mails("CacheCold"))
    world.settle()
    (mail,) = world.mails("CacheCold")
    assert mail in world.mails("GoalBehind")
    assert mail.subject == "[INFO ×2] Several alerts"
    assert mail.group == {"severity": "info"}
    assert "Silence all of these" not in mail.links
    silenced = [labels_of(link, "silences/new")["alertname"] for link in mail.links["Silence"]]
    assert sorted(silenced) == ["CacheCold", "GoalBehind"]
    world.running.resolve(*infos)
    wait_until(lambda: len(world.mails("CacheCold")) == 2)


@pytest.mark.parametrize(
    ("source", "held_back", "told"),
    [
        (
            alert("Critical", instance="vm1", mountpoint="/a"),
            alert("Critical", "warning", instance="vm1", mountpoint="/a"),
            [
                alert("Critical", "warning", instance="vm2", mountpoint="/a"),
                alert("Critical", "warning", instance="vm1", mountpoint="/b"),
            ],
        ),
        (
            alert("AgentObsExporterDown", exporter="host", instance="vm1"),
            alert("Blinded", "warning", exporter="host", instance="vm1"),
            [
                alert("Blinded", "warning", exporter="host", instance="vm2"),
                alert("Blinded", "warning", exporter="api", instance="vm1"),
            ],
        ),
    ],
    ids=["critical-over-warning", "exporter-down"],
)
def test_what_is_inhibited_is_not_delivered(
    world: World, source: dict[str, Any], held_back: dict[str, Any], told: list[dict[str, Any]]
) -> None:
    """The group's message lists the others alone."""
    for number, one in enumerate((held_back, *told)):
        one["annotations"]["description"] = f"Number {number}."
    world.running.post(source, held_back, *told)
    name = held_back["labels"]["alertname"]
    wait_until(lambda: any(post.channel == "#alerts" for post in world.posts(name)))
    world.settle()
    posts = [post.attachment["text"] for post in world.posts(name) if post.channel == "#alerts"]
    mails = [mail.text for mail in world.mails(name) if "(warning)" in mail.text]
    for texts in (posts, mails):
        assert sorted(set(re.findall(r"Number \d", "".join(texts)))) == ["Number 1", "Number 2"]
