"""A sequencer that goes on where another brain's stood."""

from __future__ import annotations

from dataclasses import replace

from brain.sequencer import Sequencer, SequencerConfig, SlotState, actions, inputs
from brain.sequencer.inherit import BRIDGE, ItemLeft, Left, MoveLeft
from brain.sequencer.state import Item, PendingMove, Response, Speaking, ToolBatch, ToolCall
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause

CONFIG = SequencerConfig(first_cut=2, first_debt=5000)


def item(item_id: str, *, heard_ms: float = 0.0, complete: bool = True, debt: int = 0) -> ItemLeft:
    return ItemLeft(
        item_id=item_id, response_id=f"r-{item_id}", received_bytes=8000, heard_ms=heard_ms,
        complete=complete, debt=debt,
    )  # fmt: skip


def heir(left: Left) -> tuple[Sequencer, list[actions.Action]]:
    """One that has taken this up, and what it asks for before there is a session."""
    sequencer = Sequencer(CONFIG)
    asked = sequencer.inherit(left, 0.0)
    return sequencer, [each for each in asked if not isinstance(each, actions.Journal)]


def opened(sequencer: Sequencer) -> list[actions.Action]:
    return sequencer.handle(inputs.SessionConfirmed(), 100.0)


def creates(asked: list[actions.Action]) -> list[actions.SendCreate]:
    return [each for each in asked if isinstance(each, actions.SendCreate)]


def test_audio_that_still_plays_is_interrupted_like_any() -> None:
    """A flush of the next cut; what egress reports of it is told to the model by its text."""
    sequencer, asked = heir(Left(cut=3, items=(item("i1"),), ended=frozenset({"r-i1"})))
    assert asked == []
    assert sequencer.owed is None
    assert creates(opened(sequencer)) == []
    asked = sequencer.handle(inputs.SpeechStarted(item_id="u1"), 200.0)
    assert [each.cut for each in asked if isinstance(each, actions.Flush)] == [4]


def test_an_answer_that_broke_off_is_ended_and_the_rest_is_owed() -> None:
    """Its item has its end, and one create asks for what is missing, with a bridge."""
    sequencer, asked = heir(Left(cut=2, items=(item("i1", complete=False),)))
    (end,) = [each for each in asked if isinstance(each, actions.EndItem)]
    assert (end.item_id, end.total_bytes) == ("i1", 8000)
    assert sequencer.owed is not None
    assert (sequencer.owed.number, sequencer.owed.cause) == (5001, DebtCause.TURN)
    (create,) = creates(opened(sequencer))
    assert BRIDGE in create.text


def test_a_farewell_that_broke_off_has_its_rest_before_the_hang_up() -> None:
    """And nothing else is asked for: the bridge, too, is no more."""
    sequencer, _ = heir(Left(cut=2, items=(item("i1", complete=False),)))
    wished = inputs.HangUpWished(cause="agent", farewell="the rest", response_id="r-i1")
    assert not [each for each in sequencer.handle(wished, 50.0) if isinstance(each, actions.HangUp)]
    (create,) = creates(opened(sequencer))
    assert (create.reason, create.text) == (Reason.FAREWELL, "the rest")


def test_a_turn_without_an_answer_is_asked_for_unless_it_is_said_again() -> None:
    """Then the server answers it; both are owed."""
    for is_replayed in (False, True):
        sequencer, _ = heir(Left(is_unanswered=True, is_replayed=is_replayed))
        assert sequencer.owed is not None
        assert len(creates(opened(sequencer))) == (not is_replayed)


def test_what_was_heard_is_noted_and_nothing_is_asked_for() -> None:
    """Nothing is left of it."""
    sequencer, asked = heir(Left(items=(item("i1", heard_ms=1000.0),), ended=frozenset({"r-i1"})))
    (heard,) = [each for each in asked if isinstance(each, actions.RecordHeard)]
    assert (heard.item_id, heard.heard_ms, heard.complete) == ("i1", 1000, True)
    assert sequencer.state.items == {}
    assert sequencer.slot is SlotState.CLOSED


