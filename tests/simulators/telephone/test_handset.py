"""What is kept between a sound card and a call."""

from __future__ import annotations

from simulators import mulaw
from simulators.telephone.handset import (
    AFTER_FRAMES,
    FRAME_SAMPLES,
    MOST_HEARD_FRAMES,
    MOST_SAID_FRAMES,
    SILENT_FRAME,
    SILENT_SAMPLES,
    START_FRAMES,
    Handset,
)


def voice(number: int) -> list[int]:
    """A frame that can be told from others: µ-law keeps these values."""
    return list(mulaw.decode(bytes([number]))) * FRAME_SAMPLES


def frame(number: int) -> bytes:
    return bytes([number]) * FRAME_SAMPLES


def test_what_is_said_goes_out_in_its_order() -> None:
    """And silence where nothing was said."""
    handset = Handset()
    handset.speak(voice(1))
    handset.speak(voice(2))
    assert [handset.take() for _ in range(3)] == [frame(1), frame(2), SILENT_FRAME]


def test_what_nobody_sends_is_not_said_late() -> None:
    """The oldest goes, and is counted."""
    handset = Handset()
    for number in range(MOST_SAID_FRAMES + 3):
        handset.speak(voice(number))
    assert handset.take() == frame(3)
    assert handset.said_dropped == 3


def test_the_loudspeaker_begins_once_it_has_some_in_hand() -> None:
    """Then it goes on to the last frame."""
    handset = Handset()
    for number in range(START_FRAMES - 1):
        handset.give(frame(number))
    assert handset.listen() == SILENT_SAMPLES
    handset.give(frame(9))
    heard = [next(iter(handset.listen())) for _ in range(START_FRAMES)]
    assert heard == [voice(number)[0] for number in [*range(START_FRAMES - 1), 9]]
    assert handset.listen() == SILENT_SAMPLES


def test_a_word_shorter_than_that_is_heard_all_the_same() -> None:
    """It waits no longer than for the others."""
    handset = Handset()
    handset.give(frame(5))
    heard = [tuple(handset.listen()) for _ in range(START_FRAMES)]
    assert heard == [SILENT_SAMPLES] * (START_FRAMES - 1) + [tuple(voice(5))]


def test_what_comes_in_pieces_of_any_length_is_put_together() -> None:
    """Half frames, and nothing at all."""
    handset = Handset()
    sound = frame(1) + frame(2) + frame(3)
    for start in range(0, len(sound), 70):
        handset.give(sound[start : start + 70])
        handset.give(b"")
    assert [next(iter(handset.listen())) for _ in range(3)] == [voice(number)[0] for number in (1, 2, 3)]


def test_a_loudspeaker_that_stands_still_is_not_told_everything_later() -> None:
    """The oldest goes, and is counted."""
    handset = Handset()
    for number in range(MOST_HEARD_FRAMES + 2):
        handset.give(frame(number))
    assert handset.heard_dropped == 2
    assert list(handset.listen()) == voice(2)


def test_without_a_headset_the_microphone_is_closed_while_the_agent_speaks() -> None:
    """And a little longer: the room still speaks."""
    handset = Handset(half_duplex=True)
    for number in range(START_FRAMES):
        handset.give(frame(number))
    handset.listen()
    for _ in range(AFTER_FRAMES):
        handset.speak(voice(7))
    assert handset.take() == SILENT_FRAME
    handset.speak(voice(7))
    assert handset.take() == frame(7)


def test_with_a_headset_it_is_always_open() -> None:
    """So that the agent can be interrupted."""
    handset = Handset()
    for number in range(START_FRAMES):
        handset.give(frame(number))
    handset.listen()
    handset.speak(voice(7))
    assert handset.take() == frame(7)
