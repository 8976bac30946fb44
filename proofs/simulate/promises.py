"""What is promised of every run, whatever its faults, and the sentences of what was not kept.

Why it exists: thousands of runs are read by nobody; what they must never show is said once. Owns: the
promises at the caller's ear and at the model's, and in Redis after the calls. Must not know: how a fault is
brought about; when there was one it is told.

The ear is that of proofs/prove/silence, which shares no rule with the product.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingress.sound.hold_clip import hold_clip
from proofs.prove.judge import Figures, judge_call, sessions_of
from proofs.prove.listening.ear import Debt, Hearing, Kind
from proofs.prove.listening.spans import Span
from proofs.prove.promises import true_of
from proofs.prove.silence.recognise import Known
from proofs.prove.silence.recording import Listener
from proofs.simulate.limits import Limits
from proofs.simulate.order import jumps
from proofs.simulate.redis.keyspace import Keyspace
from shared.contract.keys import ADMITTED, Keys, is_permanent
from shared.process.role import Process
from simulators import clips
from simulators.comparison import item_audio, merged
from simulators.realtime.record import SessionRecord
from simulators.twilio.measures import barge_ins
from simulators.twilio.record import CallRecord

UNREADABLE = ("_bad", "_unreadable", "_contract_errors", "_bugs", "_callback_errors")
"""Ends of the names of what counts an entry, a card or an answer that made no sense."""

FRAME_BYTES = 160
LEAST_BYTES = 10 * FRAME_BYTES
"""What is shorter is not looked for: silence would be found everywhere."""

PLANNED = frozenset({"hangup", "transferred"})
"""Outcomes of a call that the model was asked to end."""

KEYS_WITHIN_MS = 2_000.0
"""From the last key of a group to its end."""

UNKNOWN_MS = 20.0
"""A frame that plays by itself, and is silent in part, is not recognised."""

FAREWELL_MS = 8_000.0
"""So long before a planned end the caller may speak into a farewell, which is not interrupted."""

FELT_BEFORE_MS, FELT_AFTER_MS = 1_000.0, 6_000.0
"""Around a fault a caller who interrupts may have to wait as long as it lasts."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One call, with all that is needed to judge it."""

    record: CallRecord
    sessions: Sequence[SessionRecord]
    outcome: str
    """Of its card."""
    troubled: Sequence[Span] = ()
    """When there were faults, on the host's monotonic clock."""
    unplayed: Sequence[Span] = ()
    """When nobody could have played anything to it: its ingress stood still, or nothing passed from there to
    the carrier. On the same clock."""

    came_in_vain: bool = False
    """It came back while Redis was away for longer than such a call waits: nobody else knows what comes
    next, and the caller is told so."""
    pauses: Sequence[tuple[Span, float]] = ()
    """For each fault, when its effects are felt, and how long an answer may pause for it, ms."""

    def may_pause_ms(self, span: Span) -> float:
        """What the faults of this time excuse; `span` is on the call's own clock."""
        from_ms, to_ms = span.start_ms + self.record.zero_ms, span.end_ms + self.record.zero_ms
        return sum(ms for felt, ms in self.pauses if felt.start_ms <= to_ms and felt.end_ms >= from_ms)

    @property
    def was_planned(self) -> bool:
        """Whether the model ended it."""
        return self.outcome in PLANNED

    @property
    def was_turned_away(self) -> bool:
        """Whether it rang while there was a fault, and was told so instead of being taken."""
        return not self.record.streams and self.excuse_ms(0.0) > 0

    def excuse_ms(self, at_ms: float) -> float:
        """How much longer something may take that began then, on the call's own clock."""
        at_ms += self.record.zero_ms
        felt = [s for s in self.troubled if s.start_ms - FELT_BEFORE_MS <= at_ms <= s.end_ms + FELT_AFTER_MS]
        return sum(span.ms + FELT_AFTER_MS for span in felt)


def known() -> Known:
    """The clips that can be heard of a model that speaks English."""
    named = clips.manifest().items()
    model = [name for name, clip in named if clip.speaker == "model" and clip.language == "en"]
    return Known(answers={name: clips.load(name) for name in model}, clip=hold_clip())


