"""The caller's own voice in the account of owed silence, to the millisecond: what is theirs, what is
waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingress.calls.owed import CLIP_AGAIN_MS, HUSH_MS, OwedSound
from shared.audio import is_voice
from shared.contract.owed import DebtCause, NoWord
from tests.ingress.calls.test_owed import CLIP_MS, NOTHING, PLAY, QUIET, TURN_1, VOICE, Ear

SPEAKS = replace(QUIET, is_caller_speaking=True)
DEAF = replace(QUIET, is_deaf=True)


@pytest.fixture
def owed() -> OwedSound:
    """The account of a caller who was greeted: nothing is owed at 1,000 ms."""
    owed = OwedSound(0.0, CLIP_MS)
    owed.word(QUIET, 1_000.0)
    return owed


def look(owed: OwedSound, at_ms: float) -> tuple[int, str]:
    """What stands when somebody looks then."""
    owed.check(at_ms, store_away=False)
    return owed.standing


def test_eight_loud_samples_of_a_frame_are_a_voice() -> None:
    """Seven are a click, and a hum of the line is none at all."""
    hum, loud = b"\xf2", b"\xf1"

    assert is_voice(loud * 8 + hum * 152)
    assert not is_voice(loud * 7 + hum * 153)


def test_a_pause_of_a_caller_who_is_said_to_speak_is_theirs_up_to_700_ms(owed: OwedSound) -> None:
    """A longer one was waiting from its first moment on."""
    owed.word(SPEAKS, 1_000.0)
    owed.caller(VOICE, 2_000.0)
    owed.word(SPEAKS, 2_000.0)

    assert look(owed, 2_000.0 + HUSH_MS) == (0, "")
    assert look(owed, 2_001.0 + HUSH_MS) == (701, DebtCause.TURN)


def test_a_pause_in_the_words_of_a_caller_who_waits_for_an_answer_is_counted_late_and_whole(
    owed: OwedSound,
) -> None:
    """Up to 700 ms it may be one between two words."""
    owed.word(replace(TURN_1, is_caller_speaking=True), 1_000.0)
    owed.caller(VOICE, 1_500.0)

    assert look(owed, 1_500.0 + HUSH_MS) == (0, DebtCause.TURN)
    assert look(owed, 1_501.0 + HUSH_MS) == (701, DebtCause.TURN)


def test_a_caller_who_is_said_to_speak_and_was_never_heard_waits(owed: OwedSound) -> None:
    """The model takes noise for a voice: no line that is quiet to us is quiet for long."""
    owed.word(SPEAKS, 1_000.0)

    owed.word(SPEAKS, 2_000.0)

    assert look(owed, 2_500.0) == (2_500, DebtCause.TURN)


def test_the_clip_does_not_talk_over_the_caller(owed: OwedSound) -> None:
    """It was due while nobody looked; they speak by then, and until 700 ms after their last sound."""
    owed.word(TURN_1, 1_000.0)
    assert owed.check(4_900.0, store_away=False) is NOTHING
    owed.word(replace(TURN_1, is_caller_speaking=True), 5_050.0)
    owed.caller(VOICE, 5_060.0)

    assert owed.check(5_100.0, store_away=False) is NOTHING
    assert owed.check(5_060.0 + HUSH_MS, store_away=False) is NOTHING
    assert owed.check(5_061.0 + HUSH_MS, store_away=False) is PLAY


def test_whoever_still_speaks_to_a_brain_without_a_session_does_not_wait_yet(owed: OwedSound) -> None:
    """They do from their last sound on, once they have been quiet for more than 700 ms."""
    owed.word(DEAF, 1_000.0)
    owed.caller(VOICE, 1_500.0)
    owed.word(DEAF, 2_000.0)

    assert look(owed, 1_500.0 + HUSH_MS) == (0, "")
    assert look(owed, 1_501.0 + HUSH_MS) == (701, NoWord.NO_SESSION)


def test_words_shortly_before_a_session_was_lost_are_owed_an_answer(owed: OwedSound) -> None:
    """Within 2 s: the model may not have heard them."""
    owed.caller(VOICE, 1_500.0)

    owed.word(DEAF, 3_499.0)

    assert owed.standing == (1_999, NoWord.NO_SESSION)


def test_words_long_before_a_session_was_lost_were_heard(owed: OwedSound) -> None:
    """Two seconds before and more."""
    owed.caller(VOICE, 1_500.0)

    owed.word(DEAF, 3_500.0)

    assert owed.standing == (0, "")


def test_the_clock_stands_while_they_speak_to_a_brain_without_a_session(owed: OwedSound) -> None:
    """It goes on from where it stood, and not from zero."""
    owed.word(DEAF, 1_000.0)
    owed.caller(VOICE, 1_500.0)
    assert look(owed, 2_999.0) == (1_499, NoWord.NO_SESSION)
    owed.word(DEAF, 2_999.0)

    owed.caller(VOICE, 3_000.0)

    assert look(owed, 3_000.0 + HUSH_MS) == (1_499, NoWord.NO_SESSION)
    assert look(owed, 3_001.0 + HUSH_MS) == (1_499 + 701, NoWord.NO_SESSION)


def test_a_caller_who_speaks_where_no_brain_is_waits_all_the_same() -> None:
    """Nobody hears them: their voice stops no clock."""
    owed = OwedSound(0.0, CLIP_MS)

    owed.caller(VOICE, 1_000.0)

    assert look(owed, 1_500.0) == (1_500, NoWord.PICK_UP)


@pytest.mark.parametrize(("spoke_ms", "left"), [(1, 999), (999, 1), (1_000, 0)])
def test_as_long_as_they_spoke_they_did_not_wait(owed: OwedSound, spoke_ms: int, left: int) -> None:
    """A second of quiet in a turn that no model closes, and then words."""
    owed.caller(VOICE, 1_500.0)
    owed.word(SPEAKS, 1_500.0)
    assert look(owed, 2_500.0) == (1_000, DebtCause.TURN)

    owed.caller(VOICE, 2_500.0 + spoke_ms)

    assert look(owed, 2_500.0 + spoke_ms) == (left, DebtCause.TURN if left else "")


def test_a_few_words_after_the_clip_put_the_next_one_off_to_their_end(owed: OwedSound) -> None:
    """From there it is as far away as from the end of a clip: not a millisecond less."""
    owed.caller(VOICE, 1_500.0)
    for at_ms in (1_500.0, 3_000.0, 4_500.0):
        owed.word(SPEAKS, at_ms)
    assert owed.check(5_500.0, store_away=False) is PLAY
    owed.caller(VOICE, 6_500.0)
    for at_ms in (6_500.0, 8_000.0):
        owed.word(SPEAKS, at_ms)
    again_ms = 6_500.0 + CLIP_MS + CLIP_AGAIN_MS

    done = [owed.check(at_ms, store_away=False) for at_ms in (again_ms - 1.0, again_ms)]

    assert done == [NOTHING, PLAY]


def test_after_a_long_story_the_clip_is_4_s_away_again() -> None:
    """Though there was one before it, whose next would have come after 3 s."""
    ear = Ear()
    for _ in range(2):
        ear.say(SPEAKS).speak(5_000.0).until(ear.now_ms + 4_250.0)

    assert [at for at, _ in ear.steps] == [pytest.approx(at, abs=260.0) for at in (9_000.0, 18_250.0)]
