"""The rare steps on real servers: the scripts' answers are what keeps two workers from serving one call."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shared.clock import wall_ms
from shared.contract import steps as contract_steps
from shared.contract.card import StreamEnd, read_stream_end
from shared.contract.claiming import OWN_NUMBERS, Claim
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer, Refusal
from shared.contract.steps import NUMBER_TTL_MS, Attached, Deadline, Due, Held, Leg, NewStream, Restored
from shared.contract.streams.calls import (
    PERSON_TTL_MS,
    NewCall,
    Orphan,
    Orphaned,
    Person,
    Ringing,
    read_call,
    read_orphan,
    read_ringing,
)
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.ownership import steps
from shared.store.client import Store
from tests.conftest import without_ttl


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    """As a raw connection reads them."""
    return [word for pair in fields.items() for word in pair]


CALL = "CA" + "0" * 31 + "1"
STREAM = "MZ" + "0" * 31 + "1"
KEYS = Keys(1)


def stream(number: int = 1, nonce: str = "nonce", expires_s: int = 0) -> NewStream:
    return NewStream(
        call_sid=CALL,
        stream_sid=f"MZ{number:032x}",
        ingress="ingress-0@h#1",
        nonce=nonce,
        caller_number="…11",
        called_number="…22",
        agent="default",
        caller_line="+15550001111",
        token_expires_s=expires_s or 1_000 + number,
    )


async def attached(store: Store, number: int = 1, nonce: str = "nonce") -> Attached:
    return await steps.attach(store, KEYS, stream(number, nonce), max_resumes=3)


def leg(number: int = 1, named: int = 0) -> Leg:
    """A media stream of the call by number; `named`: its name, if that is another one's."""
    return Leg(CALL, number, stream(named or number).stream_sid)


async def detached(
    store: Store, of: Leg, ingress: str = "i", deadlines: dict[str, Deadline] | None = None
) -> Answer:
    deadlines = deadlines or {"": Deadline(60_000, "lost")}
    return (await steps.detach(store, KEYS, of, ingress=ingress, cause="lost", deadlines=deadlines))[0]


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


async def test_who_ends_a_stream_says_how_far_it_came(any_store: Store) -> None:
    """On the card, in the same step; who does not know leaves it as it is, who is too late says nothing."""
    lost = {"": Deadline(60_000, "lost")}

    async def gone(number: int, stream_end: StreamEnd | None) -> Answer:
        told = await steps.detach(
            any_store, KEYS, leg(number), ingress="i", cause="moving", deadlines=lost, stream_end=stream_end
        )
        return told.answer

    await attached(any_store, 1, "n1")
    first = StreamEnd(leg=1, n=475, playing_ms=301, way_ms=60, cut=2)
    assert await gone(1, first) is Answer.OK
    assert (await steps.read_card(any_store, KEYS, CALL))["stream_end"] == "1 475 301 60 2"
    await attached(any_store, 2, "n2")
    assert await gone(1, StreamEnd(1, 900, 0, 0, 2)) is Answer.FENCED
    assert await gone(2, None) is Answer.OK
    card = await steps.read_card(any_store, KEYS, CALL)
    assert read_stream_end(card["stream_end"]) == first
    assert card["deadline_outcome"] == "lost"


async def test_only_one_of_two_claims_wins(any_store: Store) -> None:
    """CLAIM is a compare-and-set: the slower one is told who has the call."""
    await attached(any_store)
    first, second = await asyncio.gather(
        claimed(any_store, worker="brain-0@h#1"), claimed(any_store, worker="brain-1@h#1")
    )
    assert sorted([first.answer, second.answer]) == [Answer.FENCED, Answer.OK]


async def test_a_claim_may_be_repeated(any_store: Store) -> None:
    """The owner that asks again gets the same epoch, and has not tried twice."""
    await attached(any_store)
    first = await claimed(any_store)
    assert await claimed(any_store) == first
    assert first.attempts("brain") == 1


