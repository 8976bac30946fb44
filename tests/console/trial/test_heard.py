"""What was said and done, put together from what was seen."""

from __future__ import annotations

from console.demo.watch import Record, Seen
from console.trial.heard import Reply, ToolCall, heard
from shared.contract.streams.history import ItemEntry, ItemHeard, ItemLength, ToolEntry, ToolState
from shared.contract.streams.journal import Kind
from tests.support.top_samples import journal_entry


def seen(*entries: tuple[float, Record]) -> list[Seen]:
    return [Seen(at_ms=at_ms, record=record) for at_ms, record in entries]


def audible(at_ms: float, item: str) -> tuple[float, Record]:
    return at_ms, journal_entry(Kind.AUDIBLE, item=item)


def text(at_ms: float, item: str, words: str, role: str = "assistant") -> tuple[float, Record]:
    return at_ms, ItemEntry(item_id=item, role=role, text=words, final=True)


def tool(at_ms: float, state: ToolState, value: str) -> tuple[float, Record]:
    return at_ms, ToolEntry(call_id="c", name="stock", state=state, value=value)


WORDS = "one two three four five six seven eight nine ten"


def test_a_reply_begins_when_it_is_first_audible() -> None:
    """Two processes tell of it; its text and its length come when they come."""
    found = heard(seen(audible(900, "a"), (950, ItemLength(item_id="a", ms=2000)), audible(905, "a"),
                       text(1500, "a", WORDS)))  # fmt: skip
    assert found.replies == [Reply(at_ms=900, text=WORDS, length_ms=2000)]


def test_while_it_plays_the_words_count_that_have_played() -> None:
    """Whole ones, by its length; of one whose length nobody knows, none."""
    reply = Reply(at_ms=1000, text=WORDS, length_ms=2000)
    assert reply.heard_by(1000 + 960) == "one two three four five"
    assert reply.heard_by(1000 + 1960) == WORDS
    assert Reply(at_ms=1000, text=WORDS).heard_by(9000) == ""
    assert Reply(text=WORDS, length_ms=2000).heard_by(9000) == ""


def test_of_a_reply_that_was_cut_the_share_counts_that_was_heard() -> None:
    """For good, however late it is asked."""
    found = heard(seen(audible(0, "a"), text(1, "a", WORDS), (2, ItemLength(item_id="a", ms=2000)),
                       (3, ItemHeard(item_id="a", ms=500, of_ms=1000, complete=False))))  # fmt: skip
    assert found.replies[0].heard_by(60_000) == "one two three four five"


def test_a_reply_that_was_heard_whole_is_whole() -> None:
    """Whatever its figures."""
    found = heard(seen(audible(0, "a"), text(1, "a", WORDS),
                       (3, ItemHeard(item_id="a", ms=990, of_ms=1000, complete=True))))  # fmt: skip
    assert found.replies[0].heard_by(4) == WORDS


def test_sound_that_no_journal_tells_of_was_heard_all_the_same() -> None:
    """From when it was."""
    found = heard(seen(text(1, "n", WORDS), (3, ItemHeard(item_id="n", ms=900, of_ms=900, complete=True))))
    assert [each.heard_by(4) for each in found.replies_since(2)] == [WORDS]
    assert found.replies_since(4) == []


def test_the_callers_own_words_are_no_reply() -> None:
    """Nor is what was never heard."""
    found = heard(seen(text(1, "u", "hello", role="user"), text(2, "a", WORDS)))
    assert found.replies_since(0) == []


def test_a_tool_from_its_call_to_its_result() -> None:
    """In one place."""
    found = heard(seen(tool(5, ToolState.STARTED, '{"n":1}'), tool(9, ToolState.RESULT, "three")))
    assert found.tools == [ToolCall(at_ms=5, name="stock", arguments='{"n":1}', result="three")]
    assert found.tools_since(6) == []


def test_a_result_of_a_tool_that_nobody_saw_begin_is_none() -> None:
    """It was another brain's, and told before."""
    assert heard(seen(tool(9, ToolState.RESULT, "three"))).tools == []


def test_the_outcome_is_known_at_the_end() -> None:
    """Empty until then."""
    assert heard(seen()).outcome == ""
    assert heard(seen((9, journal_entry(Kind.ENDED, outcome="hangup")))).outcome == "hangup"


def test_replies_stand_in_the_order_in_which_they_began() -> None:
    """Not in that of their texts."""
    found = heard(seen(text(1, "b", "second"), text(2, "a", "first"), audible(3, "a"), audible(4, "b")))
    assert [each.text for each in found.replies] == ["first", "second"]
