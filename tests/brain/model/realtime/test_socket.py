"""One Realtime session over a real socket: opening, seeding, rewriting, ends."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import orjson
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.server import ServerConnection, serve

from brain.agents.agent import default_agent
from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.json_fields import Json
from brain.model.engine import Opening, Said, SaidKind, SeedItem, ServerTool
from brain.model.realtime import socket as engine_module
from brain.model.realtime.socket import RealtimeEngine
from brain.sequencer import Reason, actions, inputs
from brain.sequencer.inputs import Input
from shared.contract.bill.usage import ModelUsage
from shared.settings import load
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.realtime.record import SessionRecord
from tests.support.waiting import wait_until

PAST = (
    SeedItem(kind="message", role="assistant", text="Hello, how can I help you?", item_id="item_a"),
    SeedItem(kind="message", role="user", text="Where is my order?", item_id="item_b"),
    SeedItem(kind="message", role="assistant", text="It left on Monday.", item_id="item_c"),
)


@dataclass
class Ear:
    """Notes what the engine hears."""

    inputs: list[Input] = field(default_factory=list)
    audio_bytes: int = 0
    said: list[Said] = field(default_factory=list)
    server_tools: list[ServerTool] = field(default_factory=list)
    troubles: list[tuple[str, bool]] = field(default_factory=list)
    voices: list[tuple[str, bool, float]] = field(default_factory=list)
    used: list[ModelUsage] = field(default_factory=list)

    def on_input(self, input_: Input) -> None:
        self.inputs.append(input_)

    def on_audio(self, response_id: str, item_id: str, audio: bytes) -> None:
        assert response_id
        assert item_id
        self.audio_bytes += len(audio)

    def on_said(self, said: Said) -> None:
        self.said.append(said)

    def on_server_tool(self, tool: ServerTool) -> None:
        self.server_tools.append(tool)

    def on_voice(self, item_id: str, *, begins: bool, ago_ms: float) -> None:
        self.voices.append((item_id, begins, ago_ms))

    def on_usage(self, used: ModelUsage) -> None:
        self.used.append(used)

    def on_trouble(self, code: str, *, known: bool) -> None:
        self.troubles.append((code, known))


@asynccontextmanager
async def making(sim: RealtimeSimulator | str, *, seeded: bool = False) -> AsyncIterator[RealtimeEngine]:
    """An engine that is not yet open."""
    base_url = sim if isinstance(sim, str) else sim.base_url
    settings = load(env_file=None, openai_base_url=base_url, openai_api_key="key")
    opening = Opening(tools=(), tag="b1s2", seeded=seeded, headers={"X-Client-Request-Id": "CA1/b1s2"})
    async with AsyncOpenAI(api_key="key", base_url=base_url, max_retries=0) as client:
        engine = RealtimeEngine(client, default_agent(settings), opening, BrainCounters())
        try:
            yield engine
        finally:
            await engine.close()


def only_session(sim: RealtimeSimulator) -> SessionRecord:
    (session,) = sim.sessions
    return session


def detection(update: Json) -> Json:
    session = cast(dict[str, dict[str, dict[str, Json]]], update["session"])
    return session["audio"]["input"]["turn_detection"]  # type: ignore[return-value]


async def test_open_says_who_calls_and_confirms_mu_law() -> None:
    """The header that a vendor's support asks for; the life that the server gives."""
    async with RealtimeSimulator(knobs=Knobs(session_limit_ms=60_000.0)) as sim, making(sim) as engine:
        opened = await engine.open()

        session = only_session(sim)
        assert session.headers["x-client-request-id"] == "CA1/b1s2"
        assert opened.session_id == session.session_id
        assert 50_000 < opened.life_ms <= 60_000
        (update,) = session.received_of("session.update")
        assert detection(update)["create_response"] is True