async def test_dispatch_entry_goes_when_both_roles_have_claimed(any_store: Store) -> None:
    """The entry in `calls` stays for the second role, then goes."""
    await attached(any_store)
    entry_id = (await any_store.xrange(KEYS.calls(0)))[0][0].decode()
    for role in ("brain", "egress"):
        assert await any_store.xlen(KEYS.calls(0)) == 1
        await steps.claim(any_store, KEYS, CALL, role=role, worker=f"{role}-0@h#1", new_entry=entry_id)
    assert await any_store.xlen(KEYS.calls(0)) == 0


async def test_a_claim_of_a_call_that_is_not_there_is_absent(any_store: Store) -> None:
    """No card, no owner."""
    assert (await claimed(any_store)).answer is Answer.ABSENT


async def test_release_then_claim_raises_the_epoch(any_store: Store) -> None:
    """A released call can be claimed by anybody."""
    await attached(any_store)
    first = await claimed(any_store)
    answer = await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=first.epoch)
    assert answer is Answer.OK
    again = await claimed(any_store, worker="brain-1@h#1")
    assert again.epoch > first.epoch
    assert again.card["brain_claims"] == "2"


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


@pytest.mark.parametrize(
    ("tape", "stays"), [("on", True), ("paused", True), ("announcing", False), ("", False), (None, False)]
)
async def test_sound_outlives_only_a_call_that_was_recorded(
    any_store: Store, tape: str | None, stays: bool
) -> None:
    """Somebody listened to the announcement, and the caller hung up in it: nobody comes for that."""
    await attached(any_store)
    if tape is not None:
        await any_store.hset(KEYS.card(CALL), "tape", tape)
    await any_store.xadd(KEYS.tape(CALL), {"v": "1"})
    await steps.end(any_store, KEYS, CALL, outcome="hangup", by="me")
    assert bool(await any_store.exists(KEYS.tape(CALL))) is stays
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
        started_at_ms=wall_ms(), resumes=0,
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


async def test_a_detach_of_an_older_leg_changes_nothing(any_store: Store) -> None:
    """The old socket's end must not detach the new one."""
    await attached(any_store, 1, "a")
    await attached(any_store, 2, "b")
    assert await detached(any_store, leg(1)) is Answer.FENCED
    assert (await steps.read_card(any_store, KEYS, CALL))["state"] == "attached"


@pytest.mark.parametrize("times", [1, 100])
async def test_a_reservation_is_one_per_call(any_store: Store, times: int) -> None:
    """However often the webhook comes, the call has one token."""
    answers = await asyncio.gather(
        *(
            steps.reserve(any_store, KEYS, CALL, nonce=f"n{i}", expires_at_ms=wall_ms() + 60_000)
            for i in range(times)
        )
    )
    assert len({answer.nonce for answer in answers}) == 1
    assert await any_store.zcard(KEYS.slots(0)) == 1


RINGS = Ringing(CALL, "sales", "+15550002222")
BRAIN = "brain-0@h#1"


async def rings(store: Store, *, nonce: str = "a") -> list[tuple[bytes, Ringing]]:
    """The webhook of a call that is to ring, and what brains are told then."""
    later = wall_ms() + 60_000
    await steps.reserve(store, KEYS, CALL, nonce=nonce, expires_at_ms=later, rings=RINGS)
    return [(at, read_ringing(flat(fields))) for at, fields in await store.xrange(KEYS.ringing(0))]


async def listening(store: Store) -> None:
    """A brain is there, which reads what rings, and has a doorbell."""
    await store.xgroup_create(KEYS.ringing(0), "brain", id="0", mkstream=True)
    await store.xadd(KEYS.wake(0, BRAIN), {"v": "1", "call": "", "why": "claimed"})
    await store.pexpire(KEYS.wake(0, BRAIN), 10_000)


async def test_a_call_rings_once(any_store: Store) -> None:
    """Not where no brain listens, not for a webhook that comes twice."""
    assert await rings(any_store) == []
    await any_store.redis.flushall()
    await listening(any_store)
    (first,) = await rings(any_store)
    assert first[1] == RINGS
    assert await rings(any_store, nonce="b") == [first]
    assert await without_ttl(any_store) == []


