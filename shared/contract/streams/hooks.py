"""`hooks`: what the user's own systems are still to be told, for the couriers of all brains.

Owns: the events, the entry, both ways. Pure. Must not know: bodies, HTTP, when a failed one is tried again
(brain/webhooks). `call.ended` is added by the script END itself, in the same step: nothing that happens to a
process loses it. An event's id is made of what it tells, so that one told twice can be recognised.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contract.command import Command
from shared.contract.entry import VERSION, Fields, known
from shared.contract.errors import EntryError
from shared.contract.keys import CALL_TTL_MS, Keys

MAXLEN = 10_000
GROUP = "hooks"
MAX_DIGITS = 18


class Event(enum.StrEnum):
    """What can be told. The setting names them, and the bodies say them: they are the users' words too."""

    STARTED = "call.started"
    ENDED = "call.ended"
    TOOL_FAILED = "tool.failed"

    # While it goes on; told to whoever asks for them.
    TURN_ENDED = "turn.ended"
    TRANSFER_STARTED = "transfer.started"
    TRANSFER_ENDED = "transfer.ended"
    AGENT_CHANGED = "agent.changed"

    # When it is over, of a call that was recorded.
    RECORDED = "call.recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One event. `body` is empty until it was composed; `details`: JSON of what belongs to it beside the
    call."""

    event: str
    call_sid: str
    event_id: str
    at_ms: int
    attempt: int
    due_ms: int
    body: bytes = b""
    details: str = ""


def hook_fields(hook: Hook) -> Fields:
    """An entry."""
    return [
        b"v", VERSION, b"kind", hook.event.encode(), b"call", hook.call_sid.encode(),
        b"id", hook.event_id.encode(), b"t", b"%d" % hook.at_ms, b"attempt", b"%d" % hook.attempt,
        b"due", b"%d" % hook.due_ms, b"body", hook.body, b"details", hook.details.encode(errors="replace"),
    ]  # fmt: skip


def hook_commands(keys: Keys, hook: Hook) -> tuple[Command, Command]:
    """Adds it to its lane's stream."""
    lane = keys.lane(hook.call_sid)
    key = keys.hooks(lane).encode()
    return (
        Command(lane, (b"XADD", key, b"MAXLEN", b"~", b"%d" % MAXLEN, b"*", *hook_fields(hook))),
        Command(lane, (b"PEXPIRE", key, b"%d" % CALL_TTL_MS)),
    )


def read_hook(fields: Mapping[bytes, bytes]) -> Hook:
    """Raises EntryError. The stream is open to hands: figures that no clock can say are 0, and stop no
    courier."""
    found = known("hooks", fields)
    try:
        event, call_sid, event_id = found[b"kind"], found[b"call"], found[b"id"]
    except KeyError as error:
        raise EntryError("hooks", error.args[0].decode(), "a text", None) from None
    return Hook(
        event=event.decode(errors="replace"),
        call_sid=call_sid.decode(errors="replace"),
        event_id=event_id.decode(errors="replace"),
        at_ms=_number(found.get(b"t", b"")),
        attempt=_number(found.get(b"attempt", b"")),
        due_ms=_number(found.get(b"due", b"")),
        body=found.get(b"body", b""),
        details=found.get(b"details", b"").decode(errors="replace"),
    )


# Private.


def _number(value: bytes) -> int:
    return int(value) if value.isdigit() and len(value) <= MAX_DIGITS else 0
