"""Faults brought about, and taken away again: Redis on a real one, the model on its sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from redis.exceptions import RedisError

from console.stack.launcher import Stack
from proofs.prove.silence.cast import Cast
from proofs.prove.silence.faults import ONCE, HalfOpen, Responses, Sessions, Store, Unreachable
from proofs.prove.silence.stage import Stage
from proofs.prove.silence.trouble import Trouble
from shared.store.client import make_store
from simulators.realtime import RealtimeSimulator
from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.twilio import TwilioSimulator
from tests.simulators.realtime.test_server import dialled, until


@pytest.fixture
async def trouble(valkey_url: str, tmp_path: Path) -> AsyncIterator[Trouble]:
    """For a call of a stage without processes: a Redis and a model."""
    store = make_store(valkey_url, name="test")
    twilio = TwilioSimulator(voice_url="https://host/voice", auth_token="t", dial="127.0.0.1:1")
    async with RealtimeSimulator() as model, twilio:
        stage = Stage(Stack(), store, model, twilio, tmp_path)
        yield Trouble(stage, Cast("", Random(1), lambda: _live(model)), "CA1")
    await store.aclose()


def _live(model: RealtimeSimulator) -> list[SessionRecord]:
    return [session for session in model.sessions if session.closed_at_ms is None]


@pytest.mark.parametrize(
    ("fault", "refusal"), [(Store.FULL, "OOM"), (Store.MISCONF, "MISCONF"), (Store.NO_REPLICAS, "NOREPLICAS")]
)
async def test_redis_refuses_writes_for_a_while(trouble: Trouble, fault: Store, refusal: str) -> None:
    """In the words of the server; reading goes on; behind it all is as before."""
    redis = trouble.stage.store.redis
    await redis.set("a", "1")
    async with trouble.of(fault, 1.0):
        with pytest.raises(RedisError, match=f"(?i){refusal}|not enough good replicas|snapshot|maxmemory"):
            await redis.set("a", "2")
        assert await redis.get("a") == b"1"
    await redis.set("a", "3")
    assert await redis.get("a") == b"3"


async def test_redis_forgets_everything(trouble: Trouble) -> None:
    """Within a moment."""
    redis = trouble.stage.store.redis
    await redis.set("a", "1")
    async with trouble.of(Store.EMPTIED, ONCE):
        assert await redis.dbsize() == 0


async def test_responses_go_wrong_for_a_while(trouble: Trouble) -> None:
    """Of sessions that are live and of those to come."""
    async with dialled(trouble.stage.model) as connection:
        await until(connection, "session.created")
        (session,) = trouble.cast.live()
        async with trouble.of(Responses(ResponseKnobs(no_output=True)), None):
            assert session.knobs.for_response(5).no_output
        assert not session.knobs.for_response(5).no_output


async def test_sessions_are_lost_and_the_next_ones_are_spoiled(trouble: Trouble) -> None:
    """For a while."""
    async with dialled(trouble.stage.model) as connection:
        await until(connection, "session.created")
        async with trouble.of(Sessions({"connect_status": 503}), 1.0):
            assert trouble.cast.live() == []
            assert trouble.cast.knobs().connect_status == 503
        assert trouble.cast.knobs().connect_status == 0


async def test_nothing_passes_a_half_open_socket(trouble: Trouble) -> None:
    """And nothing is closed; what waited comes when it is over."""
    async with dialled(trouble.stage.model) as connection:
        await until(connection, "session.created")
        async with trouble.of(HalfOpen(), 0.6):
            await connection.send_raw('{"type":"session.update","session":{"type":"realtime"}}')
            with pytest.raises(TimeoutError):  # Only time shows it: no barrier passes such a socket.
                await asyncio.wait_for(connection.recv_bytes(), 0.3)
            assert len(trouble.cast.live()) == 1
        await until(connection, "session.updated")


async def test_nobody_is_reached_for_a_while(trouble: Trouble) -> None:
    """The port is closed, then open again."""
    model = trouble.stage.model
    async with trouble.of(Unreachable(), None):
        assert not await _accepts(model.port)
    assert await _accepts(model.port)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
