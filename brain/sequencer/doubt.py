"""Whether the caller means to interrupt: what is known of it so far, and what their words say.

Why it exists: a cough, a door and "mm-hm" begin like a word. Until they are told apart playback stands still,
and this is what is kept meanwhile. Owns: the record of one such question, and which words answer it. Must not
know: when playback stops and goes on (confirm), how a voice is found, the words of any one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_CHARS = 200
"""Of an utterance so much is kept: what is longer is no backchannel."""

Phrases = frozenset[tuple[str, ...]]
"""Backchannels, each as its words."""

_WORD = re.compile(r"[^\W_]+")
_DRAWN_OUT = re.compile(r"(.)\1+")


@dataclass(slots=True)
class VoiceInDoubt:
    """Playback stands still: the caller's voice is heard, and nobody knows yet whether they mean it."""

    cut: int
    """In which it began: a higher one answers it."""
    since_ms: float
    deadline_ms: float
    voices: dict[str, str] = field(default_factory=dict)
    """Items of the caller that are not known to be nothing, each with its words so far."""
    stopped_at_ms: float = 0.0
    """When the last of these voices fell silent."""
    committed: list[str] = field(default_factory=list)
    """Those of them that stand in the conversation: they are answered if the caller means it."""


def phrases(texts: Iterable[str]) -> Phrases:
    """Backchannels as they are compared: case, hyphens and how long a sound is drawn out do not count."""
    return frozenset(found for text in texts if (found := _words(text)))


def is_speech(text: str, backchannels: Phrases, *, whole: bool) -> bool:
    """Whether there is a word in it that is no backchannel. Of a text that still grows (not `whole`) the last
    word does not count, since it may be half of another, nor do words that a backchannel begins with."""
    words = _words(text)
    if not whole and text[-1:].isalnum():
        words = words[:-1]
    while words:
        length = max((len(each) for each in backchannels if words[: len(each)] == each), default=0)
        if not length:
            return whole or not any(each[: len(words)] == words for each in backchannels)
        words = words[length:]
    return False


# Private.


def _words(text: str) -> tuple[str, ...]:
    return tuple(_DRAWN_OUT.sub(r"\1", word) for word in _WORD.findall(text.casefold()))
