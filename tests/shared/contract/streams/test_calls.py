"""`calls`: an entry names a call, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.streams.calls import read_call

CALL = "CA" + "0" * 31 + "1"


def test_an_entry_names_a_call() -> None:
    """As the scripts write it."""
    assert read_call([b"v", b"1", b"call", CALL.encode()]) == CALL


def test_what_is_no_call_is_refused() -> None:
    """Nobody could ever claim it."""
    with pytest.raises(EntryError, match="expected CA and 32 hexadecimal digits in call of calls, got 'CA1'"):
        read_call([b"v", b"1", b"call", b"CA1"])


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    with pytest.raises(EntryError):
        read_call(fields)
