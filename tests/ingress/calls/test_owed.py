"""The account of owed silence, with literal times: what suspends, pays and brings back a debt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ingress.calls.owed import (
    APOLOGISE_MS,
    BREATH_MS,
    CLIP_AFTER_MS,
    PAUSE_MS,
    WORD_WITHIN_MS,
    OwedSound,
    Step,
)
from shared.audio import is_silent
from shared.contract.owed import DebtCause, NoWord
from shared.contract.streams.pairs import Owes

CLIP_MS = 1_000.0
VOICE = bytes([0x90]) * 160
SILENCE = bytes([0xFF]) * 160
FAINT = bytes([0xFC, 0x7B]) * 80
"""At most 32 of 32,768: -60 dBFS."""

NOTHING, PLAY, APOLOGISE = Step
TURN_1 = Owes(number=1, cause=DebtCause.TURN)
TURN_2 = Owes(number=2, cause=DebtCause.TURN)
PAID = Owes(number=1, cause=DebtCause.TURN, is_paid=True)
QUIET = Owes(number=0, is_paid=True)


class Ear:
    """One caller's account, driven as ingress drives it: looked at every 250 ms; the brain speaks every
    second while it lives."""

    def __init__(self) -> None:
        self.owed = OwedSound(0.0, CLIP_MS)
        self.now_ms = 0.0
        self.word: Owes | None = QUIET
        self.store_away = self.store_refuses = False
        self.steps: list[tuple[float, Step]] = []
        self._said_at_ms = -1_000.0

    def say(self, word: Owes | None, age_ms: int = 0) -> Ear:
        """The brain's word from now on; None: it says nothing any more."""
        self.word = word
        if word is not None:
            self._said_at_ms = self.now_ms
            said = Owes(**{**{name: getattr(word, name) for name in word.__slots__}, "age_ms": age_ms})
            self.owed.word(said, self.now_ms)
        return self

    def until(self, at_ms: float) -> Ear:
        """Time passes."""
        while self.now_ms < at_ms:
            self.now_ms = min(at_ms, self.now_ms + 250.0)
            if self.word is not None and self.now_ms - self._said_at_ms >= 1_000.0:
                self._said_at_ms = self.now_ms
                self.owed.word(self.word, self.now_ms)
            step = self.owed.check(self.now_ms, store_away=self.store_away, store_refuses=self.store_refuses)
            if step is not NOTHING:
                self.steps.append((self.now_ms, step))
        return self

    def speak(self, for_ms: float) -> Ear:
        """The caller's voice for so long."""
        end_ms = self.now_ms + for_ms
        while self.now_ms < end_ms:
            self.owed.caller(VOICE, self.now_ms)
            self.until(self.now_ms + 20.0)
        return self

    def play(self, for_ms: float, audio: bytes = VOICE, *, mark: str = "m", echoes: bool = True) -> Ear:
        """Frames for so long, in real time, a mark behind the last one, its echo."""
        end_ms = self.now_ms + for_ms
        while self.now_ms < end_ms:
            self.owed.frames(audio, self.now_ms)
            self.until(self.now_ms + 20.0)
        if mark:
            self.owed.mark(mark, self.now_ms)
            if echoes:
                self.owed.echo(mark, self.now_ms)
        return self


@pytest.fixture
def ear() -> Ear:
    """A caller who was greeted: nothing is owed at 1,000 ms."""
    ear = Ear()
    ear.say(QUIET).until(1_000.0)
    assert not ear.owed.stands
    return ear


def test_sound_is_owed_from_pick_up_though_nobody_has_said_a_word() -> None:
    """The clip after 4 s, again 2 s after its end, the apology at 12 s."""
    ear = Ear()
    ear.word = None

    ear.until(12_000.0)

    assert ear.steps == [(4_000.0, PLAY), (7_000.0, PLAY), (10_000.0, PLAY), (12_000.0, APOLOGISE)]
    assert ear.owed.standing == (12_000, NoWord.PICK_UP)


def test_an_agent_that_waits_for_the_caller_owes_nothing() -> None:
    """Its brain says so: half a minute of a quiet line brings no clip."""
    ear = Ear()

    ear.say(QUIET).until(30_000.0)

    assert ear.steps == []
    assert ear.owed.standing == (0, "")


