"""From what other processes and operators say to the sequencer's inputs.

Why it exists: what may be said between processes and what the sequencer is told are two vocabularies. Owns:
which control messages mean an input, and which. Pure. Must not know: how a message is read, what a
slip of an operator's is answered (shared/contract/streams/control.py).

A figure that makes no sense must not end a call: people can write these messages too, in a process's name.
"""

from __future__ import annotations

from brain.sequencer import Reason, inputs
from brain.sequencer.inputs import Input
from shared.contract.streams.control import (
    Audible,
    Flushed,
    FlushedItem,
    HangUp,
    Heard,
    InWriting,
    Message,
    Say,
    Silent,
)
from shared.contract.views import PlayheadView


def read_report(message: Message) -> Input | None:
    """The input that a message means; None where it is not for the sequencer.

    Raises ContractError for a list of items that cannot be read.
    """
    match message:
        case Audible() | Heard():
            kind = inputs.Audible if isinstance(message, Audible) else inputs.Heard
            return kind(
                cut=message.cut,
                response_id=message.response_id,
                item_id=message.item_id,
                heard_ms=_amount(message.heard_ms),
                frames_waiting=_amount(message.frames_waiting),
            )
        case Silent():
            return inputs.Silent(
                cut=message.cut,
                response_id=message.response_id,
                item_id=message.item_id,
                heard_ms=_amount(message.heard_ms),
                frames_waiting=_amount(message.frames_waiting),
                cause=message.cause,
            )
        case Flushed():
            return inputs.Flushed(cut=message.cut, items=tuple(map(_item, message.read_items())))
        case Say():
            return inputs.WishToSpeak(reason=Reason.OPERATOR, text=message.text, force=message.force)
        case InWriting():
            return inputs.CallerWrote(text=message.text, barge_in=True)
        case HangUp():
            return inputs.HangUpWished(cause=message.reason, farewell=message.farewell)
        case _:
            return None


def read_playhead(view: PlayheadView, cut: int) -> Input | None:
    """Where playing stood in the cut that was interrupted, by the card; None if it knows of nothing.

    An egress that is gone says nothing of a flush; without this, all of an item that had played for seconds
    would be taken out of the model's memory. The figure is up to a second old, so never above what was heard.
    """
    if view.item_id is None or view.heard_ms is None:
        return None
    return inputs.Heard(cut=cut, response_id="", item_id=view.item_id, heard_ms=_amount(view.heard_ms))


# Private.


def _item(item: FlushedItem) -> inputs.FlushedItem:
    return inputs.FlushedItem(item_id=item.item_id, heard_ms=_amount(item.heard_ms))


def _amount(value: int) -> int:
    return max(0, value)
