"""The answers of the rare steps, as shapes. On a real server: tests/shared/ownership/test_steps.py."""

from __future__ import annotations

import pytest

from shared.contract import steps
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Attached, Due, Held, Leg, NewStream, Reservation, Restored

CALL = "CA" + "0" * 31 + "1"


def test_a_reservation_is_granted_or_refused() -> None:
    """With its token, or with the reason."""
    assert steps.read_reserve([b"OK", b"nonce", b"99"]) == Reservation("nonce", 99)
    assert steps.read_reserve([b"ENDED"]) == Reservation("", 0, "ended")


def test_a_stream_is_attached_or_refused() -> None:
    """With its leg, or with the reason."""
    assert steps.read_attach([b"OK", b"2", b"0", b"300", b"turn"]) == Attached(2, False, "", 300, "turn")
    assert steps.read_attach([b"REFUSED", b"used"]) == Attached(0, False, "used")


def test_an_end_tells_the_first_comer() -> None:
    """Whose outcome stands."""
    assert steps.read_end([b"OK", b"1", b"hangup"]) == (Answer.OK, True)
    assert steps.read_end([b"OK", b"0", b"hangup"]) == (Answer.OK, False)
    assert steps.read_end([b"ABSENT"]) == (Answer.ABSENT, False)


@pytest.mark.parametrize("read", [steps.read_reserve, steps.read_attach, steps.read_end])
def test_what_is_no_answer_is_refused(read: object) -> None:
    """ValueError, not a shape with empty fields."""
    assert callable(read)
    with pytest.raises(ValueError, match=r"expected|not a valid|invalid"):
        read([b"WHAT"])


def test_restored_epochs_are_those_that_ingress_saw() -> None:
    """The owners claim again, above their own: nothing is guessed. Claims and failed attempts go on."""
    stream = NewStream(
        call_sid=CALL, stream_sid="MZ1", ingress="i", nonce="", caller_number="", called_number="", agent=""
    )  # fmt: skip
    restored = Restored(
        stream=stream, leg=1, brain=Held("", 2, 1, 1), egress=Held("e", 5, 3), cut=0, last_frame=0,
        started_at_ms=1, resumes=0,
    )  # fmt: skip
    args = steps.restore(Keys(1), restored, wall_ms=1).args
    assert args[9:11] == (2, 5)
    assert args[21:25] == (1, 1, 3, 0)


def test_what_is_due_is_told_in_fours() -> None:
    """Call, leg by number and by name, outcome."""
    assert steps.read_due([b"CA1", b"2", b"MZ2", b"lost"]) == [Due(Leg("CA1", 2, "MZ2"), "lost")]
    assert steps.read_due([]) == []
    with pytest.raises(ValueError, match="argument"):
        steps.read_due([b"CA1", b"2"])
