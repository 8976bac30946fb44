"""Whether an answer is due, who is told so when, and since when the model owes it: with literal times."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brain.call.answer_due import TELL_AGAIN_MS, AnswerDue, DueStep, Standing
from brain.sequencer import SlotState

QUIET = Standing(
    slot=SlotState.FREE,
    is_busy=False,
    tools_run=False,
    has_session=True,
    takes_audio=True,
    is_here=True,
    is_ending=False,
)
"""Nothing goes on."""

ASKED = replace(QUIET, slot=SlotState.REQUESTED, is_busy=True)
AT_A_TOOL = replace(QUIET, tools_run=True, is_busy=True)


# What ingress is told.


def test_ingress_is_told_when_the_caller_stops_and_when_the_answer_begins() -> None:
    """Once each."""
    due = AnswerDue()

    assert due.audio_came() is DueStep.NOTHING
    assert due.caller_stopped(1_000.0) is DueStep.TELL
    assert due.owed_since_ms == 1_000.0
    assert due.audio_came() is DueStep.TAKE_BACK
    assert due.owed_since_ms is None
    assert due.audio_came() is DueStep.NOTHING


def test_a_caller_who_stops_again_waits_from_then_on() -> None:
    """What was said before is not waited for any more."""
    due = AnswerDue()
    due.caller_stopped(1_000.0)

    assert due.caller_stopped(3_000.0) is DueStep.TELL
    assert due.owed_since_ms == 3_000.0


def test_where_nothing_goes_on_no_answer_will_come() -> None:
    """A model that has nothing to say: no clip is played for that."""
    due = AnswerDue()
    due.caller_stopped(1_000.0)

    assert due.check(1_500.0, busy=True, tools_run=False) is DueStep.NOTHING
    assert due.check(2_000.0, busy=False, tools_run=False) is DueStep.TAKE_BACK
    assert due.check(2_500.0, busy=False, tools_run=False) is DueStep.NOTHING


def test_while_a_tool_runs_ingress_is_told_again() -> None:
    """At intervals: its apology would come in the middle of a long tool."""
    due = AnswerDue()
    due.caller_stopped(0.0)

    told = [
        at
        for at in range(500, 30_000, 500)
        if due.check(float(at), busy=True, tools_run=True) is DueStep.TELL_AGAIN
    ]

    assert told == [8_000, 16_000, 24_000]
    assert due.owed_since_ms == 0.0


def test_a_slow_model_is_no_reason_to_tell_again() -> None:
    """The apology is meant for that."""
    due = AnswerDue()
    due.caller_stopped(0.0)

    assert {due.check(float(at), busy=True, tools_run=False) for at in range(0, 60_000, 500)} == {
        DueStep.NOTHING
    }


# What the model owes.


def looked(due: AnswerDue, at_ms: float, call: Standing) -> float | None:
    due.check_model(at_ms, call)
    return due.model_owes_since_ms


def test_a_model_owes_the_answer_from_the_callers_last_word_on() -> None:
    """Not from the next look."""
    due = AnswerDue()
    looked(due, 5_000.0, QUIET)
    due.caller_stopped(5_800.0)

    assert looked(due, 6_000.0, replace(QUIET, is_busy=True)) == 5_800.0
    assert looked(due, 6_500.0, ASKED) == 5_800.0


def test_a_model_that_was_asked_owes_a_response() -> None:
    """Also where nobody has said anything: a greeting."""
    due = AnswerDue()

    for slot in SlotState:
        is_its_turn = slot in (
            SlotState.REQUESTED,
            SlotState.GENERATING,
            SlotState.GENERATING_AND_REQUESTED,
        )
        looked(due, 900.0, QUIET)
        assert looked(due, 1_000.0, replace(QUIET, slot=slot)) == (1_000.0 if is_its_turn else None)


def test_a_model_that_is_not_there_or_takes_nothing_owes_that() -> None:
    """No session; a socket that does not keep up."""
    assert looked(AnswerDue(), 1_000.0, replace(QUIET, has_session=False)) == 1_000.0
    assert looked(AnswerDue(), 1_000.0, replace(QUIET, takes_audio=False)) == 1_000.0


def test_the_time_of_a_tool_is_not_the_models() -> None:
    """The answer is due since the caller's turn, but while the tool ran the model owed nothing."""
    due = AnswerDue()
    due.caller_stopped(900.0)
    assert looked(due, 1_000.0, ASKED) == 900.0
    for at in range(1_500, 6_500, 500):
        assert looked(due, float(at), AT_A_TOOL) is None

    assert looked(due, 6_500.0, ASKED) == 6_000.0


