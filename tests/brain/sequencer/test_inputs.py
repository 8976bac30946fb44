"""Inputs reject nonsense when built."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from brain.sequencer import Reason, inputs


@pytest.mark.parametrize("reason", [Reason.TOOL_OUTPUTS, Reason.FAREWELL])
def test_reasons_of_the_core_cannot_be_wished_from_outside(reason: Reason) -> None:
    """Tool outputs and farewells have inputs of their own."""
    with pytest.raises(inputs.InputError, match=r"got \w+: finish the tool, or send HangUpWished, instead$"):
        inputs.WishToSpeak(reason=reason)


@pytest.mark.parametrize("heard_ms", [-1.0, float("nan")])
def test_a_playhead_is_not_negative(heard_ms: float) -> None:
    """A broken figure from a control message is refused at the door."""
    with pytest.raises(inputs.InputError, match="heard_ms"):
        inputs.Heard(cut=0, response_id="r", item_id="i", heard_ms=heard_ms)


@pytest.mark.parametrize(
    "make",
    [
        lambda ms: inputs.Audible(cut=0, response_id="r", heard_ms=ms),
        lambda ms: inputs.Heard(cut=0, response_id="r", item_id="i", heard_ms=ms),
        lambda ms: inputs.Silent(cut=0, response_id="r", item_id="i", heard_ms=ms, cause="played"),
        lambda ms: inputs.FlushedItem(item_id="i", heard_ms=ms),
    ],
)
def test_time_that_was_heard_is_never_negative(make: Callable[[float], object]) -> None:
    """Zero is; the message names the field and what came."""
    make(0.0)
    with pytest.raises(inputs.InputError, match=r"expected heard_ms .*-1"):
        make(-1.0)


def test_a_move_is_a_dial_or_digits() -> None:
    """Nothing else is known to ingress."""
    for kind in ("dial", "digits"):
        inputs.MoveWished(kind=kind, argument="1", call_id="c")
    with pytest.raises(inputs.InputError, match="expected dial or digits as the kind of a move, got 'sing'"):
        inputs.MoveWished(kind="sing", argument="1", call_id="c")


def test_a_pause_that_an_error_names_is_not_negative() -> None:
    """Zero is none; the message names the field and what came."""
    inputs.ResponseDone(response_id="r", status="failed", retry_after_ms=0.0)
    with pytest.raises(inputs.InputError, match=r"expected retry_after_ms .*-1"):
        inputs.ResponseDone(response_id="r", status="failed", retry_after_ms=-1.0)