@pytest.mark.parametrize(("status", "fatal"), [(401, True), (404, True), (429, False), (503, False)])
async def test_a_refused_upgrade_says_whether_it_helps_to_wait(status: int, fatal: bool) -> None:
    """A wrong key stays wrong; a busy server does not stay busy."""
    async with RealtimeSimulator(knobs=Knobs(connect_status=status)) as sim, making(sim) as engine:
        with pytest.raises(EngineError) as refused:
            await engine.open()

    assert (refused.value.cause, refused.value.fatal) == ("connect_refused", fatal)
    assert refused.value.detail == f"HTTP {status}"


async def test_nobody_there_is_no_session() -> None:
    """The port is closed."""
    async with RealtimeSimulator() as sim:
        base_url = sim.base_url
    async with making(base_url) as engine:
        with pytest.raises(EngineError) as refused:
            await engine.open()

    assert (refused.value.cause, refused.value.fatal) == ("connect_failed", False)


async def test_a_session_that_is_never_confirmed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded: the caller waits."""
    monkeypatch.setattr(engine_module, "CONFIRM_WITHIN_S", 0.2)
    knobs = Knobs(updated_delay_ms=60_000.0)
    async with RealtimeSimulator(knobs=knobs) as sim, making(sim) as engine:
        with pytest.raises(EngineError) as refused:
            await engine.open()

    assert (refused.value.cause, refused.value.fatal) == ("session_unconfirmed", False)


async def test_a_refused_update_is_fatal() -> None:
    """The next session would refuse it as well."""
    async with RealtimeSimulator(knobs=Knobs(refuse_updates=9)) as sim, making(sim) as engine:
        with pytest.raises(EngineError) as refused:
            await engine.open()

    assert (refused.value.cause, refused.value.fatal) == ("session_refused", True)


async def test_a_seeded_session_answers_no_turn_before_it_knows_the_past() -> None:
    """Opened without responses of its own; the past; then with them."""
    async with RealtimeSimulator() as sim, making(sim, seeded=True) as engine:
        await engine.open()
        await engine.seed(PAST)

        session = only_session(sim)
        first, second = session.received_of("session.update")
        assert [detection(update)["create_response"] for update in (first, second)] == [False, True]
        kinds = [timed.type for timed in session.received]
        assert kinds == ["session.update", *["conversation.item.create"] * 3, "session.update"]
        assert [item for item in session.items if item.startswith("item_")] == ["item_a", "item_b", "item_c"]
        assert session.violations == []


async def test_a_rewritten_item_stands_where_it_stood() -> None:
    """Only some words of it were heard; what was not heard at all goes."""
    async with RealtimeSimulator() as sim, making(sim, seeded=True) as engine:
        await engine.open()
        await engine.seed(PAST)
        running = asyncio.create_task(engine.run(Ear()))

        engine.rewrite("item_a", "Hello, how")
        engine.rewrite("item_c", "")
        engine.rewrite("item_unknown", "x")

        session = only_session(sim)
        await sim.wait_for(lambda: len(session.received_of("conversation.item.delete")) == 2)
        deleted = [event["item_id"] for event in session.received_of("conversation.item.delete")]
        rewritten = session.received_of("conversation.item.create")[-1]
        assert deleted == ["item_a", "item_c"]
        assert rewritten["previous_item_id"] == "root"
        assert cast(Json, rewritten["item"])["content"] == [{"type": "output_text", "text": "Hello, how"}]
        await sim.wait_for(lambda: session.errors == [])
        running.cancel()


async def test_what_was_said_for_the_model_is_told_once_and_can_be_corrected() -> None:
    """A session that was seeded with it knows it already."""
    told = actions.TellSaid(event_id="s1", item_id="notice-free-1", text="This call is recorded.")
    again = actions.TellSaid(event_id="s2", item_id="item_a", text="Hello, how may I help?")
    async with RealtimeSimulator() as sim, making(sim, seeded=True) as engine:
        await engine.open()
        await engine.seed(PAST)
        running = asyncio.create_task(engine.run(Ear()))

        engine.do(told)
        engine.do(told)
        engine.do(again)
        engine.rewrite("notice-free-1", "This call …")

        session = only_session(sim)
        await sim.wait_for(lambda: len(session.received_of("conversation.item.create")) == 5)
        *seeded, first, rewritten = session.received_of("conversation.item.create")
        assert len(seeded) == 3
        assert cast(Json, first["item"])["id"] == "notice-free-1"
        assert cast(Json, rewritten["item"])["content"] == [{"type": "input_text", "text": "This call …"}]
        await sim.wait_for(lambda: session.errors == [])
        running.cancel()


async def test_a_response_is_heard_whole() -> None:
    """Created by token, audio to the byte, its words, done."""
    ear = Ear()
    knobs = Knobs(response=ResponseKnobs(first_audio_ms=10, speed_factor=50))
    async with RealtimeSimulator(knobs=knobs) as sim, making(sim) as engine:
        await engine.open()
        running = asyncio.create_task(engine.run(ear))
        create = actions.SendCreate(token="t1", reason=Reason.GREETING, text="Say hello.")
        engine.do(create)
        await wait_until(lambda: any(isinstance(i, inputs.ResponseDone) for i in ear.inputs), "it is done")

        session = only_session(sim)
        (created,) = [i for i in ear.inputs if isinstance(i, inputs.ResponseCreated)]
        deltas = session.sent_of("response.output_audio.delta")
        assert created.token == "t1"
        assert ear.audio_bytes == sum(len(base64.b64decode(str(delta["delta"]))) for delta in deltas) > 0
        assert any(said.text for said in ear.said)
        running.cancel()


@pytest.mark.parametrize(
    ("code", "reason", "cause", "fatal"),
    [
        (1006, "", "closed_1006", False),
        (1011, "", "closed_1011", False),
        (4000, "error.insufficient_quota", "closed_4000_error.insufficient_quota", True),
        (4000, "error.overloaded", "closed_4000_error.overloaded", False),
    ],
)  # fmt: skip
async def test_a_close_says_its_cause(code: int, reason: str, cause: str, fatal: bool) -> None:
    """By code and reason; a code of the account is fatal."""
    knobs = Knobs(close_on="session.updated", close_after_ms=50, close_code=code, close_reason=reason)
    async with RealtimeSimulator(knobs=knobs) as sim, making(sim) as engine:
        await engine.open()
        end = await engine.run(Ear())

    assert (end.cause, end.fatal) == (cause, fatal)


async def test_the_end_of_its_life_has_a_name_of_its_own() -> None:
    """1001 alone could be a restart of the server."""
    async with RealtimeSimulator(knobs=Knobs(session_limit_ms=150.0)) as sim, making(sim) as engine:
        await engine.open()
        end = await engine.run(Ear())

    assert (end.cause, end.fatal) == ("session_expired", False)


async def test_the_queue_of_caller_audio_is_bounded_and_says_when_it_is_empty() -> None:
    """Above the bound the caller is left in Redis; drained, they are read on."""
    drained: list[bool] = []
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()
        took = [engine.append(b"\xff" * 320, b"%d-0" % n) for n in range(engine_module.MAX_QUEUED_APPENDS)]
        engine.when_drained(lambda: drained.append(True))
        assert (took[-2], took[-1]) == (True, False)

        running = asyncio.create_task(engine.run(Ear()))
        await wait_until(lambda: drained == [True], "all of it is sent")
        assert engine.appended_id == b"%d-0" % (engine_module.MAX_QUEUED_APPENDS - 1)
        assert only_session(sim).appends <= engine_module.MAX_QUEUED_APPENDS
        running.cancel()


async def test_close_is_safe_at_any_moment_and_again() -> None:
    """Before it was opened, open, closed."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.close()
        assert (await engine.run(Ear())).cause == "not_open"
        await engine.open()
        await engine.close()
        await engine.close()
        await sim.wait_for(lambda: only_session(sim).closed_at_ms is not None)


