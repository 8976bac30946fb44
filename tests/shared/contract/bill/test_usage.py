"""What a call has used: sums, and the way to the card and back."""

from __future__ import annotations

import pytest

from shared.contract.bill import usage
from shared.contract.errors import ContractError

REPLY = usage.used("m", text_in=100, text_cached=64, audio_in=400, audio_cached=320, text_out=9, audio_out=80)
HEARD = usage.used("whisper", sound_ms=2_500)


def test_requests_to_one_model_are_added_up() -> None:
    """Cached tokens stay a part of those that were put in."""
    (found,) = usage.added(usage.added((), REPLY), REPLY)
    assert (found.model, found.requests, found.text_in, found.text_cached) == ("m", 2, 200, 128)
    assert (found.audio_in, found.audio_cached, found.text_out, found.audio_out) == (800, 640, 18, 160)


def test_each_model_has_its_own_sum() -> None:
    """A transcriber is paid otherwise than who speaks."""
    found = usage.added(usage.added(usage.added((), REPLY), HEARD), REPLY)
    sums = [(each.model, each.requests, each.sound_ms) for each in found]
    assert sums == [("m", 2, 0), ("whisper", 1, 2_500)]


def test_it_survives_the_way_over_the_card() -> None:
    """A next brain adds to it."""
    found = usage.added(usage.added((), REPLY), HEARD)
    assert usage.load(usage.dump(found)) == found


@pytest.mark.parametrize("nothing", [None, "", "[]"])
def test_nothing_was_used_yet(nothing: str | None) -> None:
    """Of a call whose model has said nothing."""
    assert usage.load(nothing) == ()


@pytest.mark.parametrize("text", ["{", "5", "[5]", '[{"model":"m"}]'])
def test_a_spoilt_text_is_an_error(text: str) -> None:
    """Not a call that cost nothing."""
    with pytest.raises(ContractError):
        usage.load(text)