async def test_a_call_that_has_a_stream_does_not_ring(any_store: Store) -> None:
    """Its next token is for its next stream: it has a brain."""
    await listening(any_store)
    await attached(any_store)
    assert await rings(any_store) == []


async def test_what_rang_for_too_long_goes(any_store: Store) -> None:
    """With the next call that rings: no brain was there to read it."""
    await listening(any_store)
    await any_store.xadd(KEYS.ringing(0), {"v": "1"}, id=f"{wall_ms() - 20_000}-1")
    assert [call for _, call in await rings(any_store)] == [RINGS]


async def test_a_call_rings_whatever_stands_in_the_place_of_its_stream(any_store: Store) -> None:
    """It is admitted; that nobody expects it costs a moment."""
    await any_store.redis.set(KEYS.ringing(0), "nonsense")
    later = wall_ms() + 60_000
    answer = await steps.reserve(any_store, KEYS, CALL, nonce="a", expires_at_ms=later, rings=RINGS)
    assert answer.nonce == "a"


ANN = Person(caller="+15550001111", parameters={"shop": "berlin"})


async def knows(store: Store, person: Person | None, *, nonce: str = "a") -> Person | None:
    """The first webhook of a call knows who calls; what brains may know then."""
    later = wall_ms() + 60_000
    await steps.reserve(store, KEYS, CALL, nonce=nonce, expires_at_ms=later, person=person)
    return await steps.read_person(store, KEYS, CALL)


async def test_who_calls_is_written_down_for_a_minute(any_store: Store) -> None:
    """Once: what a later webhook of the call says is a later one's; and not where nobody has asked for it."""
    assert await knows(any_store, None) is None
    await any_store.redis.flushall()
    assert await knows(any_store, ANN) == ANN
    assert 0 < await any_store.pttl(KEYS.number(CALL)) <= PERSON_TTL_MS
    assert await knows(any_store, Person(caller="+1"), nonce="b") == ANN


async def test_a_stream_keeps_who_calls_and_the_end_forgets_it(any_store: Store) -> None:
    """With the number that it brings itself."""
    await knows(any_store, ANN)
    await attached(any_store)
    found = await steps.read_person(any_store, KEYS, CALL)
    assert found is not None
    assert found.parameters == {"shop": "berlin"}
    await steps.end(any_store, KEYS, CALL, outcome="completed", by="test")
    assert await steps.read_person(any_store, KEYS, CALL) is None


async def test_a_call_is_admitted_whatever_stands_where_its_caller_would(any_store: Store) -> None:
    """That nobody knows them costs a moment."""
    await any_store.redis.set(KEYS.number(CALL), "nonsense")
    later = wall_ms() + 60_000
    answer = await steps.reserve(any_store, KEYS, CALL, nonce="a", expires_at_ms=later, person=ANN)
    assert answer.nonce == "a"


async def test_who_expects_a_call_is_its_heir_and_is_rung(any_store: Store) -> None:
    """The entry of `ringing` is gone; that of `calls` names the heir, and the ring names the entry."""
    await listening(any_store)
    ((entry, _),) = await rings(any_store)
    await any_store.xreadgroup("brain", "brain-0@h", {KEYS.ringing(0): ">"})
    for _ in range(2):
        assert await steps.expect(any_store, KEYS, CALL, worker=BRAIN, entry=entry.decode())
    assert await any_store.xlen(KEYS.ringing(0)) == 0
    assert (await any_store.redis.xpending(KEYS.ringing(0), "brain"))["pending"] == 0

    await attached(any_store, nonce="a")
    ((new, fields),) = await any_store.xrange(KEYS.calls(0))
    assert read_call(flat(fields)) == NewCall(CALL, BRAIN)
    _, (_, ring) = await any_store.xrange(KEYS.wake(0, BRAIN))
    assert read_ring(flat(ring)) == Ring(CALL, Why.CLAIMED, entry=new.decode())
    await attached(any_store, 2, nonce="b")
    assert await any_store.xlen(KEYS.calls(0)) == 1
    assert await without_ttl(any_store) == []


