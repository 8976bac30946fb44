"""espeak-ng: how it is asked, what its answer becomes; with a program in its place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from console.trial.speech import espeak
from tests.support.wav_files import wav, words


def program(tmp_path: Path, does: str) -> str:
    """A stand-in for espeak-ng that runs these lines of Python."""
    path = tmp_path / "espeak-ng"
    path.write_text(f"#!{sys.executable}\nimport sys\n{does}\n", "utf-8")
    path.chmod(0o700)
    return str(path)


def test_a_text_becomes_telephone_sound(tmp_path: Path) -> None:
    """The words on stdin, the language with the voice's variant; the sound without its silent ends."""
    sound = tmp_path / "sound.wav"
    voice = ([900] * 20 + [-900] * 20) * 200
    sound.write_bytes(wav(words([0] * 8000 + voice + [0] * 8000), rate_hz=22_050, says=0x7FFFF000))
    asked = tmp_path / "asked"
    does = (
        f"open({str(asked)!r}, 'w').write(' '.join(sys.argv[1:]) + '|' + sys.stdin.read())\n"
        f"sys.stdout.buffer.write(open({str(sound)!r}, 'rb').read())"
    )
    audio = espeak.speak("שלום -v x", "he", espeak.MODEL, program=program(tmp_path, does))
    assert asked.read_text("utf-8") == "-v he+f2 -s 180 -p 60 --stdin --stdout|שלום -v x"
    assert 8000 * 8000 // 22_050 - 400 < len(audio) < 8000 * 8000 // 22_050 + 400


@pytest.mark.parametrize(
    ("does", "words_of_it"),
    [
        (
            "print('voice not found', file=sys.stderr); sys.exit(1)",
            "has no voice for the language 'xx'.*voice not found",
        ),
        ("print('hello')", "expected a WAV file"),
        (
            "sys.stdout.buffer.write(bytes.fromhex('524946460000000057415645'))",
            "expected a WAV file with a form and sound",
        ),
    ],
    ids=["no voice", "no sound", "no data"],
)
def test_a_program_that_cannot_says_so(tmp_path: Path, does: str, words_of_it: str) -> None:
    """In words that name the program."""
    with pytest.raises(espeak.CannotSpeak, match=words_of_it):
        espeak.speak("x", "xx", espeak.CALLER, program=program(tmp_path, does))


def test_a_sound_without_a_voice_is_none(tmp_path: Path) -> None:
    """Blanks only, or a language whose letters it does not know."""
    sound = tmp_path / "sound.wav"
    sound.write_bytes(wav(words([0] * 800)))
    does = f"sys.stdout.buffer.write(open({str(sound)!r}, 'rb').read())"
    with pytest.raises(espeak.CannotSpeak, match="made no sound of 'x'"):
        espeak.speak("x", "en", espeak.CALLER, program=program(tmp_path, does))


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known beforehand, and told if it goes away in between."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not espeak.is_installed()
    with pytest.raises(espeak.CannotSpeak, match="does not run"):
        espeak.speak("x", "en", espeak.CALLER)
    program(tmp_path, "pass")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    assert espeak.is_installed()
