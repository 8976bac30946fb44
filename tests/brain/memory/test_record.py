"""The record: memory and stream say the same, and only what was heard."""

from __future__ import annotations

import pytest

from brain.memory.conversation import Conversation, Line
from brain.memory.history import History
from brain.memory.items import RECORDING
from brain.memory.record import Record
from brain.model.engine import Said, SaidKind, ServerTool
from shared.contract.streams.history import ItemEntry, ToolEntry, ToolState
from tests.brain.memory.test_history import Notebook


def told(*heard: tuple[int, int, bool]) -> tuple[Record, Notebook]:
    """A record of one item of eight words, `heard` (ms, of ms, complete)."""
    book = Notebook()
    record = Record(History(book), Conversation())
    record.said(Said(SaidKind.MODEL_DELTA, "a", "one two three four "))
    record.said(Said(SaidKind.MODEL_DELTA, "a", "five six seven eight"))
    for ms, of_ms, complete in heard:
        record.heard("a", ms, of_ms, complete=complete)
    return record, book


def both(record: Record, book: Notebook) -> list[list[Line]]:
    """The transcript of this process, and that of the next one."""
    return [record.conversation.lines(), Conversation.of(book.written).lines()]


@pytest.mark.parametrize("whole", ["", "one two three four five six seven eight nine ten eleven twelve"])
async def test_text_that_straggles_in_after_an_interruption_is_of_audio_nobody_got(whole: str) -> None:
    """Half of what was received was heard: half of the words, in memory and in the stream."""
    record, book = told((2_000, 4_000, False))

    record.said(Said(SaidKind.MODEL_DELTA, "a", " nine ten eleven twelve"))
    record.said(Said(SaidKind.MODEL_TEXT, "a", whole))

    assert both(record, book) == [[Line("assistant", "one two three four", "a", False)]] * 2


async def test_the_whole_text_of_a_complete_item_may_come_late() -> None:
    """It was heard before its text was whole; an empty one, or a piece, takes nothing away."""
    record, book = told((4_000, 4_000, True))
    text = "one two three four five six seven eight nine"

    record.said(Said(SaidKind.MODEL_DELTA, "a", " nine"))
    record.said(Said(SaidKind.MODEL_TEXT, "a", ""))
    assert [line.text for lines in both(record, book) for line in lines] == [text[:-5]] * 2
    record.said(Said(SaidKind.MODEL_TEXT, "a", text))

    assert [line.text for lines in both(record, book) for line in lines] == [text] * 2


async def test_an_item_whose_text_comes_after_its_audio_has_it_all_the_same() -> None:
    """Nothing was written when it was interrupted: late words are better than none."""
    book = Notebook()
    record = Record(History(book), Conversation())
    record.heard("a", 1_000, 2_000, complete=False)

    record.said(Said(SaidKind.MODEL_TEXT, "a", "one two three four"))

    assert [line.text for lines in both(record, book) for line in lines] == ["one two"] * 2


async def test_a_lost_session_leaves_the_same_past_to_both() -> None:
    """What was written and had no audio is in neither the memory nor the stream."""
    book = Notebook()
    record = Record(History(book), Conversation())
    record.said(Said(SaidKind.MODEL_DELTA, "a", "one two three four five six seven eight"))
    record.item_ms("a", 1_000)
    record.session_lost()
    record.heard("a", 1_000, 1_000, complete=True)

    (mine, stored) = both(record, book)
    assert mine == stored
    assert mine[0].text == "one two three…"


async def test_a_tool_of_the_server_is_noted_once_and_told_to_the_next_session() -> None:
    """It is told when it is called and when it has its output, and perhaps again."""
    book = Notebook()
    record = Record(History(book), Conversation())
    for output in ("", "found", "found"):
        record.server_tool(ServerTool(call_id="m", name="search", arguments="{}", output=output))

    assert [entry.value for entry in book.written if isinstance(entry, ToolEntry)] == ["{}", "found"]
    assert [(item.kind, item.text) for item in record.conversation.seed(1_000)] == [
        ("tool_call", "{}"),
        ("tool_output", "found"),
    ]


