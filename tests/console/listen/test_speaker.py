"""A loudspeaker, where there is one."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from console.listen import speaker
from console.listen.speaker import NoSpeaker


class Fault(Exception):
    """PortAudio's."""


class Output:
    """Keeps what it is to play."""

    def __init__(self, **asked: Any) -> None:
        self.asked, self.played = asked, b""

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self.played += b"|closed"

    def write(self, samples: bytes) -> None:
        self.played += samples


def test_what_is_given_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two channels at a telephone's rate."""
    opened: list[Output] = []

    def open_it(**asked: Any) -> Output:
        opened.append(Output(**asked))
        return opened[-1]

    monkeypatch.setitem(
        sys.modules, "sounddevice", SimpleNamespace(RawOutputStream=open_it, PortAudioError=Fault)
    )
    with speaker.playing() as play:
        play(b"abcd")
    assert (opened[0].asked["channels"], opened[0].asked["samplerate"]) == (2, 8000)
    assert opened[0].played == b"abcd|closed"


def test_without_sounddevice_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(NoSpeaker, match="--out FILE"), speaker.playing():
        pass


def test_a_machine_without_a_loudspeaker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> Output:
        raise Fault("no device")

    monkeypatch.setitem(
        sys.modules, "sounddevice", SimpleNamespace(RawOutputStream=none, PortAudioError=Fault)
    )
    with pytest.raises(NoSpeaker, match="loudspeaker that takes 8,000 Hz"), speaker.playing():
        pass