async def test_a_caller_who_hangs_up_while_it_rings_is_expected_no_longer(any_store: Store) -> None:
    """No stream will come: the session need not wait for it."""
    await listening(any_store)
    ((entry, _),) = await rings(any_store)
    await steps.expect(any_store, KEYS, CALL, worker=BRAIN, entry=entry.decode())
    assert await steps.end(any_store, KEYS, CALL, outcome="canceled", by="i") == (Answer.ABSENT, False)
    _, (_, ring) = await any_store.xrange(KEYS.wake(0, BRAIN))
    assert read_ring(flat(ring)) == Ring(CALL, Why.ENDED)


async def test_a_call_that_nobody_expects_has_no_heir(any_store: Store) -> None:
    """Whoever comes first takes it, as ever."""
    await attached(any_store)
    ((_, fields),) = await any_store.xrange(KEYS.calls(0))
    assert read_call(flat(fields)) == NewCall(CALL, "")


@pytest.mark.parametrize("how", ["attached", "unknown", "asked again"])
async def test_a_call_is_not_expected_where_it_is_too_late(any_store: Store, how: str) -> None:
    """Its stream is there, or nothing is known of it; another token is another ringing."""
    await listening(any_store)
    ((entry, _),) = await rings(any_store)
    if how == "attached":
        await attached(any_store, nonce="a")
    elif how == "unknown":
        await any_store.delete(KEYS.token(CALL))
    else:
        await steps.expect(any_store, KEYS, CALL, worker=BRAIN, entry=entry.decode())
        await any_store.hset(KEYS.token(CALL), mapping={"issued": "a@1"})
        await rings(any_store, nonce="b")
        await attached(any_store, nonce="b")
        ((_, fields),) = await any_store.xrange(KEYS.calls(0))
        assert read_call(flat(fields)).heir == ""
        return
    assert not await steps.expect(any_store, KEYS, CALL, worker=BRAIN, entry=entry.decode())
    assert await any_store.xlen(KEYS.ringing(0)) == 0


# Epochs.


