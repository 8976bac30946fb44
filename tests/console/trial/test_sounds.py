"""What is said, as sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.trial import sounds
from console.trial.scenario import Interrupt, Say, Scenario, Words
from console.trial.sounds import SoundError, Voice
from console.trial.speech import espeak
from simulators import clips
from tests.support.wav_files import wav, words


def scenario(*said: Words) -> Scenario:
    return Scenario(name="s/x.toml", steps=tuple(Say(line=n + 1, words=each) for n, each in enumerate(said)))


def test_clips_and_files_are_what_they_are(tmp_path: Path) -> None:
    """Found beside the scenario; µ-law as it stands, WAV brought to the line."""
    (tmp_path / "a.wav").write_bytes(wav(words([8000, -8000] * 800), rate_hz=16_000))
    (tmp_path / "b.ulaw").write_bytes(b"\x10" * 320)
    told = scenario(Words(clip="en_caller_ask"), Words(wav="a.wav"), Words(wav="b.ulaw", text="what it says"))
    found = sounds.callers(told, tmp_path, "en", Voice.WRITTEN)
    assert found[0].audio == clips.load("en_caller_ask")
    assert len(found[1].audio) == 800
    assert (found[2].audio, found[2].name) == (b"\x10" * 320, "what it says")


def test_a_text_has_a_voice_a_stand_in_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By what there is; what is written has no sound."""
    spoken: list[tuple[object, ...]] = []
    monkeypatch.setattr(espeak, "speak", lambda *asked: spoken.append(asked) or b"\x11" * 160)
    told = scenario(Words(text="שלום"))
    assert sounds.callers(told, tmp_path, "he", Voice.SPOKEN)[0].audio == b"\x11" * 160
    assert spoken == [("שלום", "he", espeak.CALLER)]
    assert len(sounds.callers(told, tmp_path, "he", Voice.STAND_IN)[0].audio) > 1000
    assert sounds.callers(told, tmp_path, "he", Voice.WRITTEN) == {}
    assert sounds.caller("x", "he", Voice.WRITTEN) is None


@pytest.mark.parametrize(
    ("installed", "live", "voice"),
    [
        (True, True, Voice.SPOKEN),
        (True, False, Voice.SPOKEN),
        (False, False, Voice.STAND_IN),
        (False, True, Voice.WRITTEN),
    ],
)
def test_a_real_model_is_never_hummed_to(
    installed: bool, live: bool, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would try to understand it."""
    monkeypatch.setattr(espeak, "is_installed", lambda: installed)
    assert sounds.voice_here(live=live) is voice


def test_what_is_no_sound_is_named_by_its_line(tmp_path: Path) -> None:
    """All of them at once."""
    (tmp_path / "b.wav").write_bytes(b"ID3")
    (tmp_path / "c.wav").write_bytes(wav(b""))
    told = scenario(Words(wav="a.wav"), Words(wav="b.wav"), Words(clip="en_caller_ask"), Words(wav="c.wav"))
    with pytest.raises(SoundError) as refused:
        sounds.callers(told, tmp_path, "en", Voice.STAND_IN)
    assert [each.split(": expected")[0] for each in refused.value.problems] == [
        "s/x.toml:1: a.wav", "s/x.toml:2: b.wav", "s/x.toml:4: c.wav",
    ]  # fmt: skip


def test_a_language_that_has_no_voice_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the scenario by its line, of what is typed by itself, of the model too."""

    def refuse(*_: object) -> bytes:
        raise espeak.CannotSpeak("espeak-ng has no voice for 'xx'")

    monkeypatch.setattr(espeak, "speak", refuse)
    monkeypatch.setattr(espeak, "is_installed", lambda: True)
    told = Scenario(name="x", steps=(Interrupt(line=0, words=Words(text="No!")),))
    with pytest.raises(SoundError, match="x: No!: espeak-ng has no voice"):
        sounds.callers(told, tmp_path, "xx", Voice.SPOKEN)
    with pytest.raises(SoundError, match="has no voice"):
        sounds.caller("No!", "xx", Voice.SPOKEN)
    with pytest.raises(SoundError, match="has no voice"):
        sounds.models(["No!"], "xx")


def test_the_models_words_sound_like_another_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text once."""
    monkeypatch.setattr(espeak, "is_installed", lambda: False)
    found = sounds.models(["Yes.", "No.", "Yes."], "en")
    assert list(found) == ["Yes.", "No."]
    caller = sounds.caller("Yes.", "en", Voice.STAND_IN)
    assert caller is not None
    assert found["Yes."] != caller.audio


def test_a_long_text_has_a_short_name() -> None:
    """It stands in a picture."""
    caller = sounds.caller("word " * 50, "en", Voice.STAND_IN)
    assert caller is not None
    assert len(caller.name) <= sounds.MAX_NAME_CHARS + 1
