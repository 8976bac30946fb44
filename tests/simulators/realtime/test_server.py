"""The server over real sockets, with the SDK's own client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.simulators.realtime.core_client import pcmu_session
from tests.support.waiting import wait_until

MODEL = "gpt-realtime-2.1"
KEY = "sk-test"
UPGRADE = (
    f"GET /v1/realtime?model={MODEL} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer k\r\n\r\n"
).encode()


@asynccontextmanager
async def dialled(
    simulator: RealtimeSimulator, key: str = KEY, model: str = MODEL
) -> AsyncIterator[AsyncRealtimeConnection]:
    """A connection of the SDK's."""
    async with (
        AsyncOpenAI(api_key=key, base_url=simulator.base_url) as client,
        client.realtime.connect(model=model, websocket_connection_options={"proxy": None}) as connection,
    ):
        yield connection


async def send(connection: AsyncRealtimeConnection, event_type: str, **fields: object) -> None:
    await connection.send_raw(orjson.dumps({"type": event_type, **fields}).decode())


async def until(connection: AsyncRealtimeConnection, event_type: str) -> dict[str, object]:
    """The next event of this type, whatever comes before it."""
    while True:
        event = orjson.loads(await asyncio.wait_for(connection.recv_bytes(), 10))
        if event["type"] == event_type:
            assert isinstance(event, dict)
            return event


async def confirmed(connection: AsyncRealtimeConnection) -> None:
    await send(connection, "session.update", session=pcmu_session())
    await until(connection, "session.updated")


def simulator_url(simulator: RealtimeSimulator, query: str = f"?model={MODEL}") -> str:
    return f"ws://127.0.0.1:{simulator.port}/v1/realtime{query}"


def bare(simulator: RealtimeSimulator, query: str = f"?model={MODEL}", **options: Any) -> connect:
    """A WebSocket with a key and nothing of the SDK's."""
    headers = {"Authorization": "Bearer k", **options.pop("headers", {})}
    return connect(simulator_url(simulator, query), additional_headers=headers, proxy=None, **options)


async def test_the_sdk_holds_a_conversation() -> None:
    """Gate, greeting, a spoken turn; the record shows what happened."""
    async with RealtimeSimulator(api_key=KEY) as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        await send(connection, "response.create", response={"metadata": {"token": "g"}})
        greeting = await until(connection, "response.done")
        audio = clips.load("en_caller_ask") + b"\xff" * 8 * 400
        for start in range(0, len(audio), 800):
            encoded = base64.b64encode(audio[start : start + 800]).decode()
            await send(connection, "input_audio_buffer.append", audio=encoded)
        await until(connection, "response.output_audio.delta")

        (record,) = simulator.sessions
        assert greeting["response"]["metadata"] == {"token": "g"}  # type: ignore[index]
        assert record.appended_bytes == len(audio)
        assert [r.reason for r in record.responses.values()] == ["client", "turn"]
        assert record.received_of("session.update")
        assert record.sent_of("input_audio_buffer.speech_started")
        assert record.violations == []


async def test_the_sdk_understands_every_event_it_is_sent() -> None:
    """The SDK's typed path names each event of a spoken response by its own class."""
    async with RealtimeSimulator() as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        await connection.response.create()
        types = []
        async for event in connection:
            assert type(event).__name__ != "ConversationCreatedEvent", event.type
            types.append(event.type)
            if event.type == "response.done":
                break
        assert "response.output_audio.delta" in types


async def test_wrong_key_is_401_before_the_upgrade() -> None:
    """As the service does; and any key passes when none is set."""
    async with RealtimeSimulator(api_key=KEY) as simulator:
        with pytest.raises(InvalidStatus) as caught:
            async with dialled(simulator, key="sk-wrong"):
                pass
        assert caught.value.response.status_code == 401
        assert [refused.status for refused in simulator.refused] == [401]
        assert simulator.sessions == []
    async with RealtimeSimulator() as simulator, dialled(simulator, key="anything"):
        pass


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/other?model=gpt-x", {"Authorization": "Bearer k"}, 404),
        ("/v1/realtime?model=llama", {"Authorization": "Bearer k"}, 404),
        ("/v1/realtime?model=gpt-x", {}, 401),
    ],
)
async def test_upgrades_that_are_refused(path: str, headers: dict[str, str], status: int) -> None:
    """Another path, an unknown model, no key."""
    async with RealtimeSimulator() as simulator:
        url = f"ws://127.0.0.1:{simulator.port}{path}"
        with pytest.raises(InvalidStatus) as caught:
            await connect(url, additional_headers=headers, proxy=None)
        assert caught.value.response.status_code == status


