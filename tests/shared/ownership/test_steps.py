"""The rare steps on real servers: the scripts' answers are what keeps two workers from serving one call."""

from __future__ import annotations

import asyncio

import pytest

from shared.clock import wall_ms
from shared.contract import steps as contract_steps
from shared.contract.keys import Keys
from shared.contract.scripts import Answer
from shared.contract.steps import NUMBER_TTL_MS, Attached, Claim, Held, NewStream, Restored
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.ownership import steps
from shared.store.client import Store
from tests.conftest import without_ttl

CALL = "CA" + "0" * 31 + "1"
STREAM = "MZ" + "0" * 31 + "1"
KEYS = Keys(1)


def stream(number: int = 1, nonce: str = "nonce") -> NewStream:
    return NewStream(
        call_sid=CALL,
        stream_sid=f"MZ{number:032x}",
        ingress="ingress-0@h#1",
        nonce=nonce,
        caller_number="…11",
        called_number="…22",
        agent="default",
        caller_line="+15550001111",
    )


async def attached(store: Store, number: int = 1, nonce: str = "nonce") -> Attached:
    return await steps.attach(store, KEYS, stream(number, nonce), max_resumes=3)


async def claimed(store: Store, role: str = "brain", worker: str = "brain-0@h#1") -> Claim:
    return await steps.claim(store, KEYS, CALL, role=role, worker=worker)


async def test_a_first_attach_creates_the_call(any_store: Store) -> None:
    """ATTACH writes the card, dispatches the call and gives each key a TTL."""
    answer = await attached(any_store)
    assert answer == Attached(1, True)
    card = await steps.read_card(any_store, KEYS, CALL)
    assert card["state"] == "attached"
    assert card["leg"] == "1"
    assert await any_store.xlen(KEYS.calls(0)) == 1
    assert await any_store.zscore(KEYS.live(0), CALL) is not None
    assert await any_store.xlen(KEYS.caller(CALL)) == 0
    assert await without_ttl(any_store) == []


async def test_an_attach_whose_answer_was_lost_is_asked_again(any_store: Store) -> None:
    """The same stream attaches twice and stays on its leg."""
    await attached(any_store)
    assert await attached(any_store) == Attached(1, False)
    assert await any_store.xlen(KEYS.calls(0)) == 1


async def test_a_token_opens_one_stream(any_store: Store) -> None:
    """A second stream with a spent nonce is refused; with a fresh one it is the next leg."""
    await attached(any_store, 1, "a")
    assert (await attached(any_store, 2, "a")).refused == "used"
    assert await attached(any_store, 2, "b") == Attached(2, False)
    messages = await any_store.xrange(KEYS.control(CALL))
    assert [fields[b"kind"] for _, fields in messages] == [b"stream"]


async def test_streams_of_a_call_are_bounded(any_store: Store) -> None:
    """After max_resumes new streams the call gets no other."""
    for number in range(1, 5):
        assert (await attached(any_store, number, f"n{number}")).leg == number
    assert (await attached(any_store, 5, "n5")).refused == "too_many"


async def test_only_one_of_two_claims_wins(any_store: Store) -> None:
    """CLAIM is a compare-and-set: the slower one is told who has the call."""
    await attached(any_store)
    first, second = await asyncio.gather(
        claimed(any_store, worker="brain-0@h#1"), claimed(any_store, worker="brain-1@h#1")
    )
    assert sorted([first.answer, second.answer]) == [Answer.FENCED, Answer.OK]


async def test_a_claim_may_be_repeated(any_store: Store) -> None:
    """The owner that asks again gets the same epoch."""
    await attached(any_store)
    assert (await claimed(any_store)).epoch == 1
    assert (await claimed(any_store)).epoch == 1


async def test_dispatch_entry_goes_when_both_roles_have_claimed(any_store: Store) -> None:
    """The entry in `calls` stays for the second role, then goes."""
    await attached(any_store)
    entry_id = (await any_store.xrange(KEYS.calls(0)))[0][0].decode()
    for role in ("brain", "egress"):
        assert await any_store.xlen(KEYS.calls(0)) == 1
        await steps.claim(any_store, KEYS, CALL, role=role, worker=f"{role}-0@h#1", entry_id=entry_id)
    assert await any_store.xlen(KEYS.calls(0)) == 0


async def test_a_claim_of_a_call_that_is_not_there_is_absent(any_store: Store) -> None:
    """No card, no owner."""
    assert (await claimed(any_store)).answer is Answer.ABSENT


async def test_release_then_claim_raises_the_epoch(any_store: Store) -> None:
    """A released call can be claimed by whoever knows its epoch."""
    await attached(any_store)
    await claimed(any_store)
    answer = await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=1)
    assert answer is Answer.OK
    again = await steps.claim(
        any_store, KEYS, CALL, role="brain", worker="brain-1@h#1", expected_owner="", expected_epoch=1
    )
    assert again.epoch == 2