async def test_an_epoch_is_no_less_than_the_servers_time(any_store: Store) -> None:
    """So that it does not come twice, whatever Redis has lost of the claims before."""
    await attached(any_store)
    assert abs((await claimed(any_store)).epoch // OWN_NUMBERS - wall_ms()) < 60_000


async def test_two_workers_never_make_one_epoch(any_store: Store) -> None:
    """Not even where a failover has lost the first claim, and the clock of the new server is far behind."""
    await attached(any_store)
    far = (wall_ms() + 10_000_000) * OWN_NUMBERS
    epochs: set[int] = set()
    for number in range(3):
        await any_store.hset(KEYS.card(CALL), mapping={"brain": "", "brain_epoch": str(far)})
        epochs.add((await claimed(any_store, worker=f"brain-{number}@h#1")).epoch)
    assert len(epochs) == 3
    assert all(far < epoch <= far + OWN_NUMBERS for epoch in epochs)


async def test_an_epoch_is_above_all_that_is_known(any_store: Store) -> None:
    """A clock that was set back, or another server's: above the card's epoch, and above what the claimant
    saw."""
    await attached(any_store)
    far = (wall_ms() + 10_000_000) * OWN_NUMBERS
    await any_store.hset(KEYS.card(CALL), "brain_epoch", str(far))
    assert 0 < (await claimed(any_store)).epoch - far <= OWN_NUMBERS
    await attached(any_store)
    await any_store.hset(KEYS.card(CALL), mapping={"brain": "", "brain_epoch": "7"})
    claim = await steps.claim(any_store, KEYS, CALL, role="brain", worker="brain-1@h#1", seen=far + 5)
    assert 0 < claim.epoch - (far + 5) <= OWN_NUMBERS


async def test_a_lost_claim_is_made_again(any_store: Store) -> None:
    """A failover forgot it, an older snapshot names the owner before: who has seen a higher epoch than the
    card takes the role back, and is not the first; who has not is refused."""
    await attached(any_store)
    older = await claimed(any_store)
    mine, name = older.epoch + 50, "brain-1@h#1"
    refused = await steps.claim(any_store, KEYS, CALL, role="brain", worker=name, seen=older.epoch)
    assert refused.answer is Answer.FENCED
    assert refused.refusal == Refusal(Answer.FENCED, "brain-0@h#1", older.epoch)
    claim = await steps.claim(any_store, KEYS, CALL, role="brain", worker=name, seen=mine)
    assert claim.epoch > mine
    assert (claim.card["brain_claims"], claim.attempts("brain")) == ("2", 1)
    assert not await any_store.smembers(KEYS.owned(0, "brain-0@h#1"))
    assert await any_store.smembers(KEYS.owned(0, name)) == {CALL.encode()}


async def test_an_owner_may_want_a_higher_epoch(any_store: Store) -> None:
    """Others have seen a higher one, or what it had in streams is lost: what it wrote before is fenced."""
    await attached(any_store)
    first = await claimed(any_store)
    again = await steps.claim(
        any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", seen=first.epoch, again=True
    )
    assert again.epoch > first.epoch
    assert again.attempts("brain") == 1


async def test_a_claim_of_an_older_version_counts(any_store: Store) -> None:
    """It raised the epoch by one and knew no other counter: who comes next is not the first."""
    await attached(any_store)
    await any_store.redis.hdel(KEYS.card(CALL), "brain_claims", "brain_attempts")
    await any_store.hset(KEYS.card(CALL), "brain_epoch", "1")
    assert (await claimed(any_store)).card["brain_claims"] == "2"


# Giving back.


async def test_a_repeated_release_does_nothing(any_store: Store) -> None:
    """Its answer was lost, and somebody has taken the call meanwhile: it stays his, and is offered once."""
    await attached(any_store)
    first = await claimed(any_store)
    for _ in range(2):
        await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=first.epoch)
    assert await any_store.xlen(KEYS.orphans(0)) == 1
    await claimed(any_store)  # The same worker, under another epoch.
    answer = await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=first.epoch)
    assert answer is Answer.FENCED
    assert await any_store.smembers(KEYS.owned(0, "brain-0@h#1")) == {CALL.encode()}


@pytest.mark.parametrize("planned", ["apology", "hangup"])
async def test_a_call_on_its_way_out_is_nobodys(any_store: Store, planned: str) -> None:
    """Its last word was said: it is not offered, but ends within seconds, whoever lives then."""
    await attached(any_store)
    first = await claimed(any_store)
    await any_store.hset(KEYS.card(CALL), "next", planned)
    await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=first.epoch)
    assert await any_store.xlen(KEYS.orphans(0)) == 0
    assert await any_store.zcard(KEYS.deadlines(0)) == 1
    assert await due_now(any_store) == [Due(leg(1), planned)]
    answer = await steps.end(any_store, KEYS, CALL, outcome=planned, by="i", if_due=leg(1))
    assert answer == (Answer.OK, True)
    assert await any_store.zcard(KEYS.deadlines(0)) == 0


async def test_a_caller_who_is_back_wants_their_owner_back(any_store: Store) -> None:
    """The call was on its way out and given back; a new stream takes the deadline off, and the role is
    offered."""
    await attached(any_store)
    first = await claimed(any_store)
    await any_store.hset(KEYS.card(CALL), "next", "apology")
    await steps.release(any_store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=first.epoch)
    await attached(any_store, 2, "other")
    assert await due_now(any_store) == []
    offered = [read_orphan(flat(fields)) for _, fields in await any_store.xrange(KEYS.orphans(0))]
    assert [(orphan.call_sid, orphan.role) for orphan in offered] == [(CALL, "brain")]
    assert await without_ttl(any_store) == []


