"""What readers raise: one tree, in words that name the record and the field."""

from __future__ import annotations

import pytest

from shared.contract.errors import ContractError, EntryError, UnknownVersion


@pytest.mark.parametrize(("got", "shown"), [(None, "nothing"), ("x", "'x'"), (b"\xff", "b'\\xff'")])
def test_an_error_says_what_was_expected_and_what_came(got: object, shown: str) -> None:
    """A missing field is not shown as a value."""
    error = ContractError("Card", "leg", "a whole number", got)
    assert str(error) == f"expected a whole number in leg of Card, got {shown}"
    assert (error.record, error.field) == ("Card", "leg")


def test_what_came_is_shown_in_part() -> None:
    """It may be audio, or a text of the caller's: a log line stays short."""
    assert len(str(ContractError("reply", "a", "audio", b"\xff" * 10_000))) < 150


def test_one_except_catches_all() -> None:
    """Whoever passes over entries needs one name; a ValueError is what other parsers raise too."""
    for error in (EntryError("reply", "k", "a kind", None), UnknownVersion("reply", b"2")):
        assert isinstance(error, EntryError)
        assert isinstance(error, ContractError)
        assert isinstance(error, ValueError)
