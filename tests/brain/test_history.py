"""History: texts as they grow, what was heard, tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from brain.history import History
from shared.entries import Why, to_dict
from shared.keys import Keys
from shared.outbox import Outbox
from shared.ownership import Owner

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


async def test_a_growing_text_is_written_once_a_second_and_when_final() -> None:
    """The next brain finds at most a second less than was said."""
    book = Notebook()
    history = History(book)
    for at_ms, word in ((0, "Your "), (500, "order "), (1_000, "is ")):
        delta = {"type": "response.output_audio_transcript.delta", "item_id": "i", "delta": word}
        history.on_event(delta, at_ms)
    done = {
        "type": "response.output_audio_transcript.done",
        "item_id": "i",
        "transcript": "Your order is here.",
    }
    history.on_event(done, 1_200)

    assert [(entry["text"], entry["final"]) for entry in book.written] == [
        ("Your order is ", "0"),
        ("Your order is here.", "1"),
    ]


async def test_a_callers_text_settles_its_turn() -> None:
    """Unicode as it is; a failed transcript settles too."""
    book = Notebook()
    history = History(book)
    prefix = "conversation.item.input_audio_transcription"

    done = history.on_event({"type": f"{prefix}.completed", "item_id": "u1", "transcript": "שלום"}, 0)
    failed = history.on_event({"type": f"{prefix}.failed", "item_id": "u2"}, 0)

    assert (done, failed) == ("u1", "u2")
    assert [(e["role"], e["text"]) for e in book.written] == [("user", "שלום")]


async def test_an_item_without_an_id_is_not_written() -> None:
    """Nobody could match it."""
    book = Notebook()

    History(book).on_event({"type": "response.output_audio_transcript.done", "transcript": "x"}, 0)

    assert book.written == []
