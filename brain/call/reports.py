"""From control messages to the sequencer's inputs.

Owns: which messages of egress and operators mean an input, and how their fields are read. Pure. Lenient:
people type these messages, and a figure that cannot be read must not end a call.
"""

from __future__ import annotations

from typing import cast

import orjson

from brain.sequencer import Reason, inputs
from brain.sequencer.inputs import Input
from shared.ownership.control import ControlMessage

COMMANDS = ("say", "hangup")
"""What operators may ask of a call by hand. (A worker is drained by its doorbell.)"""

MAX_SAY_CHARS = 2_000
"""Bound of an operator's text; longer ones are cut."""

_TRUE = frozenset({"1", "true", "yes"})


def read_report(message: ControlMessage) -> Input | None:
    """The input a message means; None when it is not for the sequencer."""
    fields = message.fields
    match message.kind:
        case "audible":
            return inputs.Audible(
                cut=message.integer("cut"),
                response_id=fields.get("response", ""),
                item_id=fields.get("item", ""),
                heard_ms=_ms(fields.get("heard_ms", "")),
                frames_waiting=max(0, message.integer("frames_waiting")),
            )
        case "heard":
            return inputs.Heard(
                cut=message.integer("cut"),
                response_id=fields.get("response", ""),
                item_id=fields.get("item", ""),
                heard_ms=_ms(fields.get("heard_ms", "")),
                frames_waiting=max(0, message.integer("frames_waiting")),
            )
        case "silent":
            return inputs.Silent(
                cut=message.integer("cut"),
                response_id=fields.get("response", ""),
                item_id=fields.get("item", ""),
                heard_ms=_ms(fields.get("heard_ms", "")),
                frames_waiting=max(0, message.integer("frames_waiting")),
                cause=fields.get("cause", "played"),
            )
        case "flushed":
            return inputs.Flushed(cut=message.integer("cut"), items=_items(fields.get("items", "[]")))
        case "say":
            return _say(fields)
        case "hangup":
            return inputs.HangUpWished(
                cause=fields.get("reason", "operator"),
                farewell=fields.get("farewell", "")[:MAX_SAY_CHARS],
            )
        case _:
            return None


def why_refused(message: ControlMessage) -> str:
    """Why a message that means no input is refused, in words for whoever typed it; "" for other roles'."""
    if message.epoch is not None:
        return ""  # An owner speaks, perhaps of a newer version: not a matter for people.
    if message.kind == "say":
        return "expected a field text with what to say"
    if not message.kind:
        return f"expected a field kind, one of {', '.join(COMMANDS)}"
    return f"expected one of {', '.join(COMMANDS)} as the kind"


# Private.


def _say(fields: dict[str, str]) -> Input | None:
    said = fields.get("text", "").strip()[:MAX_SAY_CHARS]
    if not said:
        return None
    force = fields.get("force", "").lower() in _TRUE
    return inputs.WishToSpeak(reason=Reason.OPERATOR, text=said, force=force)


def _items(found: str) -> tuple[inputs.FlushedItem, ...]:
    try:
        items = orjson.loads(found)
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(items, list):
        return ()
    return tuple(
        inputs.FlushedItem(item_id=str(item.get("item", "")), heard_ms=_ms(str(item.get("heard_ms", ""))))
        for item in cast(list[object], items)
        if isinstance(item, dict)
    )


def _ms(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if 0.0 <= number < float("inf") else 0.0
