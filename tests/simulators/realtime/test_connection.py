"""What a socket does that is stalled, frozen, or not read."""

from __future__ import annotations

import asyncio

import pytest

from simulators.realtime import Knobs, RealtimeSimulator, connection
from tests.simulators.realtime.core_client import pcmu_session
from tests.simulators.realtime.test_server import bare, confirmed, dialled, send, until


async def test_knob_stall_on_stops_reading() -> None:
    """While stalled nothing is read; afterwards everything is there, in order."""
    knobs = Knobs(stall_on="session.update", stall_reader_ms=400)
    async with RealtimeSimulator(knobs=knobs) as simulator, dialled(simulator) as client:
        await send(client, "session.update", session=pcmu_session())
        for number in range(5):
            await send(client, "response.cancel", event_id=f"c{number}")
        (record,) = simulator.sessions
        await until(client, "session.updated")
        assert record.received_count == 1
        await simulator.wait_for(lambda: record.received_count == 6)
        ids = [event["event_id"] for event in record.received_of("response.cancel")]
        assert ids == [f"c{number}" for number in range(5)]
        assert record.received[1].at_ms - record.received[0].at_ms >= 390


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent is bounded, though the writer hangs in a send."""
    monkeypatch.setattr(connection, "MAX_UNSENT_EVENTS", 50)
    async with RealtimeSimulator() as simulator, bare(simulator, max_queue=1):
        await simulator.wait_for(lambda: bool(simulator.sessions))
        (record,) = simulator.sessions
        while record.close_code is None:
            simulator.inject(record, {"type": "big", "padding": "x" * 500_000})
            await asyncio.sleep(0)
        assert record.close_code == 1006
        await simulator.wait_for(lambda: record.closed_at_ms is not None)


async def test_knob_freeze_on_holds_what_is_said_both_ways() -> None:
    """The event that it waits for included; behind it, all comes at once."""
    knobs = Knobs(freeze_on="session.updated", freeze_ms=500)
    async with RealtimeSimulator(knobs=knobs) as simulator, dialled(simulator) as client:
        await send(client, "session.update", session=pcmu_session())
        await until(client, "session.created")
        with pytest.raises(TimeoutError):  # By the same clock that ends the freeze 0.2 s later.
            await asyncio.wait_for(until(client, "session.updated"), 0.3)
        await send(client, "response.create")
        (record,) = simulator.sessions
        assert record.received_of("response.create") == []
        await until(client, "session.updated")
        await until(client, "response.created")


async def test_a_frozen_session_answers_no_ping_and_is_not_closed() -> None:
    """Until the simulator goes: then it goes too, at once."""
    async with RealtimeSimulator() as simulator, bare(simulator, close_timeout=0.1) as client:
        await client.recv()
        (record,) = simulator.sessions
        simulator.freeze(record)
        pong = await client.ping()
        with pytest.raises(TimeoutError):  # Only time shows it: no barrier passes a frozen session.
            await asyncio.wait_for(asyncio.shield(pong), 0.3)
        assert record.closed_at_ms is None


async def test_a_frozen_session_can_be_confirmed_when_it_has_thawed() -> None:
    """Nothing of it was lost."""
    async with RealtimeSimulator() as simulator, dialled(simulator) as client:
        await until(client, "session.created")
        simulator.freeze(simulator.sessions[0], 200)
        await confirmed(client)