def test_nobody_waits_while_the_caller_is_away_or_after_the_last_word() -> None:
    """What it owes then is owed from when they are back."""
    due = AnswerDue()
    due.caller_stopped(900.0)

    assert looked(due, 1_000.0, replace(ASKED, is_here=False)) is None
    assert looked(due, 1_500.0, ASKED) == 1_000.0
    assert looked(due, 2_000.0, replace(ASKED, is_ending=True)) is None


def test_what_is_answered_is_not_owed_any_more() -> None:
    """The next question has its own clock."""
    due = AnswerDue()
    looked(due, 1_000.0, ASKED)
    looked(due, 2_000.0, QUIET)

    assert looked(due, 9_000.0, ASKED) == 9_000.0


class Calls(RuleBasedStateMachine):
    """Any order of events and looks: ingress knows what is owed, and is not told too often."""

    def __init__(self) -> None:
        super().__init__()
        self.due = AnswerDue()
        self.now_ms = 0.0
        self.tools_run = False
        self.ingress_waits = False
        self.ingress_waits_since_ms = 0.0

    @rule(ms=st.integers(1, 499))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def caller_stops(self) -> None:
        self._tell(self.due.caller_stopped(self.now_ms))

    @rule()
    def audio_comes(self) -> None:
        self._tell(self.due.audio_came())

    @rule(tools_run=st.booleans())
    def tools_begin_or_end(self, tools_run: bool) -> None:
        self.tools_run = tools_run

    @rule(is_busy=st.booleans(), slot=st.sampled_from(SlotState), is_here=st.booleans())
    def somebody_looks(self, is_busy: bool, slot: SlotState, is_here: bool) -> None:
        is_busy = is_busy or self.tools_run
        step = self.due.check(self.now_ms, busy=is_busy, tools_run=self.tools_run)
        if step is DueStep.TELL_AGAIN:
            assert self.tools_run
            assert self.now_ms - self.ingress_waits_since_ms >= TELL_AGAIN_MS
        self._tell(step)
        call = replace(QUIET, slot=slot, is_busy=is_busy, tools_run=self.tools_run, is_here=is_here)
        self.due.check_model(self.now_ms, call)
        if not is_here:
            assert self.due.model_owes_since_ms is None

    @precondition(lambda self: self.ingress_waits)
    @rule()
    def a_long_tool(self) -> None:
        """Looked at twice a second, it never lets ingress come to its apology."""
        self.tools_run = True
        for _ in range(60):
            self.now_ms += 500
            self._tell(self.due.check(self.now_ms, busy=True, tools_run=True))
            assert self.now_ms - self.ingress_waits_since_ms < 12_000

    @invariant()
    def ingress_knows_what_is_owed(self) -> None:
        assert self.ingress_waits == (self.due.owed_since_ms is not None)

    @invariant()
    def nothing_is_owed_since_a_time_to_come(self) -> None:
        for since_ms in (self.due.owed_since_ms, self.due.model_owes_since_ms):
            assert since_ms is None or since_ms <= self.now_ms

    def _tell(self, step: DueStep) -> None:
        match step:
            case DueStep.TELL | DueStep.TELL_AGAIN:
                self.ingress_waits, self.ingress_waits_since_ms = True, self.now_ms
            case DueStep.TAKE_BACK:
                assert self.ingress_waits
                self.ingress_waits = False
            case DueStep.NOTHING:
                pass


TestCalls = Calls.TestCase
