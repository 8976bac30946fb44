"""The sound card, with one in its place that is no card."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from simulators.telephone.handset import FRAME_SAMPLES, SILENT_FRAME, Handset
from simulators.telephone.microphone import Feed, NoSoundCard, open_devices, talking


@dataclass
class Card:
    """A sound card that is asked to go on by hand."""

    feed: Feed
    did: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.did.append("start")

    def close(self) -> None:
        self.did.append("close")

    def goes_on(self, samples: list[int]) -> list[int]:
        """20 ms: what the microphone has in, what the loudspeaker gets out."""
        said, room = array("h", samples).tobytes(), bytearray(2 * len(samples))
        self.feed(said, room, len(samples), None, None)
        heard = array("h")
        heard.frombytes(bytes(room))
        return list(heard)


def test_sound_passes_both_ways_while_it_is_open() -> None:
    """And the devices are closed at the end."""
    cards: list[Card] = []

    def opener(feed: Feed) -> Card:
        cards.append(Card(feed))
        return cards[-1]

    handset = Handset()
    with talking(handset, opener):
        (card,) = cards
        handset.give(b"\x10" * FRAME_SAMPLES * 3)
        heard = card.goes_on([8031] * FRAME_SAMPLES)
        assert len(heard) == FRAME_SAMPLES
        assert set(heard) != {0}
        assert handset.take() != SILENT_FRAME
    assert card.did == ["start", "close"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any call."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with (
        pytest.raises(NoSoundCard, match=r"needs sounddevice, which is not installed here.*pip install"),
        talking(Handset()),
    ):
        pytest.fail("there was nothing to talk with")


class PortAudioError(Exception):
    """As sounddevice has it."""


def module(opens: Any) -> ModuleType:
    made = ModuleType("sounddevice")
    vars(made).update(RawStream=opens, PortAudioError=PortAudioError)
    return made


def test_a_machine_without_a_microphone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In PortAudio's words, and how to see what there is."""

    def refuse(**_: object) -> None:
        raise PortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", module(refuse))
    with pytest.raises(NoSoundCard, match=r"8,000 Hz, got: Error querying device -1.*python -m sounddevice"):
        open_devices(lambda *_: None)


def test_devices_that_do_not_begin_are_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program has them: no traceback of PortAudio's."""

    class Taken:
        def start(self) -> None:
            raise PortAudioError("Device unavailable")

        close = start

    monkeypatch.setitem(sys.modules, "sounddevice", module(lambda **_: Taken()))
    with pytest.raises(NoSoundCard, match="begin, got: Device unavailable"), talking(Handset()):
        pytest.fail("there was nothing to talk with")


def test_the_devices_are_asked_for_what_a_call_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 kHz, one channel, 16 bits, 20 ms at a time."""
    asked: dict[str, object] = {}

    def take(**options: object) -> Card:
        asked.update(options)
        return Card(lambda *_: None)

    monkeypatch.setitem(sys.modules, "sounddevice", module(take))
    open_devices(lambda *_: None)
    asked.pop("callback")
    assert asked == {"samplerate": 8000, "blocksize": 160, "channels": 1, "dtype": "int16"}
