"""The user's own sound in a silence: from when on, how far ahead, from where it goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingress.sound.filling import AHEAD_MS, WORD_WITHIN_MS, Filling
from shared.audio import BYTES_PER_MS, FRAME_BYTES

SOUND = b"".join(bytes([number]) * FRAME_BYTES for number in range(100))
"""Two seconds, each frame unlike the others."""


def filling(after_ms: int = 0) -> Filling:
    made = Filling()
    made.word("music", after_ms, 0.0)
    return made


def test_it_begins_when_the_caller_has_waited_long_enough() -> None:
    """Counted from the first word; the next ones, which come each second, change nothing."""
    wanted = filling(after_ms=1_500)
    wanted.word("music", 1_500, 1_000.0)

    assert not wanted.wants(1_499.0)
    assert wanted.wants(1_500.0)


def test_nothing_is_wanted_without_a_word() -> None:
    """None yet, one that ends it, or a brain that is gone."""
    assert not Filling().wants(1_000.0)

    ended = filling()
    ended.word("", 0, 100.0)
    assert not ended.wants(200.0)

    assert filling().wants(WORD_WITHIN_MS)
    assert not filling().wants(WORD_WITHIN_MS + 1)


def test_the_carrier_has_little_of_it_and_never_runs_dry() -> None:
    """Looked after four times a second."""
    wanted, given_bytes = filling(), 0
    for look in range(12):
        now_ms = look * 250.0
        wanted.word("music", 0, now_ms)
        assert given_bytes / BYTES_PER_MS >= now_ms
        if wanted.wants(now_ms):
            piece, until_ms = wanted.take(SOUND, now_ms)
            given_bytes += len(piece)
            assert len(piece) % FRAME_BYTES == 0
            assert until_ms == given_bytes / BYTES_PER_MS <= now_ms + AHEAD_MS


def test_it_begins_again_when_it_is_over() -> None:
    """Without a seam."""
    wanted, heard = filling(), b""
    for look in range(20):
        wanted.word("music", 0, look * 250.0)
        heard += wanted.take(SOUND, look * 250.0)[0]

    assert heard == (SOUND * 3)[: len(heard)]
    assert len(heard) > 2 * len(SOUND)


def test_a_sound_shorter_than_a_piece_is_repeated_in_it() -> None:
    """Three frames, in pieces of thirty."""
    assert filling().take(SOUND[: 3 * FRAME_BYTES], 0.0)[0] == SOUND[: 3 * FRAME_BYTES] * 10


@given(st.integers(0, 599))
def test_what_was_taken_back_is_given_again(now_ms: int) -> None:
    """From the frame in which the ear stood, as near as frames go."""
    wanted = filling()
    first, _ = wanted.take(SOUND, 0.0)

    wanted.gone(float(now_ms))
    again, until_ms = wanted.take(SOUND, 5_000.0)

    heard_frames = -(-now_ms // 20)
    assert again[:FRAME_BYTES] == SOUND[heard_frames * FRAME_BYTES :][:FRAME_BYTES]
    assert until_ms == 5_000.0 + AHEAD_MS
    assert len(first) == len(again)


def test_another_sound_begins_at_its_beginning() -> None:
    """And the same one does, when it was ended in between."""
    wanted = filling()
    wanted.take(SOUND, 0.0)
    wanted.word("typing", 200, 1_000.0)

    assert not wanted.wants(1_100.0)
    assert wanted.take(SOUND, 1_200.0)[0].startswith(SOUND[:FRAME_BYTES])


def test_another_sound_begins_at_its_beginning_though_the_first_was_taken_back() -> None:
    """An answer comes while the carrier has some of the first one still."""
    wanted = filling()
    wanted.take(SOUND, 0.0)
    wanted.word("typing", 0, 100.0)

    wanted.gone(200.0)

    assert wanted.take(SOUND, 1_200.0)[0].startswith(SOUND[:FRAME_BYTES])
