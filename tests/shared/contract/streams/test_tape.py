"""`tape` and `tapes`, and what a brain wants of them: written and read as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.contract.card import TapeState
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.tape import (
    Piece,
    TapeEntry,
    TapeWish,
    keep_command,
    laid_out,
    read_tape,
    read_taped,
    read_wish,
    tape_command,
    tape_fields,
    tapes_commands,
    trim_command,
    wish_fields,
)

KEYS, CALL = Keys(4), "CA" + "1" * 32
ENTRY = TapeEntry(
    run="ingress-0@h#a:1", number=3, leg=2, wall_ms=1_700_000_000_000, from_ms=1000, to_ms=1500, uses="rl",
    lost=2, way_ms=40, pauses=True, caller=(Piece(8000, b"abc"), Piece(9000, b"d")),
    heard=(Piece(8100, b"e"),),
)  # fmt: skip


def fields_of(entry: TapeEntry) -> dict[bytes, bytes]:
    words = tape_fields(entry)
    return dict(zip(words[::2], words[1::2], strict=True))


def test_an_entry_is_read_as_it_was_written() -> None:
    assert read_tape(fields_of(ENTRY)) == ENTRY
    silent = replace(ENTRY, caller=(), heard=(), pauses=False)
    assert read_tape(fields_of(silent)) == silent


@pytest.mark.parametrize("change", [{b"n": b"x"}, {b"v": b"9"}, {b"l:x": b"a"}, {b"z:1": b"a"}, {b"to": b""}])
def test_what_nobody_wrote_is_refused(change: dict[bytes, bytes]) -> None:
    with pytest.raises(EntryError):
        read_tape({**fields_of(ENTRY), **change})


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert read_tape({**fields_of(ENTRY), b"more": b"x"}) == ENTRY


def test_only_where_it_is_wanted_the_stream_is_made() -> None:
    """All its keys are of the call's own slot; nothing of them lives for ever."""
    made, added = (tape_command(KEYS, CALL, ENTRY, creates=creates) for creates in (True, False))
    assert (b"NOMKSTREAM" in made.args, b"NOMKSTREAM" in added.args) == (False, True)
    lane = KEYS.lane(CALL)
    others = (keep_command(KEYS, CALL), trim_command(KEYS, CALL, "1-0"), *tapes_commands(KEYS, CALL))
    assert {command.tag for command in (made, added, *others)} == {lane}
    assert keep_command(KEYS, CALL).args[0] == b"PEXPIRE"


def test_a_recorder_is_told_the_call() -> None:
    words = tapes_commands(KEYS, CALL)[0].args
    fields = words[words.index(b"*") + 1 :]
    assert read_taped(dict(zip(fields[::2], fields[1::2], strict=True))) == CALL
    with pytest.raises(EntryError):
        read_taped({b"v": b"1"})


@pytest.mark.parametrize("recording", TapeState)
def test_a_wish_is_read_as_it_was_said(recording: TapeState) -> None:
    wish = TapeWish(recording=recording, listen_ms=1234)
    assert read_wish(wish_fields(wish)) == wish


@pytest.mark.parametrize("value", [b"", b"on", b"on x", b"sometimes 0", b"on -1", b"\xff 1"])
def test_a_wish_that_cannot_be_meant_is_refused(value: bytes) -> None:
    with pytest.raises(EntryError):
        read_wish(value)


def test_pieces_are_laid_out_between_two_places() -> None:
    """What stands outside is cut off, what is missing is silence."""
    pieces = (Piece(0, b"abcd"), Piece(6, b"efgh"))
    assert laid_out(pieces, 2, 6) == b"cd\xff\xffef"