async def test_what_was_no_turn_is_known_to_the_next_brain_too() -> None:
    """Though it was passed over before the item stood in the conversation."""
    book = Notebook()
    record = Record(History(book), Conversation())
    record.said(Said(SaidKind.MODEL_DELTA, "a", "one two three four"))
    record.item_ms("a", 2_000)
    record.overheard("u")
    record.said(Said(SaidKind.USER_ITEM, "u"))

    assert both(record, book) == [[Line("assistant", "one two three four", "a")]] * 2
    for known in (record.conversation, Conversation.of(book.written)):
        assert known.since_answer(()) == []
        assert not known.awaits_words


EIGHT = "one two three four five six seven eight"


async def test_a_recording_stands_in_the_transcript_as_heard_and_answers_nobody() -> None:
    """Here and for the next brain; it says nothing of how fast the model speaks."""
    book = Notebook()
    record = Record(History(book), Conversation())
    record.said(Said(SaidKind.USER_ITEM, "u"))
    record.notice("n", EIGHT, 2_000)
    assert record.conversation.told_text("n") == f"{RECORDING}{EIGHT}"
    record.heard("n", 1_000, 2_000, complete=True)

    heard = Line("assistant", "one two three four", "n", False)
    assert both(record, book) == [[Line("user", "", "u"), heard]] * 2
    assert record.conversation.told_text("n") == f"{RECORDING}one two three four…"
    assert record.conversation.told_text("n", 0) == ""
    for known in (record.conversation, Conversation.of(book.written)):
        assert known.has_notices
        assert known.since_answer(()) == [("u", False)]
        assert known.seed(1_000)[1].text == f"{RECORDING}one two three four…"
        assert known.seed(1_000)[1].role == "system"
        assert known._pace == Conversation()._pace


async def test_a_call_in_which_only_a_recording_was_said_is_new() -> None:
    """Nobody has spoken yet."""
    record = Record(History(Notebook()), Conversation())
    assert record.conversation.told_text("n") == ""
    record.notice("n", "This call is recorded.", 2_000)
    record.heard("n", 2_000, 2_000, complete=True)

    assert not record.conversation.has_words
    assert record.conversation.told_text("n") == f"{RECORDING}This call is recorded."
    assert not Conversation().has_notices


async def test_what_is_said_and_done_is_that_of_the_agent_who_began_it() -> None:
    """Whoever has the call by the time that the rest of it comes; what the caller says is nobody's."""
    book = Notebook()
    record = Record(History(book), Conversation(agent="sales"))
    record.said(Said(SaidKind.USER_ITEM, "u", ""))
    record.said(Said(SaidKind.MODEL_DELTA, "a", "One moment. "))
    await record.tool_started("c1", "look_up", "{}")
    record.conversation.agent = "service"
    record.said(Said(SaidKind.MODEL_TEXT, "a", "One moment. Good."))
    record.tool("c1", "look_up", ToolState.RESULT, "{}")
    record.said(Said(SaidKind.MODEL_TEXT, "b", "Hello."))

    for lines in both(record, book):
        assert [(line.item_id, line.agent) for line in lines] == [
            ("u", ""), ("a", "sales"), ("c1", "sales"), ("b", "service"),
        ]  # fmt: skip
    named = {entry.agent for entry in book.written if isinstance(entry, ItemEntry) and entry.item_id == "a"}
    assert named == {"sales"}
    assert [record.conversation.agent_of(each) for each in ("a", "c1", "u", "", "new")] == [
        "sales", "sales", "", "service", "service",
    ]  # fmt: skip


def test_what_an_older_version_wrote_is_nobodys() -> None:
    """Not that of whoever has the call now."""
    known = Conversation(agent="service")
    known.receive(ItemEntry(item_id="a", role="assistant", text="Hello.", final=True))
    known.receive(ToolEntry(call_id="c1", name="look_up", state=ToolState.RESULT, value="{}"))

    assert [line.agent for line in known.lines()] == ["", ""]