@pytest.mark.parametrize(
    ("query", "beta", "code"),
    [
        (f"?model={MODEL}", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"),
        ("", {}, "missing_model"),
        ("?intent=transcription", {}, "invalid_intent"),
    ],
)
async def test_upgrades_that_end_at_once(query: str, beta: dict[str, str], code: str) -> None:
    """101, one error, close 4000 with the code in the reason."""
    async with RealtimeSimulator() as simulator:
        async with bare(simulator, query, headers=beta) as socket:
            error = orjson.loads(await socket.recv())
            assert error["error"]["code"] == code
            with pytest.raises(ConnectionClosedError) as caught:
                await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4000
        assert caught.value.rcvd.reason == f"invalid_request_error.{code}"


async def test_knob_connect_status_for_the_first_attempt_only() -> None:
    """Refused with 503, then accepted: `knobs_for` counts attempts."""

    def knobs_for(number: int) -> Knobs:
        return Knobs(connect_status=503 if number == 1 else 0)

    async with RealtimeSimulator(knobs_for=knobs_for) as simulator:
        with pytest.raises(InvalidStatus) as caught:
            async with dialled(simulator):
                pass
        assert caught.value.response.status_code == 503
        async with dialled(simulator) as connection:
            await confirmed(connection)


@pytest.mark.parametrize("code", [1001, 1006, 1011, 4000])
async def test_early_close_reaches_the_client(code: int) -> None:
    """Each code arrives as itself; 1006 is a connection dropped without a close frame."""
    knobs = Knobs(close_on="response.created", close_code=code)
    async with RealtimeSimulator(knobs=knobs) as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        await send(connection, "response.create")
        with pytest.raises(ConnectionClosed) as caught:
            await until(connection, "never")
        received = caught.value.rcvd
        assert (received.code if received is not None else 1006) == code
        assert simulator.sessions[0].close_code == code


async def test_a_test_can_close_and_inject_by_hand() -> None:
    """Any event, and any close, at any moment."""
    async with RealtimeSimulator() as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        (record,) = simulator.sessions
        simulator.inject(record, {"type": "response.cancelled", "event_id": "e"})
        assert (await until(connection, "response.cancelled"))["event_id"] == "e"
        simulator.close_session(record, 1011, "by hand")
        with pytest.raises(ConnectionClosedError):
            await until(connection, "never")


async def test_the_clients_close_is_recorded() -> None:
    """Who hangs up politely leaves 1000."""
    async with RealtimeSimulator() as simulator:
        async with dialled(simulator) as connection:
            await confirmed(connection)
        (record,) = simulator.sessions
        await simulator.wait_for(lambda: record.close_code is not None)
        assert record.close_code == 1000


async def test_the_log_names_events_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """One line an event kind; no delta, no audio, no words."""
    caplog.set_level(logging.INFO, "simulators.realtime")
    async with RealtimeSimulator() as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        await send(connection, "response.create")
        await send(connection, "input_audio_buffer.append", audio="AAAA")
        await until(connection, "response.done")
    assert "session 1 < response.create" in caplog.text
    assert "session 1 > response.done" in caplog.text
    assert ".delta" not in caplog.text
    assert "append" not in caplog.text
    assert "Trunkline flower" not in caplog.text


async def test_wait_for_times_out() -> None:
    """A condition that never holds does not hang a test."""
    async with RealtimeSimulator() as simulator:
        with pytest.raises(TimeoutError):
            await simulator.wait_for(lambda: False, timeout_s=0.05)


async def test_sessions_are_independent() -> None:
    """Two callers at once; ids never collide, and knobs are copies."""
    knobs = Knobs(response=ResponseKnobs(first_audio_ms=50))
    async with (
        RealtimeSimulator(knobs=knobs, keep_audio=True) as simulator,
        dialled(simulator) as one,
        dialled(simulator) as two,
    ):
        for connection in (one, two):
            await confirmed(connection)
            await send(connection, "response.create")
            await send(connection, "input_audio_buffer.append", audio="AAAA")
        await until(one, "response.done")
        await until(two, "response.done")
        first, second = simulator.sessions
        assert not first.items.keys() & second.items.keys()
        assert first.knobs is not second.knobs
        assert bytes(first.appended_audio) == b"\0\0\0"


async def test_the_key_is_not_recorded() -> None:
    """A record may end up in a report."""
    async with RealtimeSimulator() as simulator, dialled(simulator, key="sk-secret"):
        await simulator.wait_for(lambda: bool(simulator.sessions))
        assert "sk-secret" not in str(simulator.sessions[0].headers)
        assert "user-agent" in simulator.sessions[0].headers


async def test_knob_opening_ms_delays_the_upgrade() -> None:
    """The session begins then, not before."""
    async with RealtimeSimulator(knobs=Knobs(opening_ms=250)) as simulator:
        asked_at_s = asyncio.get_running_loop().time()
        async with dialled(simulator) as connection:
            await until(connection, "session.created")
        assert asyncio.get_running_loop().time() - asked_at_s >= 0.25


async def test_an_upgrade_that_is_never_answered_ends_with_the_simulator(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whether its client still waits or has gone; nothing is logged of it."""
    async with RealtimeSimulator(knobs=Knobs(opening_ms=1e9)) as simulator:
        reader, waiting = await asyncio.open_connection("127.0.0.1", simulator.port)
        waiting.write(UPGRADE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), dialled(simulator):
                pass
        assert simulator.sessions == []
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    waiting.close()
    await asyncio.gather(waiting.wait_closed(), return_exceptions=True)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_session_gets_knobs_by_its_headers() -> None:
    """Its script too; the key is not among them."""
    asked: list[Mapping[str, str]] = []

    def knobs_by(headers: Mapping[str, str]) -> Knobs:
        asked.append(headers)
        return Knobs(script="hebrew")

    async with RealtimeSimulator(knobs_by=knobs_by) as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        await send(connection, "response.create")
        await until(connection, "response.done")
        said = [item.text for item in simulator.sessions[0].items.values()]
    assert said == [clips.manifest()["he_model_greeting"].text]
    assert "user-agent" in asked[0]
    assert "authorization" not in asked[0]


async def test_connections_are_refused_for_a_while_and_sessions_go_on() -> None:
    """As if nobody listened there."""
    async with RealtimeSimulator() as simulator, dialled(simulator) as connection:
        await confirmed(connection)
        port = simulator.port
        refusing = asyncio.create_task(simulator.refuse_connections(400))
        await wait_until(lambda: not simulator.is_listening, "the port is closed")
        assert await _is_refused(port)
        await send(connection, "response.create")
        await until(connection, "response.done")
        await refusing
        async with dialled(simulator) as other:
            await until(other, "session.created")
        assert simulator.port == port


async def _is_refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/openai/v1/realtime", {"api-key": KEY}, 0),
        ("/openai/v1/realtime", {"Authorization": f"Bearer {KEY}"}, 0),
        ("/openai/v1/realtime", {"api-key": "wrong"}, 401),
        ("/openai/v1/realtime", {}, 401),
        ("/v1/realtime", {"api-key": KEY}, 401),
    ],
)
async def test_azure_takes_a_key_of_its_own_and_any_deployment(
    path: str, headers: dict[str, str], status: int
) -> None:
    """At a path of its own; the key is recorded nowhere."""
    async with RealtimeSimulator(api_key=KEY) as simulator:
        url = f"ws://127.0.0.1:{simulator.port}{path}?model=our-deployment"
        if status:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(url, additional_headers=headers, proxy=None):
                    pass
            assert refused.value.response.status_code == status
        else:
            async with connect(url, additional_headers=headers, proxy=None):
                await simulator.wait_for(lambda: len(simulator.sessions) == 1)
            (record,) = simulator.sessions
            assert record.model == "our-deployment"
            assert KEY not in str(record.headers)
        assert simulator.azure_base_url.endswith(f":{simulator.port}/openai/v1")
