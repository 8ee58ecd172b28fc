"""Who uses which models in the demo, how much, and what that costs. Data only; prices are dollars per million."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LINES", "PRICES", "Line", "Price"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kind of calls: `per_minute` of them at noon, with tokens and seconds on average.

    `way` is how they are told: as JSON by a gateway, as spans by the OpenTelemetry SDK, as a coding agent's logs.
    """

    project: str
    feature: str
    provider: str
    model: str
    way: str
    per_minute: float
    operation: str = "chat"
    input: int = 0
    cached: int = 0
    output: int = 0
    characters: int = 0
    audio_seconds: int = 0
    seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """As published; `other` is per character or second of audio."""

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0
    other: float = 0.0


LINES = (
    Line(
        project="payments",
        feature="voice_architect",
        provider="anthropic",
        model="claude-sonnet-4-5",
        way="json",
        per_minute=3.0,
        input=400,
        cached=800,
        output=150,
        seconds=6.0,
    ),
    Line(
        project="mobile-app",
        feature="voice_interface",
        provider="openai",
        model="whisper-1",
        way="json",
        per_minute=4.0,
        operation="transcription",
        audio_seconds=8,
        seconds=1.5,
    ),
    Line(
        project="mobile-app",
        feature="voice_interface",
        provider="openai",
        model="tts-1",
        way="json",
        per_minute=3.0,
        operation="speech",
        characters=130,
        seconds=1.0,
    ),
    Line(
        project="search",
        feature="e2e_generation",
        provider="openai",
        model="gpt-4o",
        way="spans",
        per_minute=4.0,
        input=500,
        cached=200,
        output=200,
        seconds=4.0,
    ),
    Line(
        project="docs",
        feature="other",
        provider="google",
        model="gemini-2.5-flash",
        way="spans",
        per_minute=6.0,
        operation="generate_content",
        input=800,
        output=100,
        seconds=1.2,
    ),
    Line(
        project="data-platform",
        feature="other",
        provider="openai",
        model="gpt-4o-mini",
        way="json",
        per_minute=12.0,
        input=900,
        output=150,
        seconds=0.8,
    ),
    Line(
        project="checkout",
        feature="agent_execution",
        provider="anthropic",
        model="claude-opus-4-5",
        way="logs",
        per_minute=1.5,
        input=300,
        cached=3_000,
        output=240,
        seconds=12.0,
    ),
    Line(
        project="payments",
        feature="agent_execution",
        provider="anthropic",
        model="claude-haiku-4-5",
        way="logs",
        per_minute=4.0,
        input=300,
        cached=2_000,
        output=100,
        seconds=3.0,
    ),
    # Nobody publishes a price for it.
    Line(
        project="data-platform",
        feature="other",
        provider="in-house",
        model="house-coder-70b",
        way="json",
        per_minute=0.5,
        input=800,
        output=200,
        seconds=2.0,
    ),
)

PRICES: dict[str, Price] = {
    "claude-sonnet-4-5": Price(input=3.0, cached=0.3, output=15.0),
    "claude-opus-4-5": Price(input=5.0, cached=0.5, output=25.0),
    "claude-haiku-4-5": Price(input=1.0, cached=0.1, output=5.0),
    "gpt-4o": Price(input=2.5, cached=1.25, output=10.0),
    "gpt-4o-mini": Price(input=0.15, cached=0.075, output=0.6),
    "gemini-2.5-flash": Price(input=0.3, cached=0.03, output=2.5),
    "whisper-1": Price(other=100.0),
    "tts-1": Price(other=15.0),
    "house-coder-70b": Price(),
}
