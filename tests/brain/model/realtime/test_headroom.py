"""What the model's server says of the account's rate, and what is passed on of it."""

from __future__ import annotations

import pytest

from brain.json_fields import Json
from brain.model.realtime.headroom import AGAIN_MS, Headroom, read_left
from shared.contract.admission.model import COUNTS_MOST_MS
from shared.contract.command import Command


def limit(name: str, left: object, *, most: object = 1000, reset_s: object = 6.0) -> Json:
    return {"name": name, "limit": most, "remaining": left, "reset_seconds": reset_s}


def updated(*limits: object) -> Json:
    return {"type": "rate_limits.updated", "rate_limits": list(limits)}


def test_the_limit_that_is_nearest_to_its_end_counts() -> None:
    """With the time in which it is whole again."""
    event = updated(limit("requests", 900), limit("tokens", 40, reset_s=57.6), limit("x", 999))
    assert read_left(event) == (0.04, 57_600)
    assert read_left(updated(limit("tokens", -5, reset_s=None))) == (0.0, COUNTS_MOST_MS)
    assert read_left(updated(limit("tokens", 2000, reset_s=1e9))) == (1.0, 60_000)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"rate_limits": None},
        {"rate_limits": "x"},
        updated(),
        updated(1, None, []),
        updated(limit("tokens", "40")),
        updated(limit("tokens", 40, most=0)),
        updated(limit("tokens", True)),
        updated(limit("tokens", float("nan"))),
        updated(limit("tokens", float("inf"))),
        updated(limit("tokens", 10**400)),
    ],
)
def test_what_says_nothing_of_it_is_left_aside(event: Json) -> None:
    """Whatever its shape."""
    assert read_left(event) is None


def test_it_is_passed_on_at_most_once_a_second() -> None:
    """The first word at once; nothing of an event that says nothing."""
    sent: list[Command] = []
    clock = [0.0]
    headroom = Headroom(sent.append, lambda: clock[0])
    headroom.heard({})
    headroom.heard(updated(limit("tokens", 500)))
    headroom.heard(updated(limit("tokens", 400)))
    assert [command.args[0] for command in sent] == [b"HSET", b"PEXPIRE"]
    clock[0] = AGAIN_MS
    headroom.heard(updated(limit("tokens", 300)))
    assert [command.args[3] for command in sent if command.args[0] == b"HSET"] == [b"0.500", b"0.300"]
