"""Calls through a running ingress: the fence in place, the reports, what reaches whom."""

from __future__ import annotations

import pytest

from ingress.calls import owed
from ingress.calls import switchboard as module
from ingress.calls.ending import RESUMED_WITHIN_S
from shared.clock import now_ms
from shared.contract.card import Next
from shared.contract.command import Command
from shared.contract.steps import Deadline, Leg, NewStream
from shared.contract.streams.control import Dtmf, Outranked, read_message
from shared.contract.streams.doorbell import Why
from shared.contract.streams.pairs import BackKind, pairs_fields, read_playing
from shared.ownership import steps
from tests.ingress.harness import (
    Caller,
    Ingress,
    call_sid,
    frame,
    ingress,
    other,
    stream_sid,
    tags,
    voice_form,
)
from tests.shared.store.writing.test_outbox_refused import refused, refusing
from tests.support.waiting import wait_until


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
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "the frame has come")
    faults = bridge.role.counters.faults
    assert sum(faults.values()) == 50
    assert faults["not_json"] == 20
    assert faults["unknown_event"] == faults["wrong_stream"] == faults["out_of_place"] == 5
    await caller.send("hello")
    assert await caller.closed() == (1008, "too many bad messages")


async def test_fence_in_place(bridge: Ingress) -> None:
    """What an old egress, an old cut or a repeated write sends is not heard."""
    caller = await bridge.live()
    await bridge.out(frame(0, 1, epoch=2), frame(0, 2, epoch=1), frame(0, 1, epoch=2))
    await bridge.out(other("clear", 0, epoch=2, cut=1), frame(0, 2, epoch=2, cut=0))
    await bridge.out(frame(0, 2, epoch=2, cut=1, audio=b"end"), frame(1, 1))
    events = [message["event"] for message in await caller.receive(3)]
    assert events == ["media", "clear", "media"]
    counters = bridge.role.switchboard.counters
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
    assert bridge.role.switchboard.counters.out_bad == 3


async def test_attach_of_a_new_egress_is_answered(bridge: Ingress) -> None:
    """A new egress is told the last frame that the socket was given, 0 when none; and how long what was given
    will still play."""
    await bridge.make_back()
    await bridge.live()
    await bridge.out(other("attach", 0, epoch=1))
    await bridge.out(frame(0, 1), frame(0, 2), frame(0, 3))
    await bridge.out(other("attach", 0, epoch=2))

    async def answers() -> list[tuple[int, int | None]]:
        told = await bridge.back()
        return [(name.n, read_playing(value)) for name, value in told if name.kind == BackKind.ATTACHED]

    async def has_two() -> bool:
        return len(await answers()) == 2

    await wait_until(has_two, "both attaches are answered")
    first, (n, playing_ms) = await answers()
    assert first == (0, 0)
    assert n == 3
    assert playing_ms is not None
    assert 0 <= playing_ms <= 60


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

    async def said() -> list[object]:
        return [read_message(*entry).message for entry in await bridge.store.xrange(control)]

    async def has_come() -> bool:
        return Dtmf(digit="#", leg=1) in await said()

    await wait_until(has_come, "the digit is in `control`")


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


async def test_chunks_that_repeat_or_jump(bridge: Ingress) -> None:
    """A repeated chunk is dropped, a gap is counted and seen in `n`."""
    caller = await bridge.live()
    for chunk in (1, 2, 2, 1, 5, 6):
        caller.chunk = chunk - 1
        await caller.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 4, "four frames count")

    async def has_four() -> bool:
        return [item.chunk for item in await bridge.caller_entries()] == [1, 2, 5, 6]

    await wait_until(has_four, "the chunks stand in Redis")
    counters = bridge.role.switchboard.counters
    assert (counters.caller_repeats, counters.caller_gap_chunks) == (2, 2)


async def test_out_holds_what_is_unread(bridge: Ingress) -> None:
    """What was read is gone."""
    out = bridge.process.keys.out(bridge.process.name)
    await bridge.live()
    for n in range(30):
        await bridge.out(frame(0, n + 1))

    async def is_empty() -> bool:
        return int(await bridge.store.xlen(out)) == 0

    await wait_until(is_empty, "all entries are gone")