MU_LAW = {"format": {"type": "audio/pcmu"}}
CONFIRMED: Json = {"type": "session.updated", "session": {"audio": {"input": MU_LAW, "output": MU_LAW}}}


@asynccontextmanager
async def answering(*events: Json, stays: bool = False) -> AsyncIterator[str]:
    """A server that answers the first update with these events, and closes, or says nothing more."""

    async def serve_one(socket: ServerConnection) -> None:
        await socket.send('{"type":"session.created","session":{"id":"s"}}')
        await socket.recv()
        for event in events:
            await socket.send(orjson.dumps(event).decode())
        if stays:
            await socket.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1"


@pytest.mark.parametrize(("code", "fatal"), [("server_error", False), ("unknown_parameter", True)])
async def test_a_refused_session_says_whether_it_helps_to_wait(code: str, fatal: bool) -> None:
    """The provider's own trouble passes; our own mistake does not."""
    error: Json = {"type": "error", "error": {"type": code, "code": None}}
    async with answering(error) as base_url, making(base_url) as engine:
        with pytest.raises(EngineError) as refused:
            await engine.open()

    assert (refused.value.cause, refused.value.detail, refused.value.fatal) == (
        "session_refused",
        code,
        fatal,
    )


async def test_a_turn_that_was_not_transcribed_is_counted_and_told() -> None:
    """Else nobody would know why transcripts are empty."""
    ear = Ear()
    failed: Json = {"type": "conversation.item.input_audio_transcription.failed", "item_id": "item_u"}
    async with answering(CONFIRMED, failed) as base_url, making(base_url) as engine:
        await engine.open()
        await engine.run(ear)
        assert engine._counters.transcriptions_failed == 1

    assert ear.troubles == [("transcription_failed", False)]
    assert ear.said == [Said(SaidKind.USER_TEXT, "item_u")]


