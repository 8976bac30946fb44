"""What a brain has left: made of card, `reply` and history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.memory.conversation import Conversation
from brain.takeover.inherited import Inherited, find
from shared.audio import BYTES_PER_MS
from shared.contract.card import CallState, Next
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    QuietUntil,
    ToolEntry,
    ToolState,
)
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.views import BrainView

CARD = BrainView(
    state=CallState.ATTACHED, leg=1, ingress="", cut=0, agent="", caller="", called="", started_at_ms=0,
    frame_n=0, claims=2, restored_at_ms=None, control_pos=None, next=Next.NOTHING, next_arg="", cause=None,
    pending=None, pending_arg=None, pending_call=None, pending_leg=None, pending_said=None,
    next_language=None, playhead_item=None, playhead_ms=None, audible_response=None, context=None, usage=None,
    response_ms=None, tape=None, taped_from_ms=None, listen_until_ms=None,
)  # fmt: skip
GREETED: list[HistoryEntry] = [
    ItemEntry(item_id="i1", role="assistant", text="Hello there.", final=True),
    ItemLength(item_id="i1", ms=1000),
]
TOOL = ToolEntry(call_id="t1", name="transfer_call", state=ToolState.STARTED, value="{}")


def audio(item_id: str, ms: int, *, at_ms: int = 0, cut: int = 0, epoch: int = 1) -> ReplyEntry:
    return ReplyEntry(
        kind=ReplyKind.AUDIO, epoch=epoch, cut=cut, response_id=f"r-{item_id}", item_id=item_id,
        offset_bytes=at_ms * BYTES_PER_MS, t_ms=0.0, audio=bytes(ms * BYTES_PER_MS),
    )  # fmt: skip


def boundary(kind: ReplyKind, item_id: str, *, ms: int = 0, cut: int = 0, epoch: int = 1) -> ReplyEntry:
    return ReplyEntry(
        kind=kind, epoch=epoch, cut=cut, response_id=f"r-{item_id}", item_id=item_id,
        offset_bytes=ms * BYTES_PER_MS, t_ms=0.0, audio=b"",
    )  # fmt: skip


def whole(item_id: str, ms: int) -> list[ReplyEntry]:
    ends = (ReplyKind.ITEM_END, ReplyKind.RESPONSE_END)
    return [audio(item_id, ms), *(boundary(kind, item_id, ms=ms) for kind in ends)]


def found(
    entries: list[ReplyEntry], *said: HistoryEntry, card: BrainView = CARD, **changes: object
) -> Inherited:
    return find(replace(card, **changes), entries, Conversation.of(said))  # type: ignore[arg-type]


def test_what_is_before_the_playhead_was_heard_and_what_is_behind_it_was_not() -> None:
    """By the card's playhead; an item of which history says how much was heard is nothing to take up."""
    decided = ItemHeard(item_id="i0", ms=10, of_ms=10, complete=True)
    left = found(
        [*whole("i0", 10), *whole("i1", 1000), *whole("i2", 800), *whole("i3", 600)],
        ItemEntry(item_id="i0", role="assistant", text="Oh.", final=True), decided, *GREETED,
        playhead_item="i2", playhead_ms=300, audible_response="r-i2",
    ).left  # fmt: skip
    assert [(item.item_id, item.heard_ms) for item in left.items] == [("i1", 1000), ("i2", 300), ("i3", 0)]
    assert (left.cut_off, left.audible_response, left.is_unanswered) == ("", "r-i2", False)


def test_a_response_without_its_end_has_broken_off() -> None:
    """And how much there is of it is known, though its text ran ahead; its beginning may be forgotten."""
    growing = ItemEntry(item_id="i2", role="assistant", text="Your order is on", final=False)
    inherited = found([audio("i2", 200, at_ms=400)], *GREETED, growing)
    assert inherited.left.cut_off == "r-i2"
    assert inherited.left.items[0].received_bytes == 600 * BYTES_PER_MS
    assert inherited.received == {"i2": 600}
    assert inherited.heard_out == {"i1": 1000}  # Egress has let go of it.


def test_of_a_flush_whose_figures_nobody_noted_they_are_waited_for() -> None:
    """The cut in `reply` counts, even if the card does not say it yet."""
    left = found([*whole("i1", 1000), boundary(ReplyKind.FLUSH, "i1", cut=1)], *GREETED).left
    assert (left.cut, left.items, [item.item_id for item in left.flushed]) == (1, (), ["i1"])


