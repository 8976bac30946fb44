"""The detector that counts bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import clips, mulaw
from simulators.realtime.protocol.formats import FORMATS, PCM, PCMA, PCMU
from simulators.realtime.session.vad import ONSET_MS, Edge, Vad, VadEvent, VadSettings

SETTINGS = VadSettings(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500)


def silence(duration_ms: int) -> bytes:
    return bytes([mulaw.SILENCE]) * (duration_ms * mulaw.BYTES_PER_MS)


def tone(duration_ms: int, level: int = 3000) -> bytes:
    return mulaw.encode([level, -level] * (duration_ms * mulaw.BYTES_PER_MS // 2))


def events_of(audio: bytes, settings: VadSettings = SETTINGS) -> list[VadEvent]:
    return Vad(settings, FORMATS[PCMU]).feed(audio)


def test_offsets_include_padding_and_silence_window() -> None:
    """The start is moved back by the padding, the end lies after the whole silence window."""
    events = events_of(silence(1000) + tone(400) + silence(1000))
    assert events == [VadEvent(Edge.STARTED, 1000 - 300), VadEvent(Edge.STOPPED, 1400 + 500)]


def test_padding_does_not_reach_before_the_first_byte() -> None:
    """Speech at once starts at 0, not before."""
    assert events_of(tone(400))[0] == VadEvent(Edge.STARTED, 0)


def test_a_click_is_no_speech() -> None:
    """Loud audio shorter than the onset starts nothing."""
    assert events_of(silence(200) + tone(ONSET_MS - 20) + silence(200)) == []


def test_silence_window_is_the_setting() -> None:
    """A pause shorter than the window does not end the turn."""
    audio = tone(200) + silence(400) + tone(200) + silence(400)
    assert [event.edge for event in events_of(audio)] == [Edge.STARTED]
    short = VadSettings(threshold=0.5, prefix_padding_ms=0, silence_duration_ms=200)
    assert [event.edge for event in events_of(audio, short)] == [Edge.STARTED, Edge.STOPPED] * 2


def test_threshold_asks_for_louder_audio() -> None:
    """What passes at 0.1 does not pass at 0.9."""
    quiet = tone(400, level=300)
    assert events_of(quiet, VadSettings(0.1, 0, 500))
    assert not events_of(quiet, VadSettings(0.9, 0, 500))


def test_reset_forgets_speech_and_keeps_the_position() -> None:
    """After a commit the detector starts afresh, further on in the same audio."""
    vad = Vad(SETTINGS, FORMATS[PCMU])
    vad.feed(tone(400))
    vad.reset()
    assert not vad.speaking
    assert vad.feed(silence(600) + tone(100)) == [VadEvent(Edge.STARTED, 1000 - 300)]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12))
def test_the_split_of_bytes_does_not_matter(sizes: list[int]) -> None:
    """Any cutting of the same audio gives the same events."""
    audio = silence(340) + clips.load("en_caller_goodbye") + silence(800)
    whole = events_of(audio)
    vad = Vad(SETTINGS, FORMATS[PCMU])
    found = []
    start = 0
    while start < len(audio):
        for size in sizes:
            found += vad.feed(audio[start : start + size])
            start += size
    assert found == whole
    assert [event.edge for event in whole] == [Edge.STARTED, Edge.STOPPED]


def test_other_formats_hear_the_same() -> None:
    """A-law and PCM 24 kHz of one clip give the edges that µ-law gives."""
    audio = silence(400) + clips.load("en_caller_ask") + silence(700)
    edges = [event.edge for event in events_of(audio)]
    for name in (PCMA, PCM):
        audio_format = FORMATS[name]
        found = Vad(SETTINGS, audio_format).feed(audio_format.from_mulaw(audio))
        assert [event.edge for event in found] == edges


def test_weak_syllables_do_not_end_a_turn() -> None:
    """Inside speech a level counts that would not have begun it."""
    weak = tone(1000, level=250)
    assert events_of(weak) == []
    assert [event.edge for event in events_of(tone(200) + weak)] == [Edge.STARTED]
