"""One name per provider, the one genai-prices has for it, whatever telemetry calls it."""

from __future__ import annotations

import functools
import re

__all__ = ["UNKNOWN", "canonical"]

UNKNOWN = "unknown"
_LONGEST = 100
_CACHED = 4096

_NAMES = {
    "anthropic": "anthropic claude claude-code anthropic-claude",
    "aws": "aws bedrock amazon amazon-bedrock aws-bedrock bedrock-converse bedrock-runtime aws-sagemaker-bedrock",
    "azure": "azure azure-openai azure-ai az-ai-openai az-ai-inference azure-ai-openai azure-ai-inference azureopenai "
    "azure-openai-service azure-ai-foundry azure-foundry microsoft-foundry",
    "cerebras": "cerebras cerebras-ai",
    "cloudflare": "cloudflare cloudflare-workers-ai workers-ai",
    "cohere": "cohere cohere-ai",
    "databricks": "databricks",
    "deepseek": "deepseek deepseek-ai",
    "elevenlabs": "elevenlabs eleven-labs",
    "fireworks": "fireworks fireworks-ai",
    "github-copilot": "github-copilot copilot",
    "google": "google gemini google-ai google-ai-studio google-genai google-gla google-vertex google-vertexai "
    "google-generative-ai google-generativeai gcp gcp-gemini gcp-gen-ai gcp-genai gcp-vertex-ai vertex vertex-ai "
    "vertexai google-vertex-ai google-cloud google-anthropic-vertex vertex-ai-beta "
    "gcp-vertex-agent vertex-anthropic anthropic-vertex google-vertex-anthropic",
    "groq": "groq groq-ai groqcloud",
    "mistral": "mistral mistral-ai mistralai",
    "moonshotai": "moonshotai moonshot moonshot-ai",
    "openai": "openai open-ai openai-chat openai-responses text-completion-openai",
    "openrouter": "openrouter open-router openrouter-ai",
    "perplexity": "perplexity perplexity-ai pplx",
    "together": "together together-ai togetherai",
    "voyageai": "voyageai voyage voyage-ai",
    "watsonx": "watsonx ibm ibm-watsonx ibm-watsonx-ai watsonx-ai",
    "x-ai": "x-ai xai grok",
    "zai": "zai z-ai",
    "zhipuai": "zhipuai zhipu zhipu-ai",
}
_ALIASES = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split()}

# Names that only one maker's own API serves. Open models, which many serve, are nobody's.
_MODELS = (
    (re.compile(r"(?:[a-z]{2,6}(?:-gov)?\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral)\.[\w-]+"), "aws"),
    (re.compile(r"arn:aws[\w-]*:bedrock:"), "aws"),
    (re.compile(r"claude-"), "anthropic"),
    (
        re.compile(r"(?:ft:)?gpt-(?!oss|j-|neo)|chatgpt-|o[134](?:-|$)|text-embedding-(?:3|ada)|whisper-1$|tts-1"),
        "openai",
    ),
    (re.compile(r"dall-e-|text-davinci-|omni-moderation|codex-mini|computer-use-preview"), "openai"),
    (re.compile(r"(?:models/)?gemini-|publishers/google/"), "google"),
    (re.compile(r"grok-"), "x-ai"),
    (re.compile(r"deepseek-(?:chat|reasoner|flash)$"), "deepseek"),
    (
        re.compile(r"(?:mistral-(?:large|medium|small|embed|tiny|ocr)|codestral|magistral-medium|pixtral-large)"),
        "mistral",
    ),
    (re.compile(r"command-(?:r|a|light|nightly)|embed-(?:v4|english|multilingual)"), "cohere"),
    (re.compile(r"sonar(?:-|$)"), "perplexity"),
    (re.compile(r"voyage-\d"), "voyageai"),
)
# What some SDKs append: the kind of call, as in `openai.chat`.
_SUFFIX = re.compile(r"-(?:chat|responses|messages|completions?|embeddings?|image|speech|transcription|generative-ai)$")
# Gateways that speak to many: the model's prefix says to whom.
_GATEWAYS = frozenset({"litellm", "litellm-proxy", "langchain", "llm-gateway", "gateway"})


def canonical(provider: str, model: str = "") -> str:
    """The library's name of a provider; unknown names cleaned: lower case, printable, at most 100 characters.

    Without a provider (or with a gateway's name) the model tells where it is unambiguous, else it is "unknown".
    """
    name = _canonical(provider[: 4 * _LONGEST])
    if name and name not in _GATEWAYS:
        return name
    return _inferred(model[: 4 * _LONGEST]) or name or UNKNOWN


@functools.lru_cache(_CACHED)
def _canonical(provider: str) -> str:
    shown = "".join(char for char in provider.lower() if char.isprintable() or char.isspace())
    cleaned = " ".join(shown.split())[:_LONGEST].strip()
    key = _key(cleaned)
    known = _ALIASES.get(key)
    while known is None and (shorter := _SUFFIX.sub("", key)) != key:
        key = shorter
        known = _ALIASES.get(key)
    return known or cleaned


@functools.lru_cache(_CACHED)
def _inferred(model: str) -> str:
    name = model.strip().lower()
    for pattern, provider in _MODELS:
        if pattern.match(name):
            return provider
    prefix, slash, _ = name.partition("/")
    return _ALIASES.get(_key(prefix), "") if slash else ""


def _key(name: str) -> str:
    return re.sub(r"[\s._/-]+", "-", name).strip("-")
