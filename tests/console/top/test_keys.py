"""Bytes of a terminal as keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.top.keys import MAX_SEQUENCE, SEQUENCES, KeyReader


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"jk", ["j", "k"]),
        (b"\r", ["enter"]),
        (b"\x7f", ["backspace"]),
        (b"\x03", ["interrupt"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA", ["up"]),
        (b"\x1b[5~", ["pageup"]),
        ("ש".encode(), ["ש"]),
        (b"\x1b[1;5Cx", ["x"]),
        (b"\x01", []),
    ],
)
def test_keys_of_bytes(data: bytes, keys: list[str]) -> None:
    """Sequences have names, characters are themselves, what is unknown is left out whole."""
    assert KeyReader().feed(data) == keys


def test_an_escape_alone_is_a_key_when_nothing_follows() -> None:
    """Until then it may be the beginning of a sequence."""
    reader = KeyReader()
    assert reader.feed(b"\x1b") == []
    assert reader.is_pending
    assert reader.quiet() == ["escape"]
    assert not reader.is_pending


def test_two_escapes() -> None:
    """The first is a key at once."""
    reader = KeyReader()
    assert reader.feed(b"\x1b\x1b") == ["escape"]
    assert reader.quiet() == ["escape"]


def test_a_half_sequence_that_never_ends_is_no_key() -> None:
    """What hangs is forgotten, and the next key is itself."""
    reader = KeyReader()
    assert reader.feed(b"\x1b[") == []
    assert reader.quiet() == []
    assert reader.feed(b"q") == ["q"]


@given(st.sampled_from(sorted(SEQUENCES)), st.integers(1, 4))
def test_a_sequence_may_come_in_pieces(sequence: str, cut: int) -> None:
    """A slow line delivers byte by byte."""
    data = b"\x1b" + sequence.encode()
    reader = KeyReader()
    keys = reader.feed(data[:cut]) + reader.feed(data[cut:])
    assert keys == [SEQUENCES[sequence]]


@given(st.binary(max_size=200))
def test_no_bytes_lock_the_reader(data: bytes) -> None:
    """After any garbage a key is a key again."""
    reader = KeyReader()
    reader.feed(data)
    reader.quiet()
    reader.feed(b"q" * (MAX_SEQUENCE + 4))
    assert reader.feed(b"q") == ["q"]
