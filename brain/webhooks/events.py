"""What the user's own systems are told: the events, their bodies, and when a failed one is tried again.

Owns: the entries of the `hooks` stream that the brain adds, the bodies, the retry policy. An event's id is
made of what it tells, so that one told twice can be recognised. Must not know: HTTP (that is `courier`).
docs/webhooks.md shows the bodies.

call.ended is added by the END script itself, in the same step: nothing that happens to a process loses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from brain.memory.conversation import Conversation
from shared.clock import wall_ms
from shared.contract.keys import CALL_TTL_MS
from shared.process.role import Process

MAXLEN = 10_000
FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 300_000
GIVE_UP_AFTER_MS = 20 * 3_600_000
"""Of trying; an endpoint that was away for a night still gets everything."""

MAX_DIGITS = 18
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999. The stream is open to hands: what no clock can say must not stop a courier."""

CARD_FIGURES = ("resumes", "leg")


@dataclass(frozen=True, slots=True)
class Hook:
    """One event, as an entry of `hooks`. `body` is empty until it was composed."""

    kind: str
    call_sid: str
    event_id: str
    at_ms: int
    attempt: int
    due_ms: int
    body: bytes = b""
    details: str = ""
    """JSON of what belongs to the event beside the call: the tool that failed."""

    def fields(self) -> dict[str, str | int | bytes]:
        """The entry."""
        return {
            "v": 1, "kind": self.kind, "call": self.call_sid, "id": self.event_id, "t": self.at_ms,
            "attempt": self.attempt, "due": self.due_ms, "body": self.body, "details": self.details,
        }  # fmt: skip


def read_hook(fields: Mapping[bytes, bytes]) -> Hook | None:
    """An entry of `hooks`; None for one that says nothing to us."""
    kind, call_sid, event_id = fields.get(b"kind"), fields.get(b"call"), fields.get(b"id")
    if kind is None or call_sid is None or event_id is None or fields.get(b"v") != b"1":
        return None
    return Hook(
        kind.decode(errors="replace"),
        call_sid.decode(errors="replace"),
        event_id.decode(errors="replace"),
        _number(fields.get(b"t", b"")),
        _number(fields.get(b"attempt", b"")),
        _number(fields.get(b"due", b"")),
        fields.get(b"body", b""),
        fields.get(b"details", b"").decode(errors="replace"),
    )


@dataclass(slots=True)
class Hooks:
    """The brain's pen for `hooks`. Never awaited."""

    process: Process

    def started(self, call_sid: str) -> None:
        """A call has begun: its brain has it."""
        self._add("call.started", call_sid, f"{call_sid}-started", {})

    def tool_failed(self, call_sid: str, call_id: str, tool: str, outcome: str) -> None:
        """A tool failed, hung, or got arguments that do not fit."""
        details = {"tool": tool, "call_id": call_id, "outcome": outcome}
        self._add("tool.failed", call_sid, f"{call_sid}-tool-{call_id}", details)

    def _add(self, kind: str, call_sid: str, event_id: str, details: dict[str, str]) -> None:
        if kind not in self.process.settings.told_events:
            return
        now = wall_ms()
        hook = Hook(kind, call_sid, event_id, now, 0, now, b"", orjson.dumps(details).decode())
        lane = self.process.keys.lane(call_sid)
        key = self.process.keys.hooks(lane).encode()
        flat = [word for pair in hook.fields().items() for word in (pair[0].encode(), _bytes(pair[1]))]
        outbox = self.process.outbox
        outbox.command(lane, [b"XADD", key, b"MAXLEN", b"~", b"%d" % MAXLEN, b"*", *flat])
        outbox.command(lane, [b"PEXPIRE", key, b"%d" % CALL_TTL_MS])


def compose(
    hook: Hook, card: Mapping[str, str], history: list[Mapping[str, str]], *, with_transcript: bool
) -> bytes:
    """The body of an event, by what Redis knows of the call now."""
    data: dict[str, object] = {
        "call_sid": hook.call_sid,
        "agent": card.get("agent", ""),
        "from": card.get("from", ""),
        "to": card.get("called") or card.get("to", ""),
        "started_at": _iso(_int(card.get("started_at_ms", ""))),
    }
    if hook.details:
        data |= _details(hook.details)
    if hook.kind == "call.ended":
        ended_ms = _int(card.get("ended_at_ms", "")) or hook.at_ms
        data["ended_at"] = _iso(ended_ms)
        data["duration_ms"] = max(0, ended_ms - _int(card.get("started_at_ms", "")))
        data["outcome"] = card.get("outcome", "")
        data["cause"] = card.get("cause", "")
        counters = {name: _int(value) for name, value in card.items() if name.startswith("n_")}
        data["counters"] = counters | {name: _int(card.get(name, "")) for name in CARD_FIGURES}
        if with_transcript:
            data["transcript"] = _transcript(card, history)
    return orjson.dumps({"type": hook.kind, "timestamp": _iso(hook.at_ms), "data": data})


def pause_ms(attempt: int, draw: float) -> int:
    """How long to wait before the next attempt; `draw` from 0 to 1 spreads them."""
    full = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** min(attempt, 16))
    return int(full * (0.75 + 0.25 * draw))


def is_hopeless(hook: Hook, now_wall_ms: int) -> bool:
    """Whether it was tried long enough."""
    return now_wall_ms - hook.at_ms >= GIVE_UP_AFTER_MS


# Private.


def _transcript(card: Mapping[str, str], history: list[Mapping[str, str]]) -> list[dict[str, object]]:
    item = card.get("playhead_item", "")
    playhead = (item, _int(card.get("playhead_ms", ""))) if item else None
    lines = Conversation.from_entries(history).lines(playhead)
    return [{"role": line.role, "text": line.text, "whole": line.whole} for line in lines]


def _details(written: str) -> dict[str, object]:
    try:
        details = orjson.loads(written)
    except orjson.JSONDecodeError:
        return {}
    return details if isinstance(details, dict) else {}


def _iso(ms: int) -> str:
    in_time = 0 < ms <= LATEST_MS
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds") if in_time else ""


def _int(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS else 0


def _number(value: bytes) -> int:
    return int(value) if value.isdigit() and len(value) <= MAX_DIGITS else 0


def _bytes(value: str | int | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
