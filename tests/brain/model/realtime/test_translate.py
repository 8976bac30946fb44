"""Server events become inputs, actions become client events."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.agents.agent import default_agent
from brain.json_fields import Json
from brain.model.engine import Said, SaidKind, ServerTool, ToModel
from brain.model.realtime import translate
from brain.sequencer import Reason, actions, inputs
from shared.settings import load

AGENT = default_agent(load(env_file=None, instructions="Be kind.", language="he"))


def sent(action: ToModel) -> Json:
    (text,) = translate.client_events(action, AGENT)
    event: Json = orjson.loads(text)
    return event


def test_created_carries_our_token_and_the_band() -> None:
    """Null is out of band; a missing field is the conversation."""
    ours: Json = {"id": "r", "conversation_id": "c", "metadata": {translate.TOKEN: "t1"}}
    side: Json = {"id": "r", "conversation_id": None, "metadata": None}

    for response, token, out_of_band in ((ours, "t1", False), (side, "", True), ({"id": "r"}, "", False)):
        (found,) = translate.read_event({"type": "response.created", "response": response})
        assert found == inputs.ResponseCreated(response_id="r", token=token, out_of_band=out_of_band)


def test_done_carries_status_and_code() -> None:
    """The code of a failure, or the reason of a cancellation."""
    failed: Json = {
        "id": "r",
        "status": "failed",
        "conversation_id": "c",
        "status_details": {"type": "failed", "error": {"code": "rate_limit_exceeded"}},
    }

    (found,) = translate.read_event({"type": "response.done", "response": failed})

    assert found == inputs.ResponseDone(response_id="r", status="failed", code="rate_limit_exceeded")


@pytest.mark.parametrize(
    ("error", "expected_ms"),
    [
        ({"message": "Rate limit reached. Please try again in 1.2s. Visit …"}, 1_200),
        ({"message": "Please try again in 850ms."}, 850),
        ({"message": "Please try again in 3s"}, 3_000),
        ({"message": "Please try again in 6m0s."}, 20_000),
        ({"message": "Please try again in 1m."}, 20_000),
        ({"message": f"Please try again in {'9' * 5_000}m."}, 0),
        ({"message": f"Please try again in {'9' * 5_000}s."}, 20_000),
        ({"message": "Please try again later."}, 0),
        ({"message": "Please try again in a moment."}, 0),
        ({"retry_after": 2, "message": "try again in 9s"}, 2_000),
        ({"retry_after_ms": 700}, 700),
        ({"retry_after": -1, "retry_after_ms": "soon"}, 0),
        ({}, 0),
    ],
)
def test_done_says_when_the_server_wants_to_be_asked_again(error: Json, expected_ms: float) -> None:
    """By a field or by the words of the error; never longer than a caller would wait."""
    failed: Json = {"id": "r", "status": "failed", "status_details": {"type": "failed", "error": error}}

    (found,) = translate.read_event({"type": "response.done", "response": failed})

    assert isinstance(found, inputs.ResponseDone)
    assert found.retry_after_ms == expected_ms


@pytest.mark.parametrize(("status", "runs"), [("completed", True), ("incomplete", False)])
def test_only_a_completed_call_is_run(status: str, runs: bool) -> None:
    """A cancelled call has arguments too."""
    item = {
        "id": "i",
        "type": "function_call",
        "status": status,
        "call_id": "c",
        "name": "t",
        "arguments": "{}",
    }

    found = translate.read_event({"type": "response.output_item.done", "response_id": "r", "item": item})

    assert any(isinstance(input_, inputs.ToolCalled) for input_ in found) is runs


def test_an_added_output_names_its_call() -> None:
    """That is how we know what a server-made response could see."""
    output = {"id": "i", "type": "function_call_output", "call_id": "c1"}
    call = {"id": "j", "type": "function_call", "call_id": "c1"}

    found = [
        translate.read_event({"type": "conversation.item.added", "item": item}) for item in (output, call)
    ]

    assert found == [
        (inputs.ItemAdded(item_id="i", answers_id="c1"),),
        (inputs.ItemAdded(item_id="j"),),
    ]


def test_old_errors_without_a_code_are_known_by_their_text() -> None:
    """Older servers send null."""
    busy: Json = {"error": {"code": None, "message": "Conversation already has an active response"}}
    late: Json = {"error": {"code": None, "message": "Cancellation failed: no active response found"}}

    assert translate.error_code(busy) == "conversation_already_has_active_response"
    assert translate.error_code(late) == "response_cancel_not_active"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("response_cancel_not_active", True),
        ("insufficient_quota", False),
        ("a_new_code", False),
    ],
)
def test_codes_are_benign_or_not(code: str, expected: bool) -> None:
    """Only account and session codes end a call."""
    assert translate.is_benign(code) is expected


def test_quota_may_strike_inside_a_response() -> None:
    """The socket connected fine."""
    response: Json = {
        "id": "r",
        "status": "failed",
        "status_details": {"error": {"code": "insufficient_quota"}},
    }

    assert translate.fatal_code({"type": "response.done", "response": response}) == "insufficient_quota"


@given(
    st.dictionaries(
        st.sampled_from(["type", "response", "item", "error", "response_id", "item_id"]),
        st.one_of(
            st.none(),
            st.text(max_size=5),
            st.integers(),
            st.lists(st.none(), max_size=2),
            st.dictionaries(st.sampled_from(["id", "code", "metadata", "type"]), st.none(), max_size=3),
            st.sampled_from(["response.created", "response.done", "response.output_item.done", "error"]),
        ),
        max_size=6,
    )
)
def test_no_shape_of_event_raises(event: Json) -> None:
    """The server adds fields, leaves out ids, and sends types that nobody knows."""
    assert isinstance(translate.read_event(event), tuple)
    assert isinstance(translate.fatal_code(event), str)


def test_a_create_carries_its_token_and_the_agents_instructions() -> None:
    """Instructions of a response replace the session's, so the agent's own go along."""
    event = sent(actions.SendCreate(token="t1", reason=Reason.OPERATOR, text="שלום"))

    assert event["event_id"] == "t1"
    response = event["response"]
    assert isinstance(response, dict)
    assert response["metadata"] == {translate.TOKEN: "t1", translate.REASON: "operator"}
    assert response["instructions"].startswith("Be kind.")
    assert response["instructions"].endswith("שלום")


def test_a_plain_create_leaves_the_sessions_instructions_alone() -> None:
    """Turns and tool outputs are answered by the agent as it is."""
    response = sent(actions.SendCreate(token="t1", reason=Reason.TOOL_OUTPUTS))["response"]

    assert isinstance(response, dict)
    assert set(response) == {"metadata"}


def test_a_truncate_names_content_and_ms() -> None:
    """The server wants all three."""
    event = sent(actions.SendTruncate(event_id="e", item_id="i", audio_end_ms=640))

    assert event == {
        "type": "conversation.item.truncate",
        "event_id": "e",
        "item_id": "i",
        "content_index": 0,
        "audio_end_ms": 640,
    }


def test_a_cancel_is_by_id() -> None:
    """A bare cancel is reported to do nothing when several are in flight."""
    assert sent(actions.SendCancel(event_id="e", response_id="r"))["response_id"] == "r"


def test_silencing_the_server_names_the_whole_detector() -> None:
    """A partial object is not promised to keep its other values."""
    event = sent(actions.SilenceServer(event_id="e"))

    assert '"create_response":false' in orjson.dumps(event).decode()
    assert '"silence_duration_ms":500' in orjson.dumps(event).decode()


def test_a_tool_output_of_an_earlier_session_brings_its_call() -> None:
    """The API refuses an output without its call."""
    action = actions.SendToolOutput(event_id="o1", call_id="c1", output="{}", name="t", arguments="[]")

    call, output = (orjson.loads(text)["item"] for text in translate.client_events(action, AGENT))

    assert call == {"type": "function_call", "call_id": "c1", "name": "t", "arguments": "[]"}
    assert output == {"type": "function_call_output", "call_id": "c1", "output": "{}"}


def test_a_text_of_the_caller_has_an_id_of_ours() -> None:
    """Its echo tells that a later response could answer it."""
    item = sent(actions.SendText(event_id="b1-text-7", text="1 2 #"))["item"]

    (found,) = translate.read_event({"type": "conversation.item.added", "item": item})

    assert found == inputs.ItemAdded(item_id="b1-text-7", answers_id="b1-text-7")


def test_a_written_answer_is_noticed() -> None:
    """A text part where audio should be, under either name, or its text alone; an audio part is nothing to
    tell."""
    event = {"type": "response.content_part.added", "response_id": "r", "item_id": "i"}
    delta = {**event, "type": "response.output_text.delta", "delta": "Hello"}

    for written in ({**event, "part": {"type": "text"}}, {**event, "part": {"type": "output_text"}}, delta):
        assert translate.read_event(written) == (inputs.TextPartOpened(response_id="r", item_id="i"),)

    assert translate.read_event({**event, "part": {"type": "audio"}}) == ()
    create = sent(actions.SendCreate(token="t", reason=Reason.TURN, audio_only=True))
    assert create["response"]["output_modalities"] == ["audio"]  # type: ignore[index]


def test_tools_of_the_server_are_waited_for() -> None:
    """Opened by the response, ended without a response id; an approval is answered as the agent says."""
    item = {"id": "m", "type": "mcp_call"}
    (opened,) = translate.read_event({"type": "response.output_item.added", "response_id": "r", "item": item})
    (ended,) = translate.read_event({"type": "response.mcp_call.failed", "item_id": "m"})
    asked_for = {"id": "q", "type": "mcp_approval_request"}
    event: Json = {"type": "response.output_item.done", "response_id": "r", "item": asked_for}
    (asked,) = translate.read_event(event, approve=True)

    assert opened == inputs.ServerToolOpened(response_id="r", item_id="m")
    assert ended == inputs.ServerToolFinished(item_id="m")
    assert asked == inputs.ApprovalAsked(response_id="r", item_id="q", approve=True)
    answer = sent(actions.SendApproval(event_id="a", request_id="q", approve=True))["item"]
    assert answer == {
        "type": "mcp_approval_response", "id": "a", "approval_request_id": "q", "approve": True,
    }  # fmt: skip


def test_texts_of_both_sides_are_told() -> None:
    """A failed transcript is an empty one: nothing more will come."""
    prefix = "conversation.item.input_audio_transcription"
    events = [
        ({"type": "input_audio_buffer.committed", "item_id": "u"}, Said(SaidKind.USER_ITEM, "u")),
        ({"type": f"{prefix}.completed", "item_id": "u", "transcript": "שלום"},
         Said(SaidKind.USER_TEXT, "u", "שלום")),
        ({"type": f"{prefix}.failed", "item_id": "u"}, Said(SaidKind.USER_TEXT, "u")),
        ({"type": "response.output_audio_transcript.delta", "item_id": "i", "delta": "a"},
         Said(SaidKind.MODEL_DELTA, "i", "a")),
        ({"type": "response.output_audio_transcript.done", "item_id": "i", "transcript": "ab"},
         Said(SaidKind.MODEL_TEXT, "i", "ab")),
        ({"type": "rate_limits.updated"}, None),
    ]  # fmt: skip

    for event, said in events:
        assert translate.read_said(event) == said  # type: ignore[arg-type]


CALLED: Json = {
    "type": "mcp_call", "id": "mcp_1", "name": "search", "server_label": "docs", "arguments": '{"q": 1}',
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "output"),
    [
        ({}, ""),
        ({"output": None}, ""),
        ({"output": "found"}, "found"),
        ({"error": {"type": "http_error", "code": 500}}, '{"error":{"type":"http_error","code":500}}'),
    ],
)
def test_a_tool_of_the_server_is_history(more: Json, output: str) -> None:
    """Called, and with what came of it, be it told by the response or by the conversation."""
    for kind in ("response.output_item.done", "conversation.item.done"):
        found = translate.read_server_tool({"type": kind, "item": {**CALLED, **more}})

        assert found == ServerTool(call_id="mcp_1", name="search", arguments='{"q": 1}', output=output)


def test_a_tool_of_the_server_is_told_under_names_that_a_session_takes() -> None:
    """The next one is told of it as of a tool of ours: short ids, plain names."""
    item: Json = {**CALLED, "id": "mcp_" + "0" * 60, "name": "shop.orders/find it" + "x" * 80}
    found = translate.read_server_tool({"type": "conversation.item.done", "item": item})

    assert found is not None
    assert len(found.call_id) == 32
    assert found.name.startswith("shop_orders_find_itxxx")
    assert len(found.name) == 64


@pytest.mark.parametrize(
    "event",
    [
        {"type": "conversation.item.done", "item": {"type": "message", "id": "m"}},
        {"type": "response.output_item.added", "item": CALLED},
        {"type": "response.output_item.done", "item": {**CALLED, "id": ""}},
    ],
)
def test_other_items_are_no_tool_of_the_server(event: Json) -> None:
    """A message, one that is only opened, one without an id."""
    assert translate.read_server_tool(event) is None


def test_an_answer_may_be_asked_for_without_tools() -> None:
    """After too many rounds of them."""
    create = sent(actions.SendCreate(token="t", reason=Reason.TOOL_OUTPUTS, without_tools=True))

    assert create["response"]["tool_choice"] == "none"  # type: ignore[index]


def test_a_cancel_that_is_the_servers_own_is_not_sent() -> None:
    """It would answer that nothing is active."""
    agent = default_agent(load(env_file=None))
    for left_to_server, events in ((True, 0), (False, 1)):
        cancel = actions.SendCancel(event_id="e", response_id="r", left_to_server=left_to_server)
        assert len(translate.client_events(cancel, agent)) == events


def test_the_words_of_the_caller_are_told_as_they_come() -> None:
    """A failed transcript says nothing: nobody knows whether there were words."""
    prefix = "conversation.item.input_audio_transcription"
    events: list[tuple[Json, tuple[inputs.Input, ...]]] = [
        ({"type": f"{prefix}.delta", "item_id": "u", "delta": "mm"},
         (inputs.CallerUnderstood(item_id="u", text="mm"),)),
        ({"type": f"{prefix}.completed", "item_id": "u", "transcript": "Mm-hm."},
         (inputs.CallerUnderstood(item_id="u", text="Mm-hm.", final=True),)),
        ({"type": f"{prefix}.failed", "item_id": "u"}, ()),
    ]  # fmt: skip

    for event, found in events:
        assert translate.read_event(event) == found


def test_the_end_of_a_voice_says_how_long_it_was() -> None:
    """If anybody knows."""
    event: Json = {"type": "input_audio_buffer.speech_stopped", "item_id": "u"}

    assert translate.read_event(event) == (inputs.SpeechStopped(item_id="u"),)
    assert translate.read_event(event, spoke_ms=180.0) == (inputs.SpeechStopped(item_id="u", spoke_ms=180.0),)


def test_what_was_said_for_the_model_is_told_as_nobodys_words() -> None:
    """Under our id, by which it can be corrected."""
    told = sent(actions.TellSaid(event_id="b1-said-1", item_id="notice-free-1", text="Recorded."))

    assert (told["type"], told["event_id"]) == ("conversation.item.create", "b1-said-1")
    assert told["item"] == {
        "type": "message", "id": "notice-free-1", "role": "system",
        "content": [{"type": "input_text", "text": "Recorded."}],
    }  # fmt: skip
    assert "previous_item_id" not in told
