"""Every wait that can expire, in one list: nothing in a call waits for ever.

Owns: which deadlines exist and what each one does. Firing always ends or moves the deadline, so that
the next one lies in the future; a test holds that.
"""

from __future__ import annotations

from collections.abc import Iterator

from brain.sequencer import caller_turn, cut, door, move, playback, responses, rollover, tool_batch
from brain.sequencer.state import Phase, State


def next_ms(s: State) -> float | None:
    """The earliest deadline, None when nothing waits."""
    return min(_all(s), default=None)


def fire(s: State, now_ms: float) -> None:
    """Do what is due at `now_ms`."""
    if s.phase is Phase.ENDED:
        return
    if s.pending_cut is not None and s.pending_cut.deadline_ms <= now_ms:
        cut.resolve_cut(s, {})
    if s.caller.speaking and s.caller.deadline_ms <= now_ms:
        caller_turn.speech_overdue(s, now_ms)
    grace_ms = s.caller.answer_due_until_ms
    if grace_ms is not None and grace_ms <= now_ms:
        s.caller.answer_due_until_ms = None
    if s.outstanding is not None and s.outstanding.deadline_ms <= now_ms:
        door.create_overdue(s, now_ms)
    if s.active is not None and s.active.deadline_ms <= now_ms:
        responses.overdue(s, now_ms)
    tool_batch.overdue(s, now_ms)
    if s.move is not None and s.move.deadline_ms <= now_ms:
        move.overdue(s, now_ms)
    speaking_ms = playback.speaking_deadline_ms(s)
    if speaking_ms is not None and speaking_ms <= now_ms:
        playback.speaking_overdue(s)
    door.expire(s, now_ms)


# Private.


def _all(s: State) -> Iterator[float]:
    if s.phase is Phase.ENDED:
        return
    if s.pending_cut is not None:
        yield s.pending_cut.deadline_ms
    if s.caller.speaking:
        yield s.caller.deadline_ms
    if s.caller.answer_due_until_ms is not None:
        yield s.caller.answer_due_until_ms
    if s.outstanding is not None:
        yield s.outstanding.deadline_ms
    if s.active is not None:
        yield s.active.deadline_ms
    if s.hang_up is not None:
        yield s.hang_up.deadline_ms
    speaking_ms = playback.speaking_deadline_ms(s)
    if speaking_ms is not None:
        yield speaking_ms
    if s.move is not None:
        yield s.move.deadline_ms
    rollover_ms = rollover.deadline_ms(s)
    if rollover_ms is not None:
        yield rollover_ms
    for batch in s.batches.values():
        yield from (call.deadline_ms for call in batch.open_tool_calls.values())
    for wish in s.deferred.values():
        yield wish.expires_at_ms
        if wish.not_before_ms > 0:
            yield wish.not_before_ms
