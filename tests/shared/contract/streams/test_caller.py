"""`caller`: packed by hand, read without a dict, and both the same as the plain words."""

from __future__ import annotations

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.caller import CallerFrame, CallerPacker, caller_fields, read_caller, read_turn

CALL = "CA" + "0" * 31 + "1"
NUMBERS = st.integers(0, 2**40)
FRAMES = st.builds(CallerFrame, NUMBERS, NUMBERS, st.integers(0, 10**9).map(float), st.binary(max_size=400))


@given(FRAMES)
def test_what_is_packed_by_hand_is_what_is_read(frame: CallerFrame) -> None:
    """Through Redis's own parser: an XADD whose fields are those of `caller_fields`."""
    reader = hiredis.Reader()
    reader.feed(CallerPacker(Keys(1), CALL).pack(frame.leg, frame.chunk, frame.t_ms, frame.audio))
    words = reader.gets()
    assert words[:6] == [b"XADD", Keys(1).caller(CALL).encode(), b"NOMKSTREAM", b"MAXLEN", b"1500", b"*"]
    assert words[6:] == caller_fields(frame)
    assert read_caller(words[6:]) == frame


@given(FRAMES)
def test_any_order_of_the_fields_is_read(frame: CallerFrame) -> None:
    """The quick way is for our own writers; the slow one takes what else is written."""
    fields = caller_fields(frame)
    assert read_caller([*fields[2:], *fields[:2], b"x", b"y"]) == frame


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    with pytest.raises(EntryError):
        read_caller(fields)


@pytest.mark.parametrize("gone", [b"l", b"n", b"t", b"a"])
def test_a_missing_field_is_named(gone: bytes) -> None:
    """The error says which."""
    fields = caller_fields(CallerFrame(1, 2, 3.0, b"x"))
    at = fields.index(gone)
    with pytest.raises(EntryError, match=f"in {gone.decode()} of caller"):
        read_caller(fields[:at] + fields[at + 2 :])


def test_a_piece_of_a_turn_is_its_audio() -> None:
    """What says less is named; what a newer version says is not guessed at."""
    assert read_turn({b"v": b"1", b"a": b"x", b"new": b"y"}) == b"x"
    with pytest.raises(EntryError, match="in a of turn"):
        read_turn({b"v": b"1"})
    with pytest.raises(EntryError):
        read_turn({b"v": b"2", b"a": b"x"})
