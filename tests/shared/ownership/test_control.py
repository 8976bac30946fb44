"""Control messages: numbered, read once, lenient with what people type."""

from __future__ import annotations

from shared.ownership import owner as ownership
from shared.ownership.control import ControlPost, ControlReader
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.outbox import Outbox
from tests.shared.ownership.test_owner import CALL, KEYS, attached
from tests.support.waiting import running


async def test_a_message_that_came_twice_is_read_once(any_store: Store) -> None:
    """An unknown write is sent again; the number tells."""
    for _ in range(2):
        await any_store.xadd("c", {"kind": "flushed", "from": "egress-0@h#1", "n": "1", "cut": "3"})
    reader = ControlReader(any_store, "c")
    (message,) = await reader.read()
    assert (message.kind, message.integer("cut")) == ("flushed", 3)
    assert await reader.read() == []


async def test_an_owner_counts_anew_under_a_higher_epoch(any_store: Store) -> None:
    """A worker that lost a call and claimed it again begins at 1: its messages are new."""
    for epoch in ("1", "1001"):
        await any_store.xadd("c", {"kind": "heard", "from": "egress-0@h#1", "n": "1", "epoch": epoch})
    messages = await ControlReader(any_store, "c").read()
    assert [message.epoch for message in messages] == [1, 1001]


async def test_what_a_hand_types_counts_each_time(any_store: Store) -> None:
    """Operators write no numbers: two `say` are two."""
    for _ in range(2):
        await any_store.xadd("c", {"kind": "say", "text": "שלום"})
    messages = await ControlReader(any_store, "c").read()
    assert [(m.kind, m.sender, m.fields["text"]) for m in messages] == [("say", "operator", "שלום")] * 2


async def test_a_reader_goes_on_from_its_position(any_store: Store) -> None:
    """The position is stored on the card; a new owner starts there."""
    first = await any_store.xadd("c", {"kind": "hangup"})
    await any_store.xadd("c", {"kind": "say", "text": "x"})
    reader = ControlReader(any_store, "c", position=first.decode())
    assert [message.kind for message in await reader.read()] == ["say"]


async def test_nonsense_is_a_message_without_kind(any_store: Store) -> None:
    """Whoever reads it refuses it in the journal; nothing breaks here."""
    await any_store.xadd("c", {b"\xff": b"\xfe", b"epoch": b"abc"})
    (message,) = await ControlReader(any_store, "c").read()
    assert (message.kind, message.epoch, message.integer("cut", 7)) == ("", None, 7)


async def test_a_post_numbers_and_rings(store: Store, redis_url: str) -> None:
    """Messages of an owner carry a running number and wake the other role."""
    await store.xadd(KEYS.wake(0, "brain-0@h#1"), {"v": "1"})
    await attached(store)
    await ownership.claim(store, KEYS, CALL, role="brain", worker="brain-0@h#1")
    await ownership.claim(store, KEYS, CALL, role="egress", worker="egress-0@h#1")
    outbox = Outbox(redis_url, KEYS, name="egress-0@h#1", commit_ms=0)
    post = ControlPost(Owner(outbox, KEYS, CALL, "egress", 1, lambda _answer: None), "egress-0@h#1")
    async with running(outbox.run()):
        post.send("audible", wake="brain", cut=0, response="r", item="i")
        post.send("silent", wake="brain", cut=0, response="r")
        assert await outbox.flushed(5)
    messages = await ControlReader(store, KEYS.control(CALL)).read()
    assert [(m.kind, m.number, m.epoch) for m in messages] == [("audible", "1", 1), ("silent", "2", 1)]
    assert await store.xlen(KEYS.wake(0, "brain-0@h#1")) == 3
