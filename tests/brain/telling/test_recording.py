"""Whether a call is recorded: not before the caller knows, and not while somebody asked for a pause."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.agents.agent import Agent, Recorded, default_agent
from brain.sequencer import inputs
from brain.sequencer.notice import PROTECTED, is_notice, notice_id, number_of
from brain.sound.kinds import Notice
from brain.telling.recording import TIMES_MOST, CallRecording, make_recording
from shared.contract.card import BrainListened, BrainRecording, TapeState
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.journal import Kind
from shared.contract.streams.tape import TapeWish
from shared.settings import load
from tests.brain.call.test_parts import CARD

NOTICE = Notice(file="n.wav", text="This call is recorded.", interruptible=False, audio=b"n" * 8000)
FIRST = [inputs.NoticeReady(item_id=notice_id(1, interruptible=False), n_bytes=8000, text=NOTICE.text)]
ANNOUNCEMENT, WELCOME = notice_id(1, interruptible=False), notice_id(2, interruptible=True)


def agent(**recorded: object) -> Agent:
    return replace(default_agent(load(env_file=None)), recording=Recorded(**recorded))  # type: ignore[arg-type]


ANNOUNCED = agent(record=True, announcement=NOTICE)
NOT_RECORDED = agent(announcement=NOTICE)


@dataclass
class Call:
    """A call whose time stands until it is moved."""

    now_ms: int = 1_000_000
    written: list[object] = field(default_factory=list)
    told: list[TapeWish] = field(default_factory=list)
    lines: list[tuple[Kind, dict[str, str]]] = field(default_factory=list)

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        self.lines.append((kind, fields))

    def recording(self, state: TapeState = TapeState.NO, from_ms: int | None = None) -> CallRecording:
        """As a card has it."""
        card = replace(CARD, tape=state, taped_from_ms=from_ms)
        return make_recording(card, None, self.written.append, self.told.append, self, lambda: self.now_ms)

    def announcing(self) -> CallRecording:
        """The announcement is on its way to the caller."""
        made = self.recording()
        made.begins(ANNOUNCED, FIRST)
        return made


def test_an_agent_that_says_nothing_of_it_is_not_recorded() -> None:
    """Whatever notices it has, and though it has an announcement that it does not use."""
    for silent in (agent(), NOT_RECORDED):
        call = Call()
        made = call.recording()
        made.begins(silent, FIRST)
        made.heard(ANNOUNCEMENT, heard_out=True)
        assert (call.written, call.told, made.wish()) == ([], [], None)


def test_it_begins_when_the_announcement_was_heard_whole() -> None:
    """Not with its beginning, not with another notice."""
    call = Call()
    made = call.announcing()
    assert made.wish() == TapeWish(recording=TapeState.ANNOUNCING)
    made.heard(ANNOUNCEMENT, heard_out=False)
    made.heard(WELCOME, heard_out=True)
    made.heard("item_1", heard_out=True)
    assert made.state is TapeState.ANNOUNCING
    call.now_ms += 5_000
    made.heard(ANNOUNCEMENT, heard_out=True)
    assert call.written[-1] == BrainRecording(tape=TapeState.ON, taped_from_ms=1_005_000)
    assert call.told[-1] == TapeWish(recording=TapeState.ON)
    assert call.lines[-1] == (Kind.TAPED, {"what": "on"})
    assert made.again() is None


def test_an_announcement_that_was_cut_off_is_said_again() -> None:
    """Once for each cut, as another item: what was heard of the first one counts for nothing."""
    call = Call()
    made = call.announcing()
    assert made.again() is None
    made.heard(ANNOUNCEMENT, heard_out=False)
    again = made.again()
    assert again is not None
    assert (again.n_bytes, again.text) == (8000, NOTICE.text)
    assert again.item_id != ANNOUNCEMENT
    assert again.item_id.startswith(PROTECTED)
    assert is_notice(again.item_id)
    assert number_of(again.item_id) == 1
    assert made.again() is None
    assert made.state is TapeState.ANNOUNCING
    made.heard(again.item_id, heard_out=True)
    assert (made.state, made.from_ms) == (TapeState.ON, 1_000_000)


def test_one_that_is_cut_off_each_time_is_given_up_and_nothing_is_recorded() -> None:
    """The caller would hear nothing else."""
    call = Call()
    made = call.announcing()
    said = [ANNOUNCEMENT]
    for _ in range(TIMES_MOST - 1):
        made.heard(said[-1], heard_out=False)
        call.now_ms += 5_000
        again = made.again()
        assert again is not None
        said.append(again.item_id)
    made.heard(said[-1], heard_out=False)
    assert made.again() is None
    assert len(set(said)) == TIMES_MOST
    assert (made.state, made.wish(), made.again()) == (TapeState.NO, None, None)
    assert call.written[-1] == BrainRecording(tape=TapeState.NO, taped_from_ms=None)
    assert call.lines[-1] == (Kind.TAPED, {"what": "no"})


def test_a_brain_that_takes_over_says_it_again_unless_it_is_on_its_way() -> None:
    """Nobody knows what the caller heard of one that is not in `reply` any more."""
    for unheard, is_again in (((ANNOUNCEMENT, "item_1"), False), (("item_1",), True), ((), True)):
        made = Call().recording(TapeState.ANNOUNCING)
        made.begins(ANNOUNCED, [], unheard)
        assert (made.again() is not None) is is_again
        assert made.state is TapeState.ANNOUNCING
    first_again = Call().recording(TapeState.ANNOUNCING)
    first_again.begins(ANNOUNCED, FIRST)  # Its words were lost with the history.
    assert first_again.again() is None


def test_an_agent_that_has_none_any_more_records_nothing_that_was_not_announced() -> None:
    """As after a change of the file, or a hand-over and a brain that was lost."""
    made = Call().recording(TapeState.ANNOUNCING)
    made.begins(NOT_RECORDED, [])
    assert (made.again(), made.state) == (None, TapeState.NO)


def test_callers_who_know_before_are_recorded_at_once() -> None:
    call = Call()
    made = call.recording()
    made.begins(agent(record=True, announced="elsewhere"), [])
    assert made.state is TapeState.ON


def test_a_call_whose_announcement_is_not_played_is_not_recorded() -> None:
    """As of a call that is taken over before anybody knew whether it is to be: nobody was told."""
    call = Call()
    made = call.recording()
    made.begins(ANNOUNCED, [])
    assert (made.state, made.wish()) == (TapeState.NO, None)


def test_a_brain_that_takes_the_call_goes_on_as_it_was() -> None:
    """Paused stays paused, and ingress is told so before anything else."""
    call = Call()
    made = call.recording(TapeState.PAUSED, 5)
    made.begins(ANNOUNCED, FIRST)
    assert call.told == [TapeWish(recording=TapeState.PAUSED)]
    made.pause(False)
    assert call.written == [
        BrainRecording(tape=TapeState.PAUSED, taped_from_ms=5),
        BrainRecording(tape=TapeState.ON, taped_from_ms=5),
    ]


def test_a_pause_is_told_whatever_is_known() -> None:
    """What is to be kept out must not hang on this brain's view; and nothing begins by the end of one."""
    call = Call()
    made = call.recording()
    made.pause(False)
    assert call.told == []
    made.pause(True)
    made.pause(True)
    assert [wish.recording for wish in call.told] == [TapeState.PAUSED] * 2
    made.pause(False)
    assert made.state is TapeState.NO
    assert (made.from_ms, made.wish()) == (None, None)


