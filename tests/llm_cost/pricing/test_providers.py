"""Names of providers, as telemetry has them."""

from __future__ import annotations

import time

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import example, given
from hypothesis import strategies as st

from agent_observability.llm_cost.pricing.providers import canonical


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "openai"),
        (" Open AI ", "openai"),
        ("openai.chat", "openai"),
        ("OPENAI.RESPONSES", "openai"),
        ("x_ai", "x-ai"),
        ("xai", "x-ai"),
        ("xai.chat", "x-ai"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("az.ai.openai", "azure"),
        ("Azure OpenAI", "azure"),
        ("azure-openai.chat", "azure"),
        ("gcp.gen_ai", "google"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("vertex_ai", "google"),
        ("google.generative-ai", "google"),
        ("google.vertex.chat", "google"),
        ("gcp.vertex.agent", "google"),
        ("vertex.anthropic.messages", "google"),
        ("anthropic_vertex", "google"),
        ("gemini", "google"),
        ("aws.bedrock", "aws"),
        ("amazon-bedrock", "aws"),
        ("bedrock_converse", "aws"),
        ("anthropic.messages", "anthropic"),
        ("claude_code", "anthropic"),
        ("mistral_ai", "mistral"),
        ("MistralAI", "mistral"),
        ("groq", "groq"),
        ("deepseek", "deepseek"),
        ("cohere", "cohere"),
        ("perplexity", "perplexity"),
        ("together_ai", "together"),
        ("fireworks-ai", "fireworks"),
        ("ibm.watsonx.ai", "watsonx"),
        ("My  Own\tGateway", "my own gateway"),
        ("vllm", "vllm"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("x" * 500, "x" * 100),
    ],
)
def test_canonical(provider: str, name: str) -> None:
    assert canonical(provider, "gpt-4") == name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4", "openai"),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "openai"),
        ("o3-mini", "openai"),
        ("whisper-1", "openai"),
        ("tts-1-hd", "openai"),
        ("Claude-3-Opus-20240229", "anthropic"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "aws"),
        ("eu.anthropic.claude-sonnet-4-20250514-v1:0", "aws"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "aws"),
        ("gemini-2.5-pro", "google"),
        ("models/gemini-2.0-flash", "google"),
        ("grok-4-1-fast-reasoning", "x-ai"),
        ("mistral-large-latest", "mistral"),
        ("deepseek-chat", "deepseek"),
        ("command-r-plus", "cohere"),
        ("groq/llama-3.3-70b-versatile", "groq"),
        # Served by many: nobody's.
        ("llama-3.3-70b", "unknown"),
        ("gpt-oss-120b", "unknown"),
        ("gpt-j-6b", "unknown"),
        ("deepseek-r1-distill-llama-70b", "unknown"),
        ("", "unknown"),
    ],
)
def test_inferred_from_model(model: str, name: str) -> None:
    assert canonical("", model) == name
    assert canonical(" \t", model) == name


def test_a_gateway_is_not_who_charges() -> None:
    assert canonical("litellm", "anthropic/claude-3-opus-20240229") == "anthropic"
    assert canonical("LiteLLM", "something/new") == "litellm"


def test_names_are_the_librarys() -> None:
    known = {provider.id for provider in get_snapshot().providers}
    ours = {canonical(name) for name in ("x_ai", "vertex_ai", "bedrock", "azure", "mistral_ai", "together_ai", "z.ai")}
    assert ours <= known
    for provider in known:
        assert canonical(provider) == provider


@given(st.text(max_size=300), st.text(max_size=300))
@example("0\r\x1b\x850", "")
def test_any_text_becomes_a_short_printable_name(provider: str, model: str) -> None:
    name = canonical(provider, model)
    assert 0 < len(name) <= 100
    assert name.isprintable()
    assert name == name.strip()
    assert canonical(name, model) == name or name == "unknown"


def test_hostile_names_take_no_time() -> None:
    started = time.process_time()
    for repeated in ("-chat", "a-", "us.", "/", "gpt-"):
        canonical(repeated * 100_000, repeated * 100_000)
    assert time.process_time() - started < 5
