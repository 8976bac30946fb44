"""Between the Realtime wire and the sequencer: server events → inputs, actions → client events.

Owns: event names and their fields, in both directions, and which error codes are benign. Pure. Must not
know: the socket, or what any of it leads to. Audio deltas do not pass here: they have a short way of
their own (call).
"""

from __future__ import annotations

import enum
from typing import Final

import orjson

from brain.agent import Agent, silenced_session
from brain.events import Json, inner, text
from brain.sequencer import Reason, actions, inputs
from brain.sequencer.inputs import Input
from brain.session_gate import FATAL_CODES

AUDIO_DELTA: Final = "response.output_audio.delta"
APPEND_HEAD: Final = '{"type":"input_audio_buffer.append","audio":"'
APPEND_TAIL: Final = '"}'
"""Base64 needs no escaping, so an append is a concatenation: a tenth of the cost of building JSON."""

TOKEN: Final = "trunkline_token"
REASON: Final = "trunkline_reason"

BENIGN_CODES: Final = frozenset(
    {
        "conversation_already_has_active_response",
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "unsupported_content_type",
        "invalid_value",
    }
)
"""Lost races and repairs that came too late: expected, counted, no more. Others are logged as unknown."""

ToModel = (
    actions.SendCreate
    | actions.SendCancel
    | actions.SendTruncate
    | actions.SendDelete
    | actions.SendToolOutput
    | actions.SilenceServer
)


class ErrorClass(enum.StrEnum):
    BENIGN = "benign"
    UNKNOWN = "unknown"
    FATAL = "fatal"


def fatal_code(event: Json) -> str:
    """The code that ends the session, in an `error` or a failed response; empty for all else."""
    match text(event, "type"):
        case "error":
            code = error_code(event)
        case "response.done":
            details = inner(inner(event, "response"), "status_details")
            code = text(inner(details, "error"), "code")
        case _:
            return ""
    return code if code in FATAL_CODES else ""


def error_code(event: Json) -> str:
    """The code of an `error`; older servers send null and only a message, or only a type."""
    error = inner(event, "error")
    code = text(error, "code")
    if code:
        return code
    message = text(error, "message").lower()
    if "active response" in message and "cancel" not in message:
        return "conversation_already_has_active_response"
    if "cancellation failed" in message:
        return "response_cancel_not_active"
    return text(error, "type") or "unknown"


def classify(code: str) -> ErrorClass:
    if code in FATAL_CODES:
        return ErrorClass.FATAL
    return ErrorClass.BENIGN if code in BENIGN_CODES else ErrorClass.UNKNOWN


def read_event(event: Json) -> tuple[Input, ...]:
    """The inputs that a server event means: none, one, or two for a completed tool call."""
    match text(event, "type"):
        case "response.created":
            response = inner(event, "response")
            return (
                inputs.ResponseCreated(
                    response_id=text(response, "id"),
                    token=_token(response),
                    out_of_band=_out_of_band(response),
                ),
            )
        case "response.done":
            return (_done(inner(event, "response")),)
        case "response.output_item.added":
            item = inner(event, "item")
            return (
                inputs.ItemOpened(
                    response_id=text(event, "response_id"),
                    item_id=text(item, "id"),
                    speaks=text(item, "type") == "message",
                ),
            )
        case "response.output_audio.done":
            return (
                inputs.ItemFinished(response_id=text(event, "response_id"), item_id=text(event, "item_id")),
            )
        case "response.output_item.done":
            return _item_done(event, inner(event, "item"))
        case "conversation.item.added":
            item = inner(event, "item")
            is_output = text(item, "type") == "function_call_output"
            call_id = text(item, "call_id") if is_output else ""
            return (inputs.ItemAdded(item_id=text(item, "id"), call_id=call_id),)
        case "input_audio_buffer.speech_started":
            return (inputs.SpeechStarted(item_id=text(event, "item_id")),)
        case "input_audio_buffer.speech_stopped":
            return (inputs.SpeechStopped(item_id=text(event, "item_id")),)
        case "input_audio_buffer.committed":
            return (inputs.TurnCommitted(item_id=text(event, "item_id")),)
        case "error":
            event_id = text(inner(event, "error"), "event_id")
            return (inputs.Refused(event_id=event_id, code=error_code(event)),)
        case _:
            return ()


def client_event(action: ToModel, agent: Agent) -> str:
    """The JSON text of a client event."""
    match action:
        case actions.SendCreate():
            body: Json = {
                "type": "response.create",
                "event_id": action.token,
                "response": _create(action, agent),
            }
        case actions.SendCancel():
            body = {
                "type": "response.cancel",
                "event_id": action.event_id,
                "response_id": action.response_id,
            }
        case actions.SendTruncate():
            body = {
                "type": "conversation.item.truncate",
                "event_id": action.event_id,
                "item_id": action.item_id,
                "content_index": 0,
                "audio_end_ms": action.audio_end_ms,
            }
        case actions.SendDelete():
            body = {
                "type": "conversation.item.delete",
                "event_id": action.event_id,
                "item_id": action.item_id,
            }
        case actions.SendToolOutput():
            body = {
                "type": "conversation.item.create",
                "event_id": action.event_id,
                "item": {
                    "type": "function_call_output",
                    "call_id": action.call_id,
                    "output": action.output,
                },
            }
        case actions.SilenceServer():
            body = {
                "type": "session.update",
                "event_id": action.event_id,
                "session": silenced_session(agent),
            }
    return orjson.dumps(body).decode()


# Private.


def _create(action: actions.SendCreate, agent: Agent) -> Json:
    response: Json = {"metadata": {TOKEN: action.token, REASON: action.reason.value}}
    wanted = _instructions(action)
    if wanted:
        # They replace the session's for this response, so the agent's own go along.
        response["instructions"] = f"{agent.instructions}\n\n{wanted}"
        response["tool_choice"] = "none"
    return response


def _instructions(action: actions.SendCreate) -> str:
    match action.reason:
        case Reason.OPERATOR:
            return (
                "A supervisor wants the caller to hear the following now. Say it, in the language of the"
                f" conversation, and nothing else: {action.text}"
            )
        case Reason.FAREWELL:
            return (
                "The call ends now. Say this farewell, in the language of the conversation, in one short"
                f" sentence, and ask nothing: {action.text}"
            )
        case _:
            return action.text


def _done(response: Json) -> inputs.ResponseDone:
    details = inner(response, "status_details")
    return inputs.ResponseDone(
        response_id=text(response, "id"),
        status=text(response, "status"),
        token=_token(response),
        code=text(inner(details, "error"), "code") or text(details, "reason"),
        out_of_band=_out_of_band(response),
    )


def _item_done(event: Json, item: Json) -> tuple[Input, ...]:
    response_id = text(event, "response_id")
    finished = inputs.ItemFinished(response_id=response_id, item_id=text(item, "id"))
    if text(item, "type") != "function_call" or text(item, "status") != "completed":
        # A cancelled call has arguments too, but nobody may act on them.
        return (finished,)
    called = inputs.ToolCalled(
        response_id=response_id,
        call_id=text(item, "call_id"),
        name=text(item, "name"),
        arguments=text(item, "arguments"),
    )
    return (finished, called)


def _token(response: Json) -> str:
    return text(inner(response, "metadata"), TOKEN)


def _out_of_band(response: Json) -> bool:
    # Null is out of band; a server that leaves the field out means the conversation.
    return "conversation_id" in response and response["conversation_id"] is None
