"""An Alertmanager with all of its receivers, and what was said about an alert to whom."""

from __future__ import annotations

from dataclasses import dataclass

from tests.alertmanager.deployment import Alertmanager, alert
from tests.alertmanager.receivers import Mail, Page, Post, Receivers
from tests.support import wait_until

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """Shared by tests: each has alert names of its own."""

    running: Alertmanager
    taken: Receivers

    def posts(self, name: str) -> list[Post]:
        return [post for post in self.taken.posts if post.group.get("alertname") == name]

    def pages(self, name: str) -> list[Page]:
        return [page for page in self.taken.pages if page.group.get("alertname") == name]

    def mails(self, name: str) -> list[Mail]:
        return [mail for mail in self.taken.mails if name in mail.text]

    def told(self, name: str) -> set[str]:
        """Everybody who was told of an alert, with what was said: firing or resolved."""
        posts = {f"{post.channel} {_said(post.attachment['title'])}" for post in self.posts(name)}
        pages = {f"pagerduty {page.action}" for page in self.pages(name)}
        mails = {f"{to} {_said(mail.subject)}" for mail in self.mails(name) for to in mail.to}
        return posts | pages | mails

    def messages(self, name: str) -> int:
        return len(self.posts(name)) + len(self.pages(name)) + len(self.mails(name))

    def settle(self) -> None:
        """Return once a group formed now was delivered: so was every group formed before, and nothing refused."""
        number = len(self.taken.pages)
        self.running.post(alert(f"Settled{number}"))
        wait_until(lambda: self.messages(f"Settled{number}") == 3, what=self.running.child.output)
        refused, self.taken.refused = self.taken.refused, []
        assert not refused, refused


def _said(title: str) -> str:
    return "resolved" if title.startswith("[RESOLVED") else "firing"
