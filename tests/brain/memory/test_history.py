"""History: texts as they grow, what was heard, tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from brain.memory.history import History
from shared.contract.entries import Why, to_dict
from shared.contract.keys import Keys
from shared.ownership.owner import Owner
from shared.store.outbox import Outbox

KEYS = Keys(1)


class Notebook(Owner):
    """An owner's pen that keeps what it wrote."""

    def __init__(self) -> None:
        outbox = Outbox("redis://127.0.0.1:1/0", KEYS, name="brain-0@h#1", commit_ms=0)
        super().__init__(outbox, KEYS, "CA" + "0" * 32, "brain", 1, lambda _answer: None)
        self.written: list[dict[str, str]] = []

    def append(
        self,
        part: str,
        fields: Sequence[bytes],
        *,
        maxlen: int = 0,
        wake: str = "",
        why: Why = Why.CONTROL,
        create: bool = True,
        urgent: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        assert (part, maxlen) == ("history", 2000)
        self.written.append({k.decode(): v.decode() for k, v in to_dict(fields).items()})


async def test_a_growing_text_is_written_at_once_then_every_second_and_when_final() -> None:
    """The order stands from the first word; the next brain finds at most a second less than was said."""
    book = Notebook()
    history = History(book)
    for at_ms, word in ((0, "Your "), (500, "order "), (1_000, "is ")):
        history.model_delta("i", word, at_ms)
    history.model_text("i", "Your order is here.")

    assert [(entry["text"], entry["final"]) for entry in book.written] == [
        ("Your ", "0"),
        ("Your order is ", "0"),
        ("Your order is here.", "1"),
    ]


async def test_an_interrupted_text_is_written_as_far_as_it_came() -> None:
    """No more of it will come once what was heard is known."""
    book = Notebook()
    history = History(book)
    history.model_delta("i", "Your ", 0)
    history.model_delta("i", "order", 10)

    history.heard("i", 400, 900, False)

    assert [entry["kind"] for entry in book.written] == ["item", "item", "heard"]
    assert (book.written[1]["text"], book.written[1]["final"]) == ("Your order", "1")
    assert {"ms": "400", "of": "900", "complete": "0"}.items() <= book.written[2].items()


async def test_a_callers_item_stands_before_its_text() -> None:
    """The transcript may come after the answer; the order is that of the conversation."""
    book = Notebook()
    history = History(book)

    history.user_item("u1")
    history.user_text("u1", "שלום")

    assert [(e["role"], e["text"], e["final"]) for e in book.written] == [
        ("user", "", "0"),
        ("user", "שלום", "1"),
    ]
