"""Commands as Redis reads them."""

from __future__ import annotations

import hiredis
from hypothesis import given
from hypothesis import strategies as st

from shared import resp


def test_a_command_is_packed_as_resp() -> None:
    """Lengths count bytes; line ends inside a value are data."""
    packed = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\r\n\xff\r\n"
    assert resp.pack([b"SET", b"k", b"\r\n\xff"]) == packed
    assert resp.bulk(b"\r\n\xff") == b"$3\r\n\r\n\xff\r\n"


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20))
def test_any_command_is_read_as_it_was_packed(args: list[bytes]) -> None:
    """Through Redis's own parser."""
    reader = hiredis.Reader()
    reader.feed(resp.pack(args))
    assert reader.gets() == args