def test_what_has_led_to_a_tool_is_told_and_not_said_again() -> None:
    """Said again, the model would call the tool again. What was said after it is said again, with all of it:
    the sound of the two cannot be told apart."""
    asked = ItemEntry(item_id="u1", role="user", text="", final=False)
    found_ = found([], *GREETED, asked, TOOL)
    assert (found_.understood, found_.replayed) == ("u1", ())
    assert (found_.left.is_unanswered, found_.left.is_replayed) == (True, False)
    again = ItemEntry(item_id="u2", role="user", text="", final=False)
    found_ = found([], *GREETED, asked, TOOL, again)
    assert (found_.understood, found_.replayed) == ("", ("u1", "u2"))


def test_a_moment_that_the_caller_asked_for_is_its_own_answer() -> None:
    """The tool that gave it, and what they said before, wait for no word of ours."""
    asked = ItemEntry(item_id="u1", role="user", text="One moment.", final=True)
    tool = [
        ToolEntry(call_id="t1", name="hold", state=state, value="{}")
        for state in (ToolState.STARTED, ToolState.RESULT)
    ]
    assert found([], *GREETED, asked, *tool).left.is_unanswered
    assert not found([], *GREETED, asked, *tool, QuietUntil(at_ms=1)).left.is_unanswered


def test_an_answer_has_the_number_of_its_debt() -> None:
    """Egress pays by it."""
    entries = [replace(entry, debt=7) for entry in whole("i1", 1000)]
    assert [item.debt for item in found(entries, *GREETED).left.items] == [7]


def test_an_older_brains_entry_behind_a_newer_ones_is_void() -> None:
    """As egress has it."""
    left = found([audio("i2", 100, epoch=2), audio("i1", 100, epoch=1)]).left
    assert [item.item_id for item in left.items] == ["i2"]


@pytest.mark.parametrize(
    ("said", "unanswered", "replayed"),
    [
        ((), False, ()),
        ((ItemEntry(item_id="u1", role="user", text="Yes.", final=True),), True, ()),
        ((ItemEntry(item_id="u1", role="user", text="", final=False),), True, ("u1",)),
        (
            (
                ItemEntry(item_id="u1", role="user", text="", final=False),
                ItemEntry(item_id="i2", role="assistant", text="So", final=False),
            ),
            True,
            ("u1",),
        ),
    ],
)
def test_who_was_not_answered_is_owed_something(
    said: tuple[HistoryEntry, ...], unanswered: bool, replayed: tuple[str, ...]
) -> None:
    """What was written down is answered; what was not is said again. An answer without sound is none."""
    inherited = found([], *GREETED, *said)
    assert (inherited.left.is_unanswered, inherited.replayed) == (unanswered, replayed)
    assert inherited.left.is_replayed == bool(replayed)


def test_a_tool_that_did_not_end_was_interrupted_and_one_that_moves_the_caller_was_not() -> None:
    """The move goes on; its tool is answered when the caller is back."""
    other = replace(TOOL, call_id="t2", name="check_order")
    moving = {"pending": Next.DIAL, "pending_arg": "+1", "pending_call": "t1"}
    inherited = found([], *GREETED, TOOL, other, **moving, pending_leg=0)
    assert inherited.interrupted == {"t2": "check_order"}
    move = inherited.left.move
    assert move is not None
    assert (move.kind, move.call_id, move.gone, inherited.is_back) == ("dial", "t1", False, False)
    away = found([], TOOL, **moving, pending_leg=1, next=Next.DIAL, next_arg="+1")
    assert away.left.move is not None
    assert (away.left.move.gone, away.is_back) == (True, False)
    assert found([], TOOL, **moving, pending_leg=1, leg=2).is_back


def test_a_plan_of_a_card_without_a_pending_move_names_the_newest_tool() -> None:
    """A brain of an older version wrote no more."""
    move = found([], TOOL, next=Next.DIGITS, next_arg="1w2").left.move
    assert move is not None
    assert (move.kind, move.argument, move.call_id, move.gone) == ("digits", "1w2", "t1", True)


def test_a_hang_up_that_was_to_follow_follows() -> None:
    """After what is still to be heard; a plan to end the call is carried out as it stands."""
    inherited = found(whole("i1", 100), *GREETED, pending=Next.HANG_UP, pending_arg="agent")
    assert (inherited.hang_up, inherited.farewell_response) == ("agent", "r-i1")
    assert not inherited.is_on_way_out
    assert not inherited.is_farewell_heard
    assert found([], *GREETED, next=Next.APOLOGY, next_arg="Sorry.").is_on_way_out


def test_a_farewell_that_is_gone_from_the_reply_was_heard() -> None:
    """If all of it stood there; else it was not begun."""
    for reply, is_said, is_heard in (([], True, True), ([], False, False), (whole("i1", 100), True, False)):
        left = found(reply, *GREETED, pending=Next.HANG_UP, pending_arg="agent", pending_said=is_said)
        assert left.is_farewell_heard is is_heard
