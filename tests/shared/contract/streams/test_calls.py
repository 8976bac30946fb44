"""`calls` and `ringing`: an entry names a call, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.streams.calls import NewCall, Person, Ringing, read_call, read_person, read_ringing

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


def test_who_calls_is_read_as_it_was_written() -> None:
    """Only by the first webhook: ATTACH writes a number alone, of an ingress that knows nothing more."""
    person = Person(caller="+15550001111", parameters={"shop": "berlin", "x-order": "4217"})

    assert read_person([b"+15550001111", person.written.encode()]) == person
    assert read_person([b"+15550001111", None]) is None
    assert read_person([None, None]) is None
    assert read_person([None, b"{}"]) == Person(caller="")


@given(st.none() | st.binary(max_size=20), st.binary(max_size=60))
def test_who_calls_is_somebody_whatever_stands_there(caller: bytes | None, written: bytes) -> None:
    """Parameters that are no texts are none."""
    found = read_person([caller, written])

    assert found is not None
    assert all(isinstance(value, str) for value in found.parameters.values())
