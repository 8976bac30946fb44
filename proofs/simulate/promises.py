"""What is promised of every run, whatever its faults, and the sentences of what was not kept.

Why it exists: thousands of runs are read by nobody; what they must never show is said once. Owns: the
promises at the caller's ear, in Redis after the calls, and of the processes. Must not know: faults.

The ear is that of proofs/prove/silence, which shares no rule with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingress.calls.hold_clip import hold_clip
from proofs.prove.judge import sessions_of
from proofs.prove.promises import true_of
from proofs.prove.silence.ear import Kind
from proofs.prove.silence.recognise import Known
from proofs.prove.silence.recording import Listener
from proofs.simulate.redis.keyspace import Keyspace
from shared.contract.keys import Keys, is_permanent
from simulators import clips
from simulators.comparison import item_audio, merged
from simulators.realtime.record import SessionRecord
from simulators.twilio.record import CallRecord

FRAME_BYTES = 160
LEAST_BYTES = 10 * FRAME_BYTES
"""What is shorter is not looked for: silence would be found everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a caller bears. Of one run, since its faults decide."""

    quiet_ms: float = 4_500.0
    """Silence while sound is owed, our own clip counting as sound."""
    wait_ms: float = 13_000.0
    """Until there is an answer, or the apology."""
    may_apologise: bool = False
    """Whether one of its faults ends calls."""


def known() -> Known:
    """The clips that can be heard of a model that speaks English."""
    named = clips.manifest().items()
    model = [name for name, clip in named if clip.speaker == "model" and clip.language == "en"]
    return Known(answers={name: clips.load(name) for name in model}, clip=hold_clip())


def broken_by_call(
    record: CallRecord, sessions: Sequence[SessionRecord], heard_with: Known, limits: Limits
) -> list[str]:
    """Of one call that has ended."""
    if record.ended_at_ms is None:
        return [f"{record.call_sid} has not ended"]
    hearing = Listener(record, heard_with).hearing(record.ended_at_ms)
    owed = hearing.open_debt
    apologised = hearing.count(Kind.APOLOGY)
    by_us = record.end_reason != "caller_hung_up"
    found = true_of(
        {
            f"silence of {hearing.quiet_ms / 1000:.2f} s": hearing.quiet_ms > limits.quiet_ms,
            f"{hearing.age_ms / 1000:.2f} s without an answer": hearing.age_ms > limits.wait_ms,
            f"ended by {record.end_reason} without a word": by_us and not apologised,
            f"ended by {record.end_reason} with the apology": by_us
            and bool(apologised)
            and not limits.may_apologise,
            f"{len(record.violations)} messages broke Twilio's schema": bool(record.violations),
        }
    )
    found += _repeated(record, sessions_of(record, sessions))
    if owed is not None and by_us:
        found.append(f"hung up on while {owed.cause} was owed")
    return [f"{record.call_sid} {sentence}" for sentence in found]


def broken_in_redis(keys: Keyspace, sids: Iterable[str]) -> list[str]:
    """After all calls have ended and a while has passed."""
    names = Keys(1)
    live = keys.values.get(names.live(0).encode()) or {}
    slots = keys.values.get(names.slots(0).encode()) or {}
    cards = {sid: keys.values.get(names.card(sid).encode()) for sid in sids}
    open_cards = [sid for sid, card in cards.items() if card is not None and card.get(b"state") != b"ended"]
    without_ttl = [
        key.decode() for key in keys.names() if key not in keys.expires_ms and not is_permanent(key.decode())
    ]
    return true_of(
        {
            f"{len(live)} ended calls are live in Redis": bool(live),
            f"{len(slots)} slots are taken by ended calls": bool(slots),
            f"cards are not ended: {', '.join(open_cards)}": bool(open_cards),
            f"keys without a TTL: {', '.join(without_ttl)}": bool(without_ttl),
        }
    )


# Private.


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
