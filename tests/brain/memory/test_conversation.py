"""The conversation as it was heard, and what a new session is told of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.memory.budget import BEGINNING_LOST
from brain.memory.conversation import ELLIPSIS, INAUDIBLE, Conversation, Line
from brain.memory.items import UNKNOWN_RESULT
from brain.model.engine import SeedItem
from shared.contract.streams.history import HistoryEntry, ItemEntry, ItemHeard, ItemLength, ToolState
from shared.heard import words
from shared.heard.pace import LETTER_MS


def talk() -> Conversation:
    """A question, an answer of 4 s that was cut at 2 s, and another question."""
    conversation = Conversation()
    conversation.user_item("u1")
    conversation.model_delta("a1", "one two three four ")
    conversation.model_delta("a1", "five six seven eight")
    conversation.user_text("u1", "count")
    conversation.item_ms("a1", 4_000)
    conversation.heard("a1", 2_000, 4_000, True)
    conversation.user_item("u2")
    conversation.user_text("u2", "stop")
    return conversation


def test_the_order_is_that_of_the_conversation() -> None:
    """Though the caller's transcript came after the answer had begun."""
    assert [line.item_id for line in talk().lines()] == ["u1", "a1", "u2"]


def test_an_interrupted_item_has_the_words_that_were_heard() -> None:
    """Half of the time, so half of the text, and no half words."""
    line = talk().lines()[1]

    assert (line.text, line.whole) == ("one two three four", False)


def test_an_item_heard_to_its_end_is_whole() -> None:
    """To within the margin that truncation has too."""
    conversation = talk()
    conversation.heard("a1", 3_901, 4_000, True)

    assert conversation.lines()[1] == Line("assistant", "one two three four five six seven eight", "a1")


def test_what_nobody_heard_nobody_said() -> None:
    """It is in neither the transcript nor the seed."""
    conversation = talk()
    conversation.heard("a1", 0, 4_000, True)

    assert [line.item_id for line in conversation.lines()] == ["u1", "u2"]
    assert [item.item_id for item in conversation.seed(1_000)] == ["u1", "u2"]


def test_a_right_to_left_text_is_cut_at_its_beginning() -> None:
    """The first words spoken are the first in the text, whatever side they are shown on."""
    conversation = Conversation()
    conversation.model_text("a", "שלום וברכה לכם מכולנו")
    conversation.heard("a", 1_000, 2_000, True)

    assert conversation.lines()[0].text == "שלום וברכה"


def test_a_playhead_says_where_the_call_ended() -> None:
    """What stands before it was heard, what stands behind it was not."""
    conversation = Conversation()
    for item_id in ("a", "b", "c"):
        conversation.model_text(item_id, "one two three four")
        conversation.item_ms(item_id, 1_000)

    lines = conversation.lines(("b", 500))

    assert [(line.item_id, line.text, line.whole) for line in lines] == [
        ("a", "one two three four", True),
        ("b", "one two", False),
    ]


def test_the_entries_of_history_give_the_same_conversation() -> None:
    """What one brain knew, the next one reads."""
    said = "one two three four "
    entries: list[HistoryEntry] = [
        ItemEntry(item_id="u1", role="user", text="", final=False),
        ItemEntry(item_id="a1", role="assistant", text=said, final=False),
        ItemEntry(item_id="u1", role="user", text="count", final=True),
        ItemEntry(item_id="a1", role="assistant", text=f"{said}five six seven eight", final=True),
        ItemLength(item_id="a1", ms=4_000),
        ItemHeard(item_id="a1", ms=2_000, of_ms=4_000, complete=True),
        ItemEntry(item_id="u2", role="user", text="stop", final=True),
    ]

    assert Conversation.of(entries).lines() == talk().lines()


def test_a_seed_is_what_was_said_as_it_was_heard() -> None:
    """With the mark where the caller stopped listening."""
    assert talk().seed(1_000) == (
        SeedItem(kind="message", role="user", text="count", item_id="u1"),
        SeedItem(kind="message", role="assistant", text=f"one two three four{ELLIPSIS}", item_id="a1"),
        SeedItem(kind="message", role="user", text="stop", item_id="u2"),
    )


def test_what_is_on_its_way_counts_as_said() -> None:
    """It will be heard; a later interruption corrects it."""
    conversation = Conversation()
    conversation.model_delta("a", "on its way")

    assert [item.text for item in conversation.seed(1_000)] == ["on its way"]


def test_a_caller_without_a_transcript_is_not_forgotten() -> None:
    """The model should know that something was said."""
    conversation = Conversation()
    conversation.user_item("u")

    assert [item.text for item in conversation.seed(1_000)] == [INAUDIBLE]