async def test_hops_are_measured_by_the_clock_of_one_host(bridge: Ingress) -> None:
    """A clear carries the stamp of its flush; a stamp of another host's clock is not taken for ours."""
    host = bridge.process.worker.host
    caller = await bridge.live()
    for number, worker in enumerate((f"egress-0@{host}#aaaaaa", "egress-0@elsewhere#aaaaaa"), 1):
        batch = [other("clear", 0, b"%.1f" % (now_ms() - 5), cut=number), frame(0, number, cut=number)]
        fields = pairs_fields(worker.encode(), now_ms(), batch)
        key = bridge.process.keys.out(bridge.process.name)
        await bridge.store.execute_command("XADD", key, "*", *fields)
        await caller.receive(2)

    hops = bridge.role.switchboard.hops
    assert (hops.flush_to_clear_ms.count, hops.egress_to_socket_ms.count) == (1, 2)
    assert 5 <= hops.flush_to_clear_ms.sum < 10_000
    assert 0 < hops.egress_to_socket_ms.sum < 10_000
    assert hops.socket_write_ms.count >= 2


async def test_a_caller_whose_media_stopped_is_gone(valkey_url: str) -> None:
    """The carrier sends silence too: without any frame the call ends, and its socket with it."""
    async with ingress(valkey_url, media_timeout_s=0.5) as bridge:
        caller = await bridge.live()
        assert await caller.closed() == (1000, "no caller media")
        await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
        assert (await bridge.card())["outcome"] == "caller_media_stopped"
        assert bridge.role.switchboard.counters.watchdog_ends == 1


