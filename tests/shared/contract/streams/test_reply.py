"""`reply`: what is written is what is read, and garbage raises EntryError alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.streams.reply import ReplyEntry, ReplyKind, read_reply, reply_fields

IDS = st.text("abcdefghijklmnop_0123456789", max_size=30)
NUMBERS = st.integers(0, 2**40)


@given(st.sampled_from(list(ReplyKind)), NUMBERS, NUMBERS, IDS, IDS, NUMBERS, st.binary(max_size=3000))
def test_an_entry_survives_the_way(
    kind: ReplyKind, epoch: int, cut: int, response: str, item: str, offset: int, audio: bytes
) -> None:
    """Write, read, same: also without a response id, as engines without responses have it."""
    entry = ReplyEntry(kind, epoch, cut, response, item, offset, 5.0, audio)
    assert read_reply(reply_fields(entry)) == entry


@given(st.integers(1, 2**40))
def test_a_pause_says_for_how_long(pause_ms: int) -> None:
    """And only a pause: of all others the field is left out."""
    entry = ReplyEntry(ReplyKind.PAUSE, 1, 2, "", "", 0, 5.0, b"", pause_ms=pause_ms)
    assert read_reply(reply_fields(entry)) == entry
    assert b"p" not in reply_fields(ReplyEntry(ReplyKind.RESUME, 1, 2, "", "", 0, 5.0, b""))


def test_a_kind_of_a_newer_version_is_an_entry_that_is_passed_over() -> None:
    """So an older egress plays on through a pause that it does not know."""
    fields = reply_fields(ReplyEntry(ReplyKind.PAUSE, 1, 2, "", "", 0, 5.0, b"", pause_ms=9))
    fields[fields.index(b"pause")] = b"fade"
    with pytest.raises(EntryError):
        read_reply(fields)


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    with pytest.raises(EntryError):
        read_reply(fields)


@pytest.mark.parametrize("gone", [b"k", b"e", b"c", b"r", b"i", b"o", b"t"])
def test_a_missing_field_is_named(gone: bytes) -> None:
    """The error says which."""
    fields = reply_fields(ReplyEntry(ReplyKind.AUDIO, 1, 2, "r", "i", 0, 1.0, b"x"))
    at = fields.index(gone)
    with pytest.raises(EntryError, match=f"in {gone.decode()} of reply"):
        read_reply(fields[:at] + fields[at + 2 :])
