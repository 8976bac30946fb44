"""Turns one WebSocket message from the client into a checked event, or refuses it.

Why it exists: what is wrong with an event by itself is told before any session sees it. Owns: which client
events exist, their limits that no type can say, and the fast path of `input_audio_buffer.append` (50 a second
and call). Pure. Must not know: any session's state; rules that need it live where the state lives. The types
are the SDK's (openai.types.realtime).
"""

from __future__ import annotations

import binascii
from binascii import a2b_base64
from typing import Final

import orjson
from openai.types import realtime as sdk
from openai.types.realtime.conversation_item import ConversationItem
from openai.types.realtime.realtime_session_create_request import RealtimeSessionCreateRequest
from openai.types.realtime.response_item_reference import ResponseItemReference
from pydantic import BaseModel

from simulators.realtime.protocol import errors, schema

Event = dict[str, object]
"""A parsed client event; after `check` its shape is that of the SDK's type."""

APPEND: Final = "input_audio_buffer.append"
MAX_APPEND_BYTES: Final = 15 * 1024 * 1024
MAX_EVENT_ID_CHARS: Final = 512
MAX_ITEM_ID_CHARS: Final = 32
MAX_METADATA_PAIRS: Final = 16
MAX_METADATA_KEY_CHARS: Final = 64
MAX_METADATA_VALUE_CHARS: Final = 512

EVENT_TYPES: Final[dict[str, type[BaseModel]]] = {
    "session.update": sdk.SessionUpdateEvent,
    APPEND: sdk.InputAudioBufferAppendEvent,
    "input_audio_buffer.commit": sdk.InputAudioBufferCommitEvent,
    "input_audio_buffer.clear": sdk.InputAudioBufferClearEvent,
    "conversation.item.create": sdk.ConversationItemCreateEvent,
    "conversation.item.retrieve": sdk.ConversationItemRetrieveEvent,
    "conversation.item.truncate": sdk.ConversationItemTruncateEvent,
    "conversation.item.delete": sdk.ConversationItemDeleteEvent,
    "response.create": sdk.ResponseCreateEvent,
    "response.cancel": sdk.ResponseCancelEvent,
    "output_audio_buffer.clear": sdk.OutputAudioBufferClearEvent,
}

_NULLABLE: Final = frozenset(
    {
        "event_id",
        "previous_item_id",
        "session.audio.input.turn_detection",
        "session.audio.input.transcription",
        "session.audio.input.noise_reduction",
        "session.tracing",
        "session.prompt",
        "session.include",
        "response.metadata",
        "response.prompt",
    }
)
# `response.input` also takes references; the SDK says so only in its parameter types.
_INPUT_ITEMS: Final = list[ConversationItem | ResponseItemReference]


def parse(frame: str | bytes) -> Event:
    """One WebSocket message to an unchecked event.

    Raises `Refusal` (`invalid_event`) for a binary one, broken JSON, or another JSON type than an object.
    """
    if isinstance(frame, bytes):
        raise errors.invalid_event("Expected a text frame with one JSON event, but got a binary frame.")
    try:
        event = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_event(f"The frame is not valid JSON: {error}.") from None
    if not isinstance(event, dict):
        raise errors.invalid_event("Expected one JSON object per frame.")
    return event


def appended_audio(event: Event) -> bytes | None:
    """The audio of a faultless append, quickly; `None`: it is another event, or `check` says what is wrong.
    Agrees with `check` (a test holds the two together)."""
    if event.get("type") != APPEND:
        return None
    audio = event.get("audio")
    if type(audio) is not str or len(event) > 2:
        return None
    try:
        return a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def audio_of(event: Event) -> bytes:
    """The audio of an append that `check` let pass."""
    return a2b_base64(str(event["audio"]))


def client_event_id(event: Event) -> str | None:
    """The id to echo in an error; `None` when the client gave none that is a string."""
    event_id = event.get("event_id")
    return event_id if isinstance(event_id, str) else None


