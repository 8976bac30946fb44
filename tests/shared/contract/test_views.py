"""What readers see of a card that others have written: in full, of an older version, spoilt."""

from __future__ import annotations

import pytest

from shared.contract import record
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.views import READERS, HolderView

HELD = {"state": "attached", "leg": "2", "stream_sid": "MZ1", "ingress": "ingress-0@h#1"}


def test_a_view_sees_its_fields_alone() -> None:
    """What else stands on the card is nothing to it."""
    seen = record.read(HolderView, {**HELD, "token_expires_s": "99", "brain": "brain-0@h#1"})
    assert seen == HolderView(
        state=CallState.ATTACHED, leg=2, stream_sid="MZ1", token_expires_s=99, ingress="ingress-0@h#1"
    )


def test_a_card_of_an_older_version_is_read() -> None:
    """Its ATTACH did not write when the token expires: the call is rescued all the same."""
    assert record.read(HolderView, HELD).token_expires_s is None


def test_a_spoilt_card_names_view_and_field() -> None:
    """Not a leg 0."""
    with pytest.raises(ContractError) as caught:
        record.read(HolderView, {**HELD, "leg": "two"})
    assert (caught.value.record, caught.value.field) == ("HolderView", "leg")


def test_all_views_are_known() -> None:
    """Else nobody looks who writes their fields (test_readers.py)."""
    assert HolderView in READERS
    assert len(set(READERS)) == len(READERS)
