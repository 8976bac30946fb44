"""When each piece of a reply is generated.

Why it exists: audio comes in bursts, far ahead of its playing: first audio 300–400 ms after
`response.created`, half a second of audio at once, then about five times real time, in deltas of 250–275 ms
that never fall on a 20 ms frame; the transcript runs ahead of the audio. Owns: that profile, as recorded
sessions show it. Must not know: events, sessions, clocks: a reply in, timed steps out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from random import Random
from typing import Final

from simulators import clips
from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.protocol.formats import FORMATS
from simulators.realtime.script import Call, Output, Reply, Say, Write

BURST_MS: Final = 500.0
"""Audio that is ready at the first delta, beyond the steady rate."""
TRANSCRIPT_LEAD: Final = 0.7
"""A word leaves when this share of the audio before it has left."""
CALL_PIECE_CHARS: Final = 8
CALL_PIECE_MS: Final = 15.0
TEXT_PIECE_MS: Final = 20.0
OUTPUT_TOKEN_MS: Final = 50.0
"""Audio of one output token: about 20 tokens a second."""
INAUDIBLE: Final = bytes([0xFE, 0xFE, 0x7E, 0x7E])
"""µ-law of the softest tone there is: ±8 of 32,768, which is -72 dBFS."""
DELTA_VARIANTS: Final = 8
"""Ways to split a clip into deltas; few, so that their base64 text is shared by all sessions."""


Speak = Callable[[int, str], bytes]
"""Output index and clip → its µ-law audio."""


class Verb(Enum):
    """What a step does to its output."""

    OPEN = "open"
    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    TEXT = "text"
    ARGUMENTS = "arguments"
    UNKNOWN = "unknown"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """One event to come. `at_ms` counts from `response.created`; `index` is the output index; `data` is
    base64 audio, text or a piece of arguments; `size_bytes` is that of the audio."""

    at_ms: float
    verb: Verb
    index: int
    data: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A reply in time. After the last step the response ends with `status` and `reason`."""

    steps: tuple[Step, ...]
    status: str = "completed"
    reason: str | None = None


def make(
    reply: Reply,
    format_name: str,
    max_output_tokens: int | None,
    knobs: ResponseKnobs,
    rng: Random,
    speak: Speak | None = None,
) -> Plan:
    """The plan of a reply spoken in one of the `formats`. `speak`: what an output sounds like, by its index
    and clip; None: as the clip does."""
    at_ms = rng.uniform(300, 400) if knobs.first_audio_ms is None else knobs.first_audio_ms
    steps: list[Step] = []
    for index, output in enumerate(reply):
        pieces = _pieces(output, index, at_ms, format_name, knobs, rng, speak)
        steps += pieces
        # The next item begins before this one's `.done` events.
        at_ms = pieces[-2].at_ms + 4.0
    if knobs.unknown_events and steps:
        steps.append(Step(steps[0].at_ms + 30.0, Verb.UNKNOWN, 0))
    steps.sort(key=lambda step: step.at_ms)  # stable: equal times keep their order
    return _ended_early(_stalled(steps, knobs), format_name, max_output_tokens, knobs)


def _pieces(
    output: Output,
    index: int,
    at_ms: float,
    format_name: str,
    knobs: ResponseKnobs,
    rng: Random,
    speak: Speak | None,
) -> list[Step]:
    """All steps of one output, the last two being its last piece and its close."""
    opened = Step(max(0.0, at_ms - 40.0) if index == 0 else at_ms, Verb.OPEN, index)
    if isinstance(output, Say):
        pieces = _spoken(output, index, at_ms, format_name, knobs, rng, speak)
    elif isinstance(output, Call):
        pieces = [
            Step(at_ms + number * CALL_PIECE_MS, Verb.ARGUMENTS, index, piece)
            for number, piece in enumerate(_text_pieces(output.arguments, CALL_PIECE_CHARS))
        ]
    else:
        pieces = [
            Step(at_ms + number * TEXT_PIECE_MS, Verb.TEXT, index, word)
            for number, word in enumerate(words(output.text))
        ]
    return [opened, *pieces, Step(pieces[-1].at_ms + 10.0, Verb.CLOSE, index)]


