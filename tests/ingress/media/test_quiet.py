"""Frames of a quiet caller wait for one another; nothing of a voice waits, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingress.media.quiet import QUIET_AFTER_MS, WAITS_MOST_MS, QuietFrames
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract.streams.caller import GATHERED_FRAMES, CallerFrame

QUIET, VOICE = b"\xff" * FRAME_BYTES, b"\x20" * FRAME_BYTES
SAID = st.tuples(
    st.sampled_from([QUIET, QUIET, QUIET, VOICE, QUIET[:80]]),
    st.sampled_from([1, 1, 1, 1, 3]),
    st.sampled_from([20, 20, 20, 400, 1_100]),
    st.booleans(),
)
"""Audio, how far the count goes on, ms until then, whether the brain is heard of before it."""


def gathering() -> QuietFrames:
    """A brain takes them, by its word at 0."""
    quiet = QuietFrames()
    quiet.word(True, 0.0)
    return quiet


def given_one(quiet: QuietFrames, chunk: int, now_ms: float, audio: bytes) -> list[CallerFrame]:
    """What goes to the brain for one frame: the same steps as a call's."""
    if quiet.waits(1, chunk, now_ms, audio):
        taken = quiet.take(now_ms) if quiet.is_due(now_ms) else None
        return [] if taken is None else [taken]
    before = quiet.take(now_ms)
    alone = CallerFrame(1, chunk, now_ms, audio)
    return [alone] if before is None else [before, alone]


@given(st.lists(SAID, max_size=60))
def test_all_frames_go_in_their_order_and_a_voice_at_once(said: list[tuple[bytes, int, int, bool]]) -> None:
    """Each under its own number."""
    quiet, now_ms, chunk = QuietFrames(), 0.0, 0
    came: list[tuple[int, bytes]] = []
    went: list[tuple[int, bytes]] = []
    for audio, step, ms, is_told in said:
        now_ms, chunk = now_ms + ms, chunk + step
        if is_told:
            quiet.word(True, now_ms)
        came.append((chunk, audio))
        for frame in given_one(quiet, chunk, now_ms, audio):
            assert 1 <= frame.frames <= GATHERED_FRAMES
            size = len(frame.audio) // frame.frames
            for n in range(frame.frames):
                went.append((frame.chunk + n, frame.audio[n * size : (n + 1) * size]))
        if audio == VOICE:
            assert went == came
    rest = quiet.take(now_ms)
    if rest is not None:
        for n in range(rest.frames):
            went.append((rest.chunk + n, rest.audio[n * FRAME_BYTES : (n + 1) * FRAME_BYTES]))
    assert went == came


def test_the_pause_that_ends_a_turn_is_told_frame_by_frame() -> None:
    """Only who has been quiet for longer is told in groups."""
    quiet = gathering()
    given_one(quiet, 1, 0.0, VOICE)
    sizes = [
        frame.frames
        for chunk in range(2, 82)
        for frame in given_one(quiet, chunk, (chunk - 1) * FRAME_MS, QUIET)
    ]
    alone = int(QUIET_AFTER_MS / FRAME_MS)
    assert sizes[:alone] == [1] * alone
    assert set(sizes[alone:]) == {GATHERED_FRAMES}


def test_no_word_of_a_brain_no_groups() -> None:
    """One of an older version would take a group for one frame; a word is good for two seconds."""
    quiet = QuietFrames()
    assert [each.frames for each in given_one(quiet, 1, 20.0, QUIET)] == [1]
    quiet.word(True, 30.0)
    assert given_one(quiet, 2, 40.0, QUIET) == []
    quiet.take(40.0)
    assert [each.frames for each in given_one(quiet, 3, 2_060.0, QUIET)] == [1]
    quiet.word(True, 2_070.0)
    quiet.word(False, 2_075.0)
    assert [each.frames for each in given_one(quiet, 4, 2_080.0, QUIET)] == [1]


def test_what_waits_goes_when_the_carrier_sends_no_more() -> None:
    """After the time that twice as many frames take."""
    quiet = gathering()
    assert given_one(quiet, 1, 20.0, QUIET) == []
    assert not quiet.is_due(20.0 + WAITS_MOST_MS)
    assert quiet.is_due(21.0 + WAITS_MOST_MS)
    assert quiet.take(221.0) is not None
    assert not quiet.is_due(10_000.0)
