"""Keys that shape a session: which values can be meant, and what became of keys of earlier APIs."""

from __future__ import annotations

import pytest
from openai.types.realtime import realtime_session_create_request as sdk

from brain.agents.file import AgentTable, parse
from brain.agents.keys import REMOVED, RESERVED_HEADERS, PromptTable, SessionKeys, TruncationTable
from brain.errors import AgentsFileError


def problem(text: str) -> str:
    with pytest.raises(AgentsFileError) as caught:
        parse(text, ("end_call",))
    (only,) = caught.value.problems
    return only


@pytest.mark.parametrize("key", sorted(REMOVED))
def test_a_key_of_an_earlier_api_says_what_to_do(key: str) -> None:
    """It stands in many an example, and a typing error it is not."""
    text = problem(f"[agents.a]\n{key} = 1")

    assert text == f"agents.a.{key}: there is no such key. {REMOVED[key]}"


def test_what_was_removed_is_nobodys_key() -> None:
    """Else the hint would never be read."""
    assert REMOVED.keys().isdisjoint(AgentTable.model_fields)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("turn_detection = { idle_timeout_ms = 4000 }",
         "turn_detection.idle_timeout_ms: expected 5000 to 30000, or 0 for never, got 4000."),
        ("reasoning_effort = 'much'", "reasoning_effort: expected '', 'minimal', 'low'"),
        ("transcription_languages = ['en-US']",
         "transcription_languages.0: expected a language as ISO 639-1 writes it, such as he, got 'en-US'."),
        ('transcription_keywords = ["a\\nb"]',
         "transcription_keywords.0: expected one line of 1 to 200 characters, got 'a\\nb'."),
        ("noise_reduction_strength = 2.0",
         "noise_reduction_strength: expected a value less than or equal to 1, got 2.0."),
        ("truncation = { kind = 'all' }",
         "truncation.kind: expected 'auto', 'disabled' or 'retention_ratio', got 'all'."),
        ("truncation = { retention_ratio = 1.5 }", "truncation.retention_ratio: expected a value less than"),
        ("prompt = { id = 'a b' }",
         "prompt.id: expected the id of a stored prompt, such as pmpt_123, or nothing, got 'a b'."),
        ("variables = { 'a-b' = 'x' }",
         "variables.a-b: expected a name of letters, digits and _, such as customer, got 'a-b'."),
        ("hand_over_to = ['sales']", "hand_over_to: expected a table, got ['sales']: write it as [a table],"),
        ("headers = { 'Sec-WebSocket-Protocol' = 'x' }",
         "headers.Sec-WebSocket-Protocol: expected a header of your own: this one is the connection's, got"
         " something else."),
        ("headers = { 'a b' = 'x' }", "headers.a b: expected the name of a header, such as X-Project"),
        ("headers_env = { api-key = 'sk-hunter2' }",
         "headers_env.api-key: expected the name of an environment variable, such as SHOP_SECRET, got"
         " something else"),
        ("safety_identifier_env = 'a secret'", "safety_identifier_env: expected the name of an environment"),
        ("tool_choice = 'my tool'", "tool_choice: expected auto, none, required, or the name of a tool"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_says_what_was_expected(line: str, expected: str) -> None:
    """With its key; never what may be a secret."""
    text = problem(f"[agents.a]\n{line}")

    assert text.startswith(f"agents.a.{expected}")
    assert "hunter2" not in text


@pytest.mark.parametrize("name", sorted(RESERVED_HEADERS))
def test_a_header_of_the_connection_is_not_ours_to_set(name: str) -> None:
    """In whatever case."""
    assert "this one is the connection's" in problem(f"[default]\nheaders = {{ '{name.upper()}' = 'x' }}")


def test_nothing_is_said_that_is_not_written() -> None:
    """So that `[default]` can say it."""
    table = parse("[agents.a]", ("end_call",)).agents["a"]
    said = table.model_dump(exclude_none=True, exclude_defaults=True, include=set(SessionKeys.model_fields))

    assert said == {}
    assert table.truncation == TruncationTable()
    assert table.prompt is None
    assert PromptTable().variables == {}


def test_each_setting_of_a_session_is_a_key_here_or_is_known_not_to_be() -> None:
    """What the provider's SDK learns next is to be noticed: it is offered, or left out for a reason."""
    here = {
        "instructions": "instructions",
        "max_output_tokens": "max_output_tokens",
        "model": "model",
        "parallel_tool_calls": "parallel_tool_calls",
        "prompt": "prompt",
        "reasoning": "reasoning_effort",
        "tool_choice": "tool_choice",
        "tools": "tools",
        "tracing": "tracing",
        "truncation": "truncation",
    }
    of_every_call = {"type", "audio", "output_modalities"}
    left_out = {"include"}  # Log probabilities of a transcript: nobody here reads them.

    assert set(sdk.RealtimeSessionCreateRequest.model_fields) == {*here, *of_every_call, *left_out}
    assert set(here.values()) <= set(AgentTable.model_fields)
