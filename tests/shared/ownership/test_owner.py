"""An owner's pen on a real server: what its epoch lets through."""

from __future__ import annotations

from dataclasses import replace

from shared.clock import now_ms
from shared.contract.card import CutRaised
from shared.contract.keys import ENDED_TTL_MS
from shared.contract.scripts import Answer
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker
from shared.contract.streams.control import Say, read_message
from shared.contract.streams.history import ItemEntry
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.outbox import Outbox
from tests.conftest import keys_without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed
from tests.support.waiting import running, wait_until

PACKER = CallerPacker(KEYS, CALL)


def say(outbox: Outbox, chunk: int, audio: bytes) -> None:
    """A frame of the caller, as ingress writes it."""
    outbox.send_packed(PACKER.lane, PACKER.pack(1, chunk, now_ms(), audio), max_age_ms=MAX_AGE_MS)


async def test_fenced_writes(store: Store, redis_url: str) -> None:
    """An owner's writes pass; those of an epoch that is over are refused, and it is told."""
    await attached(store)
    await claimed(store)
    told: list[Answer] = []
    outbox = Outbox(redis_url, name="brain-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "brain", 1, told.append, "brain-0@h#1")
    stale = Owner(outbox, KEYS, CALL, "brain", 0, told.append, "brain-0@h#1")
    entry = ReplyEntry(ReplyKind.AUDIO, 1, 0, "resp", "item", 0, 1.0, b"\xff" * 160)
    async with running(outbox.run()):
        owner.reply(entry, wake=True)
        stale.reply(entry, wake=False)
        owner.card(CutRaised(cut=9))
        assert await outbox.flushed(5)
    assert await store.xlen(KEYS.reply(CALL)) == 1
    assert told == [Answer.FENCED]
    assert (await steps.read_card(store, KEYS, CALL))["cut"] == "9"
    await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
    assert keys_without_ttl(redis_url) == []


async def test_an_open_turn_moves_and_closes(store: Store, redis_url: str) -> None:
    """Audio of an open turn leaves `caller` for `turn` in one step, and goes when the turn is closed."""
    await attached(store)
    await claimed(store)
    outbox = Outbox(redis_url, name="brain-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "brain", 1, lambda _answer: None, "brain-0@h#1")
    async with running(outbox.run()):
        for chunk in range(1, 11):
            say(outbox, chunk, bytes([chunk]) * 160)
        assert await outbox.flushed(5)
        ids = [entry_id.decode() for entry_id, _ in await store.xrange(KEYS.caller(CALL))]
        owner.move_turn(ids[5])
        assert await outbox.flushed(5)
        turn = await store.xrange(KEYS.turn(CALL))
        assert [len(fields[b"a"]) for _, fields in turn] == [6 * 160]
        assert await store.xlen(KEYS.caller(CALL)) == 4
        assert await store.pttl(KEYS.turn(CALL)) > 0
        owner.close_turn()
        await wait_until(lambda: outbox.backlog_bytes == 0, "the outbox is empty")
        assert await outbox.flushed(5)
    assert not await store.exists(KEYS.turn(CALL))


async def test_nothing_comes_back_to_life_after_the_end(store: Store, redis_url: str) -> None:
    """Late writes of any kind leave no key behind."""
    await attached(store)
    await claimed(store)
    outbox = Outbox(redis_url, name="brain-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "brain", 1, lambda _answer: None, "brain-0@h#1")
    await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
    async with running(outbox.run()):
        say(outbox, 1, b"\xff" * 160)
        owner.reply(ReplyEntry(ReplyKind.AUDIO, 1, 0, "r", "i", 0, 1.0, b"\xff"), wake=True)
        owner.move_turn("")
        assert await outbox.flushed(5)
    assert not await store.exists(KEYS.caller(CALL), KEYS.reply(CALL), KEYS.turn(CALL))
    assert keys_without_ttl(redis_url) == []


async def test_last_words_are_written_down_after_the_end(store: Store, redis_url: str) -> None:
    """By the owner of the call, into a history that is there: it gets no other TTL, and no other is made."""
    await attached(store)
    await claimed(store)
    outbox = Outbox(redis_url, name="brain-0@h#1", commit_ms=0)
    told: list[Answer] = []
    owner = Owner(outbox, KEYS, CALL, "brain", 1, told.append, "brain-0@h#1")
    stale = Owner(outbox, KEYS, CALL, "brain", 0, told.append, "brain-0@h#1")
    words = ItemEntry(item_id="u", role="user", text="bye", final=True)
    async with running(outbox.run()):
        owner.history(replace(words, text="", final=False))
        assert await outbox.flushed(5)
        await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
        owner.history(words)
        stale.history(words)
        assert await outbox.flushed(5)
        assert await store.xlen(KEYS.history(CALL)) == 2
        assert 0 < await store.pttl(KEYS.history(CALL)) <= ENDED_TTL_MS
        await store.delete(KEYS.history(CALL))
        owner.history(words)
        assert await outbox.flushed(5)
    assert not await store.exists(KEYS.history(CALL))
    assert told == [Answer.FENCED, Answer.ABSENT]


async def test_messages_are_numbered_and_ring(store: Store, redis_url: str) -> None:
    """Messages of an owner carry its epoch and a running number, and wake the other role."""
    await store.xadd(KEYS.wake(0, "brain-0@h#1"), {"v": "1"})
    await attached(store)
    await claimed(store)
    await claimed(store, "egress", "egress-0@h#1")
    outbox = Outbox(redis_url, name="egress-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "egress", 1, lambda _answer: None, "egress-0@h#1")
    async with running(outbox.run()):
        for text in ("a", "b"):
            owner.tell(Say(text=text, force=False), wake="brain")
        assert await outbox.flushed(5)
    letters = [read_message(*entry) for entry in await store.xrange(KEYS.control(CALL))]
    assert [(m.kind, m.sender, m.number, m.epoch) for m in letters] == [
        ("say", "egress-0@h#1", "1", 1),
        ("say", "egress-0@h#1", "2", 1),
    ]
    assert await store.xlen(KEYS.wake(0, "brain-0@h#1")) == 3
