"""Text spoken by espeak-ng, where it is installed.

Why it exists: a caller of one's own words, in some hundred languages, without a service or a key. Owns: how
the program is asked, and what its answer becomes. Must not know: what is said.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from console.trial.speech import levels
from shared.sound.wav import read_wav
from simulators import mulaw

PROGRAM: Final = "espeak-ng"
WITHIN_S: Final = 20.0
WORDS_A_MINUTE: Final = 180


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the program's: its variant, which stands behind the language, and its pitch (0 to 99)."""

    variant: str
    pitch: int


CALLER: Final = Voice("+m3", 40)
MODEL: Final = Voice("+f2", 60)
"""Apart by ear, as in the clips."""


class CannotSpeak(Exception):
    """The program is there and says nothing of use; the text says why."""


def is_installed() -> bool:
    """Whether text can be spoken here."""
    return shutil.which(PROGRAM) is not None


def speak(text: str, language: str, voice: Voice, *, program: str = PROGRAM) -> bytes:
    """The text as µ-law, without long pauses. Blocks for a fraction of a second. Raises CannotSpeak.

    `language`: ISO 639-1 or a tag (en-US).
    """
    voiced = f"{language.lower()}{voice.variant}"
    tuned = ["-v", voiced, "-s", str(WORDS_A_MINUTE), "-p", str(voice.pitch)]
    command = [program, *tuned, "--stdin", "--stdout"]
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotSpeak(f"{program} does not run: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CannotSpeak(
            f"{program} has no voice for the language {language!r} ({said[-1] if said else done.returncode}):"
            f" {program} --voices lists those that it has"
        )
    try:
        samples = read_wav(done.stdout).at_telephone_rate()
    except ValueError as error:
        raise CannotSpeak(f"{program}: {error}") from None
    audio = levels.without_long_pauses(mulaw.encode(levels.at_peak(samples)))
    if not audio:
        raise CannotSpeak(f"{program} made no sound of {text!r} in the language {language!r}")
    return audio
