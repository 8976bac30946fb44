"""Calls through a running ingress: attach, the fence in place, the reports, and how a call ends."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from ingress.calls import switchboard
from ingress.web import token as stream_token
from shared.clock import now_ms
from shared.contract.entries import BackKind, pairs_fields
from shared.ownership import owner as ownership
from tests.conftest import keys_without_ttl
from tests.ingress.harness import (
    AUTH_TOKEN,
    Ingress,
    call_sid,
    frame,
    ingress,
    other,
    parameters,
    stream_sid,
    voice_form,
)
from tests.support.waiting import wait_until


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
    await wait_until(lambda: bridge.role.board.counters.caller_frames == 1, "the first goes on")


async def test_second_start_closes(bridge: Ingress) -> None:
    """1008, and the call waits for a new stream, then ends."""
    bridge.role.board.new_leg_within_s = 0.05
    caller = await bridge.live()
    await caller.send(caller.start(token="x"))
    assert await caller.closed() == (1008, "second start")
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "no_new_stream"


async def test_garbage_closes_after_its_budget(bridge: Ingress) -> None:
    """Fifty bad messages of any kind are counted and borne, the next one closes with 1008."""
    caller = await bridge.live()
    bad = [
        "hello", "[" * 16_000, '{"event":"media"}', '{"event":"hold"}', '{"event":"mark","mark":{}}',
        '{"event":"media","streamSid":"MZ","media":{"payload":"!"}}', "NaN", '"\\ud800"',
        '{"event":"connected"}', '{"event":"stop","streamSid":"' + stream_sid(5) + '"}',
    ]  # fmt: skip
    for text in bad * 5:
        await caller.send(text)
    await caller.media()
    await wait_until(lambda: bridge.role.board.counters.caller_frames == 1, "the frame has come")
    faults = bridge.role.counters.faults
    assert sum(faults.values()) == 50
    assert faults["not_json"] == 20
    assert faults["unknown_event"] == faults["wrong_stream"] == faults["out_of_place"] == 5
    await caller.send("hello")
    assert await caller.closed() == (1008, "too many bad messages")


async def test_media_before_start_is_ignored(bridge: Ingress) -> None:
    """Counted, and the call starts all the same."""
    given = await bridge.token()
    socket = await bridge.connect()
    caller = await bridge.dial(token="x")
    await caller.closed()
    caller.socket = socket
    await caller.media()
    await caller.send(caller.start(token=given))
    await wait_until(lambda: bridge.role.board.counters.attached == 1, "the call is attached")
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
    drops = bridge.role.board.counters.out_drops
    assert (drops["old_leg"], drops["repeated"]) == (1, 1)


async def test_fence_in_place(bridge: Ingress) -> None:
    """What an old egress, an old cut or a repeated write sends is not heard."""
    caller = await bridge.live()
    await bridge.out(frame(0, 1, epoch=2), frame(0, 2, epoch=1), frame(0, 1, epoch=2))
    await bridge.out(other("clear", 0, epoch=2, cut=1), frame(0, 2, epoch=2, cut=0))
    await bridge.out(frame(0, 2, epoch=2, cut=1, audio=b"end"), frame(1, 1))
    events = [message["event"] for message in await caller.receive(3)]
    assert events == ["media", "clear", "media"]
    counters = bridge.role.board.counters
    assert counters.out_drops["old_epoch"] == 1
    assert counters.out_drops["repeated"] == 1
    assert counters.out_drops["old_cut"] == 1
    assert counters.out_other_calls == 1


async def test_bad_out_entries_are_counted(bridge: Ingress) -> None:
    """A newer schema version, or a name that is none, harms nobody."""
    caller = await bridge.live()
    out = bridge.process.keys.out(bridge.process.name)
    await bridge.store.xadd(out, {"v": "2", "w": "x", "t": "1"})
    await bridge.store.xadd(out, {"hello": "world"})
    await bridge.out((b"nonsense", b"x"), frame(0, 1))
    await caller.receive()
    assert bridge.role.board.counters.out_bad == 3


async def test_attach_of_a_new_egress_is_answered(bridge: Ingress) -> None:
    """A new egress is told the last frame that the socket was given; 0 when none."""
    await bridge.make_back()
    await bridge.live()
    await bridge.out(other("attach", 0, epoch=1))
    await bridge.out(frame(0, 1), frame(0, 2), frame(0, 3))
    await bridge.out(other("attach", 0, epoch=2))

    async def answers() -> list[int]:
        return [name.n for name, _ in await bridge.back() if name.kind == BackKind.ATTACHED]

    async def has_two() -> bool:
        return len(await answers()) == 2

    await wait_until(has_two, "both attaches are answered")
    assert await answers() == [0, 3]


async def test_echo_and_progress_reach_egress(bridge: Ingress) -> None:
    """An echo goes at once with what was forwarded; progress goes by itself soon after."""
    await bridge.make_back()
    caller = await bridge.live()
    await bridge.out(frame(0, 1), frame(0, 2), other("mark", 0, b"1.0.item.40", n=2))
    await caller.receive(3)
    await caller.event("mark", name="1.0.item.40")

    async def has_echo() -> bool:
        return any(name.kind == BackKind.ECHO for name, _ in await bridge.back())

    await wait_until(has_echo, "the echo is in `back`")
    told = await bridge.back()
    echoes = [(name.leg, name.epoch, value) for name, value in told if name.kind == BackKind.ECHO]
    assert echoes == [(1, 1, b"1.0.item.40")]
    forwarded = [(name.n, value) for name, value in told if name.kind == BackKind.FORWARDED]
    assert forwarded[-1] == (2, b"0")


async def test_dtmf_reaches_the_brain(bridge: Ingress) -> None:
    """A pressed key is a control message."""
    caller = await bridge.live()
    await caller.event("dtmf", track="inbound_track", digit="#")
    control = bridge.process.keys.control(call_sid())

    async def found() -> list[tuple[bytes, dict[bytes, bytes]]]:
        return [entry for entry in await bridge.store.xrange(control) if entry[1][b"kind"] == b"dtmf"]

    async def has_come() -> bool:
        return bool(await found())

    await wait_until(has_come, "the digit is in `control`")
    ((_, fields),) = await found()
    assert (fields[b"digit"], fields[b"leg"]) == (b"#", b"1")


async def test_brain_closes_the_socket(bridge: Ingress) -> None:
    """1000, so that Twilio asks /voice/resume; the card's plan decides what is waited for."""
    caller = await bridge.live()
    await bridge.store.hset(bridge.process.keys.card(call_sid()), "next", "hangup")  # type: ignore[misc]
    await bridge.out(other("close", 0, b"farewell heard", epoch=1), worker="brain-0@far#aaaaaa")
    assert await caller.closed() == (1000, "brain: farewell heard")
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "hangup"


