"""Reading calls and workers, and acting on them, on a real server."""

from __future__ import annotations

import dataclasses

import pytest

from console.calls import live
from console.calls.beats import BeatWatch
from console.calls.live import LiveCall, NoSuchCall, UnreadableCall, UnreadableWorker, WorkerRow
from console.calls.trouble import Severity
from shared.clock import wall_ms
from shared.contract import keys as key_names
from shared.contract import window
from shared.contract.card import CallState
from shared.contract.keys import Keys
from shared.contract.streams.control import HangUp, Say, read_message
from shared.contract.streams.journal import Kind
from shared.store.client import Store
from tests.support.redis_samples import (
    BRAIN,
    EGRESS,
    FIGURES,
    INGRESS,
    KEYS,
    ONE,
    TWO,
    make_call,
    make_living_call,
    make_worker,
)


async def read_one(store: Store) -> LiveCall:
    """The only call."""
    (call,) = await live.read_calls(store, KEYS)
    assert isinstance(call, LiveCall)
    return call


async def test_calls_come_oldest_first_with_their_figures(store: Store) -> None:
    """Card, lengths of streams, the last window."""
    await make_living_call(store, TWO, age_ms=9_000)
    await make_living_call(store, ONE, leg="3")
    await store.xadd(KEYS.caller(ONE), {"a": "x"})

    first, second = await live.read_calls(store, KEYS)

    assert isinstance(first, LiveCall)
    assert isinstance(second, LiveCall)
    assert (first.call_sid, first.verdict, first.standing.trouble) == (ONE, "ok", None)
    assert first.pipeline is not None
    assert first.pipeline.reply_q_ms == FIGURES.reply_q_ms
    assert (first.card.leg, first.caller_q, first.reply_q) == (3, 1, 0)
    assert first.owners == {"ingress": INGRESS, "brain": BRAIN, "egress": EGRESS}
    assert first.age_ms(first.card.started_at_ms + 3_500) == 3_500
    assert (second.call_sid, second.agent) == (TWO, "default")


async def test_a_call_whose_egress_died_comes_first(store: Store) -> None:
    """Whatever egress said last: it said `ok` 27 s ago, and the caller has heard nothing since."""
    old = window.dump(dataclasses.replace(FIGURES, at_ms=wall_ms() - 27_000))
    await make_living_call(store, ONE)
    await make_living_call(store, TWO, age_ms=40_000, egress="egress-1@h#1", pipeline=old)
    await make_worker(store, "egress-1@h#1", at_ms=wall_ms() - 27_000)

    first, second = (await live.look_closely(store, KEYS)).calls

    assert isinstance(first, LiveCall)
    assert isinstance(second, LiveCall)
    assert (first.call_sid, second.call_sid) == (TWO, ONE)
    assert first.standing.trouble is not None
    assert first.standing.trouble.words == "egress-1 is gone: caller hears nothing"
    assert (first.verdict, second.verdict) == ("no egress", "ok")


