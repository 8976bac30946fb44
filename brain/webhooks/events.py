"""What the user's own systems are told: the bodies of the events, and when a failed one is tried again.

Why it exists: what other people's programs read must not change with ours. Owns: which events the brain adds,
the bodies, the retry policy. Must not know: HTTP (that is `courier`), the
entries of `hooks` (shared/contract/streams/hooks.py). docs/webhooks.md shows the bodies, whose words are the
users'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

import orjson

from brain.memory.conversation import Conversation
from brain.webhooks import exchange
from brain.webhooks.moments import iso
from brain.webhooks.turns import BEGAN_AT, Turn, written
from shared.clock import wall_ms
from shared.contract.bill import usage
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.streams.history import HistoryEntry
from shared.contract.streams.hooks import Event, Hook, hook_commands
from shared.contract.views import StoryView
from shared.store.writing.writer import Writer

FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 300_000
GIVE_UP_AFTER_MS = 20 * 3_600_000
"""Of trying; an endpoint that was away for a night still gets everything."""

WORDS_MS = 2_000
"""What was said in a turn, and what was heard of it, is known so much later."""

BEFORE_TURN_MS = 600_000
"""What is audible now may have been made as long before: `reply` holds ten minutes."""

TURN = "turn"


@dataclass(frozen=True, slots=True)
class Hooks:
    """The brain's pen for `hooks`. Never awaited. `told`: the events that are wanted."""

    outbox: Writer
    keys: Keys
    told: Collection[str]

    def started(self, call_sid: str) -> None:
        """A call has begun: its brain has it."""
        self._add(Event.STARTED, call_sid, f"{call_sid}-started", {})

    def tool_failed(self, call_sid: str, call_id: str, tool: str, outcome: str, *, agent: str = "") -> None:
        """A tool failed, hung, or got arguments that do not fit. `agent`: whose it was; empty: the call's."""
        details = _named(agent) | {"tool": tool, "call_id": call_id, "outcome": outcome}
        self._add(Event.TOOL_FAILED, call_sid, f"{call_sid}-tool-{call_id}", details)

    def turn_ended(self, call_sid: str, turn: Turn, at_ms: int) -> None:
        """A turn is over; its words are looked up when it is told."""
        details = _named(turn.agent) | {TURN: written(turn)}
        event_id = f"{call_sid}-turn-{turn.anchor}"
        self._add(Event.TURN_ENDED, call_sid, event_id, details, at_ms, wait_ms=WORDS_MS)

    def transfer_started(self, call_sid: str, at_ms: int, *, agent: str = "") -> None:
        """The caller is being connected with somebody else. `agent`: who has sent them there."""
        event_id = f"{call_sid}-transfer-{at_ms}"
        self._add(Event.TRANSFER_STARTED, call_sid, event_id, _named(agent), at_ms)

    def transfer_ended(self, call_sid: str, at_ms: int, status: str, *, agent: str = "") -> None:
        """The caller is back from it: nobody took the call, or the other side has hung up. `agent`: who goes
        on with them."""
        details = _named(agent) | {"status": status}
        self._add(Event.TRANSFER_ENDED, call_sid, f"{call_sid}-back-{at_ms}", details, at_ms)

    def agent_changed(self, call_sid: str, at_ms: int, *, agent: str, was: str) -> None:
        """Another agent goes on with the call."""
        details = {"agent": agent, "was": was}
        self._add(Event.AGENT_CHANGED, call_sid, f"{call_sid}-agent-{at_ms}", details, at_ms)

    # Private.

    def _add(
        self,
        event: Event,
        call_sid: str,
        event_id: str,
        details: Mapping[str, object],
        at_ms: int | None = None,
        *,
        wait_ms: int = 0,
    ) -> None:
        if event not in self.told:
            return
        now = wall_ms() if at_ms is None else at_ms
        hook = Hook(
            event=event,
            call_sid=call_sid,
            event_id=event_id,
            at_ms=now,
            attempt=0,
            due_ms=now + wait_ms,
            details=orjson.dumps(details).decode(),
        )
        for command in hook_commands(self.keys, hook):
            self.outbox.send(command)


@dataclass(frozen=True, slots=True)
class Story:
    """What Redis knows of a call at the moment of telling."""

    view: StoryView
    counters: Mapping[str, int]