async def test_long_reason_in_hebrew(bridge: Ingress) -> None:
    """A close frame holds 125 bytes: the reason is cut at a whole letter."""
    caller = await bridge.live()
    await bridge.out(other("close", 0, ("שלום " * 60).encode()), worker="brain-0@far#aaaaaa")
    code, reason = await caller.closed()
    assert code == 1000
    assert reason.startswith("brain: שלום")
    assert len(reason.encode()) <= 120


async def test_stop_with_a_move_pending_waits(bridge: Ingress) -> None:
    """A redirect of ours also stops the stream: the call waits for its new leg, which keeps it."""
    bridge.role.board.new_leg_within_s = 0.3
    caller = await bridge.live()
    await bridge.store.hset(bridge.process.keys.card(call_sid()), "next", "resume")  # type: ignore[misc]
    await caller.event("stop", callSid=caller.call_sid)
    await wait_until(lambda: bridge.is_in_state("detached"), "the stream is gone")
    form = voice_form()
    resumed = await bridge.post("/voice/resume", form)
    await bridge.live(stream=7, token=parameters(resumed.text)["token"])
    await asyncio.sleep(0.5)  # Longer than the wait for a new leg: its end must do nothing.
    card = await bridge.card()
    assert (card["state"], card["leg"], card["next"]) == ("attached", "2", "")


async def test_lost_socket_waits_then_ends(bridge: Ingress) -> None:
    """An abrupt loss is detached at once, and ends when no new stream comes."""
    bridge.role.board.new_leg_within_s = 0.2
    caller = await bridge.live()
    caller.socket.transport.abort()
    await wait_until(lambda: bridge.is_in_state("detached"), "the stream is gone")
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.card())["outcome"] == "no_new_stream"
    assert bridge.role.board.live_calls() == 0