def test_a_turn_is_owed_from_its_end_which_was_before_the_brain_knew(ear: Ear) -> None:
    """The model listens to 500 ms of silence before it says that the turn ended: they count."""
    ear.say(TURN_1, age_ms=500).until(13_000.0)

    assert [at for at, step in ear.steps if step is PLAY] == [4_500.0, 7_500.0, 10_500.0]
    assert ear.steps[-1] == (12_500.0, APOLOGISE) or ear.steps[-1][1] is APOLOGISE
    assert next(at for at, step in ear.steps if step is APOLOGISE) == 12_500.0


def test_a_frame_suspends_and_the_mark_behind_it_pays(ear: Ear) -> None:
    """The account is empty once the carrier has played what stands before the mark."""
    ear.say(TURN_1).until(3_000.0)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0, echoes=False).until(3_600.0)
    assert (ear.owed.stands, ear.owed.owed_ms, ear.owed.settled) == (False, 2_000.0, 0)

    ear.owed.echo("m", ear.now_ms)

    assert (ear.owed.owed_ms, ear.owed.settled) == (0.0, 1)


def test_silence_of_the_model_pays_nothing(ear: Ear) -> None:
    """Frames at -60 dBFS are no sound, marks or not."""
    assert is_silent(SILENCE)
    assert is_silent(FAINT)
    assert not is_silent(SILENCE[:-1] + b"\x7a")

    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(3_000.0, FAINT).play(2_000.0, SILENCE)

    assert ear.steps == [(5_000.0, PLAY)]
    assert ear.owed.settled == 0


def test_an_echo_that_a_clear_brings_back_pays_nothing(ear: Ear) -> None:
    """The carrier returns the marks of what it throws away."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(200.0, echoes=False)

    ear.owed.cleared(ear.now_ms)
    ear.owed.echo("m", ear.now_ms)

    assert ear.owed.settled == 0
    ear.until(1_200.0 + PAUSE_AND_A_LOOK)
    assert ear.owed.stands


def test_an_answer_that_is_paused_goes_on_and_is_paid_then(ear: Ear) -> None:
    """What the carrier forgets comes again: the answer is open all the while."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(200.0, echoes=False)

    ear.owed.cleared(ear.now_ms, goes_on=True)
    ear.owed.echo("m", ear.now_ms)
    ear.until(ear.now_ms + 800.0)
    assert not ear.owed.stands
    ear.owed.sound(1, ear.now_ms)
    ear.play(300.0)

    assert ear.owed.settled == 1


PAUSE_AND_A_LOOK = 1_250.0


def test_an_answer_that_breaks_off_is_owed_from_its_last_frame(ear: Ear) -> None:
    """It was paid by its first mark; its end never came."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(2_000.0).say(PAID)
    broke_off_at_ms = ear.now_ms

    ear.until(broke_off_at_ms + 12_250.0)

    assert ear.steps[0] == (pytest.approx(broke_off_at_ms + 4_000.0, abs=260.0), PLAY)
    assert ear.steps[-1][1] is APOLOGISE
    assert ear.owed.cause == NoWord.BROKEN_OFF


def test_an_answer_that_ended_is_owed_no_more(ear: Ear) -> None:
    """Half a minute of quiet after it brings nothing."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(2_000.0).say(PAID)
    ear.owed.end(1, ear.now_ms)

    ear.until(33_000.0)

    assert ear.steps == []