async def test_a_host_whose_clock_is_wrong_is_not_called_dead(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beat goes on between two looks, and its windows are as old as its own clock says."""
    late_ms = wall_ms() - 60_000
    await make_living_call(
        store, ONE, pipeline=window.dump(dataclasses.replace(FIGURES, at_ms=late_ms)), egress="egress-1@h#1"
    )
    await make_worker(store, "egress-1@h#1", at_ms=late_ms)

    look = live.look

    async def look_and_beat(store: Store, keys: Keys, watch: BeatWatch) -> live.Look:
        found = await look(store, keys, watch)
        await make_worker(store, "egress-1@h#1", at_ms=late_ms + 500, beat=2)
        return found

    monkeypatch.setattr(live, "look", look_and_beat)
    monkeypatch.setattr(live, "LOOK_AGAIN_S", 0.0)

    looked = await live.look_closely(store, KEYS)

    (call,) = looked.calls
    assert isinstance(call, LiveCall)
    assert (call.verdict, call.standing.trouble) == ("ok", None)


async def test_a_ghost_of_an_old_snapshot_is_seen(store: Store) -> None:
    """Its owners live, and none of them has said anything of it for a quarter of an hour."""
    old = wall_ms() - 900_000
    await make_living_call(store, TWO)
    await make_call(store, ONE, old, egress=EGRESS, verdict="ok",
                    pipeline=window.dump(dataclasses.replace(FIGURES, at_ms=old)))  # fmt: skip

    first, second = await live.read_calls(store, KEYS)

    assert isinstance(first, LiveCall)
    assert (first.call_sid, first.is_ghost, second.is_ghost) == (ONE, True, False)
    assert first.standing.trouble is not None
    assert first.standing.trouble.severity is Severity.GHOST


async def test_while_redis_is_away_nobody_grows_silent(store: Store) -> None:
    """A look that was missed counts for nothing: the workers could not write either."""
    watch = BeatWatch()
    await make_living_call(store, ONE)
    await live.look(store, KEYS, watch)
    watch.missed()
    looked = await live.look(store, KEYS, watch)
    assert all(isinstance(row, WorkerRow) and row.is_alive for row in looked.workers)


async def test_a_call_that_is_over_gets_no_older(store: Store) -> None:
    """Its age is what it lasted."""
    await make_call(store, ONE, 1_000, state="ended", ended_at_ms="3000")
    assert (await read_one(store)).age_ms(900_000) == 2_000


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

    call = await live.find_call(store, KEYS, ONE)
    assert isinstance(call, LiveCall)
    assert call.card.state is CallState.ENDED
    with pytest.raises(NoSuchCall, match="There is no live call"):
        await live.find_call(store, KEYS, "1111")


async def test_a_window_that_cannot_be_read_hides_no_call(store: Store) -> None:
    """A hand may have been at the card: no figure is 0 for that, and the problem is told in words."""
    await make_call(store, ONE, 1_000, pipeline="{")

    call = await read_one(store)

    assert call.pipeline is None
    assert "PipelineFigures" in call.said.problems["egress"]


async def test_a_card_that_cannot_be_read_is_still_a_call(store: Store) -> None:
    """It stands at the end, with what is wrong, and can be found and hung up; the others are as they were."""
    await make_call(store, ONE, 1_000, leg="many")
    await make_call(store, TWO, 2_000)

    good, bad = await live.read_calls(store, KEYS)

    assert isinstance(bad, UnreadableCall)
    assert (good.call_sid, bad.call_sid, bad.fields["leg"]) == (TWO, ONE, "many")
    assert bad.problem == "expected a whole number in leg of PeopleView, got 'many'"
    assert (await live.find_call(store, KEYS, "CA1")).call_sid == ONE
    assert await live.ask_to_hang_up(store, KEYS, ONE)


async def test_a_live_call_without_a_card_is_a_ghost(store: Store) -> None:
    """Nothing of it is left but its place in the list, and perhaps a slot: it can be found and ended."""
    await make_call(store, ONE, 1_000)
    await store.delete(KEYS.card(ONE))

    (call,) = await live.read_calls(store, KEYS)

    assert isinstance(call, UnreadableCall)
    assert call.is_ghost
    assert call.problem == live.NO_CARD
    assert (await live.find_call(store, KEYS, ONE)).call_sid == ONE


async def test_workers_are_alive_by_their_beat(store: Store) -> None:
    """By Redis's clock, so that ours may be wrong. One whose hash is gone is none."""
    await make_worker(store, "brain-0@h#1", draining=True)
    await make_worker(store, "brain-1@h#1", at_ms=wall_ms() - 60_000)
    await store.sadd(key_names.WORKERS, "brain-2@h#gone")

    first, second = await live.read_workers(store)

    assert isinstance(first, WorkerRow)
    assert isinstance(second, WorkerRow)
    assert (first.name, first.is_alive) == ("brain-0@h#1", True)
    assert (first.beat.draining, first.beat.capacity) == (True, 10)
    assert (second.is_alive, second.beat_age_ms >= 60_000) == (False, True)


async def test_a_beat_that_cannot_be_read_is_still_a_worker(store: Store) -> None:
    """With what is wrong in words."""
    await make_worker(store, "brain-0@h#1")
    await store.redis.hdel(KEYS.worker("brain-0@h#1"), "capacity")

    problem = "expected a whole number in capacity of Beat, got nothing"
    assert await live.read_workers(store) == [UnreadableWorker(name="brain-0@h#1", problem=problem)]


async def test_the_newest_lines_of_a_journal_in_their_order(store: Store) -> None:
    """As many as were asked for."""
    await make_call(store, ONE, 1_000)
    for kind in (Kind.GREETING, Kind.FLUSH, Kind.SILENT):
        await store.xadd(KEYS.journal(ONE), {"kind": kind, "from": BRAIN})

    found = await live.read_newest_journal(store, KEYS, ONE, 2)

    assert [entry.kind for entry in found] == [Kind.FLUSH, Kind.SILENT]
    assert await live.read_newest_journal(store, KEYS, ONE, 0) == []


async def test_commands_are_what_a_hand_would_type(store: Store) -> None:
    """A control message from the operator, and a ring so that nobody waits for the sweep."""
    await make_call(store, ONE, 1_000)
    await make_worker(store, BRAIN)

    assert await live.say(store, KEYS, ONE, "שלום", force=True)
    assert await live.ask_to_hang_up(store, KEYS, ONE)

    letters = [read_message(entry_id, fields) for entry_id, fields in await store.xrange(KEYS.control(ONE))]
    assert [letter.sender for letter in letters] == ["operator", "operator"]
    assert letters[0].message == Say(text="שלום", force=True)
    assert letters[1].message == HangUp(reason="operator", farewell="")
    rings = [fields for _, fields in await store.xrange(KEYS.wake(0, BRAIN))][1:]
    assert [ring[b"call"] for ring in rings] == [ONE.encode()] * 2


async def test_a_call_that_has_ended_is_told_of(store: Store) -> None:
    """What is said to it reaches nobody."""
    await make_call(store, ONE, 1_000, state="ended")
    assert not await live.say(store, KEYS, ONE, "x")


async def test_no_command_makes_keys_of_a_call_that_is_gone(store: Store) -> None:
    """A mistyped SID leaves nothing behind."""
    assert not await live.say(store, KEYS, ONE, "x")
    assert not await live.ask_to_hang_up(store, KEYS, ONE)
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


async def test_a_call_that_is_over_is_made_of_its_card_alone(store: Store) -> None:
    """As an archive has it: no worker is asked, and nobody is missed."""
    await make_call(store, ONE, 1_000, state="ended", ended_at_ms="31000", outcome="completed", agent="sales")
    card = await store.hgetall_text(KEYS.card(ONE))
    found = live.call_of(ONE, card)
    assert isinstance(found, LiveCall)
    assert (found.age_ms(wall_ms()), found.agent, found.standing.trouble) == (30_000, "sales", None)
    assert isinstance(live.call_of(ONE, {**card, "leg": "many"}), UnreadableCall)