def outcome_of(lines: Sequence[str], sid: str) -> str:
    """How a call ended, by the word of whoever ended it, or told its caller: its card may be gone by then.
    Empty: nobody has."""
    said = re.compile(rf" (?:ended|resume) call={sid} outcome=(\S+)")
    return next((found[1] for line in lines if (found := said.search(line))), "")


def broken_by_call(heard: Heard, heard_with: Known, limits: Limits) -> list[str]:
    """Of one call that has ended."""
    record = heard.record
    if record.ended_at_ms is None:
        return [f"{record.call_sid} has not ended"]
    elsewhere = [
        Span(verb.started_at_ms, verb.ended_at_ms or record.ended_at_ms)
        for verb in record.verbs
        if verb.name in ("Dial", "Play")
    ]
    zero_ms = record.zero_ms
    elsewhere += [Span(span.start_ms - zero_ms, span.end_ms - zero_ms) for span in heard.unplayed]
    hearing = Listener(record, heard_with).hearing(record.ended_at_ms, elsewhere)
    own = sessions_of(record, heard.sessions)
    found = _of_the_end(heard, hearing, limits)
    found += _of_silence(hearing, limits)
    found += _of_order(heard, heard_with, limits)
    found += _repeated(record, own)
    found += _talked_on(heard, limits)
    if own:
        found += _of_the_model(heard, own, limits)
    return [f"{record.call_sid} {sentence}" for sentence in found]


def broken_in_redis(keys: Keyspace, sids: Iterable[str], *, lanes: int = 1) -> list[str]:
    """After all calls have ended and a while has passed."""
    names = Keys(lanes)
    live, slots = (
        [sid for lane in range(lanes) for sid in keys.values.get(of(lane).encode()) or ()]
        for of in (names.live, names.slots)
    )
    places = keys.values.get(ADMITTED.encode()) or {}
    cards = {sid: keys.values.get(names.card(sid).encode()) for sid in sids}
    open_cards = [sid for sid, card in cards.items() if card is not None and card.get(b"state") != b"ended"]
    without_ttl = [
        key.decode() for key in keys.names() if key not in keys.expires_ms and not is_permanent(key.decode())
    ]
    return true_of(
        {
            f"{len(live)} ended calls are live in Redis": bool(live),
            f"{len(slots)} slots are taken by ended calls": bool(slots),
            f"{len(places)} places are taken by ended calls": bool(places),
            f"cards are not ended: {', '.join(open_cards)}": bool(open_cards),
            f"keys without a TTL: {', '.join(without_ttl)}": bool(without_ttl),
        }
    )


def broken_inside(processes: Iterable[Process]) -> list[str]:
    """What no process may have met, since nobody has written garbage."""
    found: Counter[str] = Counter()
    for process in processes:
        for family in process.metrics.collect():
            if family.name.endswith(UNREADABLE):
                found[family.name] += sum(int(sample.value) for sample in family.samples)
    return [f"{count} times {name}" for name, count in found.items() if count]


# Private.


def _of_the_end(heard: Heard, hearing: Hearing, limits: Limits) -> list[str]:
    record = heard.record
    owed, apologised = hearing.open_debt, hearing.count(Kind.APOLOGY)
    by_us = record.end_reason != "caller_hung_up" and not heard.was_planned
    found = true_of(
        {
            f"ended by {record.end_reason} without a word": by_us and not apologised,
            f"ended by {record.end_reason} with the apology": by_us
            and bool(apologised)
            and not (heard.was_turned_away or heard.came_in_vain),
            f"{len(record.violations)} messages broke Twilio's schema": bool(record.violations),
        }
    )
    if owed is not None and by_us and not _is_owed_in_the_apology(owed, hearing):
        found.append(f"hung up on while {owed.cause} was owed")
    return found


def _is_owed_in_the_apology(owed: Debt, hearing: Hearing) -> bool:
    """Whether the caller spoke into the carrier's voice: it is the last that they hear of us."""
    sounds = hearing.recording.sounds
    return any(s.kind is Kind.APOLOGY and s.span.start_ms <= owed.span.start_ms for s in sounds)


