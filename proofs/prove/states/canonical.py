"""When two states of the sequencer are one: their canonical form.

Why it exists: a walk that took every absolute time and every id for a new state would never end.

Owns: what is left out. Two states are one when they differ in absolute time, in the names of ids, in running
numbers, or in what is only remembered of ids that are gone. Must not know: the walk, how a rule decides.
"""

from __future__ import annotations

from brain.sequencer.state import State
from brain.sequencer.wishes import Wish

CALL = "call"
"""The one tool call of the walk."""

VOICE, NEXT_VOICE = "u", "v"
"""Items of the caller: the second one comes once the first was passed over."""


def canonical(s: State, now_ms: float) -> object:
    """A value that is equal for states that no rule can tell apart, but for what the module says."""
    seen = _Seen(s, now_ms)
    at, who = seen.at, seen.who
    hang_up, move = s.hang_up, s.move
    return (
        s.phase,
        seen.active(),
        seen.create(),
        tuple(seen.wish(wish) for wish in s.deferred.values()),
        tuple(
            (who(r.response_id), r.done, r.reason, r.spoke, r.called_tools, r.protected, seen.pays(r.debt))
            for r in s.responses.values()
        ),
        len(s.debts.standing), seen.asking(),
        tuple(
            (who(i.response_id), i.received_bytes, round(i.heard_ms), i.complete, i.session == s.session)
            for i in s.items.values()
        ),
        None
        if s.pending_cut is None
        else (at(s.pending_cut.deadline_ms), len(s.pending_cut.items), s.pending_cut.cut == s.cut),
        None if s.speaking is None else (who(s.speaking.response_id), at(s.speaking.progress_at_ms)),
        seen.caller(),
        None
        if hang_up is None
        else (at(hang_up.deadline_ms), who(hang_up.response_id), hang_up.began, hang_up.at_once),
        None if move is None else (move.gone, at(move.deadline_ms), who(move.response_id)),
        tuple(
            (
                who(b.response_id), b.generating, len(b.answered_ids), b.session == s.session,
                tuple(
                    (at(c.deadline_ms), c.by_server, c.caller_spoke, c.result is None)
                    for c in b.open_tool_calls.values()
                ),
            )
            for b in s.batches.values()
        ),
        CALL in s.tool_calls, CALL in s.in_conversation, "mcp" in s.tool_calls,
        seen.doubt(), VOICE in s.passed_over, bool(s.untold),
        s.roll_over_by_ms is None, min(len(s.texts), 2), seen.abandoned(),
    )  # fmt: skip


class _Seen:
    """The parts of a state, with times relative to now and ids by their order."""

    def __init__(self, s: State, now_ms: float) -> None:
        self._s = s
        self._now_ms = now_ms
        self._names = {response_id: number for number, response_id in enumerate(s.responses)}
        if s.active is not None:
            self._names.setdefault(s.active.response_id, len(self._names))

    def at(self, ms: float | None) -> int | None:
        return None if ms is None else round(ms - self._now_ms)

    def who(self, response_id: str) -> int:
        return self._names.get(response_id, -1 if response_id else -2)

    def wish(self, w: Wish | None) -> object:
        if w is None:
            return None
        return (
            w.reason, w.force, self.at(w.expires_at_ms), w.backoff_ms, self.at(w.not_before_ms or None),
            w.audio_only, w.goes_on, w.without_tools, bool(w.text), bool(w.answered_ids),
            all(answered_id in self._s.in_conversation for answered_id in w.answered_ids),
        )  # fmt: skip

    def active(self) -> object:
        active = self._s.active
        if active is None:
            return None
        return (
            self.who(active.response_id), self.at(active.deadline_ms), active.confirmed, active.reason,
            active.cancelling, active.full, active.spoke, len(active.open_items),
            active.response_id in self._s.retired, active.cancel_refused, bool(active.cancel_event_id),
            self.wish(active.wish),
        )  # fmt: skip

    def pays(self, debt: int) -> int:
        """How many of the debts that stand a response pays."""
        return sum(number <= debt for number in self._s.debts.standing)

    def asking(self) -> object:
        asking = self._s.asking
        waits_to_be_heard = any(self._s.has_unheard(response_id) for response_id in self._s.responses)
        return (
            asking.silent_ends, asking.unanswered, self.at(asking.again_at_ms), asking.replacing,
            asking.tool_rounds, asking.replayed,
            self.at(self._s.playback_at_ms) if waits_to_be_heard and self._s.debts.standing else 0,
        )  # fmt: skip

    def create(self) -> object:
        create = self._s.outstanding
        return (
            None if create is None else (create.reason, self.at(create.deadline_ms), self.wish(create.wish))
        )

    def caller(self) -> object:
        caller = self._s.caller
        return (
            caller.speaking,
            self.at(caller.deadline_ms) if caller.speaking else 0,
            self.at(caller.answer_due_until_ms),
            self.at(caller.answer_by_ms),
            self.at(caller.typing_until_ms),
            self.at(caller.stopped_at_ms),
            caller.unanswered,
            caller.talking_on,
            caller.last_turn_item_id == f"u{self._s.cut}",
        )

    def doubt(self) -> object:
        """What is known of a voice that may interrupt."""
        doubt = self._s.doubt
        if doubt is None:
            return None
        voices, committed = tuple(doubt.voices.items()), tuple(doubt.committed)
        return self.at(doubt.deadline_ms), self._s.cut == doubt.cut, voices, committed

    def abandoned(self) -> object:
        """Which wish each create that was given up on belongs to, if that is still waited for."""
        s = self._s
        waiting = {wish.number: wish.reason for wish in s.deferred.values()}
        if s.outstanding is not None and s.outstanding.wish is not None:
            waiting[s.outstanding.wish.number] = s.outstanding.wish.reason
        return tuple(waiting.get(number, "") for number in s.abandoned.values())