def compose(hook: Hook, story: Story | None, transcript: Iterable[HistoryEntry] | None) -> bytes:
    """The body of an event. Without a story the call's keys are gone, or cannot be read: what nobody knows
    any more is null. Without a transcript none is told."""
    view = None if story is None else story.view
    data: dict[str, object] = {
        "call_sid": hook.call_sid,
        "agent": None if view is None else view.agent,
        "from": None if view is None else view.caller,
        "to": None if view is None else view.called or view.called_masked,
        "started_at": None if view is None else iso(view.started_at_ms),
    }
    data |= _object(hook.details)
    if hook.event == Event.TURN_ENDED:
        data |= _turn(data, view, transcript)
    if hook.event == Event.ENDED:
        data |= _end(hook, story)
        if transcript is not None:
            data["transcript"] = None if view is None else _transcript(view, transcript)
    return orjson.dumps({"type": hook.event, "timestamp": iso(hook.at_ms), "data": data})


def words_since_ms(hook: Hook) -> int:
    """Since when the words of an event may stand in history: of a turn, some time before it; else since ever.
    A call of an hour has thousands of entries, and each of its turns is told."""
    turn = _object(hook.details).get(TURN) if hook.event == Event.TURN_ENDED else None
    began_at_ms = turn.get(BEGAN_AT) if isinstance(turn, dict) else None
    return max(0, began_at_ms - BEFORE_TURN_MS) if isinstance(began_at_ms, int) else 0


def with_number(body: bytes, number: str) -> bytes:
    """The body with the caller's number in full; as it was where that is gone."""
    if not number:
        return body
    told = _object(body)
    data = told.get("data")
    return orjson.dumps({**told, "data": {**data, "from": number}}) if isinstance(data, dict) else body


def pause_ms(attempt: int, draw: float) -> int:
    """How long to wait before the next attempt; `draw` from 0 to 1 spreads them."""
    full = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** min(attempt, 16))
    return int(full * (0.75 + 0.25 * draw))


def is_hopeless(hook: Hook, now_wall_ms: int) -> bool:
    """Whether it was tried long enough."""
    return now_wall_ms - hook.at_ms >= GIVE_UP_AFTER_MS


# Private.


def _named(agent: str) -> dict[str, object]:
    """Whose an event is, written down when it happens: by the time that it is told the card may name another
    one. Empty where nobody knows: then the card says it."""
    return {"agent": agent} if agent else {}


def _end(hook: Hook, story: Story | None) -> dict[str, object]:
    if story is None:
        return {
            "ended_at": iso(hook.at_ms), "duration_ms": None, "outcome": None, "cause": None,
            "counters": None, "usage": None, "cost_usd": None,
        }  # fmt: skip
    view = story.view
    ended_ms = view.ended_at_ms or hook.at_ms
    is_known = 0 < view.started_at_ms <= ended_ms
    return {
        "ended_at": iso(ended_ms),
        "duration_ms": ended_ms - view.started_at_ms if is_known else None,
        "outcome": view.outcome or "",
        "cause": view.cause or "",
        "counters": {**story.counters, "resumes": view.resumes, "leg": view.leg},
        "usage": _usage(view.usage),
        "cost_usd": None if view.cost_micros is None else view.cost_micros / 1_000_000,
    }


def _turn(
    data: Mapping[str, object], view: StoryView | None, entries: Iterable[HistoryEntry] | None
) -> dict[str, object]:
    turn = data.get(TURN)
    known = None if view is None or entries is None else list(entries)
    told = exchange.body(turn if isinstance(turn, dict) else {}, known, _playhead(view))
    return {TURN: told}


def _playhead(view: StoryView | None) -> exchange.Playhead | None:
    if view is None or view.playhead_item is None or view.playhead_ms is None:
        return None
    return view.playhead_item, view.playhead_ms


def _usage(written: str | None) -> list[dict[str, object]] | None:
    """What each model was used for; null where that cannot be read."""
    try:
        return [asdict(each) for each in usage.load(written)]
    except ContractError:
        return None


def _transcript(view: StoryView, entries: Iterable[HistoryEntry]) -> list[dict[str, object]]:
    lines = Conversation.of(entries).lines(_playhead(view))
    return [
        {"role": line.role, "text": line.text, "whole": line.whole}
        | ({} if line.role == "user" else {"agent": line.agent or None})
        for line in lines
    ]


def _object(written: str | bytes) -> dict[str, object]:
    """What was written as a JSON object; empty for anything else: the stream is open to hands."""
    try:
        found = orjson.loads(written or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
