"""Streams attached and detached by a running ingress: who gets in, whose call it is, how a call ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from ingress.calls import ending
from ingress.calls.attaching import Attaching
from ingress.calls.ending import EndLater
from ingress.calls.registry import Gone, Registry
from ingress.calls.table import CallTable
from ingress.media import twilio
from ingress.media.stream import MediaStream, StreamHost
from ingress.web import token as stream_token
from shared.audio import FRAME_BYTES
from shared.contract.card import Next, Plan, StreamEnd
from shared.contract.steps import Attached, Leg, NewStream
from shared.logs.log import get_log
from tests.conftest import keys_without_ttl
from tests.ingress.fakes import CALL, Desk, FakeSocket, message, start_message
from tests.ingress.harness import (
    AUTH_TOKEN,
    Ingress,
    call_sid,
    frame,
    ingress,
    parameters,
    stream_sid,
    voice_form,
)
from tests.support.waiting import held_clock, wait_until


def ends_after(monkeypatch: pytest.MonkeyPatch, planned: Next, after_s: float) -> None:
    """A call that gets no new stream ends sooner than in earnest."""
    soon = EndLater(after_s, ending.AFTER[planned].outcome)
    monkeypatch.setitem(ending.AFTER, planned, soon)


async def test_call_from_start_to_stop(bridge: Ingress, valkey_url: str) -> None:
    """The card says what the start said; `stop` without a plan ends the call; no key lives for ever."""
    caller = await bridge.live()
    card = await bridge.card()
    assert (card["state"], card["leg"], card["stream_sid"]) == ("attached", "1", stream_sid())
    assert card["ingress"] == bridge.process.name
    assert (card["from"], card["to"]) == ("…11", "…22")
    await caller.event("stop", callSid=caller.call_sid)
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "completed"
    assert keys_without_ttl(valkey_url) == []
    await wait_until(lambda: bridge.role.live_calls() == 0, "the process is empty")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customParameters": {}}, "token_missing"),
        ({"customParameters": {"token": "x"}}, "token_malformed"),
        ({"callSid": call_sid(9)}, "token_wrong"),
        ({"accountSid": "AC" + "0" * 32}, "wrong_account"),
        ({"mediaFormat": {"encoding": "audio/L16", "sampleRate": 8000, "channels": 1}}, "wrong_format"),
        ({"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}}, "wrong_format"),
    ],
)  # fmt: skip
async def test_start_that_does_not_stand(bridge: Ingress, changes: dict[str, Any], reason: str) -> None:
    """1008 with the reason, and the call does not exist."""
    given = await bridge.token()
    caller = await bridge.dial(token="unused")
    assert await caller.closed() == (1008, "token_malformed")
    socket = await bridge.connect()
    async with socket:
        caller.socket = socket
        start = caller.start(token=given)
        start["start"].update(changes)
        await caller.send(start)
        assert await caller.closed() == (1008, reason)
    assert await bridge.card() == {}


async def test_expired_and_forged_tokens(bridge: Ingress) -> None:
    """A token ends after a minute, and only our key makes one."""
    key = stream_token.derive_key(AUTH_TOKEN)
    now_s = int(time.time())
    old = stream_token.mint(key, call_sid(), bytes(16), now_s - 1)
    forged = stream_token.mint(stream_token.derive_key("x"), call_sid(), bytes(16), now_s + 60)
    assert await (await bridge.dial(token=old)).closed() == (1008, "token_expired")
    assert await (await bridge.dial(token=forged)).closed() == (1008, "token_wrong")


async def test_token_opens_one_stream(bridge: Ingress) -> None:
    """The same token with another streamSid is spent; the live call goes on."""
    given = await bridge.token()
    first = await bridge.live(token=given)
    second = await bridge.dial(token=given, stream=7)
    assert await second.closed() == (1008, "token_spent")
    await first.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "the first goes on")


async def test_second_start_closes(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """1008, and the call waits for a new stream, then ends."""
    ends_after(monkeypatch, Next.NOTHING, 0.05)
    caller = await bridge.live()
    await caller.send(caller.start(token="x"))
    assert await caller.closed() == (1008, "second start")
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "no_new_stream"


async def test_media_before_start_is_ignored(bridge: Ingress) -> None:
    """Counted, and the call starts all the same."""
    given = await bridge.token()
    socket = await bridge.connect()
    caller = await bridge.dial(token="x")
    await caller.closed()
    caller.socket = socket
    await caller.media()
    await caller.send(caller.start(token=given))
    await wait_until(lambda: bridge.role.switchboard.counters.attached == 1, "the call is attached")
    assert bridge.role.counters.faults["media_before_start"] == 1


async def test_newest_socket_of_a_call_wins(bridge: Ingress) -> None:
    """The old socket gets 1008, frames of the old leg are dropped, numbers go on."""
    old = await bridge.live()
    await bridge.out(frame(0, 1), frame(0, 2))
    await old.receive(2)
    new = await bridge.live(stream=7)
    assert await old.closed() == (1008, "newer stream")
    await bridge.out(frame(0, 3, leg=1), frame(0, 2, leg=2), frame(0, 3, leg=2, audio=b"three"))
    (message,) = await new.receive()
    assert message["streamSid"] == stream_sid(7)
    assert message["media"]["payload"] == "dGhyZWU="
    assert (await bridge.card())["state"] == "attached"
    assert (await bridge.card())["leg"] == "2"
    drops = bridge.role.switchboard.counters.out_drops
    assert (drops["old_leg"], drops["repeated"]) == (1, 1)


async def test_stop_with_a_move_pending_waits(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect of ours also stops the stream: the call waits for its new leg, which keeps it."""
    ends_after(monkeypatch, Next.DIGITS, 0.6)
    caller = await bridge.live()
    await bridge.store.hset(bridge.process.keys.card(call_sid()), "next", "digits")  # type: ignore[misc]
    await caller.event("stop", callSid=caller.call_sid)
    await wait_until(lambda: bridge.is_in_state("detached"), "the stream is gone")
    form = voice_form()
    resumed = await bridge.post("/voice/resume", form)
    waiting_for_a_new_leg = f"detach-{caller.call_sid}"
    assert waiting_for_a_new_leg in _running_tasks()
    await bridge.live(stream=7, token=parameters(resumed.text)["token"])
    await wait_until(lambda: waiting_for_a_new_leg not in _running_tasks(), "the wait is over, to no effect")
    card = await bridge.card()
    assert (card["state"], card["leg"], card["next"]) == ("attached", "2", "")


