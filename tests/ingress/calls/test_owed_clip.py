"""Clip and apology, to the millisecond: when each is due, and what a frame that comes then finds of the
clip."""

from __future__ import annotations

from ingress.calls.owed import APOLOGISE_MS, CLIP_AFTER_MS, CLIP_AGAIN_MS, OwedSound, Step
from shared.contract.owed import DebtCause
from tests.ingress.calls.test_owed import APOLOGISE, CLIP_MS, NOTHING, PLAY, SILENCE, VOICE


def a_caller_who_waits() -> OwedSound:
    """Since 0 ms; no brain has said a word."""
    return OwedSound(0.0, CLIP_MS)


def steps(owed: OwedSound, *times_ms: float, store_away: bool = False) -> list[Step]:
    """What is done when somebody looks at these moments."""
    return [owed.check(at_ms, store_away=store_away) for at_ms in times_ms]


def test_the_clip_comes_after_4_s_of_quiet_and_2_s_after_its_end_again() -> None:
    """Not a millisecond before."""
    owed = a_caller_who_waits()
    again_ms = CLIP_AFTER_MS + CLIP_MS + CLIP_AGAIN_MS

    done = steps(owed, CLIP_AFTER_MS - 1.0, CLIP_AFTER_MS, again_ms - 1.0, again_ms)

    assert done == [NOTHING, PLAY, NOTHING, PLAY]


def test_after_a_sound_of_ours_the_4_s_begin_again_at_its_end() -> None:
    """Sound that nothing paid for."""
    owed = a_caller_who_waits()
    steps(owed, 2_500.0)
    owed.frames(VOICE, 3_000.0)
    steps(owed, 3_250.0)

    done = steps(owed, 3_020.0 + CLIP_AFTER_MS - 1.0, 3_020.0 + CLIP_AFTER_MS)

    assert done == [NOTHING, PLAY]


def test_of_a_group_each_frame_is_judged_by_itself() -> None:
    """Sound in its first frame only: the 4 s begin at the end of that one, as of three messages."""
    owed, alone = a_caller_who_waits(), a_caller_who_waits()
    for each in (owed, alone):
        steps(each, 2_500.0)
    owed.frames(VOICE + SILENCE + SILENCE, 3_000.0)
    for audio in (VOICE, SILENCE, SILENCE):
        alone.frames(audio, 3_000.0)
    assert owed.playing_ms(3_000.0) == alone.playing_ms(3_000.0) == 60.0
    for each in (owed, alone):
        steps(each, 3_250.0)

        done = steps(each, 3_020.0 + CLIP_AFTER_MS - 1.0, 3_020.0 + CLIP_AFTER_MS)

        assert done == [NOTHING, PLAY]


def test_silence_that_the_carrier_has_still_to_play_is_part_of_the_4_s() -> None:
    """The clip plays behind it: 4 s at the caller's ear, not 4 s and what egress sends ahead."""
    owed = a_caller_who_waits()
    before_ms = 260.0
    asked_at_ms = CLIP_AFTER_MS - before_ms
    owed.frames(SILENCE * 13, asked_at_ms - 1.0)

    assert steps(owed, asked_at_ms - 1.0) == [NOTHING]
    owed.frames(SILENCE, asked_at_ms)
    assert steps(owed, asked_at_ms) == [PLAY]

    begins_at_ms = asked_at_ms + owed.playing_ms(asked_at_ms)
    assert owed.ours.ends(VOICE, begins_at_ms + CLIP_MS - 1.0)


def test_the_next_clip_comes_2_s_behind_one_that_had_to_wait() -> None:
    """It ends later by what was before it."""
    owed = a_caller_who_waits()
    owed.frames(SILENCE * 10, CLIP_AFTER_MS - 200.0)
    again_ms = CLIP_AFTER_MS + CLIP_MS + CLIP_AGAIN_MS

    done = steps(owed, CLIP_AFTER_MS - 200.0, again_ms - 1.0, again_ms)

    assert done == [PLAY, NOTHING, PLAY]


def test_the_apology_comes_after_12_s_of_owed_silence() -> None:
    """Not a millisecond before."""
    owed = a_caller_who_waits()

    done = steps(owed, CLIP_AFTER_MS, APOLOGISE_MS - 1.0, APOLOGISE_MS)

    assert done == [PLAY, PLAY, APOLOGISE]


def test_without_redis_the_apology_begins_sooner_by_what_its_webhook_then_takes() -> None:
    """700 ms: the caller hears it no later than otherwise."""
    owed = a_caller_who_waits()

    done = steps(owed, CLIP_AFTER_MS, APOLOGISE_MS - 701.0, APOLOGISE_MS - 700.0, store_away=True)

    assert done == [PLAY, PLAY, APOLOGISE]


def test_who_comes_from_another_process_having_waited_hears_the_clip_at_once() -> None:
    """The card said 5 s, and for what."""
    owed = OwedSound(0.0, CLIP_MS, owed_ms=5_000.0, cause=DebtCause.TURN)

    assert owed.standing == (5_000, DebtCause.TURN)
    assert steps(owed, 0.0) == [PLAY]


def test_a_frame_ends_the_clip_once() -> None:
    """What is left of it gives way."""
    owed = a_caller_who_waits()
    steps(owed, CLIP_AFTER_MS)

    assert owed.ours.ends(VOICE, CLIP_AFTER_MS + 500.0)
    assert not owed.ours.ends(VOICE, CLIP_AFTER_MS + 600.0)


def test_silence_of_an_answer_does_not_end_the_clip() -> None:
    """It plays behind the clip; the first sound clears both."""
    owed = a_caller_who_waits()
    steps(owed, CLIP_AFTER_MS)

    assert not owed.ours.ends(SILENCE, CLIP_AFTER_MS + 500.0)
    assert owed.ours.ends(VOICE, CLIP_AFTER_MS + 1_200.0)


def test_a_frame_at_the_very_end_of_the_clip_has_nothing_to_end() -> None:
    """It was played out, so the carrier is told nothing; a millisecond before, it is."""
    ends = []
    for before_ms in (1.0, 0.0):
        owed = a_caller_who_waits()
        steps(owed, CLIP_AFTER_MS)
        ends.append(owed.ours.ends(VOICE, CLIP_AFTER_MS + CLIP_MS - before_ms))

    assert ends == [True, False]


def test_a_clip_that_was_broken_off_leaves_the_next_one_alone() -> None:
    """That one was played out before a frame came, with nothing behind it."""
    owed = a_caller_who_waits()
    steps(owed, CLIP_AFTER_MS)
    assert owed.ours.ends(VOICE, CLIP_AFTER_MS + 500.0)

    assert steps(owed, 7_000.0) == [PLAY]
    assert not owed.ours.ends(SILENCE, 8_500.0)
    assert not owed.ours.ends(VOICE, 9_000.0)
