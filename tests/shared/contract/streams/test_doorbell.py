"""The doorbell: what rings is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.doorbell import Ring, Why, read_ring, ring_command

CALL = "CA" + "0" * 31 + "1"


@pytest.mark.parametrize("why", list(Why))
def test_a_ring_survives_the_way(why: Why) -> None:
    """To the worker's stream of that lane, only if somebody listens there."""
    command = ring_command(Keys(4), 3, "brain-0@h#1", CALL, why)
    assert command.tag == 3
    assert command.args[:3] == (b"XADD", b"tl:{3}:wake:brain-0@h#1", b"NOMKSTREAM")
    assert read_ring(command.args[6:]) == Ring(CALL, why)


def test_a_ring_for_a_new_call_names_its_entry() -> None:
    """As ATTACH rings the heir: the claim settles that entry of `calls`."""
    words = [b"v", b"1", b"call", CALL.encode(), b"why", b"claimed", b"entry", b"7-1"]
    assert read_ring(words) == Ring(CALL, Why.CLAIMED, entry="7-1")


def test_a_reason_of_a_newer_version_is_none() -> None:
    """The call is named all the same: it is looked at."""
    assert read_ring([b"v", b"1", b"call", CALL.encode(), b"why", b"whim"]) == Ring(CALL, None)


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    with pytest.raises(EntryError):
        read_ring(fields)
