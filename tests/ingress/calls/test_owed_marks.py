"""What a mark pays in the account of owed silence, and what becomes of marks that do not come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingress.calls.owed import MARK_WITHIN_MS, OwedSound
from shared.contract.owed import DebtCause
from tests.ingress.calls.test_owed import APOLOGISE, CLIP_MS, PAID, QUIET, SILENCE, TURN_1, TURN_2, VOICE, Ear


@pytest.fixture
def ear() -> Ear:
    """A caller who was greeted: nothing is owed at 1,000 ms."""
    return Ear().say(QUIET).until(1_000.0)


def test_a_second_answer_is_paid_as_the_first_one_was(ear: Ear) -> None:
    """One mark and its echo each."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0)
    ear.say(TURN_2)
    ear.owed.sound(2, ear.now_ms)
    ear.play(500.0)

    assert ear.owed.settled == 2


def test_an_answer_after_a_clear_is_paid_like_any_other(ear: Ear) -> None:
    """What was cleared holds nothing back: neither the mark that was under way nor frames that never
    played."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    for _ in range(100):
        ear.owed.frames(VOICE, ear.now_ms)
    ear.owed.mark("void", ear.now_ms)
    ear.owed.cleared(ear.now_ms)
    ear.owed.sound(1, ear.now_ms)
    ear.play(20.0)
    assert ear.owed.settled == 1

    ear.say(TURN_2).until(4_020.0)

    assert ear.owed.standing == (3_000, DebtCause.TURN)


@pytest.mark.parametrize(("heard_ms", "paid"), [(240.0, 0), (260.0, 1)])
def test_an_answer_that_is_cut_off_before_its_first_mark_is_paid_if_a_word_was_heard(
    ear: Ear, heard_ms: float, paid: int
) -> None:
    """Whatever was given to the socket beyond it; silence is no word."""
    ear.say(TURN_1).until(4_000.0)
    ear.owed.sound(1, ear.now_ms)
    for _ in range(10):
        ear.owed.frames(SILENCE, ear.now_ms)
    for _ in range(100):
        ear.owed.frames(VOICE, ear.now_ms)
    ear.until(4_000.0 + 200.0 + heard_ms)
    ear.owed.cleared(ear.now_ms)
    assert ear.owed.settled == paid

    ear.say(TURN_2).until(8_000.0)

    waited_ms = 8_000.0 - 4_200.0 - heard_ms
    assert ear.owed.standing[0] == pytest.approx(waited_ms if paid else waited_ms + 3_000.0, abs=300.0)


def test_an_answer_that_is_cut_off_pays_once(ear: Ear) -> None:
    """What was heard of it says nothing of the next one."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    for _ in range(100):
        ear.owed.frames(VOICE, ear.now_ms)
    ear.until(1_500.0)
    ear.owed.cleared(ear.now_ms)
    assert ear.owed.settled == 1

    ear.say(TURN_2)
    ear.owed.sound(2, ear.now_ms)
    ear.owed.frames(VOICE, ear.now_ms)
    ear.owed.cleared(ear.now_ms)

    assert ear.owed.settled == 1


@pytest.mark.parametrize(("heard_ms", "paid"), [(249.0, 0), (250.0, 1)])
def test_what_was_heard_of_a_group_begins_with_its_first_sound(heard_ms: float, paid: int) -> None:
    """Silence stands before it in the same message."""
    owed = OwedSound(0.0, 1_000.0)
    owed.sound(1, 1_000.0)
    owed.frames(SILENCE + VOICE + VOICE, 1_000.0)
    for _ in range(5):
        owed.frames(VOICE * 3, 1_000.0)

    owed.cleared(1_020.0 + heard_ms)

    assert owed.settled == paid


