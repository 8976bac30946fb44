"""What owners write, as calls of scripts. On a real server: tests/shared/ownership/test_owner.py."""

from __future__ import annotations

from shared.contract import writes
from shared.contract.card import CallerRead, CutRaised
from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.streams.control import Dtmf, read_message
from shared.contract.streams.history import ItemLength, history_fields
from shared.contract.streams.reply import ReplyEntry, ReplyKind, reply_fields
from shared.contract.writes import Speaker

KEYS = Keys(1)
CALL = "CA" + "0" * 31 + "1"
OWNER = Speaker(CALL, "brain", 3)
ENTRY = ReplyEntry(ReplyKind.AUDIO, 3, 0, "r", "i", 0, 1.0, b"x")


def test_what_is_appended_is_the_entry() -> None:
    """Behind who speaks, the TTL, the bound, and whom to wake."""
    call = writes.append_reply(KEYS, OWNER, ENTRY, wake=True)
    assert call.args[:2] == ("brain", 3)
    assert call.args[4:6] == ("egress", "reply")
    assert list(call.args[6:]) == reply_fields(ENTRY)
    assert writes.append_reply(KEYS, OWNER, ENTRY, wake=False).args[4] == ""
    length = ItemLength(item_id="i", ms=5)
    assert list(writes.append_history(KEYS, OWNER, length).args[6:]) == history_fields(length)


def test_who_owns_nothing_has_no_epoch() -> None:
    """Ingress presses keys for the caller: only an ended call refuses, and no stream is made for it."""
    message = Dtmf(digit="5", leg=2)
    call = writes.append_control(KEYS, Speaker(CALL), message, sender="i", number="1", wake="brain")
    assert call.args[:3] == ("", 0, 0)
    letter = read_message(b"1-1", to_dict([word for word in call.args[6:] if isinstance(word, bytes)]))
    assert (letter.message, letter.epoch) == (message, None)


def test_records_are_written_side_by_side() -> None:
    """In one step, with the trim."""
    call = writes.trim_caller(KEYS, OWNER, "5-1", CallerRead(caller_pos="5-0"), CutRaised(cut=2))
    assert call.args == ("brain", 3, "5-1", b"caller_pos", b"5-0", b"cut", b"2")
    assert call.keys == (KEYS.card(CALL), KEYS.caller(CALL))


def test_a_turn_is_moved_up_to_an_entry() -> None:
    """What is kept begins behind it; an empty turn moves nothing."""
    assert writes.move_turn(KEYS, OWNER, "5-1").args[:4] == (3, "move", "5-1", "5-2")
    assert writes.move_turn(KEYS, OWNER, "").args[:4] == (3, "move", "", "0")
