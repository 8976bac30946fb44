"""The writer: what is over gets onto the shelf, whatever happens to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.archive import writer as module
from console.archive.shelf import Search, ShelfError
from console.archive.sql import SqlShelf, open_shelf
from console.archive.writer import SETTLE_MS, Writer, once
from shared.contract.streams.history import ItemEntry
from shared.logs.log import get_log
from shared.store.client import Store
from tests.console.archive.samples import end_call
from tests.support.redis_samples import KEYS, ONE, TWO, make_call


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SqlShelf]:
    made = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    yield made
    made.close()


def writer(store: Store, shelf: SqlShelf, *, keep_days: float = 30.0, with_text: bool = True) -> Writer:
    return Writer(
        store=store, keys=KEYS, shelf=shelf, log=get_log(), keep_days=keep_days, with_text=with_text
    )


def kept(shelf: SqlShelf) -> list[str]:
    return [each.call_sid for each in shelf.find(Search()).calls]


async def test_what_is_over_is_kept_and_what_goes_on_is_not(store: Store, shelf: SqlShelf) -> None:
    """Once: a second round finds nothing that is due."""
    await end_call(store, ONE)
    await make_call(store, TWO, 1_000)
    mine = writer(store, shelf)
    assert await mine.round() is False
    assert kept(shelf) == [ONE]
    whole = shelf.read(ONE)
    assert whole is not None
    assert [each.record.text for each in whole.entries if isinstance(each.record, ItemEntry)] == [
        "My card is lost"
    ]
    before = shelf.find(Search())
    await mine.round()
    assert shelf.find(Search()) == before


async def test_a_call_that_has_just_ended_waits_for_its_last_words(store: Store, shelf: SqlShelf) -> None:
    """They come up to a second and a half after the end."""
    await end_call(store, ONE, ago_ms=SETTLE_MS - 2_000)
    await writer(store, shelf).round()
    assert kept(shelf) == []


async def test_without_transcripts_no_words_are_kept(store: Store, shelf: SqlShelf) -> None:
    """The setting of whoever does not want texts to leave Redis."""
    await end_call(store, ONE)
    await writer(store, shelf, with_text=False).round()
    whole = shelf.read(ONE)
    assert whole is not None
    assert [each.record.text for each in whole.entries if isinstance(each.record, ItemEntry)] == [""]


async def test_another_writer_goes_on_where_one_was_killed(
    store: Store, shelf: SqlShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a round: what is on the shelf says how far it came. The oldest are first."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    await end_call(store, ONE, ago_ms=90_000)
    await end_call(store, TWO, ago_ms=60_000)
    assert await writer(store, shelf).round() is True
    assert kept(shelf) == [ONE]
    await once(writer(store, shelf))
    assert kept(shelf) == [TWO, ONE]


async def test_a_call_that_ended_out_of_order_is_kept_too(store: Store, shelf: SqlShelf) -> None:
    """A host whose clock is behind ends a call after a newer one was kept."""
    await end_call(store, TWO, ago_ms=10_000)
    await writer(store, shelf).round()
    await end_call(store, ONE, ago_ms=600_000)
    await writer(store, shelf).round()
    assert kept(shelf) == [TWO, ONE]


async def test_a_card_that_cannot_be_read_stops_nobody(store: Store, shelf: SqlShelf) -> None:
    """It is said once, and passed over."""
    await end_call(store, ONE, ago_ms=90_000)
    await store.hset(KEYS.card(ONE), "started_at_ms", "soon")
    await end_call(store, TWO)
    mine = writer(store, shelf)
    await mine.round()
    await mine.round()
    assert kept(shelf) == [TWO]


async def test_calls_that_are_gone_hold_up_nobody(
    store: Store, shelf: SqlShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis lists them for longer than it keeps them, where no call ends: each is looked for once."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    await end_call(store, ONE, ago_ms=90_000)
    await store.delete(KEYS.card(ONE))
    await end_call(store, TWO)
    mine = writer(store, shelf)
    assert await mine.round() is True
    assert await mine.round() is False
    assert kept(shelf) == [TWO]


async def test_what_is_too_old_goes(store: Store, shelf: SqlShelf) -> None:
    """At the first round, then hourly."""
    await end_call(store, ONE, ago_ms=2_000_000)
    await writer(store, shelf).round()
    assert kept(shelf) == [ONE]
    await store.delete(KEYS.ended(0))
    await writer(store, shelf, keep_days=0.01).round()
    assert kept(shelf) == []


async def test_a_shelf_that_is_away_is_waited_for(
    store: Store, shelf: SqlShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line; the next round tries again."""
    await end_call(store, ONE)
    mine = writer(store, shelf)
    answers = iter([ShelfError("away"), ShelfError("away")])

    def newest_ms() -> int:
        error = next(answers, None)
        if error is not None:
            raise error
        return 0

    patched = _Patched(shelf, newest_ms)
    mine.shelf = patched  # type: ignore[assignment]
    assert await mine.round() is False
    assert await mine.round() is False
    await mine.round()
    assert kept(shelf) == [ONE]


class _Patched:
    """A shelf with one method of ours."""

    def __init__(self, shelf: SqlShelf, newest_ms: object) -> None:
        self.newest_ms = newest_ms
        self.known, self.put, self.expire = shelf.known, shelf.put, shelf.expire
