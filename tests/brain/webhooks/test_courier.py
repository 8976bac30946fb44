"""Webhooks on a real server, to a real endpoint that fails, hangs and comes back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from uvicorn import Config, Server

from brain.webhooks import courier as courier_module
from brain.webhooks.courier import Courier
from brain.webhooks.events import Hooks
from shared.contract.entry import to_dict
from shared.contract.steps import NewStream
from shared.contract.streams.history import HistoryEntry, ItemEntry, ItemHeard, history_fields
from shared.contract.streams.hooks import GROUP, Event, Hook, hook_fields
from shared.ownership import steps
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.brain.stage import KEYS, sid
from tests.conftest import keys_without_ttl
from tests.support.waiting import running, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Endpoint:
    """The user's own system. `answers`: a status for each request, the last one for all others."""

    answers: list[int] = field(default_factory=lambda: [204])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    after_s: float = 0.0
    """How long it thinks about each."""
    is_endless: bool = False
    """Its answer has a body that does not end."""

    async def take(self, request: Request) -> Response:
        self.got.append((dict(request.headers), await request.body()))
        await asyncio.sleep(self.after_s)
        if self.is_endless:
            return StreamingResponse(self._drip())
        return Response(status_code=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    async def _drip(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024
            await asyncio.sleep(0.01)  # Its pace: it never ends.

    def kinds(self) -> list[str]:
        return [orjson.loads(body)["type"] for _, body in self.got]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"


@asynccontextmanager
async def listening(*answers: int) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(list(answers) or [204])
    app = Starlette(routes=[Route("/hooks", endpoint.take, methods=["POST"])])
    server = Server(Config(app, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await wait_until(lambda: server.started, "the endpoint listens")
    endpoint.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def delivering(
    redis_url: str, endpoint: Endpoint, number: int = 0, *, abandoned_ms: int = 60_000
) -> AsyncIterator[tuple[Process, Courier]]:
    process = make_process(
        "brain",
        number,
        load(env_file=None, redis_url=redis_url, webhook_url=endpoint.url, webhook_secret=SECRET),
    )
    process.spawn(process.outbox.run(), "outbox")
    courier = Courier(process, abandoned_ms=abandoned_ms)
    courier.start()
    try:
        yield process, courier
    finally:
        await courier.stop()
        for task in list(process.tasks):
            task.cancel()
        await asyncio.gather(*process.tasks, return_exceptions=True)
        await process.store.aclose()


def pen(process: Process) -> Hooks:
    return Hooks(process.outbox, process.keys, process.settings.told_events)


async def call(store: Store, number: int = 1) -> str:
    """A call with a past: a question, an answer of which half was heard."""
    call_sid = sid(number)
    stream = NewStream(
        call_sid=call_sid, stream_sid="MZ" + "1" * 32, ingress="ingress-0@h#1", nonce="n",
        caller_number="…11", called_number="…22", agent="sales", called_line="+15550002222",
        caller_line="+15550001111",
    )  # fmt: skip
    await steps.attach(store, KEYS, stream, max_resumes=5)
    entries: list[HistoryEntry] = [
        ItemEntry(item_id="u", role="user", text="שלום", final=True),
        ItemEntry(item_id="a", role="assistant", text="one two three four", final=True, agent="sales"),
        ItemHeard(item_id="a", ms=500, of_ms=1000, complete=True),
    ]
    for entry in entries:
        await store.xadd(KEYS.history(call_sid), to_dict(history_fields(entry)))
    await store.expire(KEYS.history(call_sid), 1000)
    return call_sid


async def test_the_end_of_a_call_is_told_signed_and_once(store: Store, redis_url: str) -> None:
    """Written by END itself; the body has the transcript as it was heard."""
    async with listening() as endpoint, delivering(redis_url, endpoint):
        call_sid = await call(store)
        await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
        await steps.end(store, KEYS, call_sid, outcome="again", by="t", tell=True)
        await wait_until(lambda: bool(endpoint.got), "it is told")

        ((headers, body),) = endpoint.got
        data = orjson.loads(body)["data"]
        assert (data["call_sid"], data["outcome"], data["agent"]) == (call_sid, "completed", "sales")
        assert data["transcript"] == [
            {"role": "user", "text": "שלום", "whole": True},
            {"role": "assistant", "text": "one two", "whole": False, "agent": "sales"},
        ]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"

        async def gone() -> bool:
            return await store.xlen(KEYS.hooks(0)) == 0

        await wait_until(gone, "the stream is empty")
    assert keys_without_ttl(redis_url) == []


async def test_a_refused_webhook_is_tried_again_with_the_same_body(store: Store, redis_url: str) -> None:
    """The call's keys may be gone by then; the id is the same, so that it can be recognised."""
    async with listening(500, 503, 204) as endpoint, delivering(redis_url, endpoint) as (_, courier):
        call_sid = await call(store)
        await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
        await wait_until(lambda: len(endpoint.got) == 1, "the first attempt")
        await store.delete(KEYS.history(call_sid), KEYS.card(call_sid))
        await wait_until(lambda: courier.counters.hooks_delivered == 1, "it is taken", timeout_s=20)

        assert len({body for _, body in endpoint.got}) == 1
        assert len({headers["webhook-id"] for headers, _ in endpoint.got}) == 1
        assert courier.counters.hooks_failed == 2


async def test_the_callers_number_is_told_in_full_and_then_forgotten(store: Store, redis_url: str) -> None:
    """At each attempt; what waits for the next one has it masked, and after the last it is in no key."""
    async with listening(500, 204) as endpoint, delivering(redis_url, endpoint) as (_, courier):
        call_sid = await call(store)
        await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
        await wait_until(lambda: courier.counters.hooks_failed == 1, "the first attempt")

        waiting = str(await store.xrange(KEYS.hooks(0)))
        assert "…11".encode() in (await store.xrange(KEYS.hooks(0)))[0][1][b"body"]
        assert "+15550001111" not in waiting
        await wait_until(lambda: courier.counters.hooks_delivered == 1, "it is taken", timeout_s=20)

        assert [orjson.loads(body)["data"]["from"] for _, body in endpoint.got] == ["+15550001111"] * 2

        async def gone() -> bool:
            return await store.exists(KEYS.number(call_sid)) == 0

        await wait_until(gone, "the number is forgotten")


async def test_with_every_courier_away_for_hours_nothing_is_made_up(store: Store, redis_url: str) -> None:
    """Card and history are gone by then: what is left of the call is its id and its end."""
    call_sid = await call(store)
    await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
    await store.delete(KEYS.card(call_sid), KEYS.history(call_sid))
    async with listening() as endpoint, delivering(redis_url, endpoint):
        await wait_until(lambda: bool(endpoint.got), "it is told")

    told = orjson.loads(endpoint.got[0][1])["data"]
    assert (told["duration_ms"], told["outcome"], told["transcript"]) == (None, None, None)


async def test_a_start_and_a_failed_tool_are_told(store: Store, redis_url: str) -> None:
    """Added by the brain through its outbox; the tool's name and outcome, never its arguments."""
    async with listening() as endpoint, delivering(redis_url, endpoint) as (process, _):
        call_sid = await call(store)
        hooks = pen(process)
        hooks.started(call_sid)
        hooks.tool_failed(call_sid, "call_1", "look_up", "timed_out")
        await wait_until(lambda: len(endpoint.got) == 2, "both are told")

        assert sorted(endpoint.kinds()) == ["call.started", "tool.failed"]
        (failed,) = [orjson.loads(b)["data"] for _, b in endpoint.got if b"tool.failed" in b]
        assert (failed["tool"], failed["outcome"], failed["call_id"]) == ("look_up", "timed_out", "call_1")


async def test_what_a_dead_courier_had_is_told_by_another(store: Store, redis_url: str) -> None:
    """It had read the event and said nothing more."""
    async with listening() as endpoint:
        call_sid = await call(store)
        await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
        await store.xgroup_create(KEYS.hooks(0), GROUP, id="0")
        await store.xreadgroup(GROUP, "brain-9@h#dead", {KEYS.hooks(0): ">"}, count=10)
        async with delivering(redis_url, endpoint, abandoned_ms=200):
            await wait_until(lambda: bool(endpoint.got), "the other one tells it")

    assert endpoint.kinds() == ["call.ended"]


async def failed_tools(process: Process, count: int) -> None:
    """This many events, in the stream."""
    for number in range(count):
        pen(process).tool_failed(sid(1), f"call_{number}", "look_up", "failed")

    async def written() -> bool:
        return await process.store.xlen(KEYS.hooks(0)) == count

    await wait_until(written, "the events are in the stream")


async def test_two_couriers_with_one_event_leave_one(store: Store, redis_url: str) -> None:
    """The second took it over while the first still waited for the endpoint: it is written back once, or
    each night with a slow endpoint would double what is told."""
    async with listening(500) as endpoint:
        endpoint.after_s = 1.5
        async with (
            delivering(redis_url, endpoint, abandoned_ms=50) as (process, first),
            delivering(redis_url, endpoint, 1, abandoned_ms=50) as (_, second),
        ):
            await failed_tools(process, 1)
            await wait_until(
                lambda: bool(first.counters.hooks_failed and second.counters.hooks_failed),
                "both have failed with it",
                timeout_s=20,
            )

            assert await store.xlen(KEYS.hooks(0)) == 1


async def test_what_is_held_is_shown_while_the_endpoint_is_slow(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches too: no other courier takes over what this one has."""
    monkeypatch.setattr(courier_module, "SHOW_EVERY_MS", 100.0)
    async with listening(500) as endpoint:
        process = make_process(
            "brain",
            7,
            load(env_file=None, redis_url=redis_url, webhook_url="https://x.example", webhook_secret="s"),
        )
        async with running(process.outbox.run()):
            await failed_tools(process, 3 * courier_module.AT_ONCE)
        await process.store.aclose()
        endpoint.after_s = 1.0
        async with delivering(redis_url, endpoint):
            await wait_until(
                lambda: len(endpoint.got) > 2 * courier_module.AT_ONCE, "the third batch is under way"
            )
            found = await store.redis.xpending_range(KEYS.hooks(0), GROUP, "-", "+", 100)

            assert found
            assert max(int(entry["time_since_delivered"]) for entry in found) < 1_500


async def test_an_answer_without_an_end_is_a_delivery(store: Store, redis_url: str) -> None:
    """The status says it all: the body is not read, or one endpoint could fill the memory of a brain."""
    async with listening() as endpoint:
        endpoint.is_endless = True
        async with delivering(redis_url, endpoint) as (process, courier):
            await failed_tools(process, 1)
            await wait_until(lambda: courier.counters.hooks_delivered == 1, "it is delivered")


async def test_an_endpoint_that_says_nothing_is_bounded(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it spends the time."""
    monkeypatch.setattr(courier_module, "TIMEOUT_S", 0.2)
    async with listening() as endpoint:
        endpoint.after_s = 3.0
        async with delivering(redis_url, endpoint) as (process, courier):
            await failed_tools(process, 1)
            await wait_until(lambda: courier.counters.hooks_failed == 1, "it has failed", timeout_s=2.5)


async def test_what_a_hand_wrote_stops_no_courier(store: Store, redis_url: str) -> None:
    """Details that are no JSON, times that no calendar has, numbers that no integer can be."""
    hook = Hook(event=Event.STARTED, call_sid=sid(1), event_id="id", at_ms=1_000, attempt=0, due_ms=0)
    good = to_dict(hook_fields(hook))
    long, longer = b"9" * 18, b"9" * 5_000
    async with listening() as endpoint, delivering(redis_url, endpoint) as (process, courier):
        for odd in ({b"details": b"{"}, {b"details": b"5"}, {b"t": long}, {b"t": longer}, {b"v": b"7"}):
            await store.xadd(KEYS.hooks(0), {**good, **odd})
        await store.expire(KEYS.hooks(0), 1000)
        await wait_until(
            lambda: courier.counters.hooks_delivered == 4, "all but the unknown version are told"
        )

        assert process.ownership.contract_errors == 1


async def test_a_card_that_cannot_be_read_stops_no_courier(store: Store, redis_url: str) -> None:
    """The event is told without what nobody knows, and the card is counted and named in the log."""
    async with listening() as endpoint, delivering(redis_url, endpoint) as (process, _):
        call_sid = await call(store)
        await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=True)
        await store.hset(KEYS.card(call_sid), "started_at_ms", "yesterday")
        await wait_until(lambda: bool(endpoint.got), "it is told")

        (told,) = [orjson.loads(body)["data"] for _, body in endpoint.got]
        assert (told["call_sid"], told["agent"], told["duration_ms"]) == (call_sid, None, None)
        assert process.ownership.contract_errors == 1


async def test_a_url_that_is_none_is_a_failure(store: Store, redis_url: str) -> None:
    """It says so with each attempt; the courier goes on."""
    async with listening() as endpoint, delivering(redis_url, endpoint) as (process, courier):
        bad = Courier(
            replace(process, settings=process.settings.model_copy(update={"webhook_url": "https://[x]/"}))
        )
        await courier.stop()
        bad.start()
        await failed_tools(process, 1)
        await wait_until(lambda: bad.counters.hooks_failed == 1, "it has failed")
        await bad.stop()


async def test_without_a_url_nobody_is_told_and_nothing_is_kept(store: Store, redis_url: str) -> None:
    """The stream would grow for nobody."""
    process = make_process("brain", 0, load(env_file=None, redis_url=redis_url))
    pen(process).started(sid(1))
    call_sid = await call(store)
    await steps.end(store, KEYS, call_sid, outcome="completed", by="t", tell=False)

    assert await store.exists(KEYS.hooks(0)) == 0
    await process.store.aclose()