def check(event: Event) -> str:
    """The event's type, once its shape and limits hold; else raises `Refusal`."""
    name = event.get("type")
    if name is None:
        raise errors.missing("type")
    if not isinstance(name, str):
        raise errors.wrong_type("type", "a string", name)
    if name not in EVENT_TYPES:
        raise errors.wrong_value("type", name, EVENT_TYPES)
    if name == "session.update":
        _check_session_update(event)
    elif name == "response.create":
        _check_response_create(event)
    else:
        schema.check(event, EVENT_TYPES[name], "", _NULLABLE)
    _check_length(event, "event_id", MAX_EVENT_ID_CHARS)
    if name == APPEND:
        _check_audio(event["audio"], "audio")
    elif name == "conversation.item.create":
        _check_item(event["item"])
    return name


def _check_session_update(event: Event) -> None:
    session = event.get("session")
    if isinstance(session, dict):
        if "type" not in session:
            raise errors.missing("session.type")
        # The SDK's union also has transcription sessions, which are another endpoint's.
        schema.check(session, RealtimeSessionCreateRequest, "session", _NULLABLE)
    schema.check(event, sdk.SessionUpdateEvent, "", _NULLABLE)


def _check_response_create(event: Event) -> None:
    """As declared, except that `response.input` may hold item references too."""
    response = event.get("response")
    if isinstance(response, dict) and isinstance(response.get("input"), list):
        schema.check(response["input"], _INPUT_ITEMS, "response.input", _NULLABLE)
        rest = {key: value for key, value in response.items() if key != "input"}
        event = {**event, "response": rest}
    schema.check(event, sdk.ResponseCreateEvent, "", _NULLABLE)
    if isinstance(response, dict) and isinstance(response.get("metadata"), dict):
        _check_metadata(response["metadata"])


def _check_metadata(metadata: dict[str, object]) -> None:
    """Source of the limits: the API's Metadata type."""
    where = "response.metadata"
    if len(metadata) > MAX_METADATA_PAIRS:
        raise errors.out_of_range(where, len(metadata), 0, MAX_METADATA_PAIRS)
    for key, value in metadata.items():
        if len(key) > MAX_METADATA_KEY_CHARS:
            raise errors.too_long(where, len(key), MAX_METADATA_KEY_CHARS)
        if isinstance(value, str) and len(value) > MAX_METADATA_VALUE_CHARS:
            raise errors.too_long(f"{where}.{key}", len(value), MAX_METADATA_VALUE_CHARS)


def _check_item(item: object) -> None:
    """Limits of an item that a client adds: ids, and no audio of the assistant's."""
    assert isinstance(item, dict)
    for key in ("id", "call_id"):
        _check_length(item, key, MAX_ITEM_ID_CHARS, "item.")
    content = item.get("content")
    if not isinstance(content, list):
        return
    for index, part in enumerate(content):
        where = f"item.content[{index}]"
        needed = "audio" if part["type"] == "input_audio" else "text"
        if part["type"] != "input_image" and part.get(needed) is None:
            raise errors.missing(f"{where}.{needed}")
        if part["type"] == "output_audio":
            raise errors.missing(f"{where}.text")
        if needed == "audio":
            _check_audio(part["audio"], f"{where}.audio")


def _check_audio(audio: object, where: str) -> None:
    assert isinstance(audio, str)
    try:
        decoded = a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError):
        message = f"Invalid '{where}'. Expected base64-encoded audio bytes."
        raise errors.Refusal("invalid_value", message, where) from None
    if len(decoded) > MAX_APPEND_BYTES:
        raise errors.out_of_range(where, len(decoded), 0, MAX_APPEND_BYTES)


def _check_length(holder: dict[str, object], key: str, limit: int, prefix: str = "") -> None:
    value = holder.get(key)
    if isinstance(value, str) and len(value) > limit:
        raise errors.too_long(prefix + key, len(value), limit)
