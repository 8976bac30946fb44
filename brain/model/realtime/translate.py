"""Between the Realtime wire and the brain: server events → inputs and texts, actions → client events.

Why it exists: the server's words change from version to version; here they can. Owns: event names and their
fields, in both directions, and which error codes are benign. Pure. Must not know: the socket, or what any of
it leads to. Audio deltas do not pass here: they have a short way of their own (socket).
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final

import orjson

from brain.agents.agent import Agent
from brain.json_fields import Json, inner, text
from brain.model.engine import Said, SaidKind, ServerTool, ToModel
from brain.model.realtime.gate import FATAL_CODES
from brain.model.realtime.session import silenced_session
from brain.sequencer import Reason, actions, inputs
from brain.sequencer.inputs import Input

TRANSCRIPTION_FAILED: Final = "conversation.item.input_audio_transcription.failed"
AUDIO_DELTA: Final = "response.output_audio.delta"
APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
APPEND_TAIL: Final = b'"}'
"""Base64 needs no escaping, so an append is a concatenation: a tenth of the cost of building JSON."""

MAX_ID_CHARS: Final = 32
"""Ids that a client chooses may not be longer."""

MAX_NAME_CHARS: Final = 64
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
"""What the name of a tool may not have. A server of the user's own may name its tools as it likes."""

TOKEN: Final = "trunkline_token"
REASON: Final = "trunkline_reason"

TEXT_PARTS: Final = frozenset({"text", "output_text"})
"""What a written part is called: the one in events of a part, the other in items, and in some servers in
both."""

TEXT_DELTAS: Final = frozenset({"response.output_text.delta", "response.text.delta"})

MAX_RETRY_AFTER_MS: Final = 20_000.0
"""A caller has long hung up by then: a server that wants to be left alone for longer is asked all the
same."""

_TRY_AGAIN: Final = re.compile(r"try again in (?:(\d{1,6})m(?!s))?(?:(\d+(?:\.\d+)?)(m?)s)?", re.IGNORECASE)

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


def is_benign(code: str) -> bool:
    """Whether a refusal is explained by a lost race: nothing is wrong, and nothing need be done."""
    return code in BENIGN_CODES


def read_event(event: Json, *, approve: bool = False, spoke_ms: float | None = None) -> tuple[Input, ...]:
    """The inputs that a server event means: none, one, or two for a completed tool call.

    `approve`: the answer to a server that asks whether it may run a tool. `spoke_ms`: how long the voice was
    heard whose end the event tells.
    """
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
            return (_item_opened(event, inner(event, "item")),)
        case "response.content_part.added" if text(inner(event, "part"), "type") in TEXT_PARTS:
            return (_text_opened(event),)
        case kind if kind in TEXT_DELTAS:
            # A server may leave out the event that opens the part.
            return (_text_opened(event),)
        case "response.mcp_call.completed" | "response.mcp_call.failed":
            return (inputs.ServerToolFinished(item_id=text(event, "item_id")),)
        case "response.output_audio.done":
            return (
                inputs.ItemFinished(response_id=text(event, "response_id"), item_id=text(event, "item_id")),
            )
        case "response.output_item.done":
            return _item_done(event, inner(event, "item"), approve)
        case "conversation.item.added":
            return (_item_added(inner(event, "item")),)
        case "input_audio_buffer.speech_started":
            return (inputs.SpeechStarted(item_id=text(event, "item_id")),)
        case "input_audio_buffer.speech_stopped":
            return (inputs.SpeechStopped(item_id=text(event, "item_id"), spoke_ms=spoke_ms),)
        case "input_audio_buffer.committed":
            return (inputs.TurnCommitted(item_id=text(event, "item_id")),)
        case "conversation.item.input_audio_transcription.delta":
            return (inputs.CallerUnderstood(item_id=text(event, "item_id"), text=text(event, "delta")),)
        case "conversation.item.input_audio_transcription.completed":
            said = text(event, "transcript")
            return (inputs.CallerUnderstood(item_id=text(event, "item_id"), text=said, final=True),)
        case "error":
            event_id = text(inner(event, "error"), "event_id")
            return (inputs.Refused(event_id=event_id, code=error_code(event)),)
        case _:
            return ()