def test_a_preamble_pays_its_own_debt_and_not_the_one_of_its_tool(ear: Ear) -> None:
    """The second number stands behind the end of the first answer."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(1_000.0).say(Owes(number=2, cause=DebtCause.TOOL))
    ear.owed.end(1, ear.now_ms)

    ear.until(6_250.0)

    assert ear.owed.settled == 1
    assert ear.steps == [(6_000.0, PLAY)] or ear.steps == [(6_250.0, PLAY)]
    assert ear.owed.cause == DebtCause.TOOL


def test_a_tool_at_work_holds_the_apology_off_and_not_the_clip(ear: Ear) -> None:
    """Twenty seconds of a tool: clips, no apology; its seconds are not counted for one."""
    ear.say(Owes(number=1, cause=DebtCause.TOOL, is_patient=True)).until(21_000.0)

    assert {step for _, step in ear.steps} == {PLAY}
    assert len(ear.steps) >= 5
    assert ear.owed.owed_ms == 0.0


def test_the_callers_voice_stops_the_clock_and_takes_nothing_away(ear: Ear) -> None:
    """Who says "hello?" every three seconds hears the clip and the apology all the same."""
    ear.say(TURN_1)
    for number in range(2, 9):
        ear.until(ear.now_ms + 2_500.0)
        ear.say(Owes(number=number - 1, cause=DebtCause.TURN, is_caller_speaking=True)).speak(500.0)
        ear.say(Owes(number=number, cause=DebtCause.TURN))

    assert APOLOGISE in {step for _, step in ear.steps}
    assert ear.steps[0][0] < 1_000.0 + CLIP_AFTER_MS + 2 * 500.0 + 500.0


def test_a_brain_that_says_nothing_for_two_seconds_is_a_debt_from_its_last_word(ear: Ear) -> None:
    """Though nothing was owed: nobody would hear the caller."""
    ear.say(QUIET).say(None)
    last_word_at_ms = ear.now_ms

    ear.until(last_word_at_ms + 12_000.0)

    assert ear.steps[0] == (last_word_at_ms + 4_000.0, PLAY)
    assert ear.steps[-1] == (last_word_at_ms + 12_000.0, APOLOGISE)
    assert ear.owed.cause == NoWord.NO_BRAIN


def test_a_brain_that_is_back_in_time_ends_that_debt(ear: Ear) -> None:
    """It says that nothing is owed."""
    ear.say(None).until(8_000.0)
    assert ear.owed.stands

    ear.say(QUIET).until(30_000.0)

    assert [at for at, _ in ear.steps] == [5_000.0, 8_000.0]


def test_a_reply_that_plays_on_after_its_brain_died_is_heard_out_first(ear: Ear) -> None:
    """Sound is sound: the debt begins at its end."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.say(None)
    ear.play(6_000.0)
    ear.owed.end(1, ear.now_ms)

    ear.until(ear.now_ms + 3_750.0)
    assert ear.steps == []
    ear.until(ear.now_ms + 500.0)

    assert [step for _, step in ear.steps] == [PLAY]


def test_redis_is_named_where_it_is_away(ear: Ear) -> None:
    """The brain's word cannot come through it."""
    ear.store_away = True
    ear.say(None).until(4_000.0)

    assert ear.owed.standing == (3_000, NoWord.NO_REDIS)


def test_a_redis_that_refuses_is_told_from_one_that_is_away(ear: Ear) -> None:
    """It is there, and an operator looks for another reason."""
    ear.store_away = ear.store_refuses = True
    ear.say(None).until(4_000.0)

    assert ear.owed.standing == (3_000, NoWord.REDIS_REFUSES)


def test_a_decision_that_nothing_need_be_said_ends_a_debt(ear: Ear) -> None:
    """A tool that wants no answer."""
    ear.say(TURN_1).until(3_000.0)

    ear.say(Owes(number=1, cause=DebtCause.TURN, is_paid=True, is_waived=True)).until(30_000.0)

    assert ear.steps == []


def test_the_brains_belief_that_it_is_paid_is_not_enough(ear: Ear) -> None:
    """Egress said that the first frame left; nothing of it came here."""
    ear.say(TURN_1).until(2_000.0)

    ear.say(PAID).until(6_000.0)

    assert ear.steps == [(5_000.0, PLAY)]


def test_what_was_paid_on_an_earlier_stream_is_not_owed_on_this_one() -> None:
    """The stream is new here, and the brain says that its last debt is paid."""
    ear = Ear()

    ear.say(PAID).until(30_000.0)

    assert ear.steps == []


def test_a_call_that_comes_from_another_process_brings_its_account() -> None:
    """The card said 9 s: the apology is 3 s away."""
    ear = Ear()
    ear.owed = OwedSound(0.0, CLIP_MS, owed_ms=9_000.0, cause=DebtCause.TURN)

    ear.say(TURN_1).until(4_000.0)

    assert ear.steps[-1] == (3_250.0, APOLOGISE) or (3_000.0, APOLOGISE) in ear.steps


