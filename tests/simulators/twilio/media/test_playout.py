"""The playout buffer: order, wall clock, marks, clear, the cap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.twilio.media.playout import Playout

A = b"\x01" * 160
B = b"\x02" * 160


def test_audio_is_played_at_eight_bytes_a_millisecond() -> None:
    """Two frames last 40 ms, gapless."""
    playout = Playout()
    playout.push_audio(A, 100)
    playout.push_audio(B, 100)

    playout.advance(139.9)
    assert playout.playing
    playout.advance(140)

    [playback] = playout.playbacks
    assert (playback.started_at_ms, playback.ended_at_ms, playback.end) == (100, 140, "dry")
    assert playback.audio == A + B
    assert not playout.playing


def test_a_mark_on_an_empty_queue_is_due_at_once() -> None:
    """Nothing ahead of it: nothing to wait for."""
    playout = Playout()

    playout.push_mark("m", 5)

    assert playout.take_due_marks() == ["m"]
    assert playout.take_due_marks() == []


def test_a_mark_waits_for_the_audio_ahead_of_it_only() -> None:
    """Audio queued behind a mark does not delay it."""
    playout = Playout()
    playout.push_audio(A, 0)
    playout.push_mark("m", 0)
    playout.push_audio(B, 0)

    assert playout.next_mark_at_ms() == 20
    playout.advance(19.9)
    assert playout.take_due_marks() == []
    playout.advance(20)

    assert playout.take_due_marks() == ["m"]
    assert playout.playing


def test_clear_drops_the_unplayed_rest_and_returns_marks_in_order() -> None:
    """What was played stays on the record, to the byte."""
    playout = Playout()
    playout.push_audio(A, 0)
    playout.push_mark("one", 0)
    playout.push_audio(B, 0)
    playout.push_mark("two", 0)

    dropped_ms, marks = playout.clear(10)

    assert (dropped_ms, marks) == (30, ["one", "two"])
    [playback] = playout.playbacks
    assert (playback.audio, playback.ended_at_ms, playback.end) == (A[:80], 10, "cleared")
    assert playout.clear(11) == (0, [])


def test_media_after_clear_plays_normally() -> None:
    """Stale audio behind a clear is heard: that is the trap."""
    playout = Playout()
    playout.push_audio(A, 0)
    playout.clear(5)

    playout.push_audio(B, 6)
    playout.advance(100)

    assert playout.playbacks[-1].audio == B
    assert playout.playbacks[-1].started_at_ms == 6


def test_beyond_the_cap_media_is_discarded_and_the_rest_plays_on() -> None:
    """10 minutes are queued at most; what was played makes room again."""
    playout = Playout(capacity_bytes=320)
    assert playout.push_audio(A, 0)
    assert playout.push_audio(A, 0)

    assert not playout.push_audio(B, 0)
    assert playout.discarded_bytes == 160
    assert playout.push_audio(B, 20)


def test_the_cap_is_ten_minutes() -> None:
    """4.8 million bytes."""
    assert Playout().capacity_bytes == 4_800_000


def test_a_short_gap_is_the_same_reply_and_a_long_silence_a_new_one() -> None:
    """400 ms tell a hole from a new reply; what was played of a reply counts over the hole."""
    playout = Playout()
    playout.push_audio(A, 0)
    playout.push_audio(A, 300)
    assert (playout.reply_number, playout.reply_played_ms(310)) == (1, 30)

    playout.push_audio(A, 800)

    assert playout.reply_number == 2
    assert playout.reply_played_ms(805) == 5
    assert len(playout.playbacks) == 3


def test_the_end_of_the_stream_takes_queue_and_marks_with_it() -> None:
    """Nobody is left to be told."""
    playout = Playout()
    playout.push_audio(A, 0)
    playout.push_mark("m", 0)

    assert playout.end_stream(8) == (12, ["m"])

    assert not playout.playing
    assert playout.take_due_marks() == []


def test_without_audio_kept_the_times_and_sizes_stay() -> None:
    """A load run needs no sound."""
    playout = Playout(keep_audio=False)
    playout.push_audio(A, 0)
    playout.advance(20)

    assert playout.playbacks[0].bytes == 160
    assert playout.playbacks[0].audio == b""


entries = st.one_of(
    st.tuples(st.just("audio"), st.integers(1, 400)),
    st.tuples(st.just("mark"), st.integers(0, 99)),
    st.tuples(st.just("clear"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 60)),
)


@given(st.lists(entries, max_size=60))
def test_nothing_is_lost_reordered_or_played_faster_than_the_clock(
    script: list[tuple[str, int]],
) -> None:
    """Played + dropped = pushed; every mark comes back once, in order; 8 bytes a ms at most."""
    playout, now_ms = Playout(), 0.0
    pushed, dropped_ms = 0, 0.0
    sent: list[str] = []
    returned: list[str] = []
    for n, (kind, value) in enumerate(script):
        if kind == "audio":
            pushed += value
            playout.push_audio(bytes([n % 256]) * value, now_ms)
        elif kind == "mark":
            sent.append(f"{n}.{value}")
            playout.push_mark(sent[-1], now_ms)
        elif kind == "wait":
            now_ms += value
        else:
            playout.advance(now_ms)
            returned += playout.take_due_marks()
            dropped, marks = playout.clear(now_ms)
            dropped_ms += dropped
            returned += marks
        playout.advance(now_ms)
        returned += playout.take_due_marks()
    playout.advance(now_ms + 60_000)
    returned += playout.take_due_marks()

    assert returned == sent
    assert playout.played_bytes + dropped_ms * 8 == pushed
    for playback in playout.playbacks:
        assert len(playback.audio) == playback.bytes
        assert playback.bytes <= (playback.ended_at_ms - playback.started_at_ms) * 8 + 1e-6
