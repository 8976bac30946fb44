"""Another kind of model behind the interface: what stands in `reply` is what egress can read and play."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from brain.role import BrainRole
from brain.sequencer import actions
from shared.contract.streams.history import ItemHeard
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.store.client import Store
from simulators.realtime import RealtimeSimulator
from tests.brain.stage import Line, brain, line
from tests.brain.toy_engine import ToyEngine, use_toys
from tests.support.waiting import wait_until

A, B, C = b"\x01" * 4_000, b"\x02" * 333, b"\x03" * 160


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toys(monkeypatch)


@asynccontextmanager
async def talking(
    store: Store, redis_url: str, greeting: str = ""
) -> AsyncIterator[tuple[ToyEngine, Line, BrainRole]]:
    """A call with a toy at the other end."""
    async with (
        RealtimeSimulator() as unused,
        brain(redis_url, unused, greeting=greeting) as (_, role),
        line(store, redis_url) as here,
    ):
        await wait_until(
            lambda: bool(ToyEngine.made and ToyEngine.made[0].is_listened_to), "the session runs"
        )
        yield ToyEngine.made[0], here, role
        assert unused.sessions == []
        await here.end()


def shown(here: Line) -> list[tuple[str, str, int, bytes]]:
    """Kind, item, offset and audio of what stands in `reply`."""
    return [(entry.kind.value, entry.item_id, entry.offset_bytes, entry.audio) for entry in here.reply]


async def there(here: Line, kind: ReplyKind, count: int = 1) -> list[ReplyEntry]:
    """The entries so far, once there are this many of a kind."""
    await wait_until(lambda: here.kinds().count(kind) >= count, f"{count} of {kind} stand in reply")
    return here.reply


async def test_items_without_a_response_are_those_of_one_turn(store: Store, redis_url: str) -> None:
    """Each has its own offsets and its end; the turn has an id that the engine made up."""
    async with talking(store, redis_url) as (toy, here, _):
        toy.speak(A, "one")
        toy.speak(B, "one")
        toy.speak(C, "two")
        toy.end_turn()
        entries = await there(here, ReplyKind.RESPONSE_END)

        assert shown(here) == [
            ("audio", "one", 0, A),
            ("audio", "one", len(A), B),
            ("audio", "two", 0, C),
            ("item_end", "one", len(A) + len(B), b""),
            ("item_end", "two", len(C), b""),
            ("response_end", "", 0, b""),
        ]
        (response_id,) = {entry.response_id for entry in entries}
        assert response_id.endswith("s1-turn1")


async def test_audio_without_any_id_is_one_item_a_turn(store: Store, redis_url: str) -> None:
    """Named after the turn, so that two turns are never one item."""
    async with talking(store, redis_url) as (toy, here, _):
        for piece in (A, B):
            toy.speak(piece)
            toy.end_turn()
        await there(here, ReplyKind.RESPONSE_END, 2)

        assert [item_id.split("-")[1] for item_id in here.items()] == ["turn1", "turn2"]
        assert [here.audio_of(item_id) for item_id in here.items()] == [A, B]


def forgets(toy: ToyEngine) -> bool:
    """Whether it was asked to cut an item to what was heard."""
    return any(isinstance(action, actions.SendTruncate) for action in toy.asked)


async def test_a_model_that_cannot_be_stopped_is_not_heard_any_more(store: Store, redis_url: str) -> None:
    """The caller speaks: what it had said is void, what it goes on saying dies here, its next turn is heard;
    and history says how much of the first was, though nothing could be truncated."""
    async with talking(store, redis_url) as (toy, here, role):
        here.hold_at_ms = 60
        toy.speak(A, "one")
        await wait_until(lambda: here.items() == ["one"], "the caller hears it")
        toy.hear(speaks=True)
        toy.babble(B, "one")
        await there(here, ReplyKind.FLUSH)
        await wait_until(lambda: forgets(toy), "it is asked to forget")
        toy.hear(speaks=False)
        toy.speak(C, "two")
        toy.end_turn()
        await there(here, ReplyKind.RESPONSE_END)

        assert [(entry.kind.value, entry.cut, entry.audio) for entry in here.reply] == [
            ("audio", 0, A),
            ("flush", 1, b""),
            ("audio", 1, C),
            ("item_end", 1, b""),
            ("response_end", 1, b""),
        ]
        assert role.counters.deltas_skipped["retired"] == 1
        heard = [entry for entry in await here.history() if isinstance(entry, ItemHeard)]
        assert [(entry.item_id, entry.ms) for entry in heard][:1] == [("one", 60)]


async def test_a_create_is_a_hint(store: Store, redis_url: str) -> None:
    """It is followed when the model likes, and then the wish is fulfilled: nothing is asked for twice."""
    async with talking(store, redis_url, greeting="Say hello.") as (toy, here, role):
        await wait_until(lambda: bool(toy.asked), "it is asked to greet")
        toy.speak(A)
        toy.end_turn()
        await there(here, ReplyKind.RESPONSE_END)

        assert [type(action) for action in toy.asked] == [actions.SendCreate]
        assert role.figures.sequencer.wishes["spoken"] == 1


async def test_audio_that_nobody_has_announced_is_nobodys(store: Store, redis_url: str) -> None:
    """An engine that reports no turn is not heard, and the figures say so: the interface asks for one."""
    async with talking(store, redis_url) as (toy, here, role):
        toy.babble(A)

        assert role.counters.deltas_skipped["unknown"] == 1
        assert here.reply == []


async def test_it_hears_all_that_the_caller_says(store: Store, redis_url: str) -> None:
    """While it speaks too; and what it has heard is forgotten in Redis."""
    async with talking(store, redis_url) as (toy, here, _):
        toy.speak(A)
        await here.speak(b"\x7f" * 1_600)
        expected = here.chunk * 160
        await wait_until(lambda: toy.heard_bytes == expected, "it has heard it all")
