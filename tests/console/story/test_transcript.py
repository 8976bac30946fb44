"""What was said, as it was heard."""

from __future__ import annotations

from console.story.transcript import Line, Who, lines
from shared.contract.streams.history import ItemEntry, ItemHeard, ItemLength, KeysPressed, QuietUntil
from tests.support.story_samples import BEGAN_MS, said, whole_call


def item(text: str, *, item_id: str = "i", role: str = "assistant", final: bool = True) -> ItemEntry:
    return ItemEntry(item_id=item_id, role=role, text=text, final=final)


def only(*records: object) -> Line:
    (found,) = lines([said(number, record) for number, record in enumerate(records)])  # type: ignore[arg-type]
    return found


def test_a_whole_call_in_lines() -> None:
    """The caller, the agent as far as it was heard, the tool; keys are not shown."""
    found = lines(whole_call())
    assert [line.who for line in found] == [Who.AGENT, Who.CALLER, Who.AGENT, Who.TOOL, Who.KEYS]
    assert found[2].unheard != ""
    assert found[2].heard + " " + found[2].unheard == "one two three four five six"
    assert [line.heard for line in found if line.who is Who.KEYS] == [""]


def test_what_was_interrupted_is_cut_where_it_was_heard() -> None:
    """By the rule by which the model is told; both parts are the text."""
    cut = only(
        item("one two three four five six seven eight"),
        ItemLength(item_id="i", ms=4_000),
        ItemHeard(item_id="i", ms=2_000, of_ms=4_000, complete=True),
    )
    assert (cut.heard, cut.unheard) == ("one two three four", "five six seven eight")


def test_what_was_heard_to_its_end_is_whole() -> None:
    """To within a tenth of a second."""
    whole = only(
        item("one two"),
        ItemLength(item_id="i", ms=1_000),
        ItemHeard(item_id="i", ms=950, of_ms=1_000, complete=True),
    )
    assert (whole.heard, whole.unheard, whole.is_final) == ("one two", "", True)


def test_what_nobody_heard_is_struck_through_as_a_whole() -> None:
    """The caller spoke before its first word."""
    nothing = only(item("one two"), ItemHeard(item_id="i", ms=0, of_ms=1_000, complete=False))
    assert (nothing.heard, nothing.unheard) == ("", "one two")


def test_what_is_being_said_is_not_decided_yet() -> None:
    """Live: its words run ahead of its sound."""
    assert not only(item("one two", final=False)).is_final


def test_a_turn_without_a_transcript_is_a_turn() -> None:
    """Its text may still come, or never."""
    turn = only(item("", role="user", final=False))
    assert (turn.who, turn.is_empty, turn.is_final) == (Who.CALLER, True, False)


def test_keys_are_never_shown() -> None:
    """A card number's, perhaps. Other entries are no lines."""
    keys = only(KeysPressed(item_id="k", text="4242 4242"), QuietUntil(at_ms=BEGAN_MS))
    assert (keys.who, keys.heard) == (Who.KEYS, "")