async def test_too_long_a_silence_is_given_to_the_carriers_voice(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket closes, and the webhook that follows finds the apology on the card."""
    caller = await bridge.live()
    monkeypatch.setattr(owed, "APOLOGISE_MS", 0.0)
    assert await caller.closed() == (1011, "silence_pick_up")
    card = await bridge.card()
    assert (card["next"], card["cause"]) == (Next.APOLOGY, "silence_pick_up")
    answer = await bridge.post("/voice/resume", voice_form())
    assert tags(answer.text) == ["Say", "Hangup"]
    assert bridge.role.switchboard.counters.apologies == 1


async def test_an_operator_rings_a_process_out(bridge: Ingress) -> None:
    """Its doorbell says drain: it refuses new connections; a ring that cannot be read is counted."""
    process = bridge.process
    broken = Command(0, (b"XADD", process.keys.wake(0, process.name).encode(), b"*", b"v", b"1"))
    process.outbox.send(broken)
    process.ring(0, process.name, "", Why.DRAIN)
    await wait_until(lambda: process.draining, "it drains")
    assert process.ownership.contract_errors == 1


async def test_an_apology_while_redis_refuses_is_the_outcome(bridge: Ingress, valkey_url: str) -> None:
    """Though the carrier says completed long before Redis can be told: why it ended stands on the card."""
    caller = await bridge.live()
    with refusing(valkey_url, "NOREPLICAS"):
        await apologised(bridge, caller, "NOREPLICAS")
        began_ms = now_ms()
        await wait_until(lambda: now_ms() - began_ms > RESUMED_WITHIN_S * 1000 + 100, "Redis was not asked")
        assert not await bridge.is_in_state("ended")
    await ended_with_an_apology(bridge)


async def test_an_apology_while_redis_is_full_is_the_outcome(bridge: Ingress, valkey_url: str) -> None:
    """A Redis without memory takes the plan and the end: nothing waits for it."""
    caller = await bridge.live()
    with refusing(valkey_url, "OOM"):
        await apologised(bridge, caller, "OOM")
        await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    await ended_with_an_apology(bridge)


async def apologised(bridge: Ingress, caller: Caller, word: str) -> None:
    """Ingress closes the stream with an apology; the carrier says it, and that the call is completed."""
    await caller.media()
    await refused(bridge.process.outbox, word)
    bridge.role.switchboard._apologise(bridge.role.switchboard.table.calls[call_sid()])
    await caller.closed()
    if word == "OOM":
        await wait_until(lambda: _says(bridge, "next", "apology"), "the plan is written")
    resumed = await bridge.post("/voice/resume?n=1", voice_form())
    assert tags(resumed.text)[0] == "Say"
    await bridge.post("/call-status", voice_form(CallStatus="completed"))


async def ended_with_an_apology(bridge: Ingress) -> None:
    """And nobody says anything else of it later."""
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    await wait_until(lambda: not _ends(bridge), "nobody ends it any more", say=lambda: _ends(bridge))
    card = await bridge.card()
    assert card["outcome"] == "apology"
    # Whoever was first.
    assert card["cause"] in ("redis_refuses", "silence_pick_up", "silence_redis_refuses")


async def _says(bridge: Ingress, name: str, value: str) -> bool:
    return (await bridge.card()).get(name) == value


def _ends(bridge: Ingress) -> list[str]:
    return [name for task in bridge.process.tasks if (name := task.get_name()).startswith("end-")]


async def test_a_writer_below_the_highest_epoch_is_told_so(bridge: Ingress) -> None:
    """Once a second each: egress in `back`, the brain by a control message. Should Redis name it as the owner
    all the same, it claims again, above what was seen here."""
    caller = await bridge.live()
    await bridge.make_back()
    await bridge.out(frame(0, 1, epoch=5), worker="egress-1@h#1")
    await bridge.out(other("owes", 0, b"0 - -", epoch=9), worker="brain-1@h#1")
    await caller.receive()
    await bridge.out(frame(0, 2, epoch=4), frame(0, 3, epoch=4))
    await bridge.out(other("owes", 0, b"0 - -", epoch=8), other("close", 0, epoch=8), worker="brain-0@h#1")
    counters = bridge.role.switchboard.counters
    await wait_until(lambda: counters.out_drops["old_epoch"] == 4, "all of it is dropped")
    await wait_until(lambda: bridge.process.outbox.flushed(1), "they are told")

    assert [name.epoch for name, _ in await bridge.back() if name.kind == BackKind.OUTRANKED] == [5]
    found = await bridge.store.xrange(bridge.process.keys.control(call_sid()))
    assert [read_message(*entry).message for entry in found] == [Outranked(worker="brain-0@h#1", highest=9)]
    assert counters.outranked == 2


async def due_call(bridge: Ingress, number: int = 0) -> None:
    """A call whose ingress was stopped while a transfer was under way, and whose time is over."""
    process, sid = bridge.process, call_sid(number)
    told = NewStream(
        call_sid=sid, stream_sid=stream_sid(1), ingress="ingress-9@h#9", nonce="n", caller_number="",
        called_number="", agent="",
    )  # fmt: skip
    await steps.attach(process.store, process.keys, told, max_resumes=3)
    leg, transferred = Leg(sid, 1, stream_sid(1)), Deadline(0, "transferred")
    await steps.detach(
        process.store, process.keys, leg, ingress="ingress-9@h#9", cause="stop", deadlines={"": transferred}
    )


async def test_the_deadline_of_an_ingress_that_is_gone_is_kept(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer was under way when it was stopped: any ingress ends the call, and its slot is free."""
    monkeypatch.setattr(module, "OTHERS_FIRST_MS", 0.0)
    bridge.process.emptied += 1
    await due_call(bridge)

    await wait_until(lambda: bridge.is_in_state("ended"), "another one ends it")

    assert (await bridge.card())["outcome"] == "transferred"
    assert await bridge.store.zcard(bridge.process.keys.slots(0)) == 0


async def test_after_redis_was_away_no_deadline_ends_a_call_at_once(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of before a stream that Redis has lost: whoever holds its socket says so first."""
    monkeypatch.setattr(module, "OTHERS_FIRST_MS", 700.0)
    bridge.process.emptied += 1
    began_ms = now_ms()
    await due_call(bridge)

    await wait_until(lambda: bridge.is_in_state("ended"), "it is ended then")

    assert now_ms() - began_ms >= 700


async def test_a_lane_that_is_away_keeps_no_other_from_its_deadlines(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Cluster another master has it: calls of the others end, and give their places back."""
    monkeypatch.setattr(module, "OTHERS_FIRST_MS", 300.0)
    async with ingress(valkey_url, lanes=2) as bridge:
        keys, outbox = bridge.process.keys, type(bridge.process.outbox)
        away, well = (
            next(number for number in range(50) if keys.lane(call_sid(number)) == lane) for lane in (0, 1)
        )
        since_ms = now_ms()
        monkeypatch.setattr(outbox, "away_since_ms", property(lambda _: since_ms))
        monkeypatch.setattr(outbox, "lane_away_since_ms", lambda _, lane: None if lane else since_ms)
        await due_call(bridge, away)
        await due_call(bridge, well)

        await wait_until(lambda: bridge.is_in_state("ended", well), "the call of the other lane is ended")

        assert await bridge.is_in_state("detached", away)
        assert not bridge.role.switchboard.redis_knows(now_ms() + 10_000)