async def test_the_calls_of_a_dead_worker_are_for_others(any_store: Store) -> None:
    """Each observer may say so: it is done once. A call that another has by now, or that has ended, is
    left."""
    await attached(any_store)
    await claimed(any_store)
    taken, over = "CA" + "0" * 31 + "8", "CA" + "0" * 31 + "9"
    await any_store.hset(KEYS.card(taken), mapping={"state": "attached", "brain": "brain-1@h#1"})
    await any_store.hset(KEYS.card(over), mapping={"state": "ended", "brain": "brain-0@h#1"})
    await any_store.sadd(KEYS.owned(0, "brain-0@h#1"), taken, over)
    for expected in ([CALL], []):
        found = await steps.disown(any_store, KEYS, 0, role="brain", dead="brain-0@h#1", by="brain-1@h#1")
        assert found == expected
    offered = [read_orphan(flat(fields)) for _, fields in await any_store.xrange(KEYS.orphans(0))]
    assert offered == [Orphan(CALL, "brain", Orphaned.DEAD, "")]
    card = await steps.read_card(any_store, KEYS, CALL)
    assert card["brain"] == ""
    assert await any_store.exists(KEYS.owned(0, "brain-0@h#1")) == 0
    lines = [fields[b"kind"] for _, fields in await any_store.xrange(KEYS.journal(CALL))]
    assert lines.count(b"owner_lost") == 1
    assert (await any_store.hget(KEYS.card(taken), "brain")) == b"brain-1@h#1"


# Streams.


async def test_a_recorded_start_is_not_played_again(any_store: Store) -> None:
    """Its token and signature are good; but the same stream at another ingress is a replay, and so is an
    older stream of the call."""
    await attached(any_store, 1, "a")
    elsewhere = replace(stream(1, "a"), ingress="ingress-1@h#1")
    assert (await steps.attach(any_store, KEYS, elsewhere, max_resumes=3)).refused == "used"
    await attached(any_store, 2, "b")
    assert (await attached(any_store, 1, "a")).refused == "used"
    assert (await steps.read_card(any_store, KEYS, CALL))["leg"] == "2"


async def test_an_ingress_owns_the_calls_whose_socket_it_holds(any_store: Store) -> None:
    """From ATTACH to DETACH or END, or until the caller is back at another one."""
    one, two = KEYS.owned(0, "ingress-0@h#1"), KEYS.owned(0, "ingress-1@h#1")
    await attached(any_store, 1, "a")
    assert await any_store.smembers(one) == {CALL.encode()}
    await steps.attach(any_store, KEYS, replace(stream(2, "b"), ingress="ingress-1@h#1"), max_resumes=3)
    assert (await any_store.smembers(one), await any_store.smembers(two)) == (set(), {CALL.encode()})
    await detached(any_store, leg(2), "ingress-1@h#1")
    assert await any_store.smembers(two) == set()
    await attached(any_store, 3, "c")
    assert await without_ttl(any_store) == []
    await steps.end(any_store, KEYS, CALL, outcome="x", by="me")
    assert await any_store.smembers(one) == set()


# Deadlines.


async def due_now(store: Store) -> list[Due]:
    """What is due once the deadlines that stand have passed."""
    for call_sid, _ in await store.redis.zrange(KEYS.deadlines(0), 0, -1, withscores=True):
        await store.redis.zadd(KEYS.deadlines(0), {call_sid: 1})
    return contract_steps.read_due(await steps.run(store, contract_steps.due(KEYS, 0)))


async def test_a_detached_call_ends_at_its_deadline(any_store: Store) -> None:
    """Whichever ingress looks then is told, one at a time."""
    await attached(any_store)
    await detached(any_store, leg(1))
    assert await steps.defer(any_store, KEYS, leg(1), Deadline(60_000, "lost")) is Answer.OK
    step = contract_steps.due(KEYS, 0)
    assert contract_steps.read_due(await steps.run(any_store, step)) == []
    assert await due_now(any_store) == [Due(leg(1), "lost")]
    assert contract_steps.read_due(await steps.run(any_store, step)) == []  # Another one was told.
    assert await without_ttl(any_store) == []
    assert await steps.end(any_store, KEYS, CALL, outcome="lost", by="i", if_due=leg(1)) == (Answer.OK, True)
    assert await due_now(any_store) == []