def test_a_turn_without_a_text_is_told_by_its_sound() -> None:
    """If it is known; one that the caller will be heard to say again is not told. A text needs no sound."""
    conversation = Conversation()
    for item_id in ("known", "unknown", "open", "text"):
        conversation.user_item(item_id)
    conversation.user_text("text", "hello")
    voices = {"known": b"voice", "open": None, "text": b"voice too"}

    told = conversation.seed(1_000, voice_of=lambda item_id: voices.get(item_id, b""))

    assert [(item.item_id, item.text, item.audio) for item in told] == [
        ("known", INAUDIBLE, b"voice"), ("unknown", INAUDIBLE, b""), ("text", "hello", b""),
    ]  # fmt: skip


def test_tools_are_told_with_their_results() -> None:
    """A call always with an output; one that is still running is told when it has its own."""
    conversation = Conversation()
    conversation.tool("c1", "look_up", ToolState.STARTED, '{"n": 1}')
    conversation.tool("c1", "look_up", ToolState.RESULT, "found")
    conversation.tool("c2", "look_up", ToolState.STARTED, "")

    told = conversation.seed(1_000)
    while_running = conversation.seed(1_000, frozenset({"c2"}))
    not_yet_told = conversation.seed(1_000, frozenset({"c1", "c2"}))

    assert [(item.kind, item.call_id, item.text) for item in told] == [
        ("tool_call", "c1", '{"n": 1}'),
        ("tool_output", "c1", "found"),
        ("tool_call", "c2", "{}"),
        ("tool_output", "c2", UNKNOWN_RESULT),
    ]
    assert {item.call_id for item in while_running} == {"c1"}
    assert not_yet_told == ()


def test_a_tools_pages_push_nobody_out() -> None:
    """Two results of 13,000 characters: who called and why is still told, and both ends of each result."""
    conversation = Conversation()
    conversation.user_text("u1", "My name is Ada Lovelace.")
    for call_id in ("c1", "c2"):
        conversation.tool(call_id, "search", ToolState.STARTED, "{}")
        conversation.tool(call_id, "search", ToolState.RESULT, f"first {'x' * 13_000} last")
    conversation.user_text("u2", "And now?")

    told = conversation.seed(24_000)

    assert [item.kind for item in told] == [
        "message", "tool_call", "tool_output", "tool_call", "tool_output", "message",
    ]  # fmt: skip
    assert told[0].text == "My name is Ada Lovelace."
    for output in (told[2].text, told[4].text):
        assert output.startswith("first")
        assert output.endswith("last")
        assert "characters left out" in output


def test_a_past_whose_beginning_is_lost_says_so() -> None:
    """The next brain found as much as is kept, and no more."""
    conversation = talk()
    conversation.is_beginning_lost = True

    assert [item.text for item in conversation.seed(1_000)][:2] == [BEGINNING_LOST, "count"]


def test_a_reply_without_spaces_is_cut_where_it_was_heard() -> None:
    """Chinese, Thai, Japanese: a reply is not one word that was never heard to its end."""
    for said in (
        "您好请问有什么可以帮您的吗今天",
        "สวัสดีค่ะมีอะไรให้ช่วยไหมคะ",
        "はいかしこまりました少々お待ちください",
    ):
        conversation = Conversation()
        conversation.model_text("a", said)
        conversation.item_ms("a", 6_000)
        conversation.heard("a", 3_000, 6_000, True)

        (line,) = conversation.lines()
        assert said.startswith(line.text)
        assert 0.3 < len(line.text) / len(said) <= 0.55
        assert not line.whole
        assert conversation.seed(1_000)[0].text == f"{line.text}{ELLIPSIS}"


def test_text_that_ran_ahead_of_its_audio_was_not_heard() -> None:
    """Interrupted while it was made: all of the words were there, but a second of audio."""
    conversation = Conversation()
    conversation.model_text("a", "word " * 100)
    conversation.heard("a", 1_000, 1_000, False)

    (line,) = conversation.lines()
    assert words.weight(line.text) <= 1_000 / LETTER_MS
    assert line.text


def test_a_lost_session_takes_the_words_that_had_no_audio() -> None:
    """What was received will be heard; what was only written is not the past of anybody."""
    conversation = Conversation()
    conversation.model_delta("a", "word " * 100)
    conversation.item_ms("a", 2_000)
    conversation.model_delta("b", "Not a sound of it.")
    cut = dict(conversation.session_lost())

    assert words.weight(cut["a"].removesuffix(ELLIPSIS)) <= 2_000 / LETTER_MS
    assert cut["b"] == ""
    assert [(item.item_id, item.text) for item in conversation.seed(5_000)] == [("a", cut["a"])]
    assert conversation.session_lost() == []
    conversation.heard("a", 2_000, 2_000, True)
    assert [line.text for line in conversation.lines()] == [cut["a"]]