async def test_a_tool_of_the_server_is_told() -> None:
    """With its output, for history."""
    ear = Ear()
    item: Json = {"type": "mcp_call", "id": "mcp_1", "name": "search", "arguments": "{}", "output": "found"}
    done: Json = {"type": "response.output_item.done", "response_id": "r", "item": item}
    async with answering(CONFIRMED, done) as base_url, making(base_url) as engine:
        await engine.open()
        await engine.run(ear)

    assert ear.server_tools == [ServerTool(call_id="mcp_1", name="search", arguments="{}", output="found")]


async def test_a_tool_that_failed_at_the_provider_is_counted() -> None:
    """Nobody else would know."""
    ear = Ear()
    failed: Json = {"type": "response.mcp_call.failed", "item_id": "item_m", "output_index": 0}
    async with answering(CONFIRMED, failed) as base_url, making(base_url) as engine:
        await engine.open()
        await engine.run(ear)

    assert ear.troubles == [("mcp_call_failed", False)]
    assert ear.inputs == [inputs.ServerToolFinished(item_id="item_m")]


STATIC = default_agent(load(env_file=None))
SALES = replace(STATIC, name="sales", instructions="Sell bicycles.")
TOOL: Json = {"type": "function", "name": "stock", "parameters": {"type": "object"}}


async def serving(engine: RealtimeEngine) -> asyncio.Task[EngineError]:
    """The task in which it runs."""
    task = asyncio.create_task(engine.run(Ear()))
    await wait_until(lambda: engine._writes_to is not None, "it runs")
    return task


def instructions(session: SessionRecord) -> object:
    """What its server has in effect."""
    return cast(Json, session.sent_of("session.updated")[-1]["session"])["instructions"]


@pytest.mark.parametrize("runs", [True, False])
async def test_a_session_becomes_another_agents_by_one_update(runs: bool) -> None:
    """Before it serves and while it does; to be who it is already needs none."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()
        running = await serving(engine) if runs else None
        assert await engine.become(STATIC, ())
        assert await engine.become(SALES, (TOOL,))
        assert await engine.become(SALES, (TOOL,))

        session = only_session(sim)
        assert len(session.received_of("session.update")) == 2
        assert instructions(session) == "Sell bicycles."
        assert session.violations == []
        if running is not None:
            running.cancel()


async def test_what_it_becomes_answers_as_it_does() -> None:
    """Its words stand beside what is wished for, and it is silenced in its own way."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()
        running = await serving(engine)
        assert await engine.become(SALES, ())
        engine.do(actions.SendCreate(token="t1", reason=Reason.GREETING, text="Say hello."))
        session = only_session(sim)
        await sim.wait_for(lambda: bool(session.received_of("response.create")))

        (create,) = session.received_of("response.create")
        assert cast(Json, create["response"])["instructions"] == "Sell bicycles.\n\nSay hello."
        running.cancel()


