"""What a caller heard, on recordings made up for it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.prove.listening.ear import Cause, Hearing, Kind, Recording, Sound, listen
from proofs.prove.listening.spans import Span


def answer(start_ms: float, end_ms: float, *, owes_more: bool = False) -> Sound:
    return Sound(Kind.ANSWER, Span(start_ms, end_ms), "words", owes_more)


def clip(start_ms: float) -> Sound:
    return Sound(Kind.CLIP, Span(start_ms, start_ms + 600))


def apology(start_ms: float) -> Sound:
    return Sound(Kind.APOLOGY, Span(start_ms, start_ms + 2_000))


def heard(
    *sounds: Sound,
    until_ms: float = 60_000,
    speech: tuple[Span, ...] = (),
    keys: tuple[float, ...] = (),
    down: tuple[Span, ...] = (),
) -> Hearing:
    return listen(
        Recording(
            answered_at_ms=0,
            ended_at_ms=until_ms,
            sounds=sounds,
            speech=speech,
            keys=keys,
            down=down,
        )
    )


GREETED = answer(1_000, 4_000)


def test_sound_is_owed_from_pick_up_and_from_the_end_of_each_turn() -> None:
    """Until the first audible frame of the answer."""
    hearing = heard(GREETED, answer(7_500, 9_000), speech=(Span(5_000, 6_000),))

    assert [(debt.cause, debt.age_ms, debt.paid_by) for debt in hearing.debts] == [
        (Cause.PICK_UP, 1_000, Kind.ANSWER),
        (Cause.TURN, 1_500, Kind.ANSWER),
    ]
    assert (hearing.quiet_ms, hearing.age_ms, hearing.open_debt) == (1_500, 1_500, None)


def test_nothing_is_owed_between_an_answer_and_the_next_word() -> None:
    """However long that is."""
    assert heard(GREETED, until_ms=50_000).quiet_ms == 1_000


def test_a_caller_who_is_never_answered_is_owed_to_the_end() -> None:
    """The silence is all of it."""
    hearing = heard(GREETED, speech=(Span(5_000, 6_000),), until_ms=30_000)

    assert hearing.open_debt is not None
    assert (hearing.quiet_ms, hearing.age_ms) == (24_000, 24_000)


def test_our_own_clip_breaks_the_silence_and_pays_nothing() -> None:
    """The wait goes on behind it."""
    hearing = heard(clip(4_000), clip(7_000), answer(9_000, 12_000))

    assert hearing.quiet_ms == 4_000
    assert (hearing.age_ms, hearing.count(Kind.CLIP)) == (9_000, 2)


def test_the_apology_ends_the_wait() -> None:
    """It is no answer."""
    hearing = heard(clip(4_000), clip(7_000), apology(12_000), until_ms=14_000)

    assert (hearing.age_ms, hearing.debts[0].paid_by) == (12_000, Kind.APOLOGY)


def test_speech_stops_the_clock_and_does_not_put_it_back() -> None:
    """Hello? every three seconds: what is owed since the first one is owed all the time."""
    hellos = tuple(Span(5_000 + n * 3_000, 5_600 + n * 3_000) for n in range(4))
    hearing = heard(GREETED, speech=hellos, until_ms=15_000)

    # From 5.6 s to 15 s, less three further words.
    assert (hearing.quiet_ms, hearing.age_ms) == (7_600, 7_600)
    assert [debt.cause for debt in hearing.debts] == [Cause.PICK_UP, Cause.TURN]


def test_an_answer_that_ceases_is_owed_again() -> None:
    """From its last audible frame, until it goes on."""
    hearing = heard(answer(1_000, 2_000, owes_more=True), answer(8_000, 10_000))

    assert [(debt.cause, debt.span) for debt in hearing.debts[1:]] == [(Cause.BREAK, Span(2_000, 8_000))]


@pytest.mark.parametrize("cut_at_ms", [1_600.0, 2_500.0])
def test_what_the_caller_cut_is_not_owed(cut_at_ms: float) -> None:
    """While they speak or just behind; the answer to what they said is."""
    hearing = heard(
        answer(1_000, cut_at_ms, owes_more=True), answer(4_000, 5_000), speech=(Span(1_500, 2_000),)
    )

    assert [(debt.cause, debt.span) for debt in hearing.debts[1:]] == [(Cause.TURN, Span(2_000, 4_000))]


def test_a_key_is_owed_an_answer() -> None:
    """Of several, from the first one on."""
    hearing = heard(GREETED, answer(8_000, 9_000), keys=(5_000, 5_200))

    assert [(debt.cause, debt.age_ms) for debt in hearing.debts[1:]] == [(Cause.KEY, 3_000)]


def test_an_answer_within_the_callers_last_sound_answers_it() -> None:
    """The model took a pause for the end."""
    hearing = heard(GREETED, answer(5_800, 7_000), speech=(Span(5_000, 6_000),))
    assert len(hearing.debts) == 1


def test_an_answer_that_goes_on_over_the_callers_words_does_not_answer_them() -> None:
    """There is no silence before it has ended; then there is."""
    hearing = heard(answer(1_000, 7_000), speech=(Span(4_000, 5_000),), until_ms=10_000)

    assert (hearing.quiet_ms, hearing.age_ms) == (3_000, 5_000)


def test_time_without_a_socket_is_nobodys_fault_and_is_told() -> None:
    """The promise counts the rest."""
    hearing = heard(answer(9_000, 10_000), down=(Span(2_000, 5_500),))

    assert (hearing.quiet_ms, hearing.silence_ms, hearing.age_ms) == (5_500, 9_000, 5_500)


def test_the_next_answer_is_told_from_any_moment() -> None:
    """None when none came."""
    hearing = heard(GREETED, clip(9_000))
    assert (hearing.wait_ms(500), hearing.wait_ms(2_000)) == (500, None)


# Whatever the call was like.

MOMENTS = st.integers(0, 40_000)
STRETCHES = st.tuples(MOMENTS, st.integers(20, 6_000)).map(lambda pair: Span(pair[0], sum(pair)))
SOUNDS = st.lists(
    st.builds(Sound, st.sampled_from(list(Kind)), STRETCHES, st.just(""), st.booleans()), max_size=8
).map(lambda sounds: sorted(sounds, key=lambda sound: sound.span))
RECORDINGS = st.builds(
    Recording,
    answered_at_ms=st.just(0),
    ended_at_ms=st.integers(1, 60_000),
    sounds=SOUNDS,
    speech=st.lists(STRETCHES, max_size=4),
    keys=st.lists(MOMENTS, max_size=3),
    down=st.lists(STRETCHES, max_size=2),
)


@given(RECORDINGS)
def test_figures_are_bounded_by_what_there_is(recording: Recording) -> None:
    """No silence is longer than its debt, none is negative, and debts do not overlap."""
    hearing = listen(recording)

    for debt in hearing.debts:
        assert 0 <= debt.quiet_ms <= debt.age_ms <= debt.span.ms
        assert debt.quiet_ms <= debt.silence_ms
    spans = [debt.span for debt in hearing.debts]
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(spans))
    assert all(debt.paid_by is not None for debt in hearing.debts[:-1])


@given(RECORDINGS, MOMENTS)
def test_our_own_clip_never_makes_a_silence_longer_nor_a_wait_shorter(
    recording: Recording, at_ms: float
) -> None:
    """It is sound, and no answer, wherever it falls."""
    before = listen(recording)
    sounds = sorted([*recording.sounds, clip(at_ms)], key=lambda sound: sound.span)
    after = listen(
        Recording(
            answered_at_ms=recording.answered_at_ms,
            ended_at_ms=recording.ended_at_ms,
            sounds=sounds,
            speech=recording.speech,
            keys=recording.keys,
            down=recording.down,
        )
    )

    assert [(debt.span, debt.paid_by) for debt in after.debts] == [(d.span, d.paid_by) for d in before.debts]
    assert after.age_ms == before.age_ms
    assert after.quiet_ms <= before.quiet_ms


@given(st.integers(1, 60_000), st.lists(STRETCHES, max_size=4))
def test_a_call_without_a_sound_is_one_silence(ended_ms: int, speech: list[Span]) -> None:
    """All of it but what the caller spoke."""
    hearing = listen(Recording(answered_at_ms=0, ended_at_ms=ended_ms, sounds=(), speech=speech))

    spoken = {ms for span in speech for ms in range(int(span.start_ms), int(min(ended_ms, span.end_ms)))}
    assert hearing.quiet_ms == hearing.age_ms == ended_ms - len(spoken)