def read_said(event: Json) -> Said | None:
    """The text that a server event brings; None for all others."""
    item_id = text(event, "item_id")
    match text(event, "type"):
        case "response.output_audio_transcript.delta":
            return Said(SaidKind.MODEL_DELTA, item_id, text(event, "delta"))
        case "response.output_audio_transcript.done":
            return Said(SaidKind.MODEL_TEXT, item_id, text(event, "transcript"))
        case "input_audio_buffer.committed":
            return Said(SaidKind.USER_ITEM, item_id)
        case "conversation.item.input_audio_transcription.completed":
            return Said(SaidKind.USER_TEXT, item_id, text(event, "transcript"))
        case kind if kind == TRANSCRIPTION_FAILED:
            return Said(SaidKind.USER_TEXT, item_id)
        case _:
            return None


def read_server_tool(event: Json) -> ServerTool | None:
    """What the server did with a tool of its own (MCP), as far as the event knows; None for all others.

    The item is told as soon as it is called, and again when there is an output or an error.
    """
    if text(event, "type") not in ("response.output_item.done", "conversation.item.done"):
        return None
    item = inner(event, "item")
    if text(item, "type") != "mcp_call" or not text(item, "id"):
        return None
    error = inner(item, "error")
    output = text(item, "output") or (orjson.dumps({"error": error}).decode() if error else "")
    return ServerTool(
        call_id=text(item, "id")[-MAX_ID_CHARS:],
        name=_NO_NAME.sub("_", text(item, "name"))[:MAX_NAME_CHARS] or "mcp",
        arguments=text(item, "arguments"),
        output=output,
    )


def client_events(action: ToModel, agent: Agent) -> list[bytes]:
    """The JSON texts of the client events that an action means: one, or two where something must be told
    first: a call that the session has not seen, what a stored prompt cannot be joined with."""
    match action:
        case actions.SendCreate():
            body: Json = {
                "type": "response.create",
                "event_id": action.token,
                "response": _create(action, agent),
            }
            if agent.is_stored and _instructions(action):
                wish = message("system", _instructions(action), action.token)
                return [_json(create_item(f"{action.token}-wish", wish)), _json(body)]
        case actions.SendCancel(left_to_server=True):
            return []  # The session says `interrupt_response`.
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
            body = delete_item(action.event_id, action.item_id)
        case actions.SendToolOutput():
            output = create_item(action.event_id, tool_output(action.call_id, action.output))
            if not action.name:
                return [_json(output)]
            call = tool_call(action.call_id, action.name, action.arguments)
            return [_json(create_item(f"{action.event_id}-call", call)), _json(output)]
        case actions.SendText():
            # Our own id, so that the server's echo of the item tells that it is in the conversation.
            body = create_item(action.event_id, message("user", action.text, action.event_id))
        case actions.TellSaid():
            body = create_item(action.event_id, message("system", action.text, action.item_id))
        case actions.SendApproval():
            approval: Json = {
                "type": "mcp_approval_response",
                "id": action.event_id,
                "approval_request_id": action.request_id,
                "approve": action.approve,
            }
            body = create_item(action.event_id, approval)
        case actions.SilenceServer():
            body = update_session(action.event_id, silenced_session(agent))
    return [_json(body)]


# The shapes of what a client sends, for the socket and for seeding too.


def update_session(event_id: str, session: Json) -> Json:
    """`session.update`."""
    return {"type": "session.update", "event_id": event_id, "session": session}


def create_item(event_id: str, item: Json, after_id: str = "") -> Json:
    """`conversation.item.create`. `after_id`: the item before it; "root" for the start, empty for the end."""
    event: Json = {"type": "conversation.item.create", "event_id": event_id, "item": item}
    if after_id:
        event["previous_item_id"] = after_id
    return event


def delete_item(event_id: str, item_id: str) -> Json:
    """`conversation.item.delete`."""
    return {"type": "conversation.item.delete", "event_id": event_id, "item_id": item_id}


