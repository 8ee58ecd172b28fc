"""The `report` section of the configuration: where figures come from, and where reports go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent_observability.decode import Secret
from agent_observability.units import Duration

__all__ = [
    "MAX_RECIPIENTS",
    "PrometheusConfig",
    "RecipientsConfig",
    "ReportConfig",
    "SmtpConfig",
    "address_problem",
    "bare_address",
    "is_url",
]

MAX_RECIPIENTS = 100

_ADDRESS = re.compile(r"(?:[^\x00-\x1f\x7f<>@\",;:]*<)?(?P<spec>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+)>?")

Line = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f\u0085\u2028\u2029]*\Z")]
Header = Annotated[str, msgspec.Meta(max_length=300)]


class SmtpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server. `tls` means TLS from the first byte, `starttls` after a greeting in the clear.

    Port 0 is 465 with `tls` and 587 without. `ca_file` holds certificates to trust instead of the machine's. One
    attempt to deliver takes `timeout` at most.
    """

    host: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:_-]*\Z")] = ""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    user: Line = ""
    password: Secret = Secret("")
    starttls: Literal["required", "optional", "off"] = "required"
    tls: bool = False
    ca_file: Path | None = None
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30)

    def __post_init__(self) -> None:
        if bool(self.user) != bool(self.password.reveal()):
            raise ValueError("user and password go together")
        if self.user and not self.tls and self.starttls != "required":
            raise ValueError("a password is only sent over TLS: set tls, or starttls to required")


class RecipientsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets which report: addresses such as `a@example.org` or `Finance <a@example.org>`."""

    daily: list[Header] = []
    weekly: list[Header] = []
    monthly: list[Header] = []

    def __post_init__(self) -> None:
        for kind in ("daily", "weekly", "monthly"):
            addresses = getattr(self, kind)
            if len(addresses) > MAX_RECIPIENTS:
                raise ValueError(f"{kind} has {len(addresses)} recipients; expected at most {MAX_RECIPIENTS}")
            for address in addresses:
                if problem := address_problem(address):
                    raise ValueError(f"{kind}: {problem}")


class PrometheusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How Prometheus is asked. `headers` are sent along, `X-Scope-OrgID` for example; a query takes `timeout` at most.

    `cluster` is the value of the label `cluster` to look at, where one Prometheus has several.
    """

    token: Secret = Secret("")
    ca_file: Path | None = None
    headers: dict[str, Secret] = {}
    timeout: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(30)
    cluster: Line = ""

    def __post_init__(self) -> None:
        if not self.token.reveal().isprintable():
            raise ValueError("token: expected one line")
        for name, value in self.headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.reveal().isprintable():
                raise ValueError("headers: expected names of letters, digits and -, and values of one line")


class ReportConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`prometheus` is a URL, which may hold a user and password; without one, reports do without what it knows.

    `dashboard_url` is where a report's reader finds more.
    """

    prometheus: Secret = Secret("")
    prometheus_options: PrometheusConfig = PrometheusConfig()
    smtp: SmtpConfig = SmtpConfig()
    sender: Header = msgspec.field(name="from", default="")
    to: RecipientsConfig = RecipientsConfig()
    subject_prefix: Line = "[agent-obs]"
    dashboard_url: Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"^(https?://[!-;=?-~]+)?\Z")] = ""

    def __post_init__(self) -> None:
        if self.sender and (problem := address_problem(self.sender)):
            raise ValueError(f"from: {problem}")
        if (url := self.prometheus.reveal()) and not is_url(url):
            # The address itself is not repeated: it may hold a password.
            raise ValueError("prometheus: expected http://… or https://… without a query")


def is_url(text: str) -> bool:
    """Whether it is one of a server: http or https, and no query."""
    return re.fullmatch(r"https?://[^\s?#]+", text) is not None


def address_problem(text: str) -> str:
    """What keeps `text` from being an address of a mail; "" if nothing does."""
    match = _ADDRESS.fullmatch(text)
    if match is None or ("<" in text) != text.endswith(">"):
        return f"expected an address such as a@example.org or Finance <a@example.org>, got {text[:60]!r}"
    return ""


def bare_address(text: str) -> str:
    """`a@example.org` of `Finance <a@example.org>`. Raises ValueError for what `address_problem` objects to."""
    match = _ADDRESS.fullmatch(text)
    if match is None or address_problem(text):
        raise ValueError(address_problem(text))
    return match["spec"]
