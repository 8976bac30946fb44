"""How conversations went: both simulators' records of each call, over all its sessions, compared.

Why it exists: nobody can listen to 380 calls; what was heard can be checked to the byte. Owns: the judgement
and its figures. Pure: records in, figures out. Must not know: how the calls were made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from proofs.prove.listening import own_sound, pauses
from proofs.prove.listening.own_sound import OwnSound
from proofs.prove.listening.pauses import PauseFigures
from shared.contract.streams.journal import JournalEntry, Kind
from simulators.comparison import item_audio, merged, stale_frames, unheard_items
from simulators.realtime.record import SessionRecord, Truncation
from simulators.twilio import CallRecord
from simulators.twilio.measures import barge_ins, percentile
from simulators.twilio.record import Utterance

FRAME_MS = 20.0
CLEARED_WITHIN_MS = 1_000.0
"""Between a clear and the truncation that goes with it; an older one was another interruption's."""

TURN_MARGIN_MS = 4_000.0
"""What the caller says this shortly before the end may go unanswered: nobody is there any more."""

TURN_GAP_MS = 1_000.0
"""Twice the silence that ends a turn here."""

ANSWERED_WITHIN_MS = 8_000
"""A create is answered within 5 s or wished again."""

WAITS_AT_MOST_MS = 31_000
"""An operator's words wait 30 s, then they expire."""

SLOW_MS = 300.0
"""From a caller's first word to silence, where a look at the call is worth it."""

TOOL_MARGIN_MS = 4_000.0
"""A tool that was called this shortly before the end had no time to answer."""

Journal = Sequence[JournalEntry]


@dataclass(slots=True)
class Figures:
    """The figures of one scenario."""

    calls: int = 0
    sessions: int = 0
    ended_early: int = 0
    """Calls that somebody else than the caller ended."""
    utterances: int = 0
    lost_turns: int = 0
    items: int = 0
    unheard: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    stale_frames: int = 0
    barge_ins: int = 0
    barge_in_ms: list[float] = field(default_factory=list)
    truncations: int = 0
    truncations_refused: int = 0
    truncations_above_heard: list[str] = field(default_factory=list)
    truncations_unjudged: int = 0
    """The caller heard the item in several stretches: nobody can say how much."""
    turn_responses: int = 0
    turn_creates: int = 0
    """Turns that the brain had to ask an answer for, in server mode: after a loss or a failure."""
    tool_calls: int = 0
    tool_outputs: int = 0
    outputs_twice: int = 0
    tool_creates: int = 0
    tool_batches: int = 0
    """Responses that called tools: one create at most answers for each."""
    operator_said: int = 0
    operator_spoken: int = 0
    operator_lost: list[str] = field(default_factory=list)
    pauses: PauseFigures = field(default_factory=PauseFigures)
    own: OwnSound = field(default_factory=OwnSound)
    gap_ms: list[float] = field(default_factory=list)
    """From the end of a session to the next one that was spoken to."""
    rollovers: int = 0
    expired: int = 0
    model_violations: int = 0
    twilio_violations: int = 0
    model_errors: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def strange(self) -> dict[str, int]:
        """Counts of what should be looked at, by name. Not all of it is a broken promise."""
        return {
            "ended early": self.ended_early,
            "lost turn": self.lost_turns,
            "not heard whole": len(self.unheard),
            "heard again": len(self.repeated),
            "stale frames": self.stale_frames,
            "truncation refused": self.truncations_refused,
            "truncation above what was heard": len(self.truncations_above_heard),
            "turn asked for by the brain": self.turn_creates,
            "output twice": self.outputs_twice,
            "tool call without output": self.tool_calls - self.tool_outputs,
            "operator lost": len(self.operator_lost),
            "resumed and not whole": len(self.pauses.incomplete),
            "resumed and heard twice": len(self.pauses.repeated),
            "stopped by noise for good": len(self.pauses.left),
            "cut by noise": len(self.pauses.cut_by_noise),
            "late to fall silent": len(self.pauses.late),
            "notice not whole": len(self.own.not_whole),
            "own sound over the model's voice": len(self.own.over_voice),
            "tool in silence": len(self.own.unfilled),
            "session expired": self.expired,
            "violation": self.model_violations + self.twilio_violations,
            "waited in vain": len(self.failures),
        }

    def row(self, times_ms: list[float]) -> str:
        """p50, p95, max."""
        if not times_ms:
            return "none"
        worst = max(times_ms)
        return f"{percentile(times_ms, 0.5):.0f}, {percentile(times_ms, 0.95):.0f}, {worst:.0f}"