def test_an_answer_that_the_caller_interrupts_leaves_nothing_open(ear: Ear) -> None:
    """It was paid and is void: half a minute of quiet brings nothing, and a mark behind no sound pays
    nothing."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(1_000.0).say(PAID)
    ear.owed.cleared(ear.now_ms)
    ear.until(32_000.0)
    assert ear.steps == []

    ear.say(TURN_2).until(34_000.0)
    ear.play(20.0, SILENCE)

    assert ear.owed.standing == (2_020, DebtCause.TURN)


def test_a_mark_behind_nothing_but_silence_pays_nothing(ear: Ear) -> None:
    """Though sound of the same answer was paid for before."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0)
    ear.say(TURN_2).until(3_500.0)

    ear.play(20.0, SILENCE, mark="behind silence")

    assert ear.owed.standing == (2_020, DebtCause.TURN)


def test_a_clock_pays_3_s_after_the_time_to_play(ear: Ear) -> None:
    """Not before."""
    ear.say(TURN_1)
    ear.owed.sound(1, 1_000.0)
    ear.owed.frames(VOICE, 1_000.0)
    ear.owed.mark("lost", 1_000.0)

    settled = []
    for at_ms in (1_019.0 + MARK_WITHIN_MS, 1_020.0 + MARK_WITHIN_MS):
        ear.owed.check(at_ms, store_away=False)
        settled.append(ear.owed.settled)

    assert settled == [0, 1]


def test_an_answer_that_is_heard_before_the_brain_has_said_a_word_pays() -> None:
    """Egress was quicker."""
    owed = OwedSound(0.0, CLIP_MS)
    owed.sound(3, 500.0)
    owed.frames(VOICE, 500.0)
    owed.mark("m", 520.0)

    owed.echo("m", 600.0)

    assert (owed.settled, owed.owed_ms) == (3, 0.0)


def test_the_brain_knows_which_answer_was_heard_where_egress_word_for_it_was_lost() -> None:
    """It says that its second debt is paid, and sound came, with its echo. Else what egress named is paid."""
    settled = []
    for word in (TURN_2, replace(TURN_2, is_paid=True)):
        ear = Ear()
        ear.say(TURN_1)
        ear.owed.sound(1, ear.now_ms)
        ear.say(TURN_2).say(word)
        ear.play(500.0)
        settled.append(ear.owed.settled)

    assert settled == [1, 2]


@pytest.fixture
def two_under_way() -> OwedSound:
    """Two answers were given to the socket, one behind the other, at 0 ms and at 500, with a mark behind
    each."""
    owed = OwedSound(0.0, CLIP_MS)
    for number, at_ms in ((1, 0.0), (2, 500.0)):
        owed.sound(number, at_ms)
        owed.frames(VOICE, at_ms)
        owed.mark(f"m{number}", at_ms)
    return owed


def test_an_echo_pays_up_to_its_mark_and_not_what_stands_behind_it(two_under_way: OwedSound) -> None:
    """The second answer is still to be heard."""
    settled = []
    for name in ("m1", "m2"):
        two_under_way.echo(name, 1_000.0)
        settled.append(two_under_way.settled)

    assert settled == [1, 2]


def test_the_clock_pays_one_answer_after_the_other(two_under_way: OwedSound) -> None:
    """Each 3 s after its own time to play."""
    settled = []
    for at_ms in (20.0, 519.0, 520.0):
        two_under_way.check(at_ms + MARK_WITHIN_MS, store_away=False)
        settled.append(two_under_way.settled)

    assert settled == [1, 1, 2]


def test_a_clock_that_pays_for_an_older_answer_leaves_a_younger_debt_its_silence(ear: Ear) -> None:
    """The caller waits for the second answer from the end of their turn on, whatever echo was lost before."""
    ear.say(TURN_1).until(3_000.0)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0, echoes=False)
    ear.owed.end(1, ear.now_ms)
    assert (ear.now_ms, ear.owed.owed_ms) == (3_500.0, 2_000.0)

    ear.say(TURN_2).until(3_500.0 + MARK_WITHIN_MS)
    assert (ear.owed.settled, ear.owed.owed_ms) == (1, MARK_WITHIN_MS)

    ear.until(16_000.0)
    assert next(at for at, step in ear.steps if step is APOLOGISE) == 15_500.0