async def test_ended_call_loses_its_socket_and_empty_redis_gets_its_card_back(
    bridge: Ingress, valkey_url: str
) -> None:
    """The figures' answer says that a call has ended elsewhere, or that Redis forgot it."""
    ended, kept = await bridge.live(1), await bridge.live(2)
    await bridge.out(frame(2, 1, epoch=3), frame(2, 2, epoch=3, cut=2))
    await kept.receive(2)
    await ownership.end(bridge.process.store, bridge.process.keys, call_sid(1), outcome="operator", by="test")
    assert await ended.closed() == (1000, "call ended or moved")
    await bridge.store.flushall()
    await wait_until(lambda: bridge.is_in_state("attached", 2), "the card is there again")
    card = await bridge.card(2)
    assert (card["leg"], card["cut"], card["frame_n"]) == ("1", "2", "2")
    assert int(card["egress_epoch"]) > 3
    assert await bridge.store.xlen(bridge.process.keys.calls(0)) == 1
    await kept.media()
    await wait_until(lambda: bridge.role.board.counters.caller_frames == 1, "audio flows")
    assert keys_without_ttl(valkey_url) == []


async def test_start_without_redis_is_attached_later(valkey_url: str) -> None:
    """While Redis is away the caller's frames are kept; nothing is lost of the first three seconds."""
    async with ingress(valkey_url) as bridge:
        given = await bridge.token()
        await bridge.store.client_pause(600)
        caller = await bridge.dial(token=given)
        for _ in range(20):
            await caller.media()
        await wait_until(lambda: bridge.role.board.counters.attached == 1, "the call is attached")

        async def has_all() -> bool:
            return len(await bridge.caller_entries()) == 20

        await wait_until(has_all, "the held frames stand in Redis")


async def test_chunks_that_repeat_or_jump(bridge: Ingress) -> None:
    """A repeated chunk is dropped, a gap is counted and seen in `n`."""
    caller = await bridge.live()
    for chunk in (1, 2, 2, 1, 5, 6):
        caller.chunk = chunk - 1
        await caller.media()
    await wait_until(lambda: bridge.role.board.counters.caller_frames == 4, "four frames count")

    async def has_four() -> bool:
        return [item.chunk for item in await bridge.caller_entries()] == [1, 2, 5, 6]

    await wait_until(has_four, "the chunks stand in Redis")
    counters = bridge.role.board.counters
    assert (counters.caller_repeats, counters.caller_gap_chunks) == (2, 2)


async def test_out_is_trimmed(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older than the time kept goes, once a second."""
    monkeypatch.setattr(switchboard, "OUT_KEPT_MS", 0)
    out = bridge.process.keys.out(bridge.process.name)
    await bridge.live()
    for n in range(300):
        await bridge.out(frame(0, n + 1))

    async def is_short() -> bool:
        return int(await bridge.store.xlen(out)) <= 200

    await wait_until(is_short, "the old entries are gone")


async def test_figures_stand_on_the_card(bridge: Ingress) -> None:
    """Every three seconds: frames, unsent bytes, and the window that egress judges."""
    caller = await bridge.live()
    await caller.media()

    async def has_figures() -> bool:
        return (await bridge.card()).get("n_caller_frames") == "1"

    await wait_until(has_figures, "the figures are written")
    card = await bridge.card()
    assert {"n_forwarded", "unsent_bytes"} <= set(card)
    window = json.loads(card["w_ingress"])
    assert window["worker"] == bridge.process.name
    assert {"at", "lag", "redis", "unsent", "write_p99", "overflowed"} <= set(window)


async def test_hops_are_measured_by_the_clock_of_one_host(bridge: Ingress) -> None:
    """A clear carries the stamp of its flush; a stamp of another host's clock is not taken for ours."""
    host = bridge.process.worker.host
    caller = await bridge.live()
    for number, worker in enumerate((f"egress-0@{host}#aaaaaa", "egress-0@elsewhere#aaaaaa"), 1):
        pairs = [other("clear", 0, b"%.1f" % (now_ms() - 5), cut=number), frame(0, number, cut=number)]
        fields = pairs_fields(worker.encode(), now_ms(), pairs)
        key = bridge.process.keys.out(bridge.process.name)
        await bridge.store.execute_command("XADD", key, "*", *fields)
        await caller.receive(2)

    hops = bridge.role.board.hops
    assert (hops.flush_to_clear_ms.count, hops.egress_to_socket_ms.count) == (1, 2)
    assert 5 <= hops.flush_to_clear_ms.sum < 10_000
    assert 0 < hops.egress_to_socket_ms.sum < 10_000
    assert hops.socket_write_ms.count >= 2