def test_the_pace_is_that_of_the_voice() -> None:
    """What it has said to its end shows how fast it speaks."""
    slow = Conversation()
    slow.model_text("a", "word " * 20)
    slow.item_ms("a", 20 * 5 * 140)
    for conversation in (slow, Conversation()):
        conversation.model_text("b", "word " * 100)
        conversation.heard("b", 7_000, 7_000, False)

    fast = Conversation.of(
        [
            ItemEntry(item_id="b", role="assistant", text="word " * 100, final=True),
            ItemHeard(item_id="b", ms=7_000, of_ms=7_000, complete=False),
        ]
    )
    assert len(slow.lines()[1].text) < len(fast.lines()[0].text)


def test_the_words_heard_are_told_for_a_correction() -> None:
    """Nothing for nothing; the mark where it was cut."""
    conversation = talk()

    assert conversation.heard_text("a1", 1_000) == f"one two{ELLIPSIS}"
    assert conversation.heard_text("a1", 0) == ""
    assert conversation.heard_text("unknown", 1_000) == ""


@given(st.text(max_size=80), st.integers(0, 5_000), st.integers(0, 5_000), st.booleans())
def test_words_are_never_invented_and_never_more_than_was_heard(
    said: str, heard: int, of: int, complete: bool
) -> None:
    """Whatever is heard of whatever text."""
    conversation = Conversation()
    conversation.model_text("a", said)
    conversation.heard("a", heard, of, complete)

    for line in conversation.lines():
        assert line.text == said or said.strip().startswith(line.text)
        if line.text != said and of:
            assert words.weight(line.text) <= words.weight(said) * min(1.0, heard / of) + 1


def test_words_are_awaited_until_they_are_there() -> None:
    """A turn of the caller whose text may still come; that of an old one is lost."""
    conversation = talk()
    assert not conversation.awaits_words
    conversation.user_item("u3")
    assert conversation.awaits_words
    conversation.user_text("u3", "")
    assert not conversation.awaits_words
    conversation.user_item("u4")
    for number in range(4):
        conversation.model_delta(f"b{number}", "one")
    assert not conversation.awaits_words


def test_it_is_written_again_as_it_is() -> None:
    """For a Redis that has lost it: read back, it is the same conversation."""
    conversation = talk()
    conversation.keys("k1", "42")
    conversation.tool("c1", "look_up", ToolState.STARTED, "{}")
    conversation.tool("c1", "look_up", ToolState.RESULT, "found")
    conversation.tool("c2", "book", ToolState.STARTED, "{}")
    conversation.model_delta("a2", "and it")

    again = Conversation.of(conversation.entries())

    assert again == conversation
    assert again.seed(10_000) == conversation.seed(10_000)


def test_a_caller_who_asked_for_a_moment_waits_for_nothing_until_they_speak() -> None:
    """What was said and done before needs no answer; what is said after it does, and ends the moment."""
    conversation = Conversation()
    conversation.user_text("u1", "One moment, please.")
    conversation.tool("c1", "hold", ToolState.STARTED, "{}")
    conversation.tool("c1", "hold", ToolState.RESULT, "{}")
    assert conversation.since_answer(()) == [("u1", True), ("c1", True)]
    assert conversation.quiet_until_ms == 0

    conversation.quiet_until(90_000)
    assert conversation.since_answer(()) == []
    assert conversation.quiet_until_ms == 90_000
    conversation.model_text("i1", "Take your time.")
    again = Conversation.of(conversation.entries())
    assert (again.quiet_until_ms, again.since_answer(())) == (90_000, [])

    conversation.user_item("u2")
    assert conversation.quiet_until_ms == 0
    assert conversation.since_answer(()) == [("u2", False)]


def test_what_was_no_turn_is_answered_by_nobody() -> None:
    """A cough leaves nothing behind, a word that only shows that they listen its text."""
    conversation = talk()
    conversation.item_ms("a2", 3_000)
    conversation.model_text("a2", "six")
    for item_id, said in (("u3", ""), ("u4", "Mm-hm.")):
        conversation.overheard(item_id)
        conversation.user_item(item_id)
        conversation.user_text(item_id, said)

    assert conversation.since_answer(()) == []
    assert [line.item_id for line in conversation.lines()] == ["u1", "a1", "u2", "a2", "u4"]
    assert [item.item_id for item in conversation.seed(1_000)] == ["u1", "a1", "u2", "a2", "u4"]


def test_what_was_no_turn_does_not_hide_one_that_waits() -> None:
    """They ask, and cough while they wait."""
    conversation = talk()
    conversation.overheard("u3")

    assert conversation.since_answer(()) == [("u2", True)]
