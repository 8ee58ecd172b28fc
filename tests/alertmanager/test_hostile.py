"""Values nobody planned for: markup, commands, quotes, line ends, very long texts, missing links."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.alertmanager.deployment import alert
from tests.alertmanager.links import labels_of
from tests.alertmanager.receivers import Mail, Page, Post
from tests.alertmanager.world import World
from tests.support import wait_until

pytestmark = pytest.mark.stack

NASTY = '"vm\'1"\\ <script>alert(1)</script> <!channel>\n\t+%2B & ünïcode {{ .Labels }} }'
LONG = "x" * 301
TAGS = {"html", "head", "meta", "title", "body", "h1", "h2", "div", "b", "br", "p", "a"}


def delivered(world: World, *alerts: dict[str, Any]) -> tuple[Post, Page, Mail]:
    """What one group of critical alerts became, once each, with nothing refused."""
    name = alerts[0]["labels"]["alertname"]
    world.running.post(*alerts)
    wait_until(lambda: world.messages(name) >= 3 or world.taken.refused, what=world.running.child.output)
    world.settle()
    (post,), (page,), (mail,) = world.posts(name), world.pages(name), world.mails(name)
    return post, page, mail


def quoted(value: str) -> str:
    """As Alertmanager's own interface reads it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_markup_and_commands_stay_text(world: World) -> None:
    post, page, mail = delivered(
        world, alert("Nasty", summary=f"Summary {NASTY}", description=f"Description {NASTY}", instance=NASTY)
    )
    tags = _Tags()
    tags.feed(mail.html)
    assert tags.found <= TAGS
    assert tags.attributes <= {"href", "style", "lang", "charset", "name", "content"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in mail.html
    assert "&lt;script&gt;" in post.attachment["text"]
    for title in (post.attachment["title"], page.event["payload"]["summary"], mail.subject):
        assert title.startswith('[CRITICAL] Summary "vm\'1"\\ \u2039script>alert(1)')
        assert "\n" not in title
    assert {"To", "From", "Subject", "Auto-Submitted"} <= set(mail.message)
    assert mail.message["To"] == "oncall@example.org"


def test_silence_links_cover_exactly_the_alert(world: World) -> None:
    """In every message the link holds all labels, as the page and Alertmanager's own interface read them."""
    fires = alert("Covered", instance=NASTY, mountpoint="/a b,c=d", project=NASTY)
    post, page, mail = delivered(world, fires, alert("Covered", instance="other", mountpoint="/", project=NASTY))
    # What both share; only the mail has room for one link each.
    shared = {"alertname": "Covered", "severity": "critical", "team": "platform", "project": NASTY}
    for link in (post.buttons["Silence"], page.links["Silence"], *mail.links["Silence all of these"]):
        assert labels_of(link, "silences/new") == shared
    assert f"Silence: {page.links['Silence']}" in mail.text
    links = [labels_of(link, "silences/new") for link in mail.links["Silence"]]
    assert fires["labels"] in links
    (found,) = world.running.alerts([f"{name}={quoted(value)}" for name, value in fires["labels"].items()])
    assert found["labels"] == fires["labels"]
    assert labels_of(post.attachment["title_link"], "alerts") == {"alertname": "Covered", "project": NASTY}


@pytest.mark.parametrize("number", [1, 3, 12, 300])
def test_long_texts_are_cut_before_a_service_refuses_them(world: World, number: int) -> None:
    name = f"Long{number}"
    text = "<&>ü" * 1000
    post, page, mail = delivered(
        world,
        *(alert(name, summary=f"S {text}", description=f"D {text}", instance=f"vm{n}", id=LONG) for n in range(number)),
    )
    assert len(post.attachment["text"]) > 600
    assert "…" in post.attachment["text"]
    assert len(page.event["payload"]["summary"]) < 110
    assert len(json.dumps(page.event)) < 25_000
    assert len(mail.text) < 20_000
    assert len(mail.html) < 100_000
    assert "id" not in labels_of(post.buttons["Silence"], "silences/new")
    assert "id" not in labels_of(mail.links["Silence"][0], "silences/new")


@pytest.mark.parametrize(
    ("name", "runbook", "dashboard", "buttons", "links"),
    [
        ("Linked", "https://r.example.org/a", "https://g.example.org/d/a?x=1", {"Runbook", "Dashboard"}, None),
        ("NoDashboard", "https://r.example.org/a", None, {"Runbook", "Alerts"}, {"Runbook"}),
        ("NoRunbook", None, "http://g.example.org/d/a", {"Alerts", "Dashboard"}, {"Dashboard"}),
        # Without the external label grafana_url the rules' links are paths.
        (
            "Relative",
            "https://r.example.org/a",
            "/d/agentobs-host?var-instance=vm1",
            {"Runbook", "Alerts"},
            {"Runbook"},
        ),
        ("Script", "javascript:alert(1)", "data:text/html,x", {"Alerts"}, set()),
        ("Spaced", "https://r.example.org/a b", "https://g.example.org/\n", {"Alerts"}, set()),
        ("Quoted", "https://r.example.org/<a>", "https://g.example.org/ü", {"Alerts"}, set()),
        ("Bare", None, None, {"Alerts"}, set()),
    ],
)
def test_links_that_are_missing_or_wrong_are_left_out(
    world: World, name: str, runbook: str | None, dashboard: str | None, buttons: set[str], links: set[str] | None
) -> None:
    given = {"runbook_url": runbook, "dashboard_url": dashboard}
    fires = alert(name)
    fires["annotations"] = {key: url for key, url in given.items() if url}
    post, page, mail = delivered(world, fires)
    links = {"Runbook", "Dashboard"} if links is None else links
    assert set(post.buttons) == buttons | {"Silence"}
    assert set(page.links) == links | {"Silence"}
    assert set(mail.links) == links | {"Silence", "Alertmanager"}
    for label, url in page.links.items():
        assert post.buttons[label] == url
        assert f"{label}: {url}" in mail.text
    assert post.attachment["title"] == f"[CRITICAL] {name}"


def test_alerts_of_different_hosts_share_the_page_without_its_variables(world: World) -> None:
    post, page, mail = delivered(world, alert("Several", instance="vm1"), alert("Several", instance="vm2"))
    assert post.buttons["Dashboard"] == page.links["Dashboard"] == "https://grafana.example.org/d/agentobs-host"
    assert mail.links["Dashboard"] == [
        f"https://grafana.example.org/d/agentobs-host?var-instance={instance}&x=1" for instance in ("vm1", "vm2")
    ]
    assert all(link in mail.text for link in mail.links["Dashboard"])
