"""A report as a mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from agent_observability.report.config import bare_address
from agent_observability.report.period import Kind

__all__ = ["compose"]


def compose(
    kind: Kind, subject: str, text: str, html: str, *, sender: str, recipients: Sequence[str], made: dt.datetime
) -> EmailMessage:
    """The mail; 7-bit clean, so that every server takes it.

    Raises ValueError for addresses that are none, and for line ends in any header.
    """
    domain = bare_address(sender).rpartition("@")[2]
    for recipient in recipients:
        bare_address(recipient)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Date"] = format_datetime(made)
    message["Message-ID"] = make_msgid("agent-obs", domain=domain)
    message["List-Id"] = f"<{kind}.agent-obs-report.{domain}>"
    # Nobody's vacation notice is to answer it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message
