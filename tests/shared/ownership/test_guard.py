"""A bug that is met in one call is noted, told to the role, and lets nothing through."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from shared.contract.command import Command
from shared.logs.text import PLACES_MOST, places
from shared.ownership.counters import Where
from shared.ownership.guard import CallBug, end_by_bug
from shared.store.reach.servers import Servers
from shared.store.writing.outbox import OnReply, Outbox
from tests.support.guards import a_guard

CALL = "CA" + "0" * 32
SECRET = "my card number is 4111"


class Kept(Outbox):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__(Servers("redis://127.0.0.1:1/0").way(), name="test", commit_ms=3.0)
        self.sent: list[Command] = []

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        self.sent.append(command)


def breaks(*_: object) -> None:
    raise ValueError(SECRET)


def test_a_bug_is_noted_and_told_to_the_role_once() -> None:
    """Counted by its entry point, a line in the log and one in the journal; others go on."""
    outbox, told = Kept(), cast(list[str], [])
    guard = a_guard(outbox)
    guard.on_bug = told.append

    with capture_logs() as lines:
        assert guard.run(Where.RING, CALL, breaks) is None
    assert guard.run(Where.RING, CALL, lambda: 7) == 7

    assert told == [CALL]
    assert guard.counters.bugs[Where.RING] == 1
    (line,) = lines
    assert (line["event"], line["call"], line["where"], line["error"]) == (
        "call_bug",
        CALL,
        "ring",
        "ValueError",
    )
    (command,) = outbox.sent
    assert b"bug" in command.args


def test_what_people_said_stands_in_no_line() -> None:
    """The text of an exception may hold it; kind and places do not."""
    outbox = Kept()
    guard = a_guard(outbox)
    with capture_logs() as lines:
        guard.wrap(Where.TIMER, CALL, breaks)(SECRET)
    assert "4111" not in repr(lines)
    assert all(b"4111" not in word for command in outbox.sent for word in command.args)
    assert any("breaks" in place for place in lines[0]["places"])


def test_a_role_that_fails_at_the_end_lets_nothing_through() -> None:
    """The second bug is noted too."""
    guard = a_guard()
    guard.on_bug = breaks
    guard.run(Where.TICK, CALL, breaks)
    assert (guard.counters.bugs[Where.TICK], guard.counters.bugs[Where.END]) == (1, 1)


async def test_a_task_of_a_call_raises_nothing_and_can_be_cancelled() -> None:
    """What it raises is a bug of the call; a cancellation is none."""
    guard, told = a_guard(), cast(list[str], [])
    guard.on_bug = told.append

    async def fails() -> None:
        raise KeyError(SECRET)

    await guard.task(CALL, fails())
    assert told == [CALL]

    sleeping = asyncio.create_task(guard.task(CALL, asyncio.sleep(60)))  # It does not end by itself.
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert told == [CALL]


async def test_a_bug_that_is_noted_already_is_not_counted_again() -> None:
    """It only ends what else is done for the call."""
    guard = a_guard()
    with pytest.raises(CallBug) as raised:
        await end_by_bug()
    guard.note(Where.TASK, CALL, raised.value)
    assert sum(guard.counters.bugs.values()) == 0


def test_places_are_bounded_and_name_what_caused_it() -> None:
    """However deep it went, and whatever was being handled."""

    def deep(left: int) -> Any:
        return deep(left - 1) if left else breaks()

    try:
        try:
            deep(50)
        except ValueError as error:
            raise RuntimeError("x") from error
    except RuntimeError as error:
        found = places(error)
    assert len(found) <= PLACES_MOST
    assert "after ValueError" in found