def _of_silence(hearing: Hearing, limits: Limits) -> list[str]:
    silent_ms = max((debt.quiet_ms - _keys_ms(debt, hearing) for debt in hearing.debts), default=0.0)
    return true_of(
        {
            f"silence of {silent_ms / 1000:.2f} s": silent_ms > limits.quiet_ms,
            f"{hearing.age_ms / 1000:.2f} s without an answer": hearing.age_ms > limits.wait_ms,
        }
    )


def _keys_ms(debt: Debt, hearing: Hearing) -> float:
    """What a caller who presses keys meanwhile waits longer: an answer is made when no more come."""
    pressed = any(debt.span.start_ms < at_ms <= debt.span.end_ms for at_ms in hearing.recording.keys)
    return KEYS_WITHIN_MS if pressed else 0.0


def _of_order(heard: Heard, heard_with: Known, limits: Limits) -> list[str]:
    found = []
    for jump in jumps(heard.record.playbacks, heard_with.answers):
        span = Span(jump.at_ms - jump.paused_ms, jump.at_ms)
        if jump.paused_ms > limits.paused_ms + heard.may_pause_ms(span):
            found.append(f"{jump.name} paused for {jump.paused_ms:.0f} ms at {span.start_ms / 1000:.2f} s")
        if -jump.ms > limits.again_ms:
            found.append(f"{-jump.ms:.0f} ms of {jump.name} heard again at {jump.at_ms / 1000:.2f} s")
        elif limits.left_out_ms is not None and jump.ms > limits.left_out_ms + UNKNOWN_MS:
            found.append(f"{jump.ms:.0f} ms of {jump.name} left out at {jump.at_ms / 1000:.2f} s")
    return found


def _repeated(record: CallRecord, own: Sequence[SessionRecord]) -> list[str]:
    """Audio of the model that was heard more often than it was said."""
    if not own:
        return []
    audio = list(item_audio(merged(own)).values())
    heard = record.heard_bytes
    found = []
    for said in dict.fromkeys(audio):
        whole = said[: len(said) - len(said) % FRAME_BYTES]
        times = heard.count(whole) if len(whole) >= LEAST_BYTES else 0
        count = sum(other.startswith(said) for other in audio)
        if times > count:
            found.append(f"audio said {count} times was heard {times} times")
    return found


def _talked_on(heard: Heard, limits: Limits) -> list[str]:
    """A caller who interrupts is not talked over."""
    record = heard.record
    over_ms = record.ended_at_ms or 0.0
    found = []
    for barge_in in barge_ins(record):
        at_ms = barge_in.voice_started_at_ms
        may_last_ms = limits.talks_on_ms + heard.excuse_ms(at_ms)
        is_farewell = heard.was_planned and at_ms > over_ms - FAREWELL_MS
        if barge_in.silent_after_ms > may_last_ms and not is_farewell:
            found.append(f"talked on for {barge_in.silent_after_ms:.0f} ms at {at_ms / 1000:.2f} s")
    return found


def _of_the_model(heard: Heard, own: Sequence[SessionRecord], limits: Limits) -> list[str]:
    figures = Figures()
    judge_call(figures, heard.record, own, [])
    told, pressed = _keys_told(own), sum(key.delivered for key in heard.record.key_presses)
    return true_of(
        {
            f"{figures.stale_frames} frames were heard after they were cut": figures.stale_frames > 0,
            f"{figures.lost_turns} turns were lost": figures.lost_turns > 0 and not limits.may_lose_turns,
            f"{figures.outputs_twice} outputs of tools were told twice": figures.outputs_twice > 0,
            f"{told} keys were told, {pressed} were pressed": told > pressed,
            f"{figures.model_violations} events broke the model's protocol": figures.model_violations > 0,
            "; ".join(figures.truncations_above_heard): bool(figures.truncations_above_heard)
            and not limits.may_truncate_above,
        }
    )


KEYS_TOLD = "on the telephone keypad: "


def _keys_told(own: Sequence[SessionRecord]) -> int:
    """Keys of which the model was told as they were pressed, not as part of what was said before."""
    count = 0
    for session in own:
        for event in session.received_of("conversation.item.create"):
            _, found, rest = str(event.get("item")).partition(KEYS_TOLD)
            if found and "-seed-" not in str(event.get("event_id")):
                count += len(rest.partition("]")[0].replace(" ", ""))
    return count