@pytest.mark.parametrize("heard_out", [True, False])
def test_a_pause_in_the_announcement_ends_where_the_call_is_by_then(heard_out: bool) -> None:
    """It does not make it known to a caller who has not heard it, nor unknown to one who has."""
    call = Call()
    made = call.announcing()
    made.pause(True)
    made.heard(ANNOUNCEMENT, heard_out=heard_out)
    assert made.wish() == TapeWish(recording=TapeState.PAUSED)
    made.pause(False)
    assert made.state is (TapeState.ON if heard_out else TapeState.ANNOUNCING)
    assert (made.from_ms is not None) is heard_out
    assert (made.again() is None) is heard_out


def test_a_pause_that_another_brain_ends_records_nobody_who_was_not_told() -> None:
    """The card has the pause alone, and since when the caller knew."""
    call = Call()
    made = call.recording(TapeState.PAUSED)
    made.begins(ANNOUNCED, [])
    made.pause(False)
    assert made.state is TapeState.ANNOUNCING
    assert made.again() is not None
    other = Call().recording(TapeState.PAUSED, 5)
    other.begins(ANNOUNCED, [])
    other.pause(False)
    assert (other.state, other.again()) == (TapeState.ON, None)


STEPS = ["pause", "unpause", "cut", "heard", "again", "taken over"]


@given(st.lists(st.sampled_from(STEPS), max_size=20))
def test_nothing_is_recorded_before_it_was_heard_or_while_it_is_paused(steps: list[str]) -> None:
    """Whatever comes in whatever order; and it is, where it was heard and no pause is left."""
    call = Call()
    made, item_id, was_heard, is_paused = call.announcing(), ANNOUNCEMENT, False, False
    for step in steps:
        call.now_ms += 1_000
        match step:
            case "pause" | "unpause":
                is_paused = step == "pause"
                made.pause(is_paused)
            case "cut":
                made.heard(item_id, heard_out=False)
            case "heard":
                was_heard = was_heard or made.reached is TapeState.ANNOUNCING
                made.heard(item_id, heard_out=True)
            case "again":
                again = made.again()
                item_id = item_id if again is None else again.item_id
            case _:
                made = call.recording(made.state, made.from_ms)
                made.begins(ANNOUNCED, [])
        assert (made.state is TapeState.ON) is (was_heard and not is_paused)
        assert (made.state is TapeState.PAUSED) is is_paused


def test_a_listener_is_believed_for_a_minute() -> None:
    """And noted once, however often they say that they are there."""
    call = Call()
    made = call.recording()
    made.listened()
    call.now_ms += 20_000
    made.listened()
    assert call.written[-1] == BrainListened(listen_until_ms=1_020_000 + LISTEN_MS)
    assert made.wish() == TapeWish(recording=TapeState.NO, listen_ms=LISTEN_MS)
    assert [kind for kind, _ in call.lines] == [Kind.LISTENED]
    call.now_ms += LISTEN_MS
    assert made.wish() is None
