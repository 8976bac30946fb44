"""An owner's pen on a real server: what its epoch lets through."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from shared.clock import now_ms
from shared.contract.card import CutRaised
from shared.contract.command import Command
from shared.contract.keys import ENDED_TTL_MS
from shared.contract.lua.scripts import Answer, Refusal
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker, read_turn
from shared.contract.streams.control import Say, read_message
from shared.contract.streams.history import ItemEntry
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.writes import CallerMove, Moved, caller_keys, move_callers, read_moves, write_card
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from shared.store.writing.write_queue import OnReply
from tests.conftest import keys_without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

PACKER = CallerPacker(KEYS, CALL)


def say(outbox: Outbox, chunk: int, audio: bytes) -> None:
    """A frame of the caller, as ingress writes it."""
    outbox.send_packed(PACKER.lane, PACKER.pack(1, chunk, now_ms(), audio), max_age_ms=MAX_AGE_MS)


async def test_fenced_writes(store: Store, redis_url: str) -> None:
    """An owner's writes pass; those of an epoch that is over are refused, and so are those of another worker
    under the same epoch. One whose epoch Redis has lost is to claim again."""
    await attached(store)
    epoch = (await claimed(store)).epoch
    told: list[Refusal] = []
    again: list[int] = []
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "brain", epoch, told.append, "brain-0@h#1")
    stale = Owner(outbox, KEYS, CALL, "brain", 0, told.append, "brain-0@h#1", again.append)
    other = Owner(outbox, KEYS, CALL, "brain", epoch, told.append, "brain-1@h#1", again.append)
    ahead = Owner(outbox, KEYS, CALL, "brain", epoch + 9, told.append, "brain-1@h#1", again.append)
    entry = ReplyEntry(ReplyKind.AUDIO, 1, 0, "resp", "item", 0, 1.0, b"\xff" * 160)
    async with running(outbox.run()):
        owner.reply(entry, wake=True)
        for pen in (stale, other, ahead):
            pen.reply(entry, wake=False)
            pen.card(CutRaised(cut=8))
        owner.card(CutRaised(cut=9))
        assert await outbox.flushed(5)
    assert await store.xlen(KEYS.reply(CALL)) == 1
    assert told == [Refusal(Answer.FENCED, "brain-0@h#1", epoch)] * 4
    assert again == [epoch + 9] * 2
    assert (await steps.read_card(store, KEYS, CALL))["cut"] == "9"
    await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
    assert keys_without_ttl(redis_url) == []


async def moved(outbox: Outbox, *moves: CallerMove) -> list[Moved | Refusal]:
    """What became of each."""
    answers: list[Moved | Refusal] = []
    call = move_callers(0, "brain-0@h#1", moves)
    outbox.send(call.command(), on_reply=lambda reply: answers.extend(read_moves(reply)))
    await wait_until(lambda: len(answers) == len(moves), "the script has answered")
    return answers


EPOCH = 1


async def claimed_first(store: Store) -> None:
    """A call whose brain has the epoch 1, so that a test can name it."""
    await attached(store)
    await claimed(store)
    await store.hset(KEYS.card(CALL), "brain_epoch", "1")


def move(
    last_id: str, audio: bytes, *, keep_from: str = "0-0", epoch: int = EPOCH, call: str = CALL
) -> CallerMove:
    return CallerMove(caller_keys(KEYS, call), epoch, last_id, audio, keep_from)


async def test_what_the_model_got_moves_and_rolls(store: Store, redis_url: str) -> None:
    """It leaves `caller` for `turn` as one piece, under the id of its last entry; what is too old for `turn`
    goes in the same step. Asked for twice, it moves once."""
    await claimed_first(store)
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    async with running(outbox.run()):
        for chunk in range(1, 11):
            say(outbox, chunk, bytes([chunk]) * 160)
        assert await outbox.flushed(5)
        ids = [entry_id.decode() for entry_id, _ in await store.xrange(KEYS.caller(CALL))]

        for _ in range(2):
            assert await moved(outbox, move(ids[5], b"first")) == [Moved.DONE]
        assert await moved(outbox, move(ids[7], b"second")) == [Moved.DONE]
        turn = await store.xrange(KEYS.turn(CALL))
        assert [(entry_id.decode(), read_turn(fields)) for entry_id, fields in turn] == [
            (ids[5], b"first"), (ids[7], b"second"),
        ]  # fmt: skip
        assert [entry_id.decode() for entry_id, _ in await store.xrange(KEYS.caller(CALL))] == ids[8:]
        assert await store.pttl(KEYS.turn(CALL)) > 0

        assert await moved(outbox, move(ids[9], b"third", keep_from=ids[7])) == [Moved.DONE]
        assert [read_turn(fields) for _, fields in await store.xrange(KEYS.turn(CALL))] == [
            b"second",
            b"third",
        ]
        assert await moved(outbox, move("", b"", keep_from=ids[9])) == [Moved.DONE]
        assert [read_turn(fields) for _, fields in await store.xrange(KEYS.turn(CALL))] == [b"third"]
    await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
    assert keys_without_ttl(redis_url) == []


async def test_each_call_of_a_move_is_fenced_for_itself(store: Store, redis_url: str) -> None:
    """One that was lost, one that is gone and one that Redis refuses keep nobody from moving; an ended one
    has nothing that could move."""
    await claimed_first(store)
    other, broken, ended = ("CA" + "0" * 31 + digit for digit in "789")
    for sid in (broken, ended):
        await store.hset(
            KEYS.card(sid), mapping={"state": "attached", "brain": "brain-0@h#1", "brain_epoch": "1"}
        )
        await store.expire(KEYS.card(sid), 60)
    await store.hset(KEYS.card(ended), mapping={"state": "ended"})
    await store.hset(KEYS.turn(broken), mapping={"no": "stream"})
    await store.expire(KEYS.turn(broken), 60)
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    async with running(outbox.run()):
        say(outbox, 1, b"x" * 160)
        assert await outbox.flushed(5)
        [(entry_id, _)] = await store.xrange(KEYS.caller(CALL))
        last_id = entry_id.decode()
        answers = await moved(
            outbox,
            move(last_id, b"x", epoch=0),
            move(last_id, b"x", call=other),
            move(last_id, b"x", call=broken),
            move(last_id, b"x", call=ended),
            move(last_id, b"x"),
        )
    assert answers == [
        Refusal(Answer.FENCED, "brain-0@h#1", 1), Refusal(Answer.ABSENT), Moved.NOT_YET,
        Moved.DONE, Moved.DONE,
    ]  # fmt: skip
    assert await store.xlen(KEYS.caller(CALL)) == 0
    assert [await store.exists(KEYS.turn(sid)) for sid in (CALL, other, ended)] == [1, 0, 0]


async def test_nothing_comes_back_to_life_after_the_end(store: Store, redis_url: str) -> None:
    """Late writes of any kind leave no key behind."""
    await claimed_first(store)
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "brain", 1, lambda _answer: None, "brain-0@h#1")
    await steps.end(store, KEYS, CALL, outcome="hangup", by="me")
    async with running(outbox.run()):
        say(outbox, 1, b"\xff" * 160)
        owner.reply(ReplyEntry(ReplyKind.AUDIO, 1, 0, "r", "i", 0, 1.0, b"\xff"), wake=True)
        await moved(outbox, move("1-0", b"x"))
    assert not await store.exists(KEYS.caller(CALL), KEYS.reply(CALL), KEYS.turn(CALL))
    assert keys_without_ttl(redis_url) == []


async def test_last_words_are_written_down_after_the_end(store: Store, redis_url: str) -> None:
    """By the owner of the call, into a history that is there: it gets no other TTL, and no other is made."""
    await claimed_first(store)
    outbox = Outbox(way_to(redis_url), name="brain-0@h#1", commit_ms=0)
    told: list[Refusal] = []
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
    assert told == [Refusal(Answer.FENCED, "brain-0@h#1", 1), Refusal(Answer.ABSENT)]


async def test_messages_are_numbered_and_ring(store: Store, redis_url: str) -> None:
    """Messages of an owner carry its epoch and a running number, and wake the other role."""
    await store.xadd(KEYS.wake(0, "brain-0@h#1"), {"v": "1"})
    await claimed_first(store)
    epoch = (await claimed(store, "egress", "egress-0@h#1")).epoch
    outbox = Outbox(way_to(redis_url), name="egress-0@h#1", commit_ms=0)
    owner = Owner(outbox, KEYS, CALL, "egress", epoch, lambda _answer: None, "egress-0@h#1")
    async with running(outbox.run()):
        for text in ("a", "b"):
            owner.tell(Say(text=text, force=False), wake="brain")
        assert await outbox.flushed(5)
    letters = [read_message(*entry) for entry in await store.xrange(KEYS.control(CALL))]
    assert [(m.kind, m.sender, m.number, m.epoch) for m in letters] == [
        ("say", "egress-0@h#1", "1", epoch),
        ("say", "egress-0@h#1", "2", epoch),
    ]
    assert await store.xlen(KEYS.wake(0, "brain-0@h#1")) == 3


class HeldOutbox:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        """(epoch, cut) of each write, in order."""
        self._waiting: list[OnReply] = []

    def send(self, command: Command, *, on_reply: OnReply, urgent: bool = False) -> None:
        words = command.args
        self.sent.append((words[7], words[-1]))
        self._waiting.append(on_reply)

    def answer(self, *reply: bytes) -> None:
        """The oldest one that waits."""
        self._waiting.pop(0)(list(reply))


def pen_of(outbox: HeldOutbox, fenced: list[Refusal], again: list[int]) -> Owner:
    return Owner(cast(Outbox, outbox), KEYS, CALL, "brain", 5, fenced.append, "b", again.append)


@pytest.mark.parametrize("refusal", [(b"FENCED", b"b", b"3"), (b"ABSENT",)])
def test_what_was_refused_goes_again_in_its_order_once_the_call_is_claimed_again(
    refusal: tuple[bytes, ...],
) -> None:
    """Under the new epoch; what is written meanwhile waits behind it."""
    outbox, fenced, again = HeldOutbox(), list[Refusal](), list[int]()
    pen = pen_of(outbox, fenced, again)
    for cut in (1, 2):
        pen.card(CutRaised(cut=cut))
    outbox.answer(*refusal)
    pen.card(CutRaised(cut=3))

    pen.claimed_again(9)
    pen.card(CutRaised(cut=4))
    assert outbox.sent == [(b"5", b"1"), (b"5", b"2")]
    outbox.answer(b"FENCED", b"b", b"9")
    pen.card(CutRaised(cut=5))

    assert outbox.sent[2:] == [(b"9", b"%d" % cut) for cut in range(1, 6)]
    assert again == ([5] if refusal[0] == b"FENCED" else [])
    assert len(fenced) == (0 if again else 1)


def test_a_write_under_way_at_a_claim_goes_again_if_it_comes_too_late() -> None:
    """Ingress had told of a higher epoch: nothing was refused before the claim."""
    outbox, fenced, again = HeldOutbox(), list[Refusal](), list[int]()
    pen = pen_of(outbox, fenced, again)
    done: list[int] = []
    for cut in (1, 2):
        pen._send(write_card(KEYS, pen._speaker, CutRaised(cut=cut)), then=lambda cut=cut: done.append(cut))

    pen.claimed_again(9)
    outbox.answer(b"OK")
    outbox.answer(b"FENCED", b"b", b"9")
    outbox.answer(b"OK")

    assert outbox.sent == [(b"5", b"1"), (b"5", b"2"), (b"9", b"2")]
    assert (done, fenced, again) == ([1, 2], [], [])
