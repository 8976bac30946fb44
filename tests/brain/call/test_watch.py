"""What nobody says: keys that are complete, a silent caller, a call that lasts too long, an answer due."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from brain.agents.agent import default_agent
from brain.call.limits import CallLimits, LimitValues
from brain.call.lines import CallLog
from brain.call.owing import AnswerDue, Standing
from brain.call.watch import CallWatch
from brain.call.window import ModelWindow
from brain.caller.hole import ASK_AFTER_MS, LINE_WAS_CUT, Hole
from brain.caller.keypad import GROUP_MS, Keypad
from brain.sequencer import Reason, inputs
from brain.sequencer.debts import Owed
from brain.sequencer.inputs import Input
from brain.telling import budget
from brain.telling.phase import Moment
from brain.telling.teller import CallTeller
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind
from shared.settings import load
from tests.brain.call.standings import QUIET

NOTICE = inputs.NoticeReady(item_id="notice-whole-1", n_bytes=8_000, text="This call is recorded.")


@dataclass
class Desk:
    """A watch, and what comes of it."""

    given: list[Input] = field(default_factory=list)
    noted: list[tuple[Kind, dict[str, str]]] = field(default_factory=list)
    due: AnswerDue = field(default_factory=AnswerDue)
    hole: Hole = field(default_factory=Hole)
    moments: list[Moment] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)
    """Budgets that are spent at the next look."""

    def note(self, kind: Kind, **fields: str) -> None:
        self.noted.append((kind, fields))

    def look(self, moment: Moment) -> None:
        self.moments.append(moment)

    def budgets_spent(self) -> list[str]:
        spent, self.spent = self.spent, []
        return spent

    def watch(self, *, idle_prompt_s: float = 10.0, hard_cap_s: float = 0.0) -> CallWatch:
        values = LimitValues(
            hard_cap_s=hard_cap_s, idle_prompt_s=idle_prompt_s, idle_prompts=1, hold_max_s=300
        )
        return CallWatch(
            default_agent(load(env_file=None)), CallLimits(values, 0.0), Keypad(), self.hole, self.due,
            ModelWindow(self.due, 0.0), cast(CallLog, self), self.given.append, cast(CallTeller, self),
        )  # fmt: skip


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_silent_caller_is_asked_and_then_left(desk: Desk) -> None:
    """Each with a line in the journal."""
    watch = desk.watch()
    for half in range(45):
        watch.check(half * 500.0, QUIET)

    asked, left = desk.given
    assert isinstance(asked, inputs.WishToSpeak)
    assert asked.reason is Reason.IDLE_PROMPT
    assert isinstance(left, inputs.HangUpWished)
    assert left.cause == "idle"
    assert [kind for kind, _ in desk.noted] == [Kind.IDLE, Kind.LIMIT]


@pytest.mark.parametrize(
    "call",
    [
        replace(QUIET, is_busy=True),
        replace(QUIET, has_session=False),
        replace(QUIET, is_here=False),
        replace(QUIET, owed=Owed(1, DebtCause.TURN, 0.0)),
    ],
    ids=["busy", "no_session", "away", "owed"],
)
def test_a_caller_who_cannot_speak_is_not_silent(desk: Desk, call: Standing) -> None:
    """Something goes on; there is nobody to speak to; they are elsewhere; they wait for an answer."""
    watch = desk.watch()
    for half in range(100):
        watch.check(half * 500.0, call)

    assert desk.given == []


def test_an_announcement_that_is_due_is_said_where_nothing_else_is(desk: Desk) -> None:
    """Nobody is asked whether they are there in that moment."""
    due = [NOTICE]
    watch = desk.watch()
    watch.announce = lambda: due.pop() if due else None
    busy = [
        replace(QUIET, is_busy=True), replace(QUIET, has_session=False), replace(QUIET, is_here=False),
        replace(QUIET, owed=Owed(1, DebtCause.TURN, 0.0)), replace(QUIET, is_ending=True),
    ]  # fmt: skip
    for call in busy:
        watch.check(0.0, call)
    assert desk.given == []
    watch.check(9_900.0, QUIET)
    watch.check(10_100.0, QUIET)
    assert desk.given == [NOTICE]


def test_a_call_that_lasts_too_long_ends_with_a_farewell(desk: Desk) -> None:
    """However busy it is."""
    desk.watch(hard_cap_s=60).check(60_000.0, replace(QUIET, is_busy=True))

    (left,) = desk.given
    assert isinstance(left, inputs.HangUpWished)
    assert (left.cause, bool(left.farewell)) == ("hard_cap", True)


def test_keys_are_told_when_a_pause_has_ended_them(desk: Desk) -> None:
    """Which keys stands in no journal."""
    watch = desk.watch()
    for number, key in enumerate("42"):
        watch.pressed(key, number * 300.0)
    watch.check(300.0 + GROUP_MS, replace(QUIET, is_busy=True))

    *_, wrote = desk.given
    assert isinstance(wrote, inputs.CallerWrote)
    assert wrote.text.endswith("4 2]")
    assert desk.noted == [(Kind.DTMF, {})] * 2


def test_after_the_last_word_nobody_is_asked_told_or_waited_for(desk: Desk) -> None:
    """Only the window goes on."""
    watch = desk.watch(hard_cap_s=1.0)
    watch.check(60_000.0, replace(QUIET, is_ending=True))

    assert (desk.given, desk.due.model_owes_since_ms) == ([], None)


def test_the_first_key_interrupts_and_the_group_follows(desk: Desk) -> None:
    """What is no key does neither; an agent may not want to be interrupted by keys, but a caller who is about
    to be sent elsewhere is heard all the same."""
    watch = desk.watch()
    for digit in ("x", "1", "2"):
        watch.pressed(digit, 0.0)
    assert desk.given == [inputs.KeyPressed(), inputs.KeyPressed()]
    watch.check(GROUP_MS, QUIET)
    assert isinstance(desk.given[-1], inputs.CallerWrote)

    quiet = Desk()
    watch = quiet.watch()
    watch.agent = replace(watch.agent, dtmf_barge_in=False)
    watch.pressed("1", 0.0)
    assert quiet.given == [inputs.KeyPressed(barge_in=False)]


def test_a_caller_who_may_have_spoken_into_a_hole_is_asked(desk: Desk) -> None:
    """They wait for an answer to what nobody has heard; the journal says how much is missing."""
    watch = desk.watch()
    desk.hole.seen(3_120.4, 0.0)
    watch.check(ASK_AFTER_MS, QUIET)

    assert desk.given == [inputs.WishToSpeak(reason=Reason.TURN, text=LINE_WAS_CUT)]
    assert desk.noted == [(Kind.GAP, {"ms": "3120"})]


@pytest.mark.parametrize(
    "call",
    [
        replace(QUIET, is_busy=True),
        replace(QUIET, owed=Owed(1, DebtCause.TURN, 0.0)),
        replace(QUIET, is_ending=True),
    ],
    ids=["busy", "owed", "ending"],
)
def test_nobody_is_asked_who_hears_something_else(desk: Desk, call: Standing) -> None:
    watch = desk.watch(idle_prompt_s=0.0)
    desk.hole.seen(3_000.0, 0.0)
    watch.check(ASK_AFTER_MS, call)

    assert desk.given == []


def test_a_caller_who_asked_for_a_moment_has_said_nothing(desk: Desk) -> None:
    watch = desk.watch()
    watch.limits.hold(0.0, 60_000.0)
    desk.hole.seen(3_000.0, 0.0)
    watch.check(ASK_AFTER_MS, QUIET)

    assert desk.given == []


@pytest.mark.parametrize("act", ["speaks", "presses"])
def test_a_caller_who_is_active_after_a_hole_is_not_asked(desk: Desk, act: str) -> None:
    watch = desk.watch()
    desk.hole.seen(3_000.0, 0.0)
    if act == "speaks":
        watch.caller_active()
    else:
        watch.pressed("1", 100.0)
    watch.check(ASK_AFTER_MS, QUIET)

    assert not any(isinstance(given, inputs.WishToSpeak) for given in desk.given)


def test_people_are_told_how_a_call_stands(desk: Desk) -> None:
    """Each time: what is owed and who is heard are the call's own."""
    watch = desk.watch()
    watch.check(0.0, QUIET)
    watch.limits.hold(0.0, 5_000.0)
    watch.check(500.0, replace(QUIET, owed=Owed(1, DebtCause.TURN, 0.0), tools_run=True, is_audible=True))

    quiet, busy = desk.moments
    assert (quiet.is_owed, quiet.tools_run, quiet.is_audible, quiet.is_held) == (False, False, False, False)
    assert (busy.is_owed, busy.tools_run, busy.is_audible, busy.is_held) == (True, True, True, True)


def test_a_budget_that_is_spent_ends_the_call_politely(desk: Desk) -> None:
    """With a farewell, and once; not a call that is on its way out."""
    watch = desk.watch()
    desk.spent = ["call"]
    watch.check(0.0, QUIET)
    watch.check(500.0, QUIET)

    (ended,) = desk.given
    assert ended == inputs.HangUpWished(cause="budget_call", farewell=budget.FAREWELL)
    desk.spent = ["day"]
    watch.check(1_000.0, replace(QUIET, is_ending=True))
    assert len(desk.given) == 1
