"""Shapes and limits of client events."""

from __future__ import annotations

import base64
from copy import deepcopy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.realtime.protocol import validation
from simulators.realtime.protocol.errors import Refusal
from tests.simulators.realtime.core_client import CHECK_ORDER, pcmu_session

Event = dict[str, object]

APPEND = "input_audio_buffer.append"


def message(role: str, *content: Event) -> Event:
    item = {"type": "message", "role": role, "content": list(content)}
    return {"type": "conversation.item.create", "item": item}


def changed(path: str, value: object) -> Event:
    """A good `session.update` with the value at a dotted path set, or removed by `...`."""
    event: Event = {"type": "session.update", "session": deepcopy(pcmu_session())}
    *steps, last = path.split(".")
    holder: object = event
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]  # type: ignore[index]
    assert isinstance(holder, dict)
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return event


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": pcmu_session()},
        changed("session.audio.input.turn_detection", None),
        changed("session.audio.input.noise_reduction", None),
        changed("session.tool_choice", {"type": "function", "name": "check_order"}),
        changed("session.max_output_tokens", 1024),
        changed("session.tracing", None),
        changed("session.audio.output.voice", {"id": "voice_1"}),
        {"type": "response.create"},
        {"type": "response.create", "response": {"metadata": {"token": "t"}}},
        {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "i"}]}},
        {"type": "response.cancel", "response_id": "resp_1", "event_id": "e"},
        message("user", {"type": "input_text", "text": "שלום"}),
        message("assistant", {"type": "output_text", "text": "Hi"}),
        {
            "type": "conversation.item.create",
            "previous_item_id": None,
            "item": {"type": "function_call_output", "call_id": "c", "output": ""},
        },
    ],
)
def test_good_events_pass(event: Event) -> None:
    """What the real service takes is taken, and the SDK's type agrees in strict mode (it does not know item
    references in `response.input`)."""
    name = validation.check(event)
    assert name == event["type"]
    if "item_reference" not in str(event):
        validation.EVENT_TYPES[name].model_validate(event, strict=True)


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (changed("session.type", ...), "missing_required_parameter", "session.type"),
        (changed("session.type", "transcription"), "invalid_value", "session.type"),
        (changed("session.voice", "alloy"), "unknown_parameter", "session.voice"),
        (changed("session.modalities", ["audio"]), "unknown_parameter", "session.modalities"),
        (
            changed("session.input_audio_format", "g711_ulaw"),
            "unknown_parameter",
            "session.input_audio_format",
        ),
        (changed("session.temperature", 0.8), "unknown_parameter", "session.temperature"),
        (
            changed("session.audio.input.format.rate", 8000),
            "unknown_parameter",
            "session.audio.input.format.rate",
        ),
        (
            changed("session.audio.input.turn_detection.idle_timeout_ms", None),
            "invalid_type",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            changed("session.audio.input.turn_detection.threshold", "0.5"),
            "invalid_type",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            changed("session.audio.input.turn_detection.type", ...),
            "missing_required_parameter",
            "session.audio.input.turn_detection.type",
        ),
        (
            changed("session.audio.input.turn_detection.type", "none"),
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            changed("session.tools", [{**CHECK_ORDER, "strict": True}]),
            "unknown_parameter",
            "session.tools[0].strict",
        ),
        (changed("session.output_modalities", ["video"]), "invalid_value", "session.output_modalities[0]"),
        (changed("session.max_output_tokens", True), "invalid_type", "session.max_output_tokens"),
        (changed("session", ...), "missing_required_parameter", "session"),
        (changed("session", None), "invalid_type", "session"),
        (changed("surprise", 1), "unknown_parameter", "surprise"),
        ({}, "missing_required_parameter", "type"),
        ({"type": 7}, "invalid_type", "type"),
        ({"type": "response.make"}, "invalid_value", "type"),
        ({"type": "response.cancel", "event_id": "e" * 513}, "string_above_max_length", "event_id"),
        (
            {"type": "response.create", "response": {"temperature": 1}},
            "unknown_parameter",
            "response.temperature",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"a": 1}}},
            "invalid_type",
            "response.metadata.a",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"a": "x" * 513}}},
            "string_above_max_length",
            "response.metadata.a",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"k" * 65: "x"}}},
            "string_above_max_length",
            "response.metadata",
        ),
        (
            {"type": "response.create", "response": {"metadata": {str(n): "x" for n in range(17)}}},
            "invalid_value",
            "response.metadata",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0},
            "missing_required_parameter",
            "audio_end_ms",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 1.5},
            "invalid_type",
            "audio_end_ms",
        ),
        (message("robot"), "invalid_value", "item.role"),
        (message("user", {"type": "input_text"}), "missing_required_parameter", "item.content[0].text"),
        (
            message("assistant", {"type": "output_audio", "audio": "AAAA"}),
            "missing_required_parameter",
            "item.content[0].text",
        ),
        (message("user", {"type": "input_audio", "audio": "?"}), "invalid_value", "item.content[0].audio"),
        (
            {"type": "conversation.item.create", "item": {"type": "item_reference", "id": "i"}},
            "invalid_value",
            "item.type",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "c" * 33, "output": ""},
            },
            "string_above_max_length",
            "item.call_id",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"id": "i" * 33, "type": "function_call_output", "call_id": "c", "output": ""},
            },
            "string_above_max_length",
            "item.id",
        ),
        ({"type": APPEND}, "missing_required_parameter", "audio"),
        ({"type": APPEND, "audio": "@@@"}, "invalid_value", "audio"),
        ({"type": APPEND, "audio": "AAAA", "rate": 8000}, "unknown_parameter", "rate"),
    ],
)
def test_bad_events_are_refused_by_name(event: Event, code: str, param: str) -> None:
    """Each fault has the service's code and names the parameter."""
    with pytest.raises(Refusal) as caught:
        validation.check(event)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert param in caught.value.message or code == "invalid_value"


@pytest.mark.parametrize("frame", ["{", "[]", "7", b'{"type":"response.cancel"}', ""])
def test_frames_that_are_no_event(frame: str | bytes) -> None:
    """Broken JSON, other JSON and binary frames are `invalid_event`."""
    with pytest.raises(Refusal) as caught:
        validation.parse(frame)
    assert caught.value.code == "invalid_event"


@given(st.binary(max_size=400))
def test_fast_append_gives_the_audio(audio: bytes) -> None:
    """The fast path decodes what full validation accepts."""
    event: Event = {"type": APPEND, "audio": base64.b64encode(audio).decode()}
    assert validation.appended_audio(event) == audio
    assert validation.check(event) == APPEND
    assert validation.audio_of(event) == audio


JSON_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.none(), max_size=1)
)


@given(
    st.dictionaries(st.sampled_from(["audio", "event_id", "rate", "Type"]), JSON_VALUES, max_size=3)
    | st.fixed_dictionaries({"audio": st.sampled_from(["", "A", "AAAA", "AA==", "AA=", "A A=", "/+8="])})
)  # fmt: skip
def test_fast_append_never_takes_what_validation_refuses(fields: Event) -> None:
    """Where the fast path gives audio, full validation agrees; where validation refuses, the fast path stands
    back."""
    event = orjson.loads(orjson.dumps({"type": APPEND, **fields}))
    fast = validation.appended_audio(event)
    try:
        validation.check(event)
    except Refusal:
        assert fast is None
    else:
        assert fast is None or fast == validation.audio_of(event)
