"""What a row is."""

from __future__ import annotations

import pytest

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.faults import (
    Delayed,
    Fault,
    GroupRestarted,
    Killed,
    Nothing,
    RedisFault,
    RedisIs,
    Rolled,
    Row,
    ServerFault,
    ServersAre,
    Soaked,
    Step,
    Stopped,
    Story,
)


def row(fault: Fault, step: Step = Step.MODEL) -> Row:
    """A row with this fault."""
    return Row(name="row", text="", fault=fault, step=step, bounds=Bounds(silence_ms=0), calls=1)


@pytest.mark.parametrize(
    ("fault", "role"),
    [
        (Killed("brain"), "brain"),
        (Stopped("egress", 3), "egress"),
        (GroupRestarted("ingress"), "ingress"),
        (Rolled("brain"), "brain"),
        (Rolled(), None),
        (Soaked(10, 1), None),
        (Nothing(), None),
    ],
)
def test_a_row_knows_which_role_is_hit(fault: Fault, role: str | None) -> None:
    """None: all of them, or nobody."""
    assert row(fault).role == role


def test_calls_are_about_what_the_step_needs() -> None:
    """A tool can only run where one is called."""
    assert row(Nothing(), Step.TOOL).story is Story.TOOL
    assert row(Nothing(), Step.FAREWELL).story is Story.FAREWELL
    assert row(Nothing(), Step.TRANSFER).story is Story.TRANSFER
    assert row(Nothing(), Step.CALLER).story is Story.INTERRUPTS
    assert row(Nothing(), Step.MODEL).story is Story.TWO_TURNS


@pytest.mark.parametrize(
    ("fault", "lasts_s"),
    [
        (ServerFault(ServersAre.FULL, 3.0), 3.0),
        (ServerFault(ServersAre.KILLED), 0.0),
        (RedisFault(RedisIs.BUSY, 2.0), 2.0),
        (Delayed(400.0, 3.0), 3.0),
        (Soaked(10, 1), 10),
        (Rolled(), None),
        (Killed("brain"), None),
    ],
)
def test_callers_go_on_until_a_fault_that_lasts_is_over(fault: Fault, lasts_s: float | None) -> None:
    """A deploy lasts as long as it takes; a kill is over at once."""
    assert row(fault).lasts_s == lasts_s
    assert row(fault).is_outlasted == (lasts_s is not None or fault == Rolled())