def test_where_no_mark_ever_returns_a_clock_pays(ear: Ear) -> None:
    """Three seconds after its time to play."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(1_000.0, echoes=False).say(PAID)
    ear.owed.end(1, ear.now_ms)

    ear.until(30_000.0)

    assert ear.owed.settled == 1
    assert ear.steps == [] or ear.steps[0][0] > 6_000.0


def test_the_card_is_told_when_a_debt_grows_old_and_when_it_is_gone(ear: Ear) -> None:
    """Once each."""
    ear.say(TURN_1).until(2_750.0)
    assert not ear.owed.take_turn()
    ear.until(3_000.0)
    assert ear.owed.take_turn()
    assert not ear.owed.take_turn()

    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0)

    assert ear.owed.take_turn()
    assert not ear.owed.take_turn()


def test_a_caller_who_is_said_to_speak_and_does_not_waits(ear: Ear) -> None:
    """The model never said that they had stopped: they wait since their last sound."""
    ear.say(Owes(number=0, is_paid=True, is_caller_speaking=True)).speak(1_000.0)
    last_voice_ms = ear.now_ms

    ear.until(last_voice_ms + 12_250.0)

    assert ear.steps[0] == (pytest.approx(last_voice_ms + 4_000.0, abs=260.0), PLAY)
    assert ear.steps[-1] == (pytest.approx(last_voice_ms + 12_000.0, abs=260.0), APOLOGISE)
    assert ear.owed.cause == DebtCause.TURN


def test_pauses_within_a_callers_speech_are_theirs(ear: Ear) -> None:
    """Half a minute of words with half a second between them, while an answer is owed: no clip."""
    ear.say(Owes(number=1, cause=DebtCause.TURN, is_caller_speaking=True))
    for _ in range(30):
        ear.speak(500.0).until(ear.now_ms + 500.0)

    assert ear.steps == []


def test_words_to_a_brain_without_a_session_are_owed_an_answer(ear: Ear) -> None:
    """From their last sound; silence is owed none."""
    ear.say(Owes(number=0, is_paid=True, is_deaf=True)).until(20_000.0)
    assert ear.steps == []

    ear.speak(500.0).until(24_750.0)

    assert [step for _, step in ear.steps] == [PLAY]
    assert ear.owed.cause == NoWord.NO_SESSION
    ear.say(QUIET).until(25_000.0)
    assert ear.owed.standing == (0, "")


def test_words_again_and_again_to_a_brain_without_a_session_are_answered_by_the_clip(ear: Ear) -> None:
    """ "Hello?" every three seconds, and no model that could hear it: the clock stands while they speak, and
    goes on from where it stood."""
    ear.say(replace(QUIET, is_deaf=True))

    while ear.now_ms < 12_000.0:
        ear.speak(500.0).until(ear.now_ms + 2_500.0)

    assert [step for _, step in ear.steps][:1] == [PLAY]
    assert ear.steps[0][0] <= 7_500.0


def test_a_turn_that_no_model_closes_ends_in_clip_and_apology(ear: Ear) -> None:
    """The model heard them begin and never that they stopped; they ask "hello?" every three seconds."""
    ear.say(replace(QUIET, is_caller_speaking=True))

    while ear.now_ms < 30_000.0 and (ear.now_ms, APOLOGISE) not in ear.steps:
        ear.speak(500.0).until(ear.now_ms + 2_500.0)

    played = [at for at, step in ear.steps if step is PLAY]
    apologised = [at for at, step in ear.steps if step is APOLOGISE]
    assert played[0] <= 9_000.0
    assert apologised[0] <= 22_000.0


def test_a_story_with_pauses_is_not_interrupted(ear: Ear) -> None:
    """Whoever speaks longer than they are silent is not waiting: their pauses do not add up."""
    ear.say(replace(QUIET, is_caller_speaking=True))

    while ear.now_ms < 120_000.0:
        ear.speak(2_500.0).until(ear.now_ms + 2_000.0)

    assert ear.steps == []


def test_a_lost_echo_is_made_good_by_the_next_one(ear: Ear) -> None:
    """The carrier comes to marks in order: what stands before a later one was played."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0, mark="lost", echoes=False).play(500.0, mark="next")

    assert (ear.owed.owed_ms, ear.owed.settled) == (0.0, 1)


def test_a_lost_echo_behind_the_last_frame_is_made_good_by_a_clock(ear: Ear) -> None:
    """Though marks of this stream have come back before: else an answer that was heard ends in the
    apology."""
    ear.owed.sound(0, ear.now_ms)
    ear.play(500.0, mark="greeting")
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0, mark="lost", echoes=False)
    ear.owed.end(1, ear.now_ms)

    ear.say(replace(TURN_1, is_paid=True)).until(30_000.0)

    assert ear.steps == []
    assert ear.owed.settled == 1


