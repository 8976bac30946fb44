"""What a row says of itself."""

from __future__ import annotations

import pytest

from proofs.prove.silence.faults import (
    At,
    Fault,
    HalfOpen,
    Killed,
    Responses,
    Row,
    Stopped,
    Store,
    Unreachable,
)
from simulators.realtime.knobs import ResponseKnobs


def row(fault: Fault, lasts_s: float | None = 0.0) -> Row:
    return Row(name="a", text="b", fault=fault, at=At.TURN, lasts_s=lasts_s)


@pytest.mark.parametrize("fault", [Killed("brain"), Stopped("egress"), Store.FROZEN, Unreachable()])
def test_what_other_calls_feel_is_tried_alone(fault: Fault) -> None:
    """Processes, Redis, the model's address."""
    assert row(fault).is_alone


@pytest.mark.parametrize("fault", [Responses(ResponseKnobs()), HalfOpen()])
def test_what_one_call_feels_is_tried_beside_others(fault: Fault) -> None:
    """The model's sessions."""
    assert not row(fault).is_alone


@pytest.mark.parametrize(("lasts_s", "text"), [(None, "for good"), (0.0, "once"), (6.5, "6.5 s")])
def test_how_long_it_lasts_is_said_in_words(lasts_s: float | None, text: str) -> None:
    """In the table."""
    assert row(HalfOpen(), lasts_s).lasting == text
