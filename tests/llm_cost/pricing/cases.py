"""Uses of models and what they cost, worked out by hand from the prices that the providers have published."""

from __future__ import annotations

from agent_observability.llm_cost.metrics import PICO
from agent_observability.llm_cost.usage import Units

from .case import SEARCH, C, Case, M, T, t
from .openai_cases import OPENAI

__all__ = ["CASES", "Case"]

CLAUDE = (
    Case("anthropic", "claude-3-haiku-20240307", 25 * C * 1000 + 125 * C * 500, t(1000, 500)),
    Case("anthropic", "claude-3-haiku-20240307", 30 * C * 1000 + 3 * C * 1000, t(cache_write=1000, cache_read=1000)),
    Case("anthropic", "claude-3-sonnet-20240229", 3 * M * 1000 + 15 * M * 500, t(1000, 500)),
    Case("anthropic", "claude-3-opus-20240229", 15 * M * 1000 + 75 * M * 500, t(1000, 500)),
    Case("anthropic", "claude-3-5-haiku-20241022", 80 * C * 1000 + 4 * M * 500, t(1000, 500)),
    Case(
        "anthropic",
        "claude-3-5-sonnet-20241022",
        3 * M * 100 + 30 * C * 9000 + 375 * C * 2000 + 6 * M * 500 + 15 * M * 50,
        t(100, 50, cache_read=9000, cache_write=2000, cache_write_1h=500),
    ),
    # No batch price of a retired model is in the library; half was published for all.
    Case(
        "anthropic",
        "claude-3-5-sonnet-20240620",
        150 * C * 1000 + 15 * C * 1000 + 1875 * T * 1000 + 3 * M * 1000 + 750 * C * 1000,
        t(1000, 1000, cache_read=1000, cache_write=1000, cache_write_1h=1000),
        at="2025-01-15T00:00",
        batch=True,
    ),
    Case("anthropic", "claude-3-7-sonnet-20250219", 3 * M * 10 + 15 * M * 4000, t(10, 4000, reasoning=3500)),
    Case("anthropic", "claude-sonnet-4-20250514", 3 * M * 1000 + 15 * M * 200, t(1000, 200)),
    Case("anthropic", "claude-opus-4-20250514", 15 * M * 1000 + 75 * M * 200, t(1000, 200)),
    Case("anthropic", "claude-opus-4-1-20250805", 30 * M * 1000 + 75 * M, t(0, 1, cache_write_1h=1000)),
    Case("anthropic", "claude-haiku-4-5-20251001", 1 * M * 1000 + 5 * M * 200, t(1000, 200)),
    Case("anthropic", "claude-haiku-4-5", 50 * C * 1000 + 250 * C * 200, t(1000, 200), batch=True),
    Case("anthropic", "claude-haiku-4-5", 50 * C * 1000 + 250 * C * 200, t(1000, 200), tier="batch"),
    Case("anthropic", "claude-opus-4-5-20251101", 5 * M * 1000 + 25 * M * 200, t(1000, 200), tier="standard"),
    Case("anthropic", "claude-opus-4-5", "unknown_tier", t(1000, 200), tier="priority"),
    Case("anthropic", "claude-sonnet-4-5-20250929", 3 * M * 200_000 + 15 * M * 100, t(200_000, 100)),
    # 150,000 new and 60,000 cached tokens are a request of more than 200,000.
    Case(
        "anthropic",
        "claude-sonnet-4-5-20250929",
        6 * M * 150_000 + 60 * C * 60_000 + 2250 * C * 100,
        t(150_000, 100, cache_read=60_000),
    ),
    Case(
        "anthropic",
        "claude-sonnet-4-5",
        3 * M * 150_000 + 30 * C * 60_000 + 15 * M * 100,
        t(150_000, 100, cache_read=60_000),
        aggregated=True,
    ),
    Case("anthropic", "claude-opus-4-6", 10 * M * 300_000 + 3750 * C * 100, t(300_000, 100), at="2026-03-12T23:59"),
    Case("anthropic", "claude-opus-4-6", 5 * M * 300_000 + 25 * M * 100, t(300_000, 100), at="2026-03-13T00:00"),
    Case("anthropic", "claude-sonnet-4-6", 6 * M * 300_000 + 2250 * C * 100, t(300_000, 100), at="2026-03-01T00:00"),
    Case("anthropic", "claude-sonnet-4-6[1m]", 3 * M * 300_000 + 15 * M * 100, t(300_000, 100)),
    Case("anthropic", "claude-sonnet-4-5", 3 * M * 10 + 15 * M * 10 + 2 * SEARCH, t(10, 10), units=Units(tool_calls=2)),
    Case("", "claude-3-5-haiku-20241022", 80 * C * 10, t(10)),
    Case("anthropic", "claude-instant-9", "unknown_model", t(10)),
)

