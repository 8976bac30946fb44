"""The state's own small answers."""

from __future__ import annotations

from brain.sequencer import Reason, Sequencer, SequencerConfig, SlotState, inputs
from brain.sequencer.debts import Owed
from brain.sequencer.state import Item, Response, State
from shared.contract.owed import DebtCause


def test_a_sequencer_goes_on_where_another_stood() -> None:
    """With its session, its debts and its wait for an answer."""
    config = SequencerConfig()
    before = Sequencer(config)
    before.handle(inputs.SessionConfirmed(), 0.0)
    before.handle(inputs.WishToSpeak(reason=Reason.OPERATOR, text="Say it."), 50.0)

    after = Sequencer(config, before.state)

    assert after.slot is SlotState.REQUESTED
    assert after.owed == Owed(1, DebtCause.OPERATOR, 50.0)
    assert after.next_deadline_ms() == before.next_deadline_ms() == 2_800


def test_a_response_is_heard_out_when_it_is_done_and_all_of_it_was_heard() -> None:
    """A rest below one frame counts as heard; one that is not held any more was heard out before."""
    state = State(config=SequencerConfig(), cut=0)
    response = state.responses["r"] = Response(response_id="r", deadline_ms=0, confirmed=True)
    item = state.items["i"] = Item(item_id="i", response_id="r", received_bytes=8_000, heard_ms=980)
    assert not state.is_heard_out("r")

    response.done = True
    assert state.is_heard_out("r")
    item.heard_ms = 979
    assert not state.is_heard_out("r")
    assert state.is_heard_out("gone")


def test_audio_is_measured_in_ms_of_mu_law() -> None:
    """8 bytes are a millisecond."""
    item = Item(item_id="i", response_id="r", received_bytes=8_000, heard_ms=400)

    assert (item.received_ms, item.unheard_ms) == (1_000, 600)
