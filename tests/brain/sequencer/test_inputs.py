"""Inputs reject nonsense when built."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, inputs


@pytest.mark.parametrize("reason", [Reason.TOOL_OUTPUTS, Reason.FAREWELL])
def test_reasons_of_the_core_cannot_be_wished_from_outside(reason: Reason) -> None:
    """Tool outputs and farewells have inputs of their own."""
    with pytest.raises(inputs.InputError, match="instead"):
        inputs.WishToSpeak(reason=reason)


@pytest.mark.parametrize("heard_ms", [-1.0, float("nan")])
def test_a_playhead_is_not_negative(heard_ms: float) -> None:
    """A broken figure from a control message is refused at the door."""
    with pytest.raises(inputs.InputError, match="heard_ms"):
        inputs.Heard(cut=0, response_id="r", item_id="i", heard_ms=heard_ms)