CLOUDS = (
    Case("aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", 3 * M * 1000 + 15 * M * 100, t(1000, 100)),
    Case("bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", 3 * M * 1000 + 15 * M * 100, t(1000, 100)),
    Case("", "us.anthropic.claude-3-5-haiku-20241022-v1:0", 80 * C * 1000 + 4 * M * 100, t(1000, 100)),
    Case("bedrock", "anthropic.claude-3-haiku-20240307-v1:0", 25 * C * 1000 + 125 * C * 100, t(1000, 100)),
    # From Claude 4.5 on, regional endpoints cost a tenth more than the global one.
    Case("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 330 * C * 1000 + 1650 * C * 100, t(1000, 100)),
    Case("bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", 3 * M * 1000 + 15 * M * 100, t(1000, 100)),
    Case("amazon_bedrock", "amazon.nova-pro-v1:0", 80 * C * 1000 + 320 * C * 100, t(1000, 100)),
    Case("bedrock", "meta.llama3-1-70b-instruct-v1:0", 72 * C * 1000 + 72 * C * 100, t(1000, 100)),
    Case("vertex_ai", "claude-3-5-sonnet-v2@20241022", 3 * M * 1000 + 15 * M * 100, t(1000, 100)),
    Case("gcp.vertex_ai", "claude-opus-4@20250514", 15 * M * 1000 + 75 * M * 100, t(1000, 100)),
    Case("azure.ai.openai", "gpt-4o", 250 * C * 1000 + 10 * M * 100, t(1000, 100)),
    Case("azure", "gpt-35-turbo", 50 * C * 1000 + 150 * C * 100, t(1000, 100)),
    Case("az.ai.openai", "gpt-4o-mini", 75 * T * 1000 + 30 * C * 100, t(1000, 100), batch=True),
    Case("azure", "gpt-4o", "unknown_tier", t(1000, 100), tier="priority"),
    Case("azure", "our-chat-deployment", "unknown_model", t(1000, 100)),
    Case("ibm.watsonx.ai", "granite-3-8b", "unknown_provider", t(1000, 100)),
    Case("", "our-own-model", "unknown_provider", t(1000, 100)),
    Case("litellm", "openai/gpt-4.1-mini", 40 * C * 1000 + 160 * C * 100, t(1000, 100)),
)

GOOGLE_XAI_AND_OTHERS = (
    Case("gcp.gemini", "gemini-2.5-pro", 125 * C * 200_000 + 10 * M * 1000, t(200_000, 1000)),
    Case("gcp.gen_ai", "models/gemini-2.5-pro", 250 * C * 200_001 + 15 * M * 1000, t(200_001, 1000, reasoning=900)),
    Case("google", "gemini-2.5-pro", 625 * T * 1000 + 5 * M * 100, t(1000, 100), at="2026-11-01T00:00", batch=True),
    Case("gemini", "gemini-2.5-flash", 30 * C * 1000 + 3 * C * 500 + 250 * C * 100, t(1000, 100, cache_read=500)),
    Case("gemini", "gemini-2.5-flash", 30 * C * 10 + 1 * M * 3200 + 250 * C * 40, t(10, 40, audio_input=3200)),
    Case("vertex_ai", "gemini-2.0-flash", 10 * C * 1000 + 70 * C * 320 + 40 * C * 100, t(1000, 100, audio_input=320)),
    Case("gemini", "gemini-1.5-flash", 75 * T * 128_000 + 30 * C * 10, t(128_000, 10)),
    Case("gemini", "gemini-1.5-flash", 15 * C * 128_001 + 60 * C * 10, t(128_001, 10)),
    Case("gemini", "gemini-1.5-pro-002", 125 * C * 1000 + 5 * M * 10, t(1000, 10)),
    Case("gemini", "gemini-3-pro-preview", 2 * M * 1000 + 12 * M * 10, t(1000, 10)),
    Case("gemini", "gemini-3-pro-preview", 4 * M * 250_000 + 18 * M * 10, t(250_000, 10)),
    Case("gemini", "gemini-2.5-flash", "unknown_tier", t(10, 10), tier="turbo"),
    Case("gemini", "gemma-3-27b-it", 0, t(1000, 10)),
    Case("x_ai", "grok-3", 3 * M * 1000 + 75 * C * 10 + 15 * M * 100, t(1000, 100, cache_read=10)),
    Case("xai", "grok-4", 3 * M * 1000 + 15 * M * 100, t(1000, 100)),
    Case("x_ai", "grok-4-1-fast-reasoning", 20 * C * 1000 + 5 * C * 10 + 50 * C * 100, t(1000, 100, cache_read=10)),
    Case("x_ai", "grok-3-mini", 30 * C * 1000 + 50 * C * 100, t(1000, 100)),
    Case("x_ai", "grok-4.20-0309-reasoning", 2 * M * 1000 + 6 * M * 100, t(1000, 100), at="2026-04-15T00:00"),
    Case("x_ai", "grok-4.20-0309-reasoning", 125 * C * 1000 + 250 * C * 100, t(1000, 100), at="2026-05-20T00:00"),
    Case("x_ai", "grok-2-latest", 2 * M * 1000 + 10 * M * 100, t(1000, 100)),
    Case("groq", "llama-3.3-70b-versatile", 59 * C * 1000 + 79 * C * 100, t(1000, 100)),
    Case("groq", "llama-3.3-70b-versatile", 59 * C * 1000 + 79 * C * 100, t(1000, 100), tier="flex"),
    # $0.111 an hour, ten seconds at least.
    Case("groq", "whisper-large-v3", 111 * PICO // 1000 // 2, units=Units(audio_seconds=1800.0)),
    Case("groq", "whisper-large-v3", 308_333_333, units=Units(audio_seconds=2.5)),
    Case("deepseek", "deepseek-flash", 30 * C * 1000 + 120 * C * 100, t(1000, 100), at="2026-11-18T02:00"),
    Case("deepseek", "deepseek-flash", 15 * C * 1000 + 60 * C * 100, t(1000, 100), at="2026-11-18T04:00"),
    # Weekends are off-peak all day.
    Case("deepseek", "deepseek-flash", 15 * C * 1000 + 60 * C * 100, t(1000, 100), at="2026-11-21T02:00"),
    # The same name at four prices: V3.1, V3.2, V4 Flash, and V4 Flash with cheaper cached input.
    Case("deepseek", "deepseek-chat", 56 * C * 1000 + 168 * C * 100, t(1000, 100), at="2025-09-28T12:00"),
    Case("deepseek", "deepseek-chat", 28 * C * 1000 + 42 * C * 100, t(1000, 100), at="2025-09-29T12:00"),
    Case("deepseek", "deepseek-reasoner", 28 * C * 10 + 28 * T * 9, t(10, cache_read=9), at="2026-04-23T20:00"),
    Case("deepseek", "deepseek-chat", 14 * C * 1000 + 28 * C * 100, t(1000, 100), at="2026-04-25T02:00"),
    Case("deepseek", "deepseek-chat", 14 * C * 10 + 28 * T // 10 * 9, t(10, cache_read=9), at="2026-05-01T02:00"),
    Case("deepseek", "deepseek-v4-pro", 435 * T * 1000 + 87 * C * 100, t(1000, 100), at="2026-07-01T02:00"),
    Case("mistral_ai", "mistral-large-2411", 2 * M * 1000 + 6 * M * 100, t(1000, 100)),
    Case("cohere", "command-r-plus-08-2024", 250 * C * 1000 + 10 * M * 100, t(1000, 100)),
)

CASES = (*OPENAI, *CLAUDE, *CLOUDS, *GOOGLE_XAI_AND_OTHERS)