async def test_a_new_stream_takes_the_deadline_off(any_store: Store) -> None:
    """Also from under an END that is on its way."""
    await attached(any_store, 1, "a")
    await detached(any_store, leg(1))
    await steps.defer(any_store, KEYS, leg(1), Deadline(60_000, "lost"))
    await attached(any_store, 2, "b")
    assert await due_now(any_store) == []
    answer, _ = await steps.end(any_store, KEYS, CALL, outcome="lost", by="i", if_due=leg(1))
    assert answer is Answer.FENCED


PLANS = {
    "": Deadline(5_000, "no_new_stream"),
    "dial": Deadline(35_000, "transferred"),
    "hangup": Deadline(4_000, "hangup"),
}


@pytest.mark.parametrize(
    ("planned", "within_ms", "outcome"),
    [("", 5_000, "no_new_stream"), ("dial", 35_000, "transferred"), ("unheard of", 5_000, "no_new_stream")],
)
async def test_a_stream_goes_with_a_deadline(
    any_store: Store, planned: str, within_ms: int, outcome: str
) -> None:
    """In the same step, by what is planned: its ingress may be gone before it could ask for one. Asked again
    it is the same one."""
    await attached(any_store)
    await any_store.hset(KEYS.card(CALL), "next", planned)
    seconds, micros = await any_store.redis.time()
    for _ in range(2):
        assert await detached(any_store, leg(1), deadlines=PLANS) is Answer.OK
        ((_, at_ms),) = await any_store.redis.zrange(KEYS.deadlines(0), 0, -1, withscores=True)
        assert 0 <= at_ms - (seconds * 1000 + micros // 1000) - within_ms < 3_000
    assert await due_now(any_store) == [Due(leg(1), outcome)]
    assert await without_ttl(any_store) == []


async def test_a_leg_is_its_stream_and_not_its_number(any_store: Store) -> None:
    """Redis had lost the first stream, and the second one got its number: what is said of the first one does
    nothing to the second."""
    await attached(any_store, 2)
    lost = leg(1, named=1)
    assert await detached(any_store, lost) is Answer.FENCED
    assert await detached(any_store, leg(1, named=2)) is Answer.OK
    assert await steps.defer(any_store, KEYS, lost, Deadline(1, "x")) is Answer.FENCED
    answer, _ = await steps.end(any_store, KEYS, CALL, outcome="lost", by="i", if_due=lost)
    assert answer is Answer.FENCED
    assert await due_now(any_store) == [Due(leg(1, named=2), "lost")]


async def test_an_older_stream_is_not_attached_after_a_newer_one(any_store: Store) -> None:
    """Redis had lost everything, and the older one's ingress asks late: it would take the call from the
    caller's live stream."""
    await attached(any_store, 2, "b")
    assert (await attached(any_store, 1, "a")).refused == "older"
    assert (await attached(any_store, 3, "c")).leg == 2


async def test_the_token_of_a_later_stream_expires_later(any_store: Store) -> None:
    """Although the clock of the ingress that issues it is behind."""
    await attached(any_store, 1, "a")
    reserved = await steps.reserve(any_store, KEYS, CALL, nonce="b", expires_at_ms=1_000)
    assert reserved.expires_at_ms == 1_002_000


async def test_only_a_detached_last_leg_gets_a_deadline(any_store: Store) -> None:
    """A slower ingress's word on an older stream does nothing."""
    assert await steps.defer(any_store, KEYS, leg(1), Deadline(1, "x")) is Answer.ABSENT
    await attached(any_store, 1, "a")
    assert await steps.defer(any_store, KEYS, leg(1), Deadline(1, "x")) is Answer.FENCED
    await detached(any_store, leg(1))
    assert await steps.defer(any_store, KEYS, leg(2), Deadline(1, "x")) is Answer.FENCED