async def test_one_that_was_silenced_becomes_another_agents_and_stays_silent() -> None:
    """The call ends: whoever it is told to be by then, it makes no response by itself."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()
        running = await serving(engine)
        engine.do(actions.SilenceServer(event_id="silence"))
        assert await engine.become(replace(SALES, answers_turns="server", interrupts="server"), ())

        told = cast(Json, only_session(sim).sent_of("session.updated")[-1]["session"])
        turns = cast(Json, cast(Json, cast(Json, told["audio"])["input"])["turn_detection"])
        assert (turns["create_response"], turns["interrupt_response"]) == (False, False)
        assert told["instructions"] == "Sell bicycles."
        running.cancel()


async def test_another_model_is_another_session() -> None:
    """So are other headers; the one there is stays as it was."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()

        assert not await engine.become(replace(SALES, model="gpt-realtime"), ())
        assert not await engine.become(replace(SALES, headers={"X-Project": "p"}), ())
        assert len(only_session(sim).received_of("session.update")) == 1


@pytest.mark.parametrize("runs", [True, False])
async def test_an_agent_that_is_refused_leaves_the_session_as_it_was(runs: bool) -> None:
    """Whoever asked is told, and may ask for another one."""
    async with RealtimeSimulator() as sim, making(sim) as engine:
        await engine.open()
        running = await serving(engine) if runs else None
        with pytest.raises(EngineError) as refused:
            await engine.become(replace(SALES, voice="nobody"), ())
        assert refused.value.cause == "session_refused"
        assert instructions(only_session(sim)) == STATIC.instructions

        assert await engine.become(SALES, ())
        assert instructions(only_session(sim)) == "Sell bicycles."
        if running is not None:
            running.cancel()


@pytest.mark.parametrize("runs", [True, False])
async def test_an_update_that_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, runs: bool) -> None:
    """The caller waits for it."""
    monkeypatch.setattr(engine_module, "CONFIRM_WITHIN_S", 0.2)
    async with answering(CONFIRMED, stays=True) as base_url, making(base_url) as engine:
        await engine.open()
        running = await serving(engine) if runs else None
        with pytest.raises(EngineError) as given_up:
            await engine.become(SALES, ())
        assert given_up.value.cause == "session_unconfirmed"
        if running is not None:
            running.cancel()


async def test_a_session_that_ends_becomes_nobody() -> None:
    """Whoever waits is told at once."""
    async with answering(CONFIRMED, stays=True) as base_url, making(base_url) as engine:
        await engine.open()
        running = await serving(engine)
        becoming = asyncio.create_task(engine.become(SALES, ()))
        await wait_until(lambda: bool(engine._updates._awaited), "the update waits for its answer")
        await engine.close()
        with pytest.raises(EngineError):
            await asyncio.wait_for(becoming, 2.0)
        await running


async def test_what_was_used_and_when_the_voice_was_is_told_for_people() -> None:
    """By the events themselves; how long ago, by the audio that was given until then."""
    done = {"type": "response.done", "response": {"usage": {"input_tokens": 5, "output_tokens": 2}}}
    started = {"type": "input_audio_buffer.speech_started", "item_id": "u", "audio_start_ms": 20}
    stopped = {"type": "input_audio_buffer.speech_stopped", "item_id": "u", "audio_end_ms": 100}
    async with making("http://127.0.0.1:1/v1") as engine:
        ear = Ear()
        engine.append(bytes(8 * 100), b"1-0")
        for event in (started, stopped, done):
            engine._hear(event, ear)

    assert ear.voices == [("u", True, 80.0), ("u", False, 0.0)]
    assert [(used.text_in, used.text_out) for used in ear.used] == [(5, 2)]
    assert [type(each) for each in ear.inputs] == [
        inputs.SpeechStarted, inputs.SpeechStopped, inputs.ResponseDone,
    ]  # fmt: skip
