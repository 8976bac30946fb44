"""What becomes of a call whose stream is gone: the whole rule."""

from __future__ import annotations

import itertools

import pytest

from ingress.calls.ending import (
    DIAL_TIMEOUT_S,
    DIALLED_WITHIN_S,
    NEW_STREAM_WITHIN_S,
    PLAYED_WITHIN_S,
    RESUMED_WITHIN_S,
    EndLater,
    EndNow,
    decide,
)
from ingress.media.gate import LOST
from ingress.web.twiml import PLAY_DIGITS
from shared.contract.card import TONES_MOST, Next
from shared.contract.streams.control import STOPPED

COMES_BACK = EndLater(NEW_STREAM_WITHIN_S, "no_new_stream")
PLAYED = EndLater(PLAYED_WITHIN_S, "no_new_stream")
TRANSFERRED = EndLater(DIALLED_WITHIN_S, "transferred")
APOLOGISED = EndLater(NEW_STREAM_WITHIN_S, "apology")
HUNG_UP = EndNow("hangup")
CAUSES = (STOPPED, LOST, "brain: farewell", "moving", "newer stream", "PayloadTooBig", "")

RULE: dict[tuple[str, Next | None], EndNow | EndLater] = {
    (STOPPED, Next.NOTHING): EndNow("completed"),
    (STOPPED, Next.APOLOGY): APOLOGISED,
    (STOPPED, Next.HANG_UP): HUNG_UP,
    (STOPPED, Next.DIAL): TRANSFERRED,
    (STOPPED, Next.DIGITS): PLAYED,
    (STOPPED, None): COMES_BACK,
    (LOST, Next.NOTHING): COMES_BACK,
    (LOST, Next.APOLOGY): APOLOGISED,
    (LOST, Next.HANG_UP): HUNG_UP,
    (LOST, Next.DIAL): TRANSFERRED,
    (LOST, Next.DIGITS): PLAYED,
    (LOST, None): COMES_BACK,
}
"""A cause that is neither counts as a loss."""


@pytest.mark.parametrize(("cause", "planned"), list(itertools.product(CAUSES, (*Next, None))))
def test_the_rule(cause: str, planned: Next | None) -> None:
    """Each cause with each plan, also with one that only a newer version knows."""
    assert decide(cause, planned) == RULE[(STOPPED if cause == STOPPED else LOST, planned)]


def test_an_apology_without_redis_ends_the_call_as_soon_as_redis_is_back() -> None:
    """The webhook that said it could not end it, and the carrier calls the call completed."""
    for cause in CAUSES:
        assert decide(cause, Next.APOLOGY, RESUMED_WITHIN_S) == APOLOGISED
        assert decide(cause, Next.APOLOGY, RESUMED_WITHIN_S + 0.1) == EndNow("apology")


def test_a_number_that_rings_in_vain_comes_back_in_time() -> None:
    """The caller of a failed transfer is not taken for one who has left."""
    assert DIALLED_WITHIN_S > DIAL_TIMEOUT_S > NEW_STREAM_WITHIN_S


def test_tones_are_heard_to_their_end() -> None:
    """As many as one plan has, each a pause of a second, and then the stream has its usual time to come."""
    longest = "W" * TONES_MOST
    assert PLAY_DIGITS.fullmatch(longest) is not None
    assert PLAY_DIGITS.fullmatch(longest + "W") is None
    assert len(longest) + NEW_STREAM_WITHIN_S <= PLAYED_WITHIN_S
