"""What owners write, as calls of scripts. On a real server: tests/shared/ownership/test_owner.py."""

from __future__ import annotations

import pytest

from shared.contract import writes
from shared.contract.card import BrainControl, CutRaised
from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer, Refusal
from shared.contract.streams.control import Dtmf, read_message
from shared.contract.streams.history import ItemLength, history_fields
from shared.contract.streams.reply import ReplyEntry, ReplyKind, reply_fields
from shared.contract.writes import CallerMove, Moved, Speaker

KEYS = Keys(1)
CALL = "CA" + "0" * 31 + "1"
OWNER = Speaker(CALL, "brain", "brain-0@h#1", 3)
ENTRY = ReplyEntry(ReplyKind.AUDIO, 3, 0, "r", "i", 0, 1.0, b"x")


def test_what_is_appended_is_the_entry() -> None:
    """Behind who speaks, the TTL, the bound, and whom to wake."""
    call = writes.append_reply(KEYS, OWNER, ENTRY, wake=True)
    assert call.args[:3] == ("brain", "brain-0@h#1", 3)
    assert call.args[5:7] == ("egress", "reply")
    assert list(call.args[7:]) == reply_fields(ENTRY)
    assert writes.append_reply(KEYS, OWNER, ENTRY, wake=False).args[5] == ""
    length = ItemLength(item_id="i", ms=5)
    assert list(writes.append_history(KEYS, OWNER, length).args[7:]) == history_fields(length)


def test_who_owns_nothing_has_no_epoch() -> None:
    """Ingress presses keys for the caller: only an ended call refuses, and no stream is made for it."""
    message = Dtmf(digit="5", leg=2)
    call = writes.append_control(KEYS, Speaker(CALL), message, sender="i", number="1", wake="brain")
    assert call.args[:4] == ("", "", 0, 0)
    letter = read_message(b"1-1", to_dict([word for word in call.args[7:] if isinstance(word, bytes)]))
    assert (letter.message, letter.epoch) == (message, None)


def test_records_are_written_side_by_side() -> None:
    """In one step, with the trim."""
    call = writes.trim_reply(KEYS, OWNER, "5-1", BrainControl(control_pos_brain="5-0"), CutRaised(cut=2))
    assert call.args == ("brain", "brain-0@h#1", 3, "5-1", b"control_pos_brain", b"5-0", b"cut", b"2")
    assert call.keys == (KEYS.card(CALL), KEYS.reply(CALL))


def test_many_calls_are_moved_at_once() -> None:
    """Each up to an entry, behind which `caller` begins; one of which nothing moves is only cut."""
    other = "CA" + "0" * 31 + "2"
    moves = [
        CallerMove(writes.caller_keys(KEYS, CALL), 3, last_id="5-1", audio=b"x", keep_from="4-0"),
        CallerMove(writes.caller_keys(KEYS, other), 7, last_id="", audio=b"", keep_from="6-0"),
    ]

    call = writes.move_callers(0, "b", moves)

    assert call.args[1:] == ("b", 3, "5-1", "5-2", b"x", "4-0", 7, "", "", b"", "6-0")
    assert call.keys == (*writes.caller_keys(KEYS, CALL), *writes.caller_keys(KEYS, other))


def test_what_became_of_each_move_is_read() -> None:
    """A refusal of Redis's is no answer of the fence."""
    answers = writes.read_moves([[b"OK"], [b"REFUSED"], [b"FENCED", b"brain-1@h#1", b"9"], [b"ABSENT"]])
    assert answers == [
        Moved.DONE, Moved.NOT_YET, Refusal(Answer.FENCED, "brain-1@h#1", 9), Refusal(Answer.ABSENT),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="NONSENSE"):
        writes.read_moves([[b"NONSENSE"]])
