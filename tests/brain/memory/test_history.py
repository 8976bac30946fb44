"""History: texts as they grow, what was heard, tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from brain.memory import history as history_module
from brain.memory.history import History
from shared.contract.keys import Keys
from shared.contract.streams.history import HistoryEntry, ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.ownership.owner import Owner
from shared.store.writing.outbox import Outbox
from tests.support.waiting import wait_until
from tests.support.ways import way_to

KEYS = Keys(1)


class Notebook(Owner):
    """An owner's pen that keeps what it wrote."""

    def __init__(self) -> None:
        outbox = Outbox(way_to("redis://127.0.0.1:1/0"), name="brain-0@h#1", commit_ms=0)
        super().__init__(outbox, KEYS, "CA" + "0" * 32, "brain", 1, lambda _answer: None, "brain-0@h#1")
        self.written: list[HistoryEntry] = []
        self.then: Callable[[], None] | None = None

    def history(self, entry: HistoryEntry, *, then: Callable[[], None] | None = None) -> None:
        self.written.append(entry)
        self.then = then

    @property
    def items(self) -> list[tuple[str, str, bool]]:
        """Role, text, whether final, of what was written of items."""
        return [
            (entry.role, entry.text, entry.final) for entry in self.written if isinstance(entry, ItemEntry)
        ]


async def test_a_growing_text_is_written_at_once_then_every_second_and_when_final() -> None:
    """The order stands from the first word; the next brain finds at most a second less than was said."""
    book = Notebook()
    history = History(book)
    for at_ms, word in ((0, "Your "), (500, "order "), (1_000, "is ")):
        history.model_delta("i", word, at_ms)
    history.model_text("i", "Your order is here.")

    assert book.items == [
        ("assistant", "Your ", False),
        ("assistant", "Your order is ", False),
        ("assistant", "Your order is here.", True),
    ]


async def test_an_interrupted_text_is_written_as_far_as_it_came() -> None:
    """No more of it will come once what was heard is known."""
    book = Notebook()
    history = History(book)
    history.model_delta("i", "Your ", 0)
    history.model_delta("i", "order", 10)

    history.heard("i", 400, 900, False)

    assert book.items == [("assistant", "Your ", False), ("assistant", "Your order", True)]
    assert book.written[2:] == [ItemHeard(item_id="i", ms=400, of_ms=900, complete=False)]


async def test_a_callers_item_stands_before_its_text() -> None:
    """The transcript may come after the answer; the order is that of the conversation."""
    book = Notebook()
    history = History(book)

    history.user_item("u1")
    history.user_text("u1", "שלום")

    assert book.items == [("user", "", False), ("user", "שלום", True)]


async def test_a_tool_waits_until_redis_has_it() -> None:
    """And not for a Redis that is away."""
    book = Notebook()
    history = History(book)
    starting = asyncio.create_task(history.tool_started("c1", "look_up", "{}"))
    await wait_until(lambda: book.then is not None, "it is written")
    assert not starting.done()
    assert book.then is not None
    book.then()
    await starting
    assert book.written == [ToolEntry(call_id="c1", name="look_up", state=ToolState.STARTED, value="{}")]


async def test_a_tool_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller waits for its answer."""
    monkeypatch.setattr(history_module, "WRITTEN_WITHIN_S", 0.01)
    await asyncio.wait_for(History(Notebook()).tool_started("c1", "look_up", "{}"), 5)
