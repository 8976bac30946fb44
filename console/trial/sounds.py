"""What is said in a scenario, as sound: a stored clip, a file, or text with a voice.

Why it exists: where nobody can speak, a conversation with the simulated model goes on all the same, and one
with a real model goes on in writing. Owns: that choice, and the reading of sound files. Must not know: when
anything is said.

Blocks for as long as espeak-ng speaks: a fraction of a second a text.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from console.trial.scenario import Scenario, Words
from console.trial.speech import espeak, stand_in
from shared.forms import Problems
from shared.sound.wav import read_wav
from simulators import clips, mulaw
from simulators.twilio.caller.clip import Clip

CALLER_HZ: Final = 130.0
MODEL_HZ: Final = 210.0
"""Of the sound in place of words: apart by ear."""

MAX_NAME_CHARS: Final = 40
WAV_SUFFIX: Final = ".wav"


class Voice(enum.Enum):
    """What can be done with a text here."""

    SPOKEN = "spoken by espeak-ng"
    STAND_IN = "a sound in its place, since espeak-ng is not installed (the simulated model knows the words)"
    WRITTEN = "written, since espeak-ng is not installed"


class SoundError(Problems):
    """Something that is to be said cannot be."""


def voice_here(*, live: bool) -> Voice:
    """What becomes of a caller's text on this machine; `live`: a real model is to understand it."""
    if espeak.is_installed():
        return Voice.SPOKEN
    return Voice.WRITTEN if live else Voice.STAND_IN


def callers(scenario: Scenario, folder: Path, language: str, voice: Voice) -> dict[int, Clip]:
    """By the index of its step, what the caller's words sound like; what is written is not in it.

    Files are looked for from `folder` on. Raises SoundError with a line for each that is no sound.
    """
    found: dict[int, Clip] = {}
    problems: list[str] = []
    for index, words in scenario.said:
        try:
            audio = _audio(words, folder, language, voice)
        except (OSError, ValueError, espeak.CannotSpeak) as error:
            line = scenario.steps[index].line
            where = f"{scenario.name}:{line}" if line else scenario.name
            problems.append(f"{where}: {words.wav or words.name}: {_reason(error)}")
            continue
        if audio:
            found[index] = Clip(audio, _short(words.name))
    if problems:
        raise SoundError(problems)
    return found


def caller(text: str, language: str, voice: Voice) -> Clip | None:
    """What one text of the caller's sounds like; None where it is to be written. Raises SoundError."""
    try:
        audio = _spoken(text, language, voice, espeak.CALLER, CALLER_HZ)
    except espeak.CannotSpeak as error:
        raise SoundError([str(error)]) from None
    return Clip(audio, _short(text)) if audio else None


def models(texts: Iterable[str], language: str) -> Mapping[str, bytes]:
    """What texts of the simulated model sound like, by the text. Raises SoundError."""
    voice = voice_here(live=False)
    try:
        return {text: _spoken(text, language, voice, espeak.MODEL, MODEL_HZ) for text in dict.fromkeys(texts)}
    except espeak.CannotSpeak as error:
        raise SoundError([str(error)]) from None


# Private.


def _audio(words: Words, folder: Path, language: str, voice: Voice) -> bytes:
    """Empty for what is to be written. Raises OSError, ValueError, CannotSpeak."""
    if words.clip:
        return clips.load(words.clip)
    if words.wav:
        return _file(folder / words.wav)
    return _spoken(words.text, language, voice, espeak.CALLER, CALLER_HZ)


def _file(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix.lower() != WAV_SUFFIX:
        return data  # µ-law as it is.
    audio = mulaw.encode(read_wav(data).at_telephone_rate())
    if not audio:
        raise ValueError("expected some sound, got a file of 0 s")
    return audio


def _spoken(text: str, language: str, voice: Voice, speaker: espeak.Voice, pitch_hz: float) -> bytes:
    match voice:
        case Voice.SPOKEN:
            return espeak.speak(text, language or "en", speaker)
        case Voice.STAND_IN:
            return stand_in.hum(text, pitch_hz)
        case Voice.WRITTEN:
            return b""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"expected a file that can be read, got: {error.strerror}"
    return str(error)


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[:MAX_NAME_CHARS]}…"
