"""What other processes and operators say becomes inputs; what they may say wrongly ends no call."""

from __future__ import annotations

import pytest

from brain.call.reports import read_playhead, read_report
from brain.sequencer import Reason, inputs
from brain.sequencer.inputs import Input
from shared.contract.errors import ContractError
from shared.contract.streams.control import (
    Audible,
    Detached,
    Dialled,
    Dtmf,
    Ended,
    Flushed,
    FlushedItem,
    HangUp,
    Heard,
    InWriting,
    Message,
    Say,
    Silent,
    Stream,
)
from shared.contract.views import PlayheadView


def test_flushed_carries_what_was_heard_of_each_item() -> None:
    """Of the rest of egress's figures the sequencer has no need."""
    item = FlushedItem(item_id="i1", response_id="r1", received_ms=900, sent_ms=700, heard_ms=640)

    found = read_report(Flushed.of(3, [item]))

    assert found == inputs.Flushed(cut=3, items=(inputs.FlushedItem(item_id="i1", heard_ms=640),))


@pytest.mark.parametrize("items", ["", "{}", "[1]", "nonsense", '[{"item": "i", "heard_ms": 5}]'])
def test_items_that_cannot_be_read_are_said_to_be_wrong(items: str) -> None:
    """Nobody takes them for items of which nothing was heard: the wait for them ends by itself."""
    with pytest.raises(ContractError):
        read_report(Flushed(cut=3, items=items))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            Audible(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=7),
            inputs.Audible(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=7),
        ),
        (
            Heard(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=7),
            inputs.Heard(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=7),
        ),
        (
            Silent(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=0, cause="flushed"),
            inputs.Silent(cut=1, response_id="r", item_id="i", heard_ms=20, cause="flushed"),
        ),
        (
            Say(text="hello", force=True),
            inputs.WishToSpeak(reason=Reason.OPERATOR, text="hello", force=True),
        ),
        (InWriting(text="hello"), inputs.CallerWrote(text="hello", barge_in=True)),
        (HangUp(reason="operator", farewell=""), inputs.HangUpWished(cause="operator")),
        (HangUp(reason="r", farewell="bye"), inputs.HangUpWished(cause="r", farewell="bye")),
    ],
    ids=["audible", "heard", "silent", "say", "write", "hangup", "hangup_with_a_farewell"],
)
def test_a_message_becomes_its_input(message: Message, expected: Input) -> None:
    """Field by field."""
    assert read_report(message) == expected


def test_figures_that_make_no_sense_end_no_call() -> None:
    """A hand may write in a process's name; an input would refuse what is below nothing."""
    found = read_report(Heard(cut=1, response_id="r", item_id="i", heard_ms=-5, frames_waiting=-1))

    assert found == inputs.Heard(cut=1, response_id="r", item_id="i", heard_ms=0)


@pytest.mark.parametrize(
    "message",
    [
        Stream(leg=2, stream_sid="MZ", ingress="i", rescued=False),
        Detached(leg=1, cause="lost"),
        Ended(outcome="completed"),
        Dtmf(digit="1", leg=1),
        Dialled(status="busy"),
    ],
    ids=lambda message: message.KIND,
)
def test_what_is_not_for_the_sequencer_is_none(message: Message) -> None:
    """Other parts of the call are told."""
    assert read_report(message) is None


def test_the_card_says_where_playing_stood() -> None:
    """Of the cut before; nothing where nobody has played anything yet."""
    assert read_playhead(PlayheadView(item_id="i", heard_ms=420), 3) == inputs.Heard(
        cut=3, response_id="", item_id="i", heard_ms=420
    )
    assert read_playhead(PlayheadView(item_id=None, heard_ms=None), 3) is None
    assert read_playhead(PlayheadView(item_id="i", heard_ms=None), 3) is None
