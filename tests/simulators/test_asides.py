"""A cough and "mm-hm": a detector takes both for a voice, and the model's side knows them again."""

from __future__ import annotations

import pytest

from simulators import asides, clips, mulaw
from simulators.asides import Aside, cough, murmur
from simulators.realtime.protocol.formats import FORMATS, PCMU
from simulators.realtime.session.vad import Edge, Vad, VadSettings

SILENCE = bytes([mulaw.SILENCE])
BOTH = pytest.mark.parametrize("aside", [cough(), murmur()], ids=["cough", "murmur"])


@BOTH
def test_a_detector_takes_it_for_one_voice(aside: Aside) -> None:
    """From its first frame to its last, as loud as a word."""
    vad = Vad(VadSettings(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500), FORMATS[PCMU])

    started, stopped = vad.feed(SILENCE * 8_000 + aside.audio + SILENCE * 8_000)

    assert (started.edge, stopped.edge) == (Edge.STARTED, Edge.STOPPED)
    voiced_ms = stopped.at_ms - 500 - (started.at_ms + 300)
    assert voiced_ms == len(aside.audio) / mulaw.BYTES_PER_MS


def test_a_cough_is_shorter_than_a_word_and_a_murmur_is_not() -> None:
    """The one is told by its length, the other by its text."""
    assert len(cough().audio) / mulaw.BYTES_PER_MS < 250 < len(murmur().audio) / mulaw.BYTES_PER_MS
    assert (cough().text, murmur().text) == ("", "Mm-hm.")


@BOTH
def test_it_is_known_again_wherever_it_stands(aside: Aside) -> None:
    """Silence around it says nothing."""
    assert asides.recognise(SILENCE * 77 + aside.audio + SILENCE * 4_000) is aside
    assert asides.recognise(aside.audio) is aside


@BOTH
def test_with_a_word_beside_it_it_is_no_aside(aside: Aside) -> None:
    """Before or after: then the word counts. Half of one is none yet."""
    word = clips.load("en_caller_interrupt")

    assert asides.recognise(aside.audio + SILENCE * 800 + word) is None
    assert asides.recognise(word + SILENCE * 800 + aside.audio) is None
    assert asides.recognise(aside.audio[:1_000]) is None
    assert asides.begun(aside.audio[:1_000]) is aside
    assert asides.begun(word) is None


@BOTH
def test_it_is_made_of_whole_frames(aside: Aside) -> None:
    """A telephone sends nothing else."""
    assert len(aside.audio) % (20 * mulaw.BYTES_PER_MS) == 0