def sessions_of(call: CallRecord, sessions: Sequence[SessionRecord]) -> list[SessionRecord]:
    """All sessions of a call, by the header that each connection carries."""
    mark = f"{call.call_sid}/"
    return [each for each in sessions if each.headers.get("x-client-request-id", "").startswith(mark)]


def judge_call(
    figures: Figures, call: CallRecord, own: Sequence[SessionRecord], journal: Journal
) -> list[str]:
    """Adds one call to the figures. Returns what was strange about it, as words."""
    before = figures.strange()
    figures.calls += 1
    figures.sessions += len(own)
    figures.twilio_violations += len(call.violations)
    figures.failures += call.failures
    figures.ended_early += call.end_reason != "caller_hung_up"
    if not own:
        figures.failures.append(f"{call.call_sid} had no session")
        return ["no session"]
    whole = merged(own)
    _heard(figures, call, whole)
    _turns(figures, call, own, whole)
    _truncations(figures, call, whole)
    if pauses.concerns(call):
        pauses.judge(figures.pauses, call, whole, notice=figures.own.notice)
    own_sound.judge(figures.own, call, whole)
    _tools(figures, call, own)
    _operator(figures, call, journal)
    _changes(figures, own, journal)
    figures.model_violations += sum(len(session.violations) for session in own)
    for session in own:
        figures.model_errors.update(str(error["code"]) for error in session.errors)
    slow = any(item.silent_after_ms > SLOW_MS for item in barge_ins(call))
    found = [name for name, count in figures.strange().items() if count > before[name]]
    return [*found, "slow to fall silent"] if slow else found


# Private.


def _heard(figures: Figures, call: CallRecord, whole: SessionRecord) -> None:
    ended_early = bool(call.playbacks) and call.playbacks[-1].end == "stream_ended"
    # What went on after a pause is judged by its stretches.
    missing = [] if pauses.concerns(call) else unheard_items(call, whole)
    figures.unheard += missing[:-1] if missing and ended_early else missing
    figures.stale_frames += stale_frames(call, whole)
    audio = item_audio(whole)
    figures.items += len(audio)
    heard = call.heard_bytes
    for said in set(audio.values()):
        # The last frame is padded, so the audio is looked for without its tail. What was stopped early may
        # be the beginning of what was said again in full.
        found = heard.count(said[: len(said) - len(said) % 160]) if len(said) >= 1600 else 0
        count = sum(other.startswith(said) for other in audio.values())
        if found > count:
            figures.repeated.append(f"{call.call_sid}: audio of {count} items was heard {found} times")


def _turns(figures: Figures, call: CallRecord, own: Sequence[SessionRecord], whole: SessionRecord) -> None:
    ended_ms = call.ended_at_ms or 0.0
    figures.barge_in_ms += [item.silent_after_ms for item in barge_ins(call)]
    figures.barge_ins += len(barge_ins(call))
    finished = [
        item
        for item in call.utterances
        if item.ended_at_ms is not None and item.ended_at_ms < ended_ms - TURN_MARGIN_MS
    ]
    heard = sum(item.role == "user" for item in whole.items.values())
    turns = _apart(finished)
    figures.utterances += turns
    figures.lost_turns += max(0, turns - heard)
    for session in own:
        figures.turn_responses += sum(r.reason == "turn" for r in session.responses.values())
        figures.turn_creates += _creates(session, "turn")


def _apart(utterances: Sequence[Utterance]) -> int:
    """How many turns these are: two with hardly a pause between are one to a detector of silence."""
    gaps = [after.voice_started_at_ms - before.voice_ended_at_ms for before, after in pairwise(utterances)]
    return len(utterances) - sum(gap < TURN_GAP_MS for gap in gaps)


def _creates(session: SessionRecord, reason: str) -> int:
    return sum(
        (response.metadata or {}).get("trunkline_reason") == reason for response in session.responses.values()
    )


def _truncations(figures: Figures, call: CallRecord, whole: SessionRecord) -> None:
    audio = item_audio(whole)
    for truncation in whole.truncations:
        figures.truncations += 1
        figures.truncations_refused += bool(truncation.error)
        heard_ms = heard_before_clear_ms(call, truncation, audio.get(truncation.item_id, b""))
        if heard_ms is None:
            figures.truncations_unjudged += 1
        elif truncation.audio_end_ms > heard_ms + FRAME_MS:
            figures.truncations_above_heard.append(
                f"{call.call_sid}: truncated at {truncation.audio_end_ms} ms, heard {heard_ms:.0f} ms"
            )


