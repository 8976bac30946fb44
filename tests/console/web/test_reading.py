"""One look for all, and one call read on: what Redis is asked, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from console.archive.shelf import ShelfError
from console.archive.sql import open_shelf
from console.archive.writer import Writer
from console.calls import live
from console.calls.live import LiveCall, UnreadableCall
from console.web.reading import CallReader, Looks, Shared
from shared.contract.entry import to_dict
from shared.contract.streams.history import HistoryEntry, ItemEntry, history_fields
from shared.logs.log import get_log
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS
from tests.console.archive.samples import end_call, row
from tests.support.redis_samples import KEYS, ONE, TWO, make_living_call
from tests.support.servers import free_port


async def say(store: Store, sid: str, entry: HistoryEntry) -> None:
    await store.xadd(KEYS.history(sid), to_dict(history_fields(entry)))


def words(text: str, role: str = "user", item_id: str = "u1") -> ItemEntry:
    return ItemEntry(item_id=item_id, role=role, text=text, final=True)


async def test_many_who_ask_at_once_are_one_question() -> None:
    """And those who come soon after have its answer."""
    made = 0
    go = asyncio.Event()

    async def make() -> int:
        nonlocal made
        made += 1
        await go.wait()
        return made

    shared = Shared(make, fresh_ms=60_000)
    asked = [asyncio.create_task(shared.get()) for _ in range(10)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*asked) == [1] * 10
    assert await shared.get() == 1
    shared.fresh_ms = 0
    assert await shared.get() == 2


async def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    """Nor does an error stay."""
    go = asyncio.Event()
    failing = True

    async def make() -> str:
        await go.wait()
        if failing:
            raise ValueError("not now")
        return "made"

    shared = Shared(make)
    gone, stays = asyncio.create_task(shared.get()), asyncio.create_task(shared.get())
    await asyncio.sleep(0)
    gone.cancel()
    go.set()
    with pytest.raises(ValueError, match="not now"):
        await stays
    failing = False
    assert await shared.get() == "made"


async def test_a_look_has_calls_workers_and_last_words(store: Store) -> None:
    """The newest words of each call, whoever spoke; not those of an entry that has none yet."""
    await make_living_call(store, ONE)
    await make_living_call(store, TWO)
    await say(store, ONE, words("hello"))
    await say(store, ONE, words("good morning", "assistant", "i1"))
    await say(store, ONE, words("", "user", "u2"))
    seen = await Looks(store, KEYS, with_words=True).now()
    assert {call.call_sid for call in seen.look.calls} == {ONE, TWO}
    assert len(seen.look.workers) == 3
    assert (seen.last_lines[ONE].text, seen.last_lines[ONE].by_caller) == ("good morning", False)
    assert TWO not in seen.last_lines
    assert seen.trouble == ""


async def test_where_words_are_hidden_they_are_not_even_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a second look within a second is none."""
    await make_living_call(store, ONE)
    await say(store, ONE, words("hello"))
    asked = 0
    look = live.look

    async def counted(*args: object) -> live.Look:
        nonlocal asked
        asked += 1
        return await look(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(live, "look", counted)
    looks = Looks(store, KEYS, with_words=False)
    first, second = await looks.now(), await looks.now()
    assert first is second
    assert (first.last_lines, asked) == ({}, 1)


async def test_while_redis_is_away_the_last_look_stays() -> None:
    """With why."""
    store = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test", timeout_s=0.3)
    seen = await Looks(store, KEYS, with_words=True).now()
    assert (seen.look.calls, seen.look.workers) == ([], [])
    assert "Redis does not answer" in seen.trouble
    await store.aclose()


async def test_a_call_is_read_once_and_then_on(store: Store) -> None:
    """Entries that were there are not asked for again."""
    await make_living_call(store, ONE)
    await say(store, ONE, words("hello"))
    reader = CallReader(store, KEYS, None, ONE)
    first = await reader.read()
    assert first is not None
    assert isinstance(first.call, LiveCall)
    before = len(first.entries)
    await store.delete(KEYS.history(ONE))
    await say(store, ONE, words("again", item_id="u2"))
    second = await reader.read()
    assert second is not None
    texts = [each.record.text for each in second.entries if isinstance(each.record, ItemEntry)]
    assert (texts, len(second.entries)) == (["hello", "again"], before + 1)
    assert [each.at_ms for each in second.entries] == sorted(each.at_ms for each in second.entries)


@pytest.mark.parametrize("sid", ["", "CA1", "../etc", "CA" + "z" * 32, "CA" + "1" * 33, "{x}"])
async def test_what_is_no_sid_is_no_call(store: Store, sid: str) -> None:
    """Redis is not asked."""
    assert await CallReader(store, KEYS, None, sid).read() is None


async def test_a_call_that_nobody_knows(store: Store, tmp_path: Path) -> None:
    """Neither Redis nor the archive."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    assert await CallReader(store, KEYS, shelf, ONE).read() is None
    assert await CallReader(store, KEYS, None, ONE).read() is None
    shelf.close()


async def test_a_call_that_redis_has_forgotten_is_the_archives(store: Store, tmp_path: Path) -> None:
    """Read once: nothing is added to it."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    await end_call(store, ONE)
    archive = Writer(store=store, keys=KEYS, shelf=shelf, log=get_log(), keep_days=30.0, with_text=True)
    await archive.round()
    reader = CallReader(store, KEYS, shelf, ONE)
    of_redis = await reader.read()
    assert of_redis is not None
    assert not of_redis.is_kept
    await store.delete(KEYS.card(ONE), KEYS.journal(ONE), KEYS.history(ONE))
    fresh = CallReader(store, KEYS, shelf, ONE)
    of_shelf = await fresh.read()
    assert of_shelf is not None
    assert of_shelf.is_kept
    assert isinstance(of_shelf.call, LiveCall)
    assert await fresh.read() is of_shelf
    shelf.close()


async def test_a_card_that_cannot_be_read_is_told(store: Store) -> None:
    """The page says what is wrong with it."""
    await make_living_call(store, ONE)
    await store.hset(KEYS.card(ONE), "leg", "many")
    told = await CallReader(store, KEYS, None, ONE).read()
    assert told is not None
    assert isinstance(told.call, UnreadableCall)


async def test_an_archive_that_holds_nonsense_says_so(store: Store, tmp_path: Path) -> None:
    """In words for people; and Redis's absence is an error of Redis."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    shelf.put(row(1, call_sid=ONE), b"no such thing")
    with pytest.raises(ShelfError, match="cannot be read"):
        await CallReader(store, KEYS, shelf, ONE).read()
    shelf.close()
    away = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test", timeout_s=0.3)
    with pytest.raises(STORE_ERRORS):
        await CallReader(away, KEYS, None, ONE).read()
    await away.aclose()