def test_figures_of_a_flush_are_waited_for() -> None:
    """They were on their way when the other brain was gone."""
    sequencer, _ = heir(Left(cut=3, flushed=(item("i1"),)))
    pending = sequencer.state.pending_cut
    assert pending is not None
    assert (pending.cut, list(pending.items)) == (3, ["i1"])


def test_a_move_under_way_is_not_made_again_and_its_tool_is_answered() -> None:
    """By what became of it, in the next session."""
    move = MoveLeft(kind="dial", argument="+1", call_id="t1", tool="transfer_call", gone=True)
    sequencer, asked = heir(Left(move=move, is_unanswered=True))
    asked += opened(sequencer)
    assert [each for each in asked if isinstance(each, actions.Move)] == []
    assert sequencer.open_tool_calls == {"t1"}
    asked = sequencer.handle(inputs.MoveEnded(output="busy"), 300.0)
    assert [each.output for each in asked if isinstance(each, actions.SendToolOutput)] == ["busy"]


def test_a_move_that_was_to_come_comes_when_what_was_said_before_was_heard() -> None:
    """Once."""
    move = MoveLeft(kind="dial", argument="+1", call_id="t1", tool="transfer_call", gone=False)
    sequencer, _ = heir(Left(move=move))
    asked = opened(sequencer)
    assert [each.call_id for each in asked if isinstance(each, actions.Move)] == ["t1"]


def test_an_interrupted_tool_is_spoken_of_without_tools() -> None:
    """So that it is not called again."""
    sequencer, _ = heir(Left(is_unanswered=True, was_interrupted=True))
    (create,) = creates(opened(sequencer))
    assert create.without_tools


def test_an_answer_on_its_way_is_owed_until_it_is_heard() -> None:
    """Under the number by which it pays at ingress; nothing is asked for meanwhile. Where nobody hears it, it
    is flushed and asked for again."""
    left = Left(cut=2, items=(item("i1", debt=7),), ended=frozenset({"r-i1"}))
    sequencer, asked = heir(left)
    assert asked == []
    assert sequencer.owed is not None
    assert (sequencer.owed.number, sequencer.owed.cause) == (7, DebtCause.TURN)
    assert creates(opened(sequencer)) == []
    sequencer.handle(inputs.Audible(cut=2, response_id="r-i1", item_id="i1"), 200.0)
    assert sequencer.owed is None

    sequencer, _ = heir(left)
    opened(sequencer)
    due_ms = sequencer.next_deadline_ms()
    assert due_ms is not None
    asked = sequencer.handle(inputs.Tick(), due_ms)
    assert [each.cut for each in asked if isinstance(each, actions.Flush)] == [3]


def test_what_the_caller_hears_already_is_paid() -> None:
    """By the card or by the playhead; who is away waits for nothing."""
    ended = frozenset({"r-i1"})
    move = MoveLeft(kind="dial", argument="+1", call_id="t1", tool="transfer_call", gone=True)
    for left in (
        Left(items=(item("i1", debt=7),), ended=ended, audible_response="r-i1"),
        Left(items=(item("i1", heard_ms=100.0, debt=7),), ended=ended),
        Left(items=(item("i1", debt=7),), ended=ended, move=move),
    ):
        sequencer, _ = heir(left)
        assert sequencer.owed is None


# The state itself, field by field: what it leads to is above.

AT_MS = 50.0


def state_of(left: Left) -> Sequencer:
    """One that has taken this up at 50 ms."""
    sequencer = Sequencer(CONFIG)
    sequencer.inherit(left, AT_MS)
    return sequencer