def test_an_answer_that_is_announced_again_is_paid_by_its_end(ear: Ear) -> None:
    """Egress repeats what it cannot know to have arrived, and its frames are dropped as repeats: what was
    given to the socket before counts."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(300.0, mark="")
    ear.owed.sound(1, ear.now_ms)
    ear.owed.mark("end", ear.now_ms)
    ear.owed.end(1, ear.now_ms)

    ear.owed.echo("end", ear.now_ms)

    assert ear.owed.settled == 1


# What stands, from when on, and what is counted.


def test_a_brains_word_is_good_for_2_s(ear: Ear) -> None:
    """Then it is missed, from its last word on."""
    ear.say(QUIET)
    stood = []
    for at_ms in (1_000.0 + WORD_WITHIN_MS, 1_001.0 + WORD_WITHIN_MS):
        ear.owed.check(at_ms, store_away=False)
        stood.append(ear.owed.standing)

    assert stood == [(0, ""), (2_001, NoWord.NO_BRAIN)]


def test_a_broken_off_answer_of_a_dead_brain_is_owed_from_its_last_sound(ear: Ear) -> None:
    """Not from the brain's last word, which came after it."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0)
    last_sound_ms = ear.now_ms
    ear.owed.word(PAID, last_sound_ms + 500.0)

    ear.owed.check(last_sound_ms + 2_750.0, store_away=False)

    assert ear.owed.standing == (2_750, NoWord.NO_BRAIN)


def test_a_breath_within_an_answer_is_no_debt_for_a_second(ear: Ear) -> None:
    """Then it stands, and is as old as the silence."""
    ear.say(TURN_1)
    ear.owed.sound(1, ear.now_ms)
    ear.play(500.0).say(PAID)
    last_sound_ms = ear.now_ms
    stood = []
    for silent_ms in (PAUSE_MS - 1.0, PAUSE_MS):
        ear.owed.check(last_sound_ms + silent_ms, store_away=False)
        stood.append(ear.owed.standing)

    assert stood == [(0, ""), (1_000, NoWord.BROKEN_OFF)]


def test_a_debt_in_the_first_second_of_a_stream_stands_at_once() -> None:
    """Nothing has sounded on it that could be going on."""
    ear = Ear()
    ear.say(QUIET).until(250.0)

    ear.say(TURN_1).until(500.0)

    assert ear.owed.standing == (250, DebtCause.TURN)


def test_where_nothing_is_owed_the_card_need_not_be_told(ear: Ear) -> None:
    """Not even once."""
    assert not ear.owed.take_turn()


def test_owed_silence_is_counted_once_and_by_its_cause(ear: Ear) -> None:
    """For the metrics: under what it was owed for when somebody last looked, and not again once it was
    taken."""
    ear.owed.take_silence()
    ear.say(TURN_1).until(2_500.0)
    assert ear.owed.take_silence() == {DebtCause.TURN: 1_500.0}

    ear.until(3_000.0).say(None).until(6_000.0)

    assert ear.owed.take_silence() == {DebtCause.TURN: 2_750.0, NoWord.NO_BRAIN: 750.0}
    assert ear.owed.take_silence() == {}


