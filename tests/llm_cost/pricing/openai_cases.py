"""OpenAI: prices per million tokens from its pricing page, history from its announcements."""

from __future__ import annotations

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.usage import Units

from .case import SEARCH, C, Case, M, T, t

OPENAI = (
    Case("openai", "gpt-4", 30 * M * 1000 + 60 * M * 500, t(1000, 500)),
    Case("openai", "gpt-4-0613", 30 * M * 8000 + 60 * M * 10, t(8000, 10)),
    Case("openai", "gpt-4", 15 * M * 1000 + 30 * M * 500, t(1000, 500), batch=True),
    Case("OpenAI", "gpt-4-turbo", 10 * M * 700 + 30 * M * 300, t(700, 300)),
    Case("openai", "gpt-3.5-turbo", 50 * C * 1200 + 150 * C * 800, t(1200, 800)),
    Case("openai", "gpt-3.5-turbo-0125", 50 * C * 1 + 150 * C * 1, t(1, 1)),
    Case("openai", "gpt-4o", 250 * C * 1000 + 125 * C * 4000 + 10 * M * 250, t(1000, 250, cache_read=4000)),
    Case("openai", "gpt-4o-2024-05-13", 5 * M * 1000 + 15 * M * 100, t(1000, 100)),
    # The batch table halves input and output; a cached token costs what it costs.
    Case(
        "openai",
        "gpt-4o",
        125 * C * 1000 + 125 * C * 500 + 5 * M * 250,
        t(1000, 250, cache_read=500),
        at="2026-11-01T00:00",
        batch=True,
    ),
    # Batches were half the price long before the library's first dated entry.
    Case("openai", "gpt-4o-mini", 75 * T * 10_000 + 30 * C * 2000, t(10_000, 2000), at="2025-03-01T08:00", batch=True),
    Case(
        "openai",
        "gpt-4o",
        425 * C * 1000 + 2125 * T * 400 + 17 * M * 200,
        t(1000, 200, cache_read=400),
        tier="priority",
    ),
    Case("openai", "gpt-5", 125 * C * 1000 + 125 * T * 9000 + 10 * M * 700, t(1000, 700, cache_read=9000)),
    # Reasoning is output, once.
    Case("openai", "gpt-5", 125 * C * 1000 + 10 * M * 700, t(1000, 700, reasoning=640)),
    Case("openai", "gpt-5-mini", 25 * C * 4000 + 2 * M * 1000, t(4000, 1000), tier="default"),
    Case("openai", "gpt-5", 625 * T * 1000 + 5 * M * 700, t(1000, 700), tier="flex"),
    Case("openai", "gpt-5", 625 * T * 1000 + 5 * M * 700, t(1000, 700), tier="flex", at="2025-10-01T00:00"),
    Case(
        "openai", "gpt-5", 250 * C * 1000 + 25 * C * 100 + 20 * M * 700, t(1000, 700, cache_read=100), tier="priority"
    ),
    Case("openai", "gpt-5", "unknown_tier", t(1000, 700), tier="scale"),
    Case("openai", "gpt-5", "unknown_tier", t(1000, 700), tier="flex", batch=True),
    Case("openai", "gpt-4", "unknown_tier", t(1000, 700), tier="flex"),
    Case("openai", "gpt-5.1", 125 * C * 1000 + 10 * M * 100, t(1000, 100), tier="auto"),
    Case("openai", "gpt-5.2", 175 * C * 2000 + 14 * M * 100, t(2000, 100)),
    Case("openai", "gpt-4.1", 2 * M * 1000 + 50 * C * 1000 + 8 * M * 1000, t(1000, 1000, cache_read=1000)),
    Case("openai", "gpt-4.1-nano", 10 * C * 1000 + 40 * C * 1000, t(1000, 1000)),
    Case("openai", "o1", 15 * M * 100 + 60 * M * 5000, t(100, 5000, reasoning=4800)),
    Case("openai", "o3", 10 * M * 1000 + 40 * M * 1000, t(1000, 1000), at="2025-06-09T23:59"),
    Case("openai", "o3", 10 * M * 1000 + 250 * C * 600, t(1000, cache_read=600), at="2025-05-01T00:00"),
    Case(
        "openai", "o3", 2 * M * 1000 + 50 * C * 600 + 8 * M * 1000, t(1000, 1000, cache_read=600), at="2025-06-10T00:00"
    ),
    Case("openai", "o3", "unknown_tier", t(10, 10), at="2025-05-01T00:00", tier="flex"),
    Case("openai", "o4-mini", 110 * C * 1000 + 440 * C * 100, t(1000, 100)),
    # More than 272,000 tokens in: twice the price of input, one and a half times that of output, for all of them.
    Case("openai", "gpt-5.4", 250 * C * 272_000 + 15 * M * 1000, t(272_000, 1000)),
    Case("openai", "gpt-5.4", 5 * M * 272_001 + 2250 * C * 1000, t(272_001, 1000)),
    Case("openai", "gpt-5.4", 250 * C * 900_000 + 15 * M * 1000, t(900_000, 1000), aggregated=True),
    Case("openai", "gpt-5.6-luna", 1 * M * 1000 + 6 * M * 100, t(1000, 100), at="2026-07-29T23:59"),
    Case("openai", "gpt-5.6-luna", 20 * C * 1000 + 120 * C * 100, t(1000, 100), at="2026-07-30T00:00"),
    Case("openai", "text-embedding-3-small", 2 * C * 50_000, t(50_000), operation="embeddings"),
    Case("openai", "text-embedding-3-large", 13 * C * 777, t(777)),
    Case("openai", "text-embedding-ada-002", 10 * C * 10, t(10)),
    Case("openai", "text-embedding-3-small", "no_price", t(50_000, 1)),
    Case("openai", "gpt-5", 125 * C * 100 + 10 * M * 50 + 3 * SEARCH, t(100, 50), units=Units(tool_calls=3)),
    Case("openai", "gpt-99-turbo", "unknown_model", t(1, 1)),
    Case("openai", "gpt-99-turbo", 0),
    # $0.006 a minute; $15 per million characters.
    Case("openai", "whisper-1", 6 * PICO // 1000 * 5, units=Units(audio_seconds=300.0), operation="transcription"),
    Case("openai", "whisper-1", 6 * PICO // 60_000 * 125 // 10, units=Units(audio_seconds=12.5)),
    Case("openai", "whisper-1", "no_price", t(100, 20)),
    Case("openai", "tts-1", 15 * M * 4096, units=Units(characters=4096), operation="speech"),
    Case("openai", "tts-1-hd", 30 * M * 1000, t(250), units=Units(characters=1000), operation="speech"),
    Case(
        "openai", "gpt-4o-mini-tts", 60 * C * 200 + 12 * M * 900, t(200, audio_output=900), units=Units(characters=800)
    ),
    Case("openai", "gpt-4o-mini-tts", "no_price", units=Units(characters=800)),
    Case(
        "openai",
        "gpt-4o-transcribe",
        6 * M * 1500 + 10 * M * 120,
        t(0, 120, audio_input=1500),
        units=Units(audio_seconds=60.0),
    ),
    Case(
        "openai",
        "gpt-realtime",
        4 * M * 100 + 16 * M * 50 + 32 * M * 600 + 64 * M * 800,
        t(100, 50, audio_input=600, audio_output=800),
    ),
    Case("openai", "gpt-4o-audio-preview", 250 * C * 10 + 40 * M * 900 + 10 * M * 20, t(10, 20, audio_input=900)),
    # $5 text in, $40 per million tokens of images out; the number of images adds nothing to it.
    Case("openai", "gpt-image-1", 5 * M * 60 + 40 * M * 1056, t(60, 1056), units=Units(images=1), operation="image"),
    Case("openai", "gpt-image-1.5", 5 * M * 60 + 32 * M * 1056, t(60, 1056), units=Units(images=1), operation="image"),
    Case("openai", "gpt-image-1", "no_price", t(60), units=Units(images=1), operation="image"),
    Case("openai", "dall-e-3", "unknown_model", units=Units(images=1), operation="image"),
)