def heard_before_clear_ms(
    call: CallRecord, truncation: Truncation, audio: bytes, *, later_ms: float = 50.0
) -> float | None:
    """What the caller had heard of an item at the clear that belongs to its truncation, and came at most
    `later_ms` after it."""
    at_ms = truncation.at_ms - call.zero_ms
    ended = [
        p
        for p in call.playbacks
        if p.end == "cleared" and at_ms - CLEARED_WITHIN_MS <= p.ended_at_ms <= at_ms + later_ms
    ]
    if not ended or not audio:
        return None
    played = bytes(ended[-1].audio)
    head = audio[:160]
    at = played.rfind(head)
    while at >= 0:
        if audio.startswith(played[at:]):
            return (len(played) - at) / 8
        at = played.rfind(head, 0, at)
    return None


def _tools(figures: Figures, call: CallRecord, own: Sequence[SessionRecord]) -> None:
    asked: set[str] = set()
    batches: set[str] = set()
    answered: Counter[str] = Counter()
    until_ms = call.zero_ms + (call.ended_at_ms or 0.0) - TOOL_MARGIN_MS
    for session in own:
        for timed in session.sent:
            item = timed.event.get("item")
            if timed.type != "response.output_item.done" or not isinstance(item, dict):
                continue
            is_call = item.get("type") == "function_call" and item.get("status") == "completed"
            if is_call:
                batches.add(str(timed.event["response_id"]))
            if is_call and timed.at_ms < until_ms:
                asked.add(str(item["call_id"]))
        for event in session.received_of("conversation.item.create"):
            item = event["item"]
            assert isinstance(item, dict)
            if item.get("type") == "function_call_output" and "-seed-" not in str(event["event_id"]):
                answered[str(item["call_id"])] += 1
        figures.tool_creates += _creates(session, "tool_outputs")
    figures.tool_batches += len(batches)
    figures.tool_calls += len(asked)
    figures.tool_outputs += sum(answered[call_id] > 0 for call_id in asked)
    figures.outputs_twice += sum(count > 1 for count in answered.values())


_SPOKEN = (Kind.RESPONSE_CREATED, Kind.RESPONSE_DONE)


def _operator(figures: Figures, call: CallRecord, journal: Journal) -> None:
    """Each wish of an operator, by the number that the journal gives it: spoken, superseded, expired, joined
    to another one, or, when the call ended, still waiting in time."""
    last: dict[str, JournalEntry] = {}
    ends: dict[str, str] = {}
    over_ms = max((line.at_ms for line in journal), default=0)
    for line in journal:
        number = line.fields.get("wish", "0")
        is_asked = line.kind in (Kind.RESPONSE_CREATE, Kind.RESPONSE_DEFERRED)
        if is_asked and line.fields.get("reason") == "operator":
            last[number] = line
            joined = line.fields.get("joined", "0")
            if joined in last:
                ends[joined] = "joined"
        elif number in last and line.kind in (*_SPOKEN, Kind.RESPONSE_SUPERSEDED, Kind.RESPONSE_EXPIRED):
            ends.setdefault(number, line.kind)
    figures.operator_said += len(last)
    figures.operator_spoken += sum(end in _SPOKEN for end in ends.values())
    for number, line in last.items():
        waited_ms = over_ms - line.at_ms
        limit_ms = ANSWERED_WITHIN_MS if line.kind == Kind.RESPONSE_CREATE else WAITS_AT_MOST_MS
        if number not in ends and waited_ms > limit_ms:
            figures.operator_lost.append(f"{call.call_sid}: wish {number}, {line.kind} {waited_ms} ms ago")


def _changes(figures: Figures, own: Sequence[SessionRecord], journal: Journal) -> None:
    figures.rollovers += sum(line.kind == Kind.ROLLOVER for line in journal)
    for before, after in pairwise(own):
        figures.expired += before.close_code == 1001
        # One update confirms the session, a second one has it answer, once it was told the past. A later one
        # hushes it at the end of the call.
        begun = [timed.at_ms for timed in after.sent if timed.type == "session.updated"][:2]
        if before.closed_at_ms is not None and begun:
            figures.gap_ms.append(max(0.0, begun[-1] - before.closed_at_ms))