def _spoken(
    output: Say,
    index: int,
    at_ms: float,
    format_name: str,
    knobs: ResponseKnobs,
    rng: Random,
    speak: Speak | None,
) -> list[Step]:
    bytes_per_ms = FORMATS[format_name].bytes_per_ms
    variant = rng.randrange(DELTA_VARIANTS)
    if speak is None or knobs.silent_audio:
        deltas = audio_deltas(output.clip, format_name, variant, silent=knobs.silent_audio)
    else:
        deltas = _split(speak(index, output.clip), format_name, Random(f"{output.clip}/{variant}"))
    total_ms = sum(size for _, size in deltas) / bytes_per_ms

    def when_ms(audio_before_ms: float) -> float:
        return at_ms + max(0.0, audio_before_ms - BURST_MS) / knobs.speed_factor

    pieces: list[Step] = []
    said = words(output.text)
    for number, word in enumerate(said):
        before_ms = total_ms * TRANSCRIPT_LEAD * number / len(said)
        pieces.append(Step(when_ms(before_ms), Verb.TRANSCRIPT, index, word))
    before_bytes = 0
    for encoded, size in deltas:
        due_at_ms = when_ms(before_bytes / bytes_per_ms)
        pieces.append(Step(due_at_ms, Verb.AUDIO, index, encoded, size))
        before_bytes += size
    pieces.sort(key=lambda step: step.at_ms)
    return pieces


def _stalled(steps: list[Step], knobs: ResponseKnobs) -> list[Step]:
    """The steps with the silence of the `stall_after_deltas` knob in them."""
    if knobs.stall_after_deltas is None:
        return steps
    shifted: list[Step] = []
    deltas = 0
    for step in steps:
        wait_ms = knobs.stall_ms if deltas >= knobs.stall_after_deltas else 0.0
        shifted.append(Step(step.at_ms + wait_ms, step.verb, step.index, step.data, step.size_bytes))
        deltas += step.verb is Verb.AUDIO
    return shifted


def _ended_early(
    steps: list[Step], format_name: str, max_output_tokens: int | None, knobs: ResponseKnobs
) -> Plan:
    """The plan, ended early where a knob or the token limit says so."""
    deltas = sum(step.verb is Verb.AUDIO for step in steps)
    if knobs.fail:
        return Plan(_before_delta(steps, knobs.fail_after_deltas), "failed", knobs.fail)
    if knobs.incomplete:
        after = deltas // 2 if knobs.incomplete_after_deltas is None else knobs.incomplete_after_deltas
        return Plan(_before_delta(steps, after), "incomplete", knobs.incomplete)
    if max_output_tokens is not None:
        limit_bytes = max_output_tokens * OUTPUT_TOKEN_MS * FORMATS[format_name].bytes_per_ms
        spoken_bytes = 0
        for number, step in enumerate(steps):
            spoken_bytes += step.size_bytes
            if spoken_bytes > limit_bytes:
                return Plan(tuple(steps[:number]), "incomplete", "max_output_tokens")
    return Plan(tuple(steps))


def _before_delta(steps: list[Step], deltas: int) -> tuple[Step, ...]:
    """The steps before the audio delta with this number, counted from 0; no step before the first one."""
    if deltas == 0:
        return ()
    seen = 0
    for number, step in enumerate(steps):
        if step.verb is Verb.AUDIO:
            if seen == deltas:
                return tuple(steps[:number])
            seen += 1
    return tuple(step for step in steps if step.verb is not Verb.CLOSE)


@lru_cache(maxsize=1024)
def audio_deltas(
    clip: str, format_name: str, variant: int, *, silent: bool = False
) -> tuple[tuple[str, int], ...]:
    """A clip in deltas: (base64 text, bytes). Cached, and the same for all sessions. `silent`: as long as the
    clip, and too soft to be heard."""
    spoken = clips.load(clip)
    heard = INAUDIBLE * (len(spoken) // len(INAUDIBLE)) if silent else spoken
    return _split(heard, format_name, Random(f"{clip}/{variant}"))


def _split(mulaw: bytes, format_name: str, rng: Random) -> tuple[tuple[str, int], ...]:
    audio_format = FORMATS[format_name]
    audio = audio_format.from_mulaw(mulaw)
    scale = audio_format.bytes_per_ms // 8
    deltas = []
    start = 0
    while start < len(audio):
        size = rng.randrange(2001, 2200, 2) * scale  # odd for µ-law: never whole 20 ms frames
        piece = audio[start : start + size]
        deltas.append((base64.b64encode(piece).decode(), len(piece)))
        start += size
    return tuple(deltas)


def words(text: str) -> list[str]:
    """The text in pieces as a model sends them: each word with the space before it."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _text_pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def as_text(reply: Reply) -> Reply:
    """The same reply in text mode."""
    return tuple(Write(out.text) if isinstance(out, Say) else out for out in reply)