def test_a_response_of_two_items_is_one_and_keeps_its_debt() -> None:
    """It has spoken and is done; the rest of it, which broke off, is wished for with the bridge."""
    items = (
        replace(item("i1", heard_ms=300.0, debt=7), response_id="r"),
        replace(item("i2", complete=False), response_id="r"),
    )
    state = state_of(Left(cut=3, items=items, audible_response="r")).state
    assert state.responses == {
        "r": Response(
            response_id="r", deadline_ms=AT_MS, confirmed=True, done=True, spoke=True, sounded=True, debt=7,
            last_item_id="i2",
        )
    }  # fmt: skip
    assert state.items["i1"] == Item(
        item_id="i1", response_id="r", received_bytes=8000, heard_ms=300.0, complete=True
    )
    assert state.speaking == Speaking(response_id="r", progress_at_ms=AT_MS)
    assert state.playback_at_ms == AT_MS
    assert state.deferred[Reason.TURN].text == BRIDGE


def test_a_response_that_ended_is_as_done_as_one_that_broke_off() -> None:
    """And owes nothing more once a fraction of a millisecond of it was heard."""
    sequencer = state_of(Left(items=(item("i1", heard_ms=0.5, debt=7),), ended=frozenset({"r-i1"})))
    assert sequencer.state.responses["r-i1"] == Response(
        response_id="r-i1", deadline_ms=AT_MS, confirmed=True, done=True, spoke=True, sounded=True, debt=7,
        last_item_id="i1",
    )  # fmt: skip
    assert sequencer.owed is None


def test_nobody_has_heard_more_than_there_is() -> None:
    """A report that goes beyond the item's end is cut there: all of it was heard."""
    sequencer, asked = heir(Left(items=(item("i1", heard_ms=5000.0),), ended=frozenset({"r-i1"})))
    (heard,) = [each for each in asked if isinstance(each, actions.RecordHeard)]
    assert heard.heard_ms == 1000
    assert sequencer.state.items == {}
    flushed = item("i2", heard_ms=5000.0)
    pending = state_of(Left(cut=3, flushed=(flushed,))).state.pending_cut
    assert pending is not None
    assert pending.items["i2"].heard_ms == 1000.0
    assert pending.deadline_ms == AT_MS + CONFIG.flushed_wait_ms


def test_what_is_owed_is_owed_since_the_other_brain_was_seen_gone() -> None:
    """For a turn: one that is on its way, and one that nobody has answered, which has no bridge."""
    owed = state_of(Left(items=(item("i1", debt=7),), ended=frozenset({"r-i1"}))).owed
    assert owed is not None
    assert (owed.number, owed.cause, owed.since_ms) == (7, DebtCause.TURN, AT_MS)
    for items in ((), (item("i1", complete=False),)):
        sequencer = state_of(Left(items=items, is_unanswered=True))
        assert set(sequencer.state.debts.standing.values()) == {DebtCause.TURN}
        assert sequencer.state.debts.since_ms == AT_MS
        assert sequencer.state.deferred[Reason.TURN].text == ""


def test_a_move_is_waited_for_as_long_as_it_takes() -> None:
    """To be heard out before, to come back after; its tool call is open for so long, and in no session."""
    for gone, wait_ms in ((False, CONFIG.farewell_wait_ms), (True, CONFIG.away_wait_ms)):
        move = MoveLeft(kind="dial", argument="+1", call_id="t1", tool="transfer_call", gone=gone)
        state = state_of(Left(items=(item("i1"),), ended=frozenset({"r-i1"}), move=move)).state
        assert state.move == PendingMove(
            kind="dial", argument="+1", call_id="t1", response_id="r-i1", deadline_ms=AT_MS + wait_ms,
            gone=gone,
        )  # fmt: skip
        call = ToolCall(deadline_ms=AT_MS + wait_ms, name="transfer_call")
        assert state.batches == {
            "move-t1": ToolBatch(
                response_id="move-t1", generating=False, session=0, open_tool_calls={"t1": call}
            )
        }
        assert "t1" in state.tool_calls
    state = state_of(Left(move=replace(move, call_id=""))).state
    assert state.move is not None
    assert state.move.response_id == ""
    assert state.batches == {}
