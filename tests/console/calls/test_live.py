"""Reading calls and workers, and acting on them, on a real server."""

from __future__ import annotations

import pytest

from console.calls import live
from console.calls.live import NoSuchCall
from shared.clock import wall_ms
from shared.contract import keys as key_names
from shared.store.client import Store
from tests.support.redis_samples import BRAIN, KEYS, ONE, TWO, make_call, make_worker


async def test_calls_come_oldest_first_with_their_figures(store: Store) -> None:
    """Card, lengths of streams, the last window."""
    await make_call(store, TWO, 2_000)
    await make_call(store, ONE, 1_000, verdict="model_slow", pipeline='{"tx_fps":50.1,"why":"x"}', leg="3")
    await store.xadd(KEYS.caller(ONE), {"a": "x"})

    first, second = await live.read_calls(store, KEYS)

    assert (first.call_sid, first.verdict, first.pipeline["tx_fps"]) == (ONE, "model_slow", 50.1)
    assert (first.leg, first.caller_q, first.reply_q, first.brain, first.egress) == (3, 1, 0, BRAIN, "")
    assert first.age_ms(4_500) == 3_500
    assert (second.call_sid, second.agent, second.pipeline) == (TWO, "default", {})


async def test_a_call_is_found_by_a_part_that_only_it_has(store: Store) -> None:
    """Beginning or end; otherwise the message says which calls there are."""
    await make_call(store, ONE, 1_000)
    await make_call(store, TWO, 2_000)

    assert (await live.find_call(store, KEYS, "222")).call_sid == TWO
    assert (await live.find_call(store, KEYS, "CA1")).call_sid == ONE
    with pytest.raises(NoSuchCall, match=f"2 calls fit 'CA'.*{ONE}.*Give more"):
        await live.find_call(store, KEYS, "CA")
    with pytest.raises(NoSuchCall, match=f"got 'zz'. Live are: {ONE}"):
        await live.find_call(store, KEYS, "zz")


async def test_a_call_that_has_just_ended_is_still_shown_by_its_whole_sid(store: Store) -> None:
    """Its card stays for an hour."""
    await make_call(store, ONE, 1_000, state="ended")
    await store.zrem(KEYS.live(0), ONE)

    assert (await live.find_call(store, KEYS, ONE)).state == "ended"
    with pytest.raises(NoSuchCall, match="There is no live call"):
        await live.find_call(store, KEYS, "1111")


async def test_a_window_that_is_no_json_hides_no_call(store: Store) -> None:
    """A hand may have been at the card."""
    await make_call(store, ONE, 1_000, pipeline="{", leg="many")

    (call,) = await live.read_calls(store, KEYS)

    assert (call.pipeline, call.leg) == ({}, 0)


async def test_workers_are_alive_by_their_beat(store: Store) -> None:
    """By Redis's clock, so that ours may be wrong."""
    await make_worker(store, "brain-0@h#1", draining=1)
    await make_worker(store, "brain-1@h#1", at_ms=wall_ms() - 60_000)
    await store.sadd(key_names.WORKERS, "brain-2@h#gone")

    first, second = await live.read_workers(store)

    assert (first.name, first.alive, first.draining, first.capacity) == ("brain-0@h#1", True, True, 10)
    assert (second.alive, second.beat_age_ms >= 60_000) == (False, True)


async def test_commands_are_what_a_hand_would_type(store: Store) -> None:
    """A control message from the operator, and a ring so that nobody waits for the sweep."""
    await make_call(store, ONE, 1_000)
    await make_worker(store, BRAIN)

    assert await live.say(store, KEYS, ONE, "שלום", force=True)
    assert await live.hang_up(store, KEYS, ONE)

    said, hung_up = [fields for _, fields in await store.xrange(KEYS.control(ONE))][1:]
    assert said == {b"kind": b"say", b"text": "שלום".encode(), b"force": b"1", b"from": b"operator"}
    assert hung_up == {b"kind": b"hangup", b"reason": b"operator", b"from": b"operator"}
    rings = [fields for _, fields in await store.xrange(KEYS.wake(0, BRAIN))][1:]
    assert [ring[b"call"] for ring in rings] == [ONE.encode()] * 2


async def test_no_command_makes_keys_of_a_call_that_is_gone(store: Store) -> None:
    """A mistyped SID leaves nothing behind."""
    assert not await live.say(store, KEYS, ONE, "x")
    assert not await live.hang_up(store, KEYS, ONE)
    assert not await live.drain(store, KEYS, BRAIN)
    assert await store.redis.keys("*") == []


async def test_a_drain_rings_the_workers_doorbell(store: Store) -> None:
    """`why=drain`, no call."""
    await make_worker(store, BRAIN)

    assert await live.drain(store, KEYS, BRAIN)

    _, ring = (await store.xrange(KEYS.wake(0, BRAIN)))[-1]
    assert (ring[b"why"], ring[b"call"]) == (b"drain", b"")


async def test_the_number_of_lanes_stands_in_redis(store: Store) -> None:
    """One until somebody wrote another."""
    assert (await live.make_keys(store)).lanes == 1
    await store.hset(key_names.CONFIG, "lanes", "8")
    assert (await live.make_keys(store)).lanes == 8
