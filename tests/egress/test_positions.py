"""What egress keeps on the card comes back as it was, and what never was there has a meaning."""

from __future__ import annotations

import json

import pytest

from egress.accounts import ItemReport
from egress.backlog import Base
from egress.positions import base_figures, items_json, read_start


def test_a_base_survives_the_card() -> None:
    """The fields written are the fields read."""
    base = Base(cut=3, item_id="item_a", frame=17, n=240)
    card = {name: str(value) for name, value in base_figures(base).items()}

    start = read_start({"leg": "2", "ingress": "i", "frame_n": "251", "state": "attached", **card}, epoch=4)

    assert (start.base, start.frame_n, start.leg, start.epoch, start.connected) == (base, 251, 2, 4, True)


def test_a_new_call_starts_at_nothing() -> None:
    """A card that egress has not written: frame 1 of leg 1, cut 0."""
    start = read_start({"leg": "1", "ingress": "i", "frame_n": "0", "state": "detached"}, epoch=1)

    assert start.base == Base(cut=0, item_id="", frame=0, n=0)
    assert not start.connected


def test_a_number_that_is_none_is_refused() -> None:
    """A card spoilt by hand is not guessed at."""
    with pytest.raises(ValueError, match="invalid literal"):
        read_start({"leg": "first"}, epoch=1)


def test_items_are_a_json_list() -> None:
    """The contract of `flushed`."""
    report = ItemReport(item_id="a", response_id="r", received_ms=3, sent_ms=2, heard_ms=1)

    items = json.loads(items_json([report]))

    assert items == [{"item": "a", "response": "r", "received_ms": 3, "sent_ms": 2, "heard_ms": 1}]
