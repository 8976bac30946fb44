"""The caller's plan, tick by tick, without a call."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from simulators.twilio.caller import plan as steps
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.conduct import Action, Caller, EndCall, PressKey

CLIP = Clip(b"\x10" * 480, "clip")  # 3 frames


@dataclass
class Ear:
    """What is heard, set by the test."""

    playing: bool = False
    reply_number: int = 0
    quiet_since_ms: float = 0.0
    played_ms: float = 0.0

    def reply_played_ms(self, now_ms: float) -> float:
        return self.played_ms


@dataclass
class Run:
    """A caller and its clock."""

    caller: Caller
    ear: Ear = field(default_factory=Ear)
    now_ms: float = 0.0
    actions: list[Action] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    """Clip and frame of each tick; "-" for silence."""

    def ticks(self, count: int) -> Run:
        for _ in range(count):
            self.now_ms += 20
            self.actions += self.caller.tick(self.now_ms, self.ear)
            frame = self.caller.take_frame()
            self.spoken.append("-" if frame is None else f"{frame.clip.name}{frame.index}")
        return self


def run(*plan: steps.Step, **fields: object) -> Run:
    return Run(Caller(steps.CallPlan(plan, **fields), 0.0))


def test_a_plan_without_steps_hangs_up() -> None:
    """Running out of steps ends the call."""
    assert run().ticks(1).actions == [EndCall()]


def test_speaking_gives_a_frame_each_tick_then_goes_on() -> None:
    """Three frames, then the hang-up."""
    spoken = run(steps.Speak(CLIP), steps.HangUp()).ticks(5)

    assert spoken.spoken[:3] == ["clip0", "clip1", "clip2"]
    assert spoken.actions == [EndCall()]


def test_speech_that_is_not_waited_for_runs_beside_the_next_steps() -> None:
    """A key in the middle of a word."""
    talk = run(steps.Speak(CLIP, wait=False), steps.Pause(20), steps.Dtmf("5"), steps.Pause(200))
    talk.ticks(3)

    assert talk.actions == [PressKey("5")]
    assert talk.spoken == ["clip0", "clip1", "clip2"]


def test_a_second_clip_waits_for_the_first() -> None:
    """One mouth."""
    talk = run(steps.Speak(CLIP, wait=False), steps.Speak(CLIP), steps.Pause(999)).ticks(6)

    assert talk.spoken == ["clip0", "clip1", "clip2"] * 2


def test_waiting_for_speech_wants_a_reply_not_yet_met() -> None:
    """The same reply does not count twice; one begun while speaking does."""
    talk = run(steps.WaitForSpeech(), steps.Dtmf("1"), steps.WaitForSpeech(), steps.Dtmf("2"))
    talk.ticks(2)
    assert talk.actions == []

    talk.ear.reply_number = 1
    talk.ticks(3)
    assert talk.actions == [PressKey("1")]

    talk.ear.reply_number = 2
    talk.ticks(1)
    assert PressKey("2") in talk.actions


def test_a_reply_begun_before_the_caller_spoke_is_no_answer() -> None:
    """After speaking, only a new reply is one."""
    talk = run(steps.Speak(CLIP), steps.WaitForSpeech(), steps.Dtmf("1"), steps.Pause(500))
    talk.ear.reply_number = 3
    talk.ticks(8)
    assert talk.actions == []

    talk.ear.reply_number = 4
    talk.ticks(1)

    assert talk.actions == [PressKey("1")]


def test_waiting_for_silence_counts_from_the_last_sound() -> None:
    """Not while playing, not too soon."""
    talk = run(steps.WaitForSilence(100), steps.HangUp())
    talk.ear.playing = True
    talk.ticks(10)
    talk.ear.playing, talk.ear.quiet_since_ms = False, 200.0

    talk.ticks(4)
    assert talk.actions == []
    talk.ticks(1)

    assert talk.actions == [EndCall()]


def test_an_interruption_waits_for_so_much_of_the_reply() -> None:
    """And counts as a barge-in."""
    talk = run(steps.InterruptAfter(300, CLIP), steps.HangUp())
    talk.ear.playing, talk.ear.reply_number, talk.ear.played_ms = True, 1, 299
    talk.ticks(2)
    assert talk.spoken == ["-", "-"]

    talk.ear.played_ms = 300
    talk.caller.tick(60, talk.ear)
    frame = talk.caller.take_frame()

    assert frame is not None
    assert frame.barge_in


def test_digits_are_pressed_one_after_another() -> None:
    """One each spacing."""
    talk = run(steps.Dtmf("12#", spacing_ms=40), steps.Pause(500)).ticks(6)

    assert talk.actions == [PressKey("1"), PressKey("2"), PressKey("#")]


def test_wrong_digits_are_refused() -> None:
    """Before the call."""
    with pytest.raises(ValueError, match="expected digits"):
        steps.Dtmf("12x")


def test_outside_conditions_and_actions() -> None:
    """A test can steer from outside."""
    seen: list[int] = []
    talk = run(steps.WaitUntil(lambda: bool(seen), "seen"), steps.HangUp()).ticks(2)
    assert talk.actions == []
    seen.append(1)
    assert talk.ticks(1).actions == [EndCall()]

    run(steps.Do(lambda: seen.append(2))).ticks(1)

    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (steps.WaitForSpeech(limit_ms=100), "expected the bridge to begin to speak within 100 ms"),
        (steps.InterruptAfter(50, CLIP, limit_ms=100), "expected a reply of more than 50 ms"),
        (steps.WaitForEnd(limit_ms=100), "expected the bridge to end the call"),
        (steps.WaitUntil(lambda: False, "the moon", limit_ms=100), "expected the moon"),
    ],
)
def test_a_limit_passed_fails_the_plan_in_words(step: steps.Step, words: str) -> None:
    """What was expected, what was heard; then the caller hangs up."""
    talk = run(step).ticks(6)

    [failure] = talk.caller.failures
    assert words in failure
    assert ", got no sound from the bridge at all" in failure
    assert talk.actions == [EndCall()]


def test_a_failure_names_what_was_heard() -> None:
    """Silence was expected, and the bridge talked on."""
    talk = run(steps.WaitForSilence(limit_ms=100))
    talk.ear.playing, talk.ear.reply_number, talk.ear.played_ms = True, 2, 1234
    talk.ticks(6)

    assert ", got reply 2 playing, 1234 ms" in talk.caller.failures[0]


def test_a_forgiving_plan_goes_on_after_a_failure() -> None:
    """For load: note it, do the next step."""
    talk = run(steps.WaitForSpeech(limit_ms=40), steps.Speak(CLIP), stop_at_failure=False).ticks(8)

    assert len(talk.caller.failures) == 1
    assert "clip0" in talk.spoken


def test_the_end_of_time_hangs_up_in_any_step() -> None:
    """`hang_up_after_ms`."""
    talk = run(steps.WaitForSpeech(), hang_up_after_ms=100).ticks(5)

    assert talk.actions == [EndCall()]
    assert talk.caller.failures == []


def test_a_call_that_ends_early_fails_the_steps_left() -> None:
    """Unless the step was to wait for just that."""
    early, fine = run(steps.WaitForSpeech()).ticks(1), run(steps.WaitForEnd()).ticks(1)

    early.caller.call_ended("bridge_hung_up", 50)
    fine.caller.call_ended("bridge_hung_up", 50)

    assert "got its end (bridge_hung_up)" in early.caller.failures[0]
    assert fine.caller.failures == []
