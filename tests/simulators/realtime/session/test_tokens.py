"""What a response was given: by modality, cached tokens as the part of it that they are."""

from __future__ import annotations

from typing import Any

from openai.types.realtime import RealtimeResponseUsage

from simulators.realtime.session.conversation import Item
from simulators.realtime.session.tokens import INSTRUCTIONS_TOKENS, Given, Prompts
from tests.simulators.realtime.core_client import CoreClient

SECOND = 8_000


def spoken(role: str, seconds: int) -> Item:
    audio = b"\xff" * SECOND * seconds
    return Item(item_id=role, type="message", role=role, audio=audio, generated_bytes=len(audio))


def test_sound_is_counted_by_its_length_and_all_else_by_its_letters() -> None:
    """The caller's at half of the model's own; what was cut off is not put in again."""
    typed = Item(item_id="t", type="message", role="user", content=[{"type": "input_text", "text": "x" * 40}])
    output = Item(item_id="o", type="function_call_output", extra={"call_id": "c", "output": "y" * 20})
    answer = spoken("assistant", 3)
    answer.truncated_ms = 2_000
    found = Prompts().next([spoken("user", 1), typed, output, answer])
    assert found == Given(text=INSTRUCTIONS_TOKENS + 10 + 5, audio=10 + 40)


def test_what_was_put_in_before_is_cached() -> None:
    """Of the first nothing; what is not there any more is not."""
    prompts = Prompts()
    one, other = spoken("user", 1), spoken("assistant", 1)
    assert prompts.next([one]) == Given(text=120, audio=10)
    assert prompts.next([one, other]) == Given(text=120, audio=30, cached_text=120, cached_audio=10)
    assert prompts.next([other]) == Given(text=120, audio=20, cached_text=120, cached_audio=20)


def test_done_says_so_as_the_api_does() -> None:
    """Cached tokens are a subset of the input, in all and by modality; so is a response's total."""
    client = CoreClient.ready()
    client.say()
    first = usage_of(client.until("response.done"))
    client.say("en_caller_goodbye")
    second = usage_of(client.until("response.done"))

    assert first.input_token_details is not None
    assert first.input_token_details.cached_tokens == 0
    put_in = second.input_token_details
    assert put_in is not None
    cached = put_in.cached_tokens_details
    assert cached is not None
    assert (cached.text_tokens, cached.audio_tokens) == (120, first.input_token_details.audio_tokens)
    assert put_in.cached_tokens == 120 + (first.input_token_details.audio_tokens or 0)
    assert 0 < (cached.audio_tokens or 0) < (put_in.audio_tokens or 0)
    assert second.input_tokens == (put_in.text_tokens or 0) + (put_in.audio_tokens or 0)
    assert second.total_tokens == (second.input_tokens or 0) + (second.output_tokens or 0)


def usage_of(done: dict[str, Any]) -> RealtimeResponseUsage:
    return RealtimeResponseUsage.model_validate(done["response"]["usage"])
