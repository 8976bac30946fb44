"""Control messages: processes are held to their word, people are read leniently and answered in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.entry import to_dict
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import Keys
from shared.contract.streams import control
from shared.contract.streams.control import (
    Audible,
    Detached,
    Flushed,
    FlushedItem,
    HangUp,
    InWriting,
    Letter,
    Message,
    Say,
    Silent,
    SilentCause,
    message_fields,
    operator_command,
    operator_fields,
    read_message,
)

CALL = "CA" + "0" * 31 + "1"
AUDIBLE = Audible(cut=1, response_id="resp_1", item_id="item_1", heard_ms=120, frames_waiting=3)
FLUSHED = Flushed.of(2, [FlushedItem(item_id="i", response_id="r", received_ms=9, sent_ms=8, heard_ms=7)])


def typed(**fields: str) -> Letter:
    """As `XADD …:control * field value …` by hand."""
    return read_message(b"5-1", {name.encode(): value.encode() for name, value in fields.items()})


SILENT = Silent(
    cut=1, response_id="resp_1", item_id="item_1", heard_ms=120, frames_waiting=0, cause=SilentCause.PLAYED
)  # fmt: skip


@pytest.mark.parametrize("message", [AUDIBLE, SILENT, FLUSHED, Say(text="ش", force=False)])
def test_a_message_survives_the_way(message: Message) -> None:
    """Write, read, same, with who says it and its number."""
    letter = read_message(
        b"5-1", to_dict(message_fields(message, sender="egress-0@h#1", number="7", epoch=3))
    )
    assert letter == Letter(
        entry_id="5-1", kind=message.KIND, sender="egress-0@h#1", number="7", epoch=3, message=message
    )


def test_the_items_of_a_flush_survive_the_way() -> None:
    """And what is no list of items is an error, not an empty list."""
    assert [item.heard_ms for item in FLUSHED.read_items()] == [7]
    for text in ("", "{}", "[1]", '[{"item": "i"}]'):
        with pytest.raises(ContractError):
            Flushed(cut=1, items=text).read_items()


@pytest.mark.parametrize("gone", ["cut", "response", "item", "heard_ms", "frames_waiting"])
def test_a_process_that_says_too_little_is_an_error(gone: str) -> None:
    """A figure of egress that is missing is not taken for 0: the error names it."""
    fields = message_fields(AUDIBLE, sender="egress-0@h#1", number="7", epoch=3)
    at = fields.index(gone.encode())
    with pytest.raises(EntryError, match=f"in {gone} of control message audible"):
        read_message(b"5-1", to_dict(fields[:at] + fields[at + 2 :]))


def test_a_kind_of_a_newer_version_is_passed_over() -> None:
    """No error, no message, no words."""
    letter = read_message(b"5-1", {b"v": b"1", b"kind": b"hum", b"from": b"egress-0@h#1"})
    assert (letter.message, letter.refusal) == (None, "")


def test_what_operators_type_is_read_leniently() -> None:
    """All but what is needed may be left out; texts are bounded."""
    assert typed(kind="say", text=" Hallo ", force="YES").message == Say(text="Hallo", force=True)
    assert typed(kind="say", text="א" * 3_000).message == Say(text="א" * control.MAX_SAY_CHARS, force=False)
    assert typed(kind="write", text=" Hallo ").message == InWriting(text="Hallo")
    assert typed(kind="hangup").message == HangUp(reason="operator", farewell="")
    assert typed(kind="hangup", reason="x", farewell="bye", epoch="1").epoch == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "expected a field kind, one of say, write, hangup, listen"),
        ({"kind": "sya", "text": "x"}, "expected one of say, write, hangup, listen as the kind"),
        ({"kind": "audible", "cut": "1"}, "expected one of say, write, hangup, listen as the kind"),
        ({"kind": "ended"}, "expected one of say, write, hangup, listen as the kind"),
        ({"kind": "say"}, "expected a field text with what to say"),
        ({"kind": "say", "text": "  "}, "expected a field text with what to say"),
        ({"kind": "write"}, "expected a field text with what to say"),
    ],
)
def test_a_slip_is_answered_in_words(fields: dict[str, str], words: str) -> None:
    """What only processes may say is a slip too."""
    letter = typed(**fields)
    assert (letter.message, letter.refusal) == (None, words)


@pytest.mark.parametrize(
    "command",
    [Say(text="שלום", force=True), InWriting(text="שלום"), HangUp(reason="operator", farewell="")],
)
def test_the_console_types_as_people_do(command: Say | InWriting | HangUp) -> None:
    """Its commands go the same way."""
    assert read_message(b"5-1", to_dict(operator_fields(command))).message == command
    sent = operator_command(Keys(4), CALL, command)
    assert sent.tag == Keys(4).lane(CALL)
    assert sent.args[:3] == (b"XADD", Keys(4).control(CALL).encode(), b"NOMKSTREAM")
    assert read_message(b"5-1", to_dict(sent.args[7:])).message == command


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=20), max_size=20))
def test_whatever_is_typed_raises_nothing(fields: dict[bytes, bytes]) -> None:
    """A hand must not end a call."""
    assert read_message(b"5-1", fields).sender is not None


@pytest.mark.parametrize(
    ("cause", "was_open"),
    [("stop", True), ("moving", True), ("lost", False), ("not_here", False), ("newer stream", False)],
)
def test_only_a_stream_that_was_closed_as_it_should_is_known_to_have_been_there(
    cause: str, was_open: bool
) -> None:
    """Whatever else befalls one, nobody saw it open to its end."""
    assert Detached(leg=1, cause=cause).was_open is was_open
