"""The table of waits: what is waited for, until when, and what is done when that time has passed.

Why it exists: nothing in a call may wait for ever, and a wait that is named but never fired, or fired but
never named, sticks. One row says both; the machine fires by it, its driver is told the next moment by it,
the deadlines of docs/sequencer.md are made from it, and the walk lets every state come to rest by it.

Owns: which waits exist, and their order where several are over at once. Must not know: how a rule ends a
wait. It always does, or moves it, so that the next moment lies in the future.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from brain.sequencer import (
    ask_again,
    caller_text,
    caller_turn,
    confirm,
    cut,
    door,
    hang_up,
    move,
    playback,
    responses,
    rollover,
    tool_batch,
)
from brain.sequencer.state import Phase, State
from brain.sequencer.wishes import Reason


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that may be waited for."""

    name: str
    due: Callable[[State], float | None]
    """Until when it is waited for, at the latest; None while it is not."""
    overdue: Callable[[State, float], None]
    """The rule that ends the wait, or moves it."""
    bounds: tuple[str, ...]
    """What says how long: fields of `SequencerConfig`, and reasons of `wishes.EXPIRY_MS`."""


WAITS: Final[tuple[Wait, ...]] = (
    Wait("egress's figures of a cut", cut.figures_due_ms, cut.figures_overdue, ("flushed_wait_ms",)),
    Wait("whether the caller interrupts", confirm.due_ms, confirm.overdue, ("confirm_ms",)),
    Wait(
        "the end of the caller's speech",
        caller_turn.stop_due_ms,
        caller_turn.stop_overdue,
        ("speech_max_ms",),
    ),
    Wait(
        "the server's answer to the caller",
        caller_turn.answer_due_ms,
        caller_turn.answer_overdue,
        ("answer_grace_ms",),
    ),
    Wait(
        "a response to the caller's turn",
        caller_turn.created_due_ms,
        caller_turn.created_missing,
        ("turn_answer_wait_ms",),
    ),
    Wait("the rest of a group of keys", caller_text.keys_due_ms, caller_text.keys_overdue, ("keys_wait_ms",)),
    Wait("the answer to a create", door.created_due_ms, door.created_overdue, ("created_wait_ms",)),
    Wait(
        "the active response",
        responses.due_ms,
        responses.overdue,
        (
            "active_silent_ms",
            "ceased_ms",
            "unspoken_wait_ms",
            "done_after_items_ms",
            "server_cancel_wait_ms",
            "done_wait_ms",
            "refused_cancel_wait_ms",
        ),
    ),
    # Before the tool calls: the one that moved the caller is answered by what became of the move.
    Wait("a caller who is away", move.return_due_ms, move.return_overdue, ("away_wait_ms", "tool_wait_ms")),
    Wait("a tool call", tool_batch.due_ms, tool_batch.overdue, ("tool_wait_ms", "tool_result_wait_ms")),
    Wait("a report of playback", playback.report_due_ms, playback.report_overdue, ("speaking_slack_ms",)),
    Wait(
        "the first sound of an answer",
        ask_again.sound_due_ms,
        ask_again.sound_overdue,
        ("speaking_slack_ms",),
    ),
    Wait("an answer that nothing is under way for", ask_again.due_ms, ask_again.again, ("first_backoff_ms",)),
    Wait("a deferred wish", door.expiry_due_ms, door.expire, tuple(Reason)),
    Wait(
        "the pause after a refusal",
        door.backoff_due_ms,
        door.end_backoff,
        ("first_backoff_ms", "longest_backoff_ms"),
    ),
    Wait("what is heard before a move", move.departure_due_ms, move.depart, ("farewell_wait_ms",)),
    Wait("a farewell", hang_up.due_ms, hang_up.overdue, ("farewell_wait_ms", "farewell_unheard_ms")),
    Wait("the moment for a rollover", rollover.due_ms, rollover.roll_over, ("quiet_ms",)),
)
"""In the order in which they end where several are over at once."""


def next_ms(s: State) -> float | None:
    """The earliest moment at which a wait is over; None when nothing is waited for."""
    if s.phase is Phase.ENDED:
        return None
    return min((due_ms for wait in WAITS if (due_ms := wait.due(s)) is not None), default=None)


def fire(s: State, now_ms: float) -> None:
    """Ends every wait that is over at `now_ms`."""
    for wait in WAITS:
        if s.phase is Phase.ENDED:
            return
        due_ms = wait.due(s)
        if due_ms is not None and due_ms <= now_ms:
            wait.overdue(s, now_ms)