async def test_the_end_is_the_first_comers(any_store: Store) -> None:
    """END is idempotent, frees the slot, deletes audio and rings the owners."""
    await any_store.xadd(KEYS.wake(0, "brain-0@h#1"), {"v": "1"})
    await any_store.pexpire(KEYS.wake(0, "brain-0@h#1"), 10_000)
    await attached(any_store)
    await claimed(any_store)
    assert await steps.end(any_store, KEYS, CALL, outcome="hangup", by="me") == (Answer.OK, True)
    assert await steps.end(any_store, KEYS, CALL, outcome="error", by="you") == (Answer.OK, False)
    card = await steps.read_card(any_store, KEYS, CALL)
    assert (card["state"], card["outcome"]) == ("ended", "hangup")
    assert await any_store.zcard(KEYS.slots(0)) == 0
    assert not await any_store.exists(KEYS.caller(CALL))
    rings = await any_store.xrange(KEYS.wake(0, "brain-0@h#1"))
    assert Ring(CALL, Why.ENDED) in [
        read_ring([word for pair in fields.items() for word in pair])
        for _, fields in rings
        if b"call" in fields
    ]
    assert await without_ttl(any_store) == []


async def test_the_callers_number_is_a_brains_and_stands_in_its_own_key(any_store: Store) -> None:
    """Tools and webhooks look the caller up; card, journal and egress know the end of it only."""
    await attached(any_store)
    assert (await claimed(any_store)).caller_number == "+15550001111"
    assert (await claimed(any_store, "egress", "egress-0@h#1")).caller_number == ""
    assert "+15550001111" not in str(await steps.read_card(any_store, KEYS, CALL))
    assert "+15550001111" not in str(await any_store.xrange(KEYS.journal(CALL)))
    assert await steps.read_number(any_store, KEYS, CALL) == "+15550001111"
    assert await without_ttl(any_store) == []


@pytest.mark.parametrize("tell", [False, True])
async def test_the_callers_number_goes_with_the_call(any_store: Store, tell: bool) -> None:
    """At once where nobody is told of the end; else it stays for as long as couriers try, and no longer."""
    await attached(any_store)
    await steps.end(any_store, KEYS, CALL, outcome="hangup", by="me", tell=tell)
    left_ms = await any_store.pttl(KEYS.number(CALL))
    assert (NUMBER_TTL_MS - 60_000 < left_ms <= NUMBER_TTL_MS) if tell else left_ms == -2


async def test_the_callers_number_is_restored(any_store: Store) -> None:
    """Redis came back empty: the holder of the socket knows it."""
    restored = Restored(
        stream=stream(), leg=1, brain=Held("", 1), egress=Held("", 1), cut=0, last_frame=0,
        started_at_ms=wall_ms(), resumes=0, attempts=0,
    )  # fmt: skip
    await steps.run(any_store, contract_steps.restore(KEYS, restored, wall_ms=wall_ms()))
    assert await steps.read_number(any_store, KEYS, CALL) == "+15550001111"
    assert await without_ttl(any_store) == []


async def test_an_end_may_say_why(any_store: Store) -> None:
    """Where no plan on the card does; the first comer's word stands."""
    await attached(any_store)
    await steps.end(any_store, KEYS, CALL, outcome="apology", by="me", cause="no_redis")
    await steps.end(any_store, KEYS, CALL, outcome="apology", by="me", cause="later")
    assert (await steps.read_card(any_store, KEYS, CALL))["cause"] == "no_redis"


async def test_the_end_of_a_detached_leg_spares_a_new_one(any_store: Store) -> None:
    """A waiting END does nothing when the call has streamed again meanwhile."""
    await attached(any_store, 1, "a")
    await steps.detach(any_store, KEYS, CALL, leg=1, ingress="i", cause="lost")
    await attached(any_store, 2, "b")
    answer, _ = await steps.end(any_store, KEYS, CALL, outcome="lost", by="i", if_detached_leg=1)
    assert answer is Answer.FENCED


async def test_a_detach_of_an_older_leg_changes_nothing(any_store: Store) -> None:
    """The old socket's end must not detach the new one."""
    await attached(any_store, 1, "a")
    await attached(any_store, 2, "b")
    answer, _ = await steps.detach(any_store, KEYS, CALL, leg=1, ingress="i", cause="lost")
    assert answer is Answer.FENCED
    assert (await steps.read_card(any_store, KEYS, CALL))["state"] == "attached"


@pytest.mark.parametrize("times", [1, 100])
async def test_a_reservation_is_one_per_call(any_store: Store, times: int) -> None:
    """However often the webhook comes, the call has one slot and one token."""
    answers = await asyncio.gather(
        *(
            steps.reserve(
                any_store,
                KEYS,
                CALL,
                limit=1,
                lease_ms=10_000,
                nonce=f"n{i}",
                expires_at_ms=wall_ms() + 60_000,
            )
            for i in range(times)
        )
    )
    assert len({answer.nonce for answer in answers}) == 1
    assert await any_store.zcard(KEYS.slots(0)) == 1


async def test_a_full_lane_refuses(any_store: Store) -> None:
    """The slots are a bound, and a lease that ran out frees one."""
    later = wall_ms() + 60_000
    other = "CA" + "0" * 31 + "2"
    await steps.reserve(any_store, KEYS, CALL, limit=1, lease_ms=10_000, nonce="a", expires_at_ms=later)
    full = await steps.reserve(any_store, KEYS, other, limit=1, lease_ms=9, nonce="b", expires_at_ms=later)
    assert full.refused == "full"
    await any_store.zadd(KEYS.slots(0), {CALL: 1})
    again = await steps.reserve(any_store, KEYS, other, limit=1, lease_ms=9, nonce="b", expires_at_ms=later)
    assert again.refused == ""
