"""`out` and `back`: names, pairs, entries, and gathering by worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.call.owing import DEBTS_AN_EPOCH
from shared.contract.claiming import OWN_NUMBERS
from shared.contract.errors import EntryError, UnknownVersion
from shared.contract.keys import Keys
from shared.contract.owed import DebtCause
from shared.contract.streams import pairs
from shared.contract.streams.pairs import BackKind, Name, OutKind, OutNames, Owes

CALL = "CA" + "0" * 31 + "1"
NUMBERS = st.integers(0, 2**40)


@given(st.sampled_from([*OutKind, *BackKind]), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_name_survives_the_way(kind: str, leg: int, epoch: int, cut: int, n: int) -> None:
    """Write, read, same."""
    name = Name(kind, CALL, leg, epoch, cut, n)
    assert pairs.read_name(name.encode()) == name


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.binary(max_size=200))
def test_the_quick_names_are_names(leg: int, epoch: int, cut: int, n: int, audio: bytes) -> None:
    """What egress writes with kept parts is what a Name would be, also when leg or cut change."""
    names = OutNames(CALL)
    for _ in range(2):
        between = names.between(leg, epoch, cut)
        made = {
            OutKind.FRAME: pairs.frames(between, n, audio),
            OutKind.MARK: pairs.mark(between, n, "1.0.item.20"),
            OutKind.CLEAR: pairs.clear(between, n, b"5.0"),
            OutKind.PAUSE: pairs.pause(between, n, "1.0.=stop.20"),
            OutKind.ATTACH: pairs.attach(between, n),
        }
        for kind, (name, _) in made.items():
            assert pairs.read_name(name) == Name(kind, CALL, leg, epoch, cut, n)
        leg, cut = leg + 1, cut + 1


def test_what_the_brain_asks_for_is_read() -> None:
    """`close` and `fill`; `owes` is below."""
    name, value = pairs.close(CALL, 1, 2, "farewell")
    assert (pairs.read_name(name).kind, value) == ("close", b"farewell")
    name, value = pairs.fill(CALL, 1, 2, "0f3a", 800)
    assert (pairs.read_name(name), value) == (Name("fill", CALL, 1, 2, 0, 800), b"0f3a")


@given(
    st.builds(
        Owes,
        number=st.integers(0, 10**9),
        age_ms=st.integers(0, 10**6),
        cause=st.none() | st.sampled_from(DebtCause),
        is_paid=st.booleans(),
        is_waived=st.booleans(),
        is_caller_speaking=st.booleans(),
        is_deaf=st.booleans(),
        is_patient=st.booleans(),
    )
)
def test_what_is_owed_is_read_as_it_was_said(owed: Owes) -> None:
    """The number stands in the name, the rest in the value."""
    name, value = pairs.owes(CALL, 3, 2, owed)
    read = pairs.read_name(name)

    assert (read.kind, read.leg, read.epoch) == (OutKind.OWES, 3, 2)
    assert pairs.read_owes(read, value) == owed


@pytest.mark.parametrize("value", [b"", b"x - turn", b"1 -", b"1 - boredom", b"\xff - turn"])
def test_a_word_that_is_none_is_an_error(value: bytes) -> None:
    """Not a debt of 0."""
    with pytest.raises(EntryError):
        pairs.read_owes(Name("owes", CALL, 1, 1, 0, 1), value)


def test_the_number_of_a_debt_is_a_number() -> None:
    """`sound` and `sound_end`."""
    between = OutNames(CALL).between(1, 2, 3)
    for kind, (name, value) in {
        OutKind.SOUND: pairs.sound(between, 7, 12),
        OutKind.SOUND_END: pairs.sound_end(between, 7, 12),
    }.items():
        assert pairs.read_name(name) == Name(kind, CALL, 1, 2, 3, 7)
        assert pairs.read_debt(value) == 12
    with pytest.raises(EntryError):
        pairs.read_debt(b"loud")


def test_the_number_of_a_debt_is_as_large_as_an_epoch_makes_it() -> None:
    """Epochs are times, in parts of a millisecond, and debts count up from them: for a hundred years more."""
    hundred_years_on_ms = 4_956_000_000_000
    debt = hundred_years_on_ms * OWN_NUMBERS * DEBTS_AN_EPOCH + 7
    between = OutNames(CALL).between(1, 2, 3)
    assert pairs.read_debt(pairs.sound(between, 7, debt)[1]) == debt
    assert pairs.read_debt(pairs.sound_end(between, 7, debt)[1]) == debt


def test_unsent_bytes_are_a_number() -> None:
    """Or an error: not 0."""
    assert pairs.read_unsent(b"120") == 120
    assert [pairs.read_way(pairs.way(ms)) for ms in (-1.0, 0.0, 120.9)] == [0, 0, 120]
    with pytest.raises(EntryError):
        pairs.read_way(b"")
    assert [pairs.read_playing(pairs.playing(ms)) for ms in (-1.0, 0.0, 120.9)] == [0, 0, 120]
    assert pairs.read_playing(b"") is None
    with pytest.raises(EntryError):
        pairs.read_playing(b"long")
    with pytest.raises(EntryError):
        pairs.read_unsent(b"many")


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=200)), max_size=20))
def test_pairs_keep_their_order_and_repetitions(found: list[tuple[bytes, bytes]]) -> None:
    """An entry is a list, not a dict: the same name may stand twice."""
    (command,) = pairs.out_commands(Keys(1), "ingress-0@h#1", b"egress-0@h#1", 7.0, found)
    assert command.tag == command.args[1] == b"tl:out:ingress-0@h#1"
    read = pairs.read_pairs(command.args[7:])
    assert list(read) == found
    assert (read.worker, read.t_ms) == ("egress-0@h#1", 7.0)


def test_another_version_is_skipped() -> None:
    """And told from garbage."""
    with pytest.raises(UnknownVersion):
        pairs.read_pairs([b"v", b"2", b"w", b"x", b"t", b"1"])


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_garbage_raises_entry_errors_only(fields: list[bytes]) -> None:
    """Whatever stands in a stream, a reader meets one error type."""
    with pytest.raises(EntryError):
        pairs.read_pairs(fields)


@given(st.binary(max_size=60))
def test_garbage_names_raise_entry_errors_only(name: bytes) -> None:
    """A name is read or refused."""
    try:
        pairs.read_name(name)
    except EntryError:
        return
    assert name.count(b":") == 5
