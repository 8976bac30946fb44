"""What a response is given, in tokens: by modality, with what was cached as the part of it that it is.

Why it exists: most of what a call costs is its conversation, put in again for each response, and what is
cached of it costs a small part of the rest: a client that counts it beside the input, or not at all, is off
by a multiple. Owns: the counting, its form on the wire. Pure. Must not know: prices, when a response is made.

The counts are made up, as a tokenizer is nobody's business here; how they hang together is not. The API
caches the beginning of a prompt from some length on, ours at once, so that a short call shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from simulators.realtime.session.conversation import Item, Json
from simulators.realtime.session.plan import OUTPUT_TOKEN_MS

INSTRUCTIONS_TOKENS: Final = 120
"""Instructions and tools, which stand before all items."""
CHARS_A_TOKEN: Final = 4
HEARD_TOKEN_MS: Final = 100.0
"""The caller's audio: ten tokens a second, half of the model's own."""


@dataclass(frozen=True, slots=True)
class Given:
    """Tokens that were put in; `cached_…` are among them."""

    text: int
    audio: int = 0
    cached_text: int = 0
    cached_audio: int = 0

    @property
    def total(self) -> int:
        """Of all modalities, cached ones once."""
        return self.text + self.audio

    def as_json(self) -> Json:
        """`input_token_details`."""
        cached = {"text_tokens": self.cached_text, "audio_tokens": self.cached_audio, "image_tokens": 0}
        return {
            "text_tokens": self.text,
            "audio_tokens": self.audio,
            "image_tokens": 0,
            "cached_tokens": self.cached_text + self.cached_audio,
            "cached_tokens_details": cached,
        }


class Prompts:
    """Of one session: each response finds cached what the one before it has put there."""

    def __init__(self) -> None:
        self._last = Given(0)

    def next(self, items: Iterable[Item]) -> Given:
        """Of the next response, be it beside the conversation: the instructions, and these items: sound by
        its length, all else by its letters."""
        text, audio = INSTRUCTIONS_TOKENS, 0
        for item in items:
            if item.audio:
                token_ms = OUTPUT_TOKEN_MS if item.role == "assistant" else HEARD_TOKEN_MS
                audio += int(item.audio_ms / token_ms)
            else:
                text += _chars(item) // CHARS_A_TOKEN
        last = self._last
        self._last = Given(text, audio, min(text, last.text), min(audio, last.audio))
        return self._last


# Private.


def _chars(item: Item) -> int:
    said = sum(len(str(part.get("text") or part.get("transcript") or "")) for part in item.content or ())
    return said + sum(len(str(item.extra.get(name, ""))) for name in ("name", "arguments", "output"))
