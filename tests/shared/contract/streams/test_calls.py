"""`calls` and `ringing`: an entry names a call, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.streams.calls import NewCall, Ringing, read_call, read_ringing

CALL = "CA" + "0" * 31 + "1"


def test_an_entry_names_a_call() -> None:
    """As the scripts write it: with its heir, which older versions left out."""
    words = [b"v", b"1", b"call", CALL.encode()]
    assert read_call(words) == NewCall(CALL, "")
    assert read_call([*words, b"heir", b"brain-0@h#1"]) == NewCall(CALL, "brain-0@h#1")


def test_a_call_that_rings_names_who_is_asked_for() -> None:
    """The agent, or the number that chooses it; both must be said, if only by an empty text."""
    words = [b"v", b"1", b"call", CALL.encode(), b"agent", b"sales", b"called", b"+1555"]
    assert read_ringing(words) == Ringing(CALL, "sales", "+1555")
    with pytest.raises(EntryError, match="called of ringing"):
        read_ringing(words[:-2])


def test_what_is_no_call_is_refused() -> None:
    """Nobody could ever claim it."""
    with pytest.raises(EntryError, match="expected CA and 32 hexadecimal digits in call of calls, got 'CA1'"):
        read_call([b"v", b"1", b"call", b"CA1"])


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    for read in (read_call, read_ringing):
        with pytest.raises(EntryError):
            read(fields)
