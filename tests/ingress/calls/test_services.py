"""A letter of ours to a call's brain."""

from __future__ import annotations

from shared.contract.streams.control import Dtmf
from tests.ingress.fakes import CALL, Desk


def test_letters_are_numbered_over_all_calls() -> None:
    """A call may leave this process and come back: its letters must not have a number twice."""
    services = Desk().services
    first, second = (services.letter(sid, Dtmf(digit="5", leg=1)) for sid in (CALL, "CA" + "3" * 32))
    numbers = [command.args[command.args.index(b"n") + 1] for command in (first, second)]
    assert numbers == [b"1", b"2"]
    assert b"dtmf" in first.args
