"""Tokens out of GenAI attributes.

Input tokens include those read from and written to a cache and those of audio; output tokens include reasoning and
audio.
"""

from __future__ import annotations

from agent_observability.intake.otlp.model import Attributes
from agent_observability.llm_cost.attributes import tokens
from agent_observability.llm_cost.usage import Tokens

__all__ = ["INPUT", "OUTPUT", "tokens_of"]

# What the conventions call it now, then what they did, then what libraries made of it.
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens")
_CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens",
)
_CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.details.cache_write_tokens",
)
_CACHE_WRITE_1H = ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",)
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
)
_AUDIO_INPUT = ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.details.input_audio_tokens")
_AUDIO_OUTPUT = ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.details.output_audio_tokens")
_AUDIO_CACHED = ("gen_ai.usage.audio.cache_read.input_tokens",)


def tokens_of(attributes: Attributes) -> Tokens:
    """Disjoint ones out of those that include each other; a part that is larger than the whole leaves nothing of it.

    Where more is cached than was put in, the library told apart what it should have included: the input is all plain.
    """
    read = tokens(attributes, _CACHE_READ) or 0
    write = tokens(attributes, _CACHE_WRITE) or 0
    hour = tokens(attributes, _CACHE_WRITE_1H) or 0
    audio = tokens(attributes, _AUDIO_INPUT) or 0
    cached_audio = min(tokens(attributes, _AUDIO_CACHED) or 0, audio, read)
    spoken = tokens(attributes, _AUDIO_OUTPUT) or 0
    every = tokens(attributes, OUTPUT) or 0
    output = max(0, every - spoken)
    write = max(write, hour)
    put_in = tokens(attributes, INPUT) or 0
    cached = read + write if read + write <= put_in else 0
    return Tokens(
        input=max(0, put_in - cached - (audio - cached_audio)),
        cache_read=read,
        cache_write=write - hour,
        cache_write_1h=hour,
        output=output,
        reasoning=min(tokens(attributes, _REASONING) or 0, output),
        audio_input=audio - cached_audio,
        audio_output=spoken,
    )
