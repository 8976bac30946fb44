"""Entry formats: what is written is what is read, and garbage raises EntryError alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import entries
from shared.contract.entries import EntryError, Name, ReplyEntry, ReplyKind, UnknownVersion, Why

ids = st.text("abcdefghijklmnop_0123456789", min_size=1, max_size=30)
numbers = st.integers(0, 2**40)


@given(numbers, numbers, st.floats(0, 1e9), st.binary(max_size=400))
def test_a_caller_frame_survives_the_way(leg: int, chunk: int, t_ms: float, audio: bytes) -> None:
    """Write, read, same."""
    frame = entries.read_caller(entries.caller_fields(leg, chunk, t_ms, audio))
    assert (frame.leg, frame.chunk, frame.audio) == (leg, chunk, audio)
    assert frame.t_ms == pytest.approx(t_ms, abs=0.06)


@given(st.sampled_from(list(ReplyKind)), numbers, numbers, ids, ids, numbers, st.binary(max_size=3000))
def test_a_reply_entry_survives_the_way(
    kind: ReplyKind, epoch: int, cut: int, response: str, item: str, offset: int, audio: bytes
) -> None:
    """Write, read, same."""
    entry = ReplyEntry(kind, epoch, cut, response, item, offset, 5.0, audio)
    assert entries.read_reply(entries.reply_fields(entry)) == entry


@given(ids, numbers, numbers, numbers, numbers)
def test_a_name_survives_the_way(kind: str, leg: int, epoch: int, cut: int, n: int) -> None:
    """Write, read, same."""
    name = Name(kind, "CA" + "0" * 32, leg, epoch, cut, n)
    assert entries.read_name(name.encode()) == name


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=200)), max_size=20))
def test_pairs_keep_their_order_and_repetitions(pairs: list[tuple[bytes, bytes]]) -> None:
    """An `out` entry is a list, not a dict: the same name may stand twice."""
    read = entries.read_pairs(entries.pairs_fields(b"egress-0@h#1", 7.0, pairs))
    assert list(read) == pairs
    assert read.worker == "egress-0@h#1"


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    for read in (entries.read_caller, entries.read_reply, entries.read_pairs, entries.read_ring):
        with pytest.raises(EntryError):
            read(fields)


@given(st.binary(max_size=60))
def test_garbage_names_raise_entry_errors_only(name: bytes) -> None:
    """A name is read or refused."""
    try:
        entries.read_name(name)
    except EntryError:
        return
    assert name.count(b":") == 5


def test_an_unknown_version_is_told_apart() -> None:
    """A newer writer's entry is skipped and counted, not taken for damage."""
    fields = entries.caller_fields(1, 1, 1.0, b"")
    fields[1] = b"2"
    with pytest.raises(UnknownVersion):
        entries.read_caller(fields)


def test_unknown_fields_are_ignored() -> None:
    """A newer writer may add fields within version 1."""
    fields = [*entries.caller_fields(1, 2, 3.0, b"x"), b"new", b"thing"]
    assert entries.read_caller(fields).chunk == 2


def test_a_ring_says_who_and_why() -> None:
    """The doorbell's entry."""
    assert entries.read_ring(entries.ring_fields("CA1", Why.REPLY)) == ("CA1", "reply")


def test_a_reply_may_say_whose_clock_its_stamp_is_of() -> None:
    """Without a host the stamp means nothing to another process; older writers left it out."""
    said = ReplyEntry(ReplyKind.FLUSH, 1, 2, "r", "i", 0, 5.0, b"", host="far.example")
    unsaid = ReplyEntry(ReplyKind.FLUSH, 1, 2, "r", "i", 0, 5.0, b"")

    assert entries.read_reply(entries.reply_fields(said)) == said
    assert entries.read_reply(entries.reply_fields(unsaid)).host == ""
    assert b"h" not in entries.reply_fields(unsaid)[::2]
