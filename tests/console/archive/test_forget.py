"""A caller is forgotten in both places, and nobody else is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from console.archive import kept
from console.archive.forget import Forgotten, forget_caller, forget_calls
from console.archive.shelf import Search
from console.archive.sql import open_shelf
from console.archive.writer import Writer
from console.recorder.files import Folder
from shared.logs.log import get_log
from shared.ownership import steps
from shared.store.client import Store
from tests.console.archive.samples import TAG, end_call, row
from tests.support.redis_samples import KEYS, ONE, TWO, make_call

THREE = "CA" + "3" * 32


async def test_all_of_a_caller_goes(store: Store, tmp_path: Path) -> None:
    """On the shelf, in Redis; a call that goes on is left alone and named."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    shelf.put(row(1), b"x")
    shelf.put(row(2, caller_tag="b" * 32), b"x")
    await end_call(store, ONE, caller_tag=TAG)
    await end_call(store, TWO, caller_tag="b" * 32)
    await make_call(store, THREE, 1_000, caller_tag=TAG)

    found = await forget_caller(store, KEYS, shelf, Folder(tmp_path), [TAG], "+15550006789")

    assert found == Forgotten(kept=1, in_redis=1, recordings=0, live=(THREE,))
    left = [key.decode() async for key in store.scan_iter(match=f"*{ONE}*")]
    assert left == []
    assert await store.zscore(KEYS.ended(0), ONE) is None
    assert await store.exists(KEYS.card(TWO), KEYS.card(THREE)) == 2
    assert [each.call_sid for each in shelf.find(Search()).calls] == [row(2).call_sid]
    shelf.close()


async def test_a_number_that_is_not_masked_is_enough(store: Store, tmp_path: Path) -> None:
    """Without a key there are no tags."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    await end_call(store, ONE)
    await store.hset(KEYS.card(ONE), "from", "+15550006789")
    await end_call(store, TWO)
    found = await forget_caller(store, KEYS, shelf, Folder(tmp_path), [], "+15550006789")
    left = [await store.exists(KEYS.card(sid)) for sid in (ONE, TWO)]
    assert (found.in_redis, left) == (1, [0, 1])
    shelf.close()


async def test_a_call_without_a_tag_is_nobodys(store: Store, tmp_path: Path) -> None:
    """An empty tag is no tag that could fit."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    await end_call(store, ONE)
    assert (await forget_caller(store, KEYS, shelf, Folder(tmp_path), [TAG], "+15550006789")).in_redis == 0
    shelf.close()


async def test_single_calls_go_by_their_names(store: Store, tmp_path: Path) -> None:
    """One that is only in Redis, one that is only on the shelf, one that lives."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    await end_call(store, ONE)
    shelf.put(row(7), b"x")
    await make_call(store, TWO, 1_000)
    found = await forget_calls(store, KEYS, shelf, Folder(tmp_path), [ONE, row(7).call_sid, TWO])
    assert found == Forgotten(kept=1, in_redis=1, recordings=0, live=(TWO,))
    shelf.close()


async def test_a_call_that_was_read_just_before_is_not_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer has it in its hand, and another process forgets it."""
    url = f"sqlite:///{tmp_path}/calls.sqlite"
    shelf, elsewhere, loop = open_shelf(url), open_shelf(url), asyncio.get_running_loop()
    await end_call(store, ONE, caller_tag=TAG)
    pack = kept.pack

    def pack_late(*read: Any, **how: Any) -> bytes:
        forgetting = forget_caller(store, KEYS, elsewhere, Folder(tmp_path), [TAG], "+15550006789")
        asyncio.run_coroutine_threadsafe(forgetting, loop).result(5)
        return pack(*read, **how)

    monkeypatch.setattr(kept, "pack", pack_late)
    await Writer(store=store, keys=KEYS, shelf=shelf, log=get_log(), keep_days=1.0, with_text=True).round()
    assert shelf.find(Search()).calls == []
    for each in (shelf, elsewhere):
        each.close()


async def test_a_call_that_ends_meanwhile_is_forgotten_or_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at those that are over and at those that go on."""
    shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    await make_call(store, ONE, 1_000, caller_tag=TAG)
    zrange, looked = Store.zrange, 0

    async def zrange_and_end(self: Store, *asked: Any) -> Any:
        nonlocal looked
        found = await zrange(self, *asked)
        looked += 1
        if looked == 1:
            await steps.end(store, KEYS, ONE, outcome="completed", by="test")
        return found

    monkeypatch.setattr(Store, "zrange", zrange_and_end)
    found = await forget_caller(store, KEYS, shelf, Folder(tmp_path), [TAG], "+15550006789")
    assert found == Forgotten(kept=0, in_redis=1, recordings=0, live=())
    shelf.close()
