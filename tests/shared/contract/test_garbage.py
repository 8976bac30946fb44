"""Whatever stands in Redis, a reader returns something or raises what its callers pass over; nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.call.reports import read_report
from shared.contract import record, views
from shared.contract.errors import ContractError, EntryError
from shared.contract.streams import control
from shared.contract.streams.caller import read_caller, read_turn
from shared.contract.streams.calls import read_call, read_orphan
from shared.contract.streams.control import read_message
from shared.contract.streams.doorbell import read_ring
from shared.contract.streams.history import read_history
from shared.contract.streams.hooks import read_hook
from shared.contract.streams.pairs import Name, read_debt, read_name, read_owes, read_pairs, read_unsent
from shared.contract.streams.reply import read_reply
from shared.contract.worker import PULSE, read_beat, read_pulse

CALL = b"CA" + b"0" * 32
FIELDS = """
v kind from n epoch call why role heir by k e c r i o t h d a l w p leg cut items text force response item
heard_ms frames_waiting cause worker highest digit status outcome id attempt due body details state value name
call_id
beat contract pid
"""
NAMES = [name.encode() for name in FIELDS.split()]
SPOILT = [
    b"", b"1", b"0", b"-1", b"inf", b"nan", b"1e400", b"9" * 19, b"9" * 5000, b"\xff\xfe", b"\0", b"null",
    b"[]", b"[{}]", b"[" * 600, b'[{"item": 1e999}]', "\u0663".encode(), CALL,
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(SPOILT),
    st.sampled_from([kind.encode() for kind in control.KINDS]),
    st.binary(max_size=12),
)
ENTRIES = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.binary(max_size=4)), WORDS, max_size=14
).flatmap(lambda found: st.booleans().map(lambda is_known: {**found, b"v": b"1"} if is_known else found))


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [word for pair in fields.items() for word in pair]


FLAT: list[Callable[[Sequence[bytes]], Any]] = [
    read_caller, read_call, read_orphan, read_ring, read_reply,
]  # fmt: skip


@pytest.mark.parametrize("reader", FLAT, ids=lambda reader: reader.__name__)
@given(ENTRIES)
def test_an_entry_is_read_or_passed_over(
    reader: Callable[[Sequence[bytes]], Any], found: dict[bytes, bytes]
) -> None:
    """By the one kind of exception that all callers expect."""
    with contextlib.suppress(EntryError):
        reader(flat(found))


@pytest.mark.parametrize("reader", [read_turn, read_history, read_hook], ids=lambda reader: reader.__name__)
@given(ENTRIES)
def test_an_entry_of_redis_py_is_read_or_passed_over(
    reader: Callable[[Any], Any], found: dict[bytes, bytes]
) -> None:
    """The same, as a dict."""
    with contextlib.suppress(EntryError):
        reader(found)


@given(ENTRIES)
def test_a_control_message_is_read_or_passed_over_and_so_is_what_it_means(found: dict[bytes, bytes]) -> None:
    """What a person types is never an error; no number in it is too large to reckon with."""
    try:
        letter = read_message(b"1-1", found)
    except EntryError:
        assert found.get(b"from", control.OPERATOR.encode()) != control.OPERATOR.encode()
        return
    if letter.message is None:
        return
    for value in record.write(letter.message).values():
        if isinstance(value, int):
            assert abs(value) <= record.MOST
    with contextlib.suppress(ContractError):
        read_report(letter.message)


@given(st.lists(WORDS, max_size=8))
def test_pairs_are_read_or_passed_over(words: list[bytes]) -> None:
    """The entry, each name, each value."""
    for fields in (words, [b"v", b"1", b"w", b"egress-0@h#1", b"t", b"1.0", *words]):
        try:
            pairs = list(read_pairs(fields))
        except EntryError:
            continue
        for encoded, value in pairs:
            with contextlib.suppress(EntryError):
                read_name(encoded)
            for reader in (
                read_debt,
                read_unsent,
                lambda said: read_owes(Name("owes", "CA", 1, 1, 0, 1), said),
            ):
                with contextlib.suppress(EntryError):
                    reader(value)


@pytest.mark.parametrize("view", views.READERS, ids=lambda view: view.__name__)
@given(st.data())
def test_a_card_is_seen_or_passed_over(view: type, data: st.DataObject) -> None:
    """By each of its views."""
    names = record.names(view)
    values = data.draw(st.lists(st.none() | WORDS, min_size=len(names), max_size=len(names)))
    with contextlib.suppress(ContractError):
        record.read_values(view, values)


@given(ENTRIES, st.lists(st.none() | WORDS, min_size=len(PULSE), max_size=len(PULSE)))
def test_a_beat_is_read_or_passed_over(found: dict[bytes, bytes], values: list[bytes | None]) -> None:
    """Of a worker that nobody may judge then."""
    said = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in found.items()}
    for read in (lambda: read_beat(said), lambda: read_pulse(values)):
        with contextlib.suppress(ContractError):
            read()