def message(role: str, said: str, item_id: str) -> Json:
    """A text of the conversation. The model's own are output, all others input."""
    part = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "id": item_id, "role": role, "content": [{"type": part, "text": said}]}


def spoken(audio: bytes, item_id: str) -> Json:
    """What the caller said, as sound, in the session's own format."""
    part = {"type": "input_audio", "audio": b64encode(audio).decode("ascii")}
    return {"type": "message", "id": item_id, "role": "user", "content": [part]}


def tool_call(call_id: str, name: str, arguments: str) -> Json:
    """A call that the model has made, as an item."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def tool_output(call_id: str, output: str) -> Json:
    """A tool's output, as an item."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


# Private.


def _json(event: Json) -> bytes:
    return orjson.dumps(event)


def _item_opened(event: Json, item: Json) -> Input:
    response_id, item_id, kind = text(event, "response_id"), text(item, "id"), text(item, "type")
    if kind == "mcp_call":
        return inputs.ServerToolOpened(response_id=response_id, item_id=item_id)
    return inputs.ItemOpened(response_id=response_id, item_id=item_id, speaks=kind == "message")


def _item_added(item: Json) -> inputs.ItemAdded:
    """What a later response could answer has an id to be known by: a tool's output, a text of the caller."""
    item_id = text(item, "id")
    if text(item, "type") == "function_call_output":
        return inputs.ItemAdded(item_id=item_id, answers_id=text(item, "call_id"))
    content = item.get("content")
    first = content[0] if isinstance(content, list) and content else None
    is_text = isinstance(first, dict) and first.get("type") == "input_text"
    return inputs.ItemAdded(item_id=item_id, answers_id=item_id if is_text else "")


def _create(action: actions.SendCreate, agent: Agent) -> Json:
    response: Json = {"metadata": {TOKEN: action.token, REASON: action.reason.value}}
    wanted = _instructions(action)
    if action.without_tools:
        response["tool_choice"] = "none"
    if wanted:
        response["tool_choice"] = "none"
    if wanted and not agent.is_stored:
        # They replace the session's for this response, so the agent's own go along.
        response["instructions"] = f"{agent.instructions}\n\n{wanted}"
    if action.audio_only:
        response["output_modalities"] = ["audio"]
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


def _text_opened(event: Json) -> inputs.TextPartOpened:
    return inputs.TextPartOpened(response_id=text(event, "response_id"), item_id=text(event, "item_id"))


def _done(response: Json) -> inputs.ResponseDone:
    details = inner(response, "status_details")
    error = inner(details, "error")
    return inputs.ResponseDone(
        response_id=text(response, "id"),
        status=text(response, "status"),
        token=_token(response),
        code=text(error, "code") or text(details, "reason"),
        out_of_band=_out_of_band(response),
        retry_after_ms=_retry_after_ms(error),
    )


def _retry_after_ms(error: Json) -> float:
    """How long the server does not want to be asked again, by a field or by its words; 0: it does not say."""
    for name, unit_ms in (("retry_after_ms", 1.0), ("retry_after", 1_000.0)):
        value = error.get(name)
        if isinstance(value, int | float) and value > 0:
            return min(value * unit_ms, MAX_RETRY_AFTER_MS)
    found = _TRY_AGAIN.search(text(error, "message"))
    if found is None:
        return 0.0
    minutes, amount, milli = found.groups()
    rest_ms = float(amount or 0) * (1.0 if milli else 1_000.0)
    return min(int(minutes or 0) * 60_000 + rest_ms, MAX_RETRY_AFTER_MS)


def _item_done(event: Json, item: Json, approve: bool) -> tuple[Input, ...]:
    response_id = text(event, "response_id")
    if text(item, "type") == "mcp_approval_request":
        asked = inputs.ApprovalAsked(response_id=response_id, item_id=text(item, "id"), approve=approve)
        return (asked,)
    finished = inputs.ItemFinished(response_id=response_id, item_id=text(item, "id"), final=True)
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