def _running_tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


async def test_lost_socket_waits_then_ends(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """An abrupt loss is detached at once, and ends when no new stream comes."""
    ends_after(monkeypatch, Next.NOTHING, 0.2)
    caller = await bridge.live()
    caller.socket.transport.abort()
    await wait_until(lambda: bridge.is_in_state("detached"), "the stream is gone")
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "no_new_stream"
    assert bridge.role.live_calls() == 0


async def test_start_without_redis_is_attached_later(valkey_url: str) -> None:
    """While Redis is away the caller's frames are kept; nothing is lost of the first three seconds."""
    async with ingress(valkey_url) as bridge:
        given = await bridge.token()
        await bridge.store.client_pause(600)
        caller = await bridge.dial(token=given)
        for _ in range(20):
            await caller.media()
        await wait_until(lambda: bridge.role.switchboard.counters.attached == 1, "the call is attached")

        async def has_all() -> bool:
            return len(await bridge.caller_entries()) == 20

        await wait_until(has_all, "the held frames stand in Redis")


class SlowRegistry(Registry):
    """Answers when the test says so; keeps what was asked."""

    def __init__(self) -> None:
        self.attaching: dict[str, asyncio.Future[Attached | None]] = {}
        self.detached: list[tuple[int, str]] = []
        self.stream_ends: list[StreamEnd | None] = []
        self.ended: list[str] = []
        self.deferred: list[tuple[int, EndLater]] = []
        self.planned: Gone | None = Gone(Next.NOTHING)

    async def attach(self, stream: NewStream, *, wanted: Callable[[], bool]) -> Attached | None:
        answer: asyncio.Future[Attached | None] = asyncio.get_running_loop().create_future()
        self.attaching[stream.stream_sid] = answer
        return await answer

    async def detach(
        self, leg: Leg, cause: str, plan: Plan | None = None, stream_end: StreamEnd | None = None
    ) -> Gone | None:
        self.detached.append((leg.number, cause))
        self.stream_ends.append(stream_end)
        return self.planned

    async def end(self, call_sid: str, outcome: str) -> None:
        self.ended.append(outcome)

    async def defer(self, leg: Leg, end: EndLater) -> None:
        self.deferred.append((leg.number, end))


def _raised(_stream: MediaStream, bug: Exception) -> None:
    raise bug


class Hall:
    """Streams of one call, on fake sockets, and a Redis that answers late."""

    def __init__(self) -> None:
        self.desk = Desk(is_attached=False)
        self.registry = SlowRegistry()
        self.table = CallTable(self.desk.services)
        self.tasks: list[asyncio.Future[None]] = []
        self.attaching = Attaching(
            worker="ingress-0@h#a",
            masks_numbers=True,
            judge=lambda start: ("0" * 32, 60),
            registry=self.registry,
            table=self.table,
            counters=self.desk.counters,
            spawn_for=lambda call_sid, step, name: self.tasks.append(asyncio.ensure_future(step)),
            wait=asyncio.sleep,
        )

    async def opened(self, number: int) -> tuple[MediaStream, FakeSocket]:
        """A stream that waits for its attach."""
        socket = FakeSocket(self.desk.clock)
        stream = MediaStream(
            socket, twilio, StreamHost(self.attaching.start, self.attaching.gone, _raised),
            self.desk.counters, self.desk.sockets.faults, get_log(),
            media_timeout_ms=20_000.0, awake=self.desk.clock, clock=self.desk.clock,
        )  # fmt: skip
        self.table.stream_opened(stream)
        stream.text(start_message(CALL, stream_sid(number)))
        await asyncio.sleep(0)
        return stream, socket

    async def answer(self, number: int, answer: Attached | None) -> None:
        self.registry.attaching[stream_sid(number)].set_result(answer)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def settled(self) -> None:
        await asyncio.gather(*self.tasks)


async def test_an_older_leg_that_is_answered_later_does_not_get_the_call() -> None:
    """Answers of Redis may come in any order; legs say which stream is newer."""
    hall = Hall()
    old, old_socket = await hall.opened(1)
    new, _ = await hall.opened(2)
    await hall.answer(2, Attached(2, is_new=False))
    await hall.answer(1, Attached(1, is_new=True))
    assert old_socket.done == ["close 1008 older_leg"]
    assert (new.takes_audio, old.leg) == (True, 0)
    assert hall.table.calls[CALL].stream is new


async def test_a_stream_that_is_attached_after_its_end_is_detached() -> None:
    """Redis has it as attached, and must be told; the process is not empty before."""
    hall = Hall()
    stream, _ = await hall.opened(1)
    stream.lost()
    with held_clock() as clock:
        await hall.answer(1, Attached(1, is_new=True))
        await clock.let_pass(ending.NEW_STREAM_WITHIN_S)
    await hall.settled()
    assert hall.registry.detached == [(1, "lost")]
    assert hall.registry.deferred == [(1, ending.AFTER[Next.NOTHING])]
    assert hall.table.calls == {}
    await hall.table.emptied()


async def test_nothing_is_known_of_an_attach_without_an_answer() -> None:
    """It is nobody's call here: nothing is detached, nothing ended."""
    hall = Hall()
    stream, _ = await hall.opened(1)
    stream.lost()
    await hall.answer(1, None)
    await hall.settled()
    assert (hall.registry.detached, hall.registry.ended, hall.table.calls) == ([], [], {})


@pytest.mark.parametrize(
    ("planned", "ended"),
    [
        (Gone(Next.NOTHING), ["completed"]),
        (Gone(Next.HANG_UP), ["hangup"]),
        (Gone(Next.NOTHING, is_asked_for=True), []),
        (None, []),
    ],
)
async def test_a_stop_ends_the_call_that_is_ours(planned: Gone | None, ended: list[str]) -> None:
    """Not one that has ended, or moved away, or that another ingress has sent for: it is forgotten only."""
    hall = Hall()
    hall.registry.planned = planned
    stream, _ = await hall.opened(1)
    await hall.answer(1, Attached(1, is_new=True))
    stream.text(message("stop", stream_sid(1)))
    await hall.settled()
    assert (hall.registry.ended, hall.table.calls) == (ended, {})


@pytest.mark.parametrize("ends_by", ["stop", "lost"])
async def test_the_end_of_a_stream_says_how_far_it_came(ends_by: str) -> None:
    """By what was given to its socket when the carrier spoke last: of a line that is dead no more was heard,
    though more was given to it."""
    hall = Hall()
    hall.registry.planned = None
    stream, socket = await hall.opened(1)
    await hall.answer(1, Attached(1, is_new=True))
    clock, call = hall.desk.clock, hall.table.calls[CALL]
    stream.trip.ping_due(clock())
    clock.now_ms += 60
    stream.trip.pong(b"1", clock())
    call.receive_frames("egress-0@h#a", 1, 1, 3, 20, b"\x00" * FRAME_BYTES * 20, clock())
    clock.now_ms += 150
    socket.last_data_at_ms = clock()
    if ends_by == "stop":
        stream.text(message("stop", stream_sid(1)))
    else:
        clock.now_ms += 2_000
        call.receive_frames("egress-0@h#a", 1, 1, 3, 21, b"\x00" * FRAME_BYTES, clock())
        stream.lost()
    clock.now_ms += 500  # Whatever Redis needs.
    await hall.settled()

    given, playing_ms = (20, 250) if ends_by == "stop" else (21, 2_020)
    assert hall.registry.stream_ends == [StreamEnd(leg=1, n=given, playing_ms=playing_ms, way_ms=60, cut=3)]


async def test_a_stream_to_which_nothing_was_given_says_nothing() -> None:
    """What the one before it has left stands."""
    hall = Hall()
    hall.registry.planned = None
    stream, _ = await hall.opened(1)
    await hall.answer(1, Attached(2, is_new=False))
    hall.table.calls[CALL].forwarded = 475
    stream.text(message("stop", stream_sid(1)))
    await hall.settled()

    assert hall.registry.stream_ends == [None]