class AnyOrder(RuleBasedStateMachine):
    """Whatever comes in whatever order: no silence that is owed lasts without our own sound."""

    def __init__(self) -> None:
        super().__init__()
        self.ear = Ear()
        self.number = 0
        self.last_sound_ms = 0.0
        """When the caller last heard us, or the clock was stopped by right."""

    @rule(ms=st.sampled_from([20.0, 250.0, 900.0, 2_500.0]))
    def time_passes(self, ms: float) -> None:
        """Nobody says anything new."""
        before = len(self.ear.steps)
        self.ear.until(self.ear.now_ms + ms)
        for at_ms, step in self.ear.steps[before:]:
            if step is PLAY:
                self.last_sound_ms = at_ms + CLIP_MS

    @rule(paid=st.booleans())
    def a_turn_ends(self, paid: bool) -> None:
        """The brain owes one more."""
        self.number += 1
        self.ear.say(Owes(number=self.number, cause=DebtCause.TURN, is_paid=paid))

    @rule()
    def the_brain_dies(self) -> None:
        """No word any more."""
        self.ear.say(None)

    @rule(ms=st.sampled_from([20.0, 400.0]), audio=st.sampled_from([VOICE, SILENCE]), echoes=st.booleans())
    def frames_come(self, ms: float, audio: bytes, echoes: bool) -> None:
        """Of the answer to all debts."""
        self.ear.owed.sound(self.number, self.ear.now_ms)
        before = len(self.ear.steps)
        self.ear.play(ms, audio, echoes=echoes)
        if audio == VOICE:
            self.last_sound_ms = self.ear.now_ms
        for at_ms, step in self.ear.steps[before:]:
            if step is PLAY:
                self.last_sound_ms = at_ms + CLIP_MS

    @rule()
    def the_answer_ends(self) -> None:
        """Egress has sent its last frame."""
        self.ear.owed.end(self.number, self.ear.now_ms)

    @rule()
    def it_is_cleared(self) -> None:
        """The caller interrupts."""
        self.ear.owed.cleared(self.ear.now_ms)

    @invariant()
    def an_owed_silence_is_short(self) -> None:
        """While a debt stands, our own sound is never further away than its bound."""
        owed, now_ms = self.ear.owed, self.ear.now_ms
        if owed.stands and owed.owed_ms < APOLOGISE_MS:
            assert now_ms - max(self.last_sound_ms, now_ms - owed.owed_ms) <= CLIP_AFTER_MS + 260.0

    @invariant()
    def the_account_is_never_negative_and_ends_in_an_apology(self) -> None:
        """It grows by time only."""
        owed = self.ear.owed
        assert 0.0 <= owed.owed_ms <= self.ear.now_ms + 600.0
        if owed.owed_ms >= APOLOGISE_MS + 260.0 and owed.stands:
            assert APOLOGISE in {step for _, step in self.ear.steps}


TestAnyOrder = AnyOrder.TestCase


def test_what_was_given_plays_on_until_it_is_cleared() -> None:
    """Whoever takes the call's egress over is told how long."""
    owed = OwedSound(0.0, CLIP_MS)
    for _ in range(5):
        owed.frames(SILENCE, 1_000.0)

    assert [owed.playing_ms(now) for now in (1_000.0, 1_030.0, 2_000.0)] == [100.0, 70.0, 0.0]
    owed.cleared(1_040.0)
    assert owed.playing_ms(1_040.0) == 0.0


def test_a_quiet_moment_is_one_in_which_nobody_speaks() -> None:
    """Neither the caller, with the pauses between their words, nor what plays at the carrier."""
    owed = OwedSound(0.0, CLIP_MS)
    assert owed.is_quiet(1_000)
    owed.caller(SILENCE, 1_000)
    assert owed.is_quiet(1_000)
    owed.caller(VOICE, 1_000)
    assert not owed.is_quiet(1_500)
    assert owed.is_quiet(2_000)
    for number in range(10):
        owed.frames(VOICE, 2_000 + number)
    assert not owed.is_quiet(2_200), "the last frame has just been played"
    assert owed.is_quiet(2_600)
    owed.frames(SILENCE, 2_600)
    assert owed.is_quiet(2_610), "silence is none"


def test_a_quiet_moment_begins_a_breath_behind_the_last_sound() -> None:
    """To the millisecond."""
    owed = OwedSound(0.0, CLIP_MS)
    owed.frames(VOICE, 1_000.0)
    assert [owed.is_quiet(1_020.0 + BREATH_MS - 1), owed.is_quiet(1_020.0 + BREATH_MS)] == [False, True]


def test_an_answer_that_was_heard_before_the_cut_leaves_the_younger_debt_its_own_silence(ear: Ear) -> None:
    """Two turns, and a second of the answer to the first: the account of the second begins at the cut."""
    ear.say(TURN_2).until(3_000.0)
    ear.owed.sound(1, ear.now_ms)
    ear.play(1_000.0, mark="")

    ear.owed.cleared(ear.now_ms)

    assert (ear.owed.settled, ear.owed.owed_ms) == (1, 0.0)
    ear.until(5_000.0)
    assert (ear.owed.stands, ear.owed.owed_ms) == (True, 1_000.0)
