"""Which calls and streams are here, and when the process is empty."""

from __future__ import annotations

import asyncio

from ingress.calls.table import CallTable
from shared.contract.steps import Attached
from tests.ingress.fakes import CALL, TOLD, Desk


async def is_empty(table: CallTable) -> bool:
    try:
        async with asyncio.timeout(0):
            await table.emptied()
    except TimeoutError:
        return False
    return True


async def test_empty_when_the_last_detach_is_done() -> None:
    """An open socket and a detach under way both keep the process."""
    desk = Desk()
    table = CallTable(desk.services)
    assert await is_empty(table)
    table.stream_opened(desk.stream)
    assert not await is_empty(table)
    table.stream_gone(desk.stream, detaching=True)
    assert not await is_empty(table)
    table.detached()
    assert await is_empty(table)


async def test_a_stream_that_was_never_attached_leaves_nothing_to_wait_for() -> None:
    """There is nothing to detach."""
    desk = Desk(is_attached=False)
    table = CallTable(desk.services)
    table.stream_opened(desk.stream)
    table.stream_gone(desk.stream, detaching=False)
    assert await is_empty(table)


async def test_live_calls_are_those_with_a_stream() -> None:
    """A socket that has not said `start` is no call, one that is closing is none any more."""
    desk, silent = Desk(), Desk(is_attached=False)
    table = CallTable(desk.services)
    table.stream_opened(desk.stream)
    table.stream_opened(silent.stream)
    assert table.live_calls() == 1
    desk.stream.lost()
    assert table.live_calls() == 0


async def test_a_call_is_kept_while_it_has_a_stream() -> None:
    """It is made once, and forgotten when its last stream here is gone."""
    desk = Desk()
    table = CallTable(desk.services)
    call = table.call_of(CALL, 0.0)
    assert table.call_of(CALL, 5.0) is call
    call.connect(desk.stream, TOLD, Attached(1, True), 0.0)
    table.forget(CALL)
    assert table.calls == {CALL: call}
    call.stream = None
    table.forget(CALL)
    table.forget(CALL)
    assert table.calls == {}
