"""Refusals in the API's own words."""

from __future__ import annotations

import pytest

from simulators.realtime.protocol import errors


def test_a_refusal_answers_the_clients_event() -> None:
    """The body names code, parameter and the event that it answers."""
    assert errors.missing("item.id").body("evt_1") == {
        "type": "invalid_request_error",
        "code": "missing_required_parameter",
        "message": "Missing required parameter: 'item.id'.",
        "param": "item.id",
        "event_id": "evt_1",
    }


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal"),
        ("x", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_a_wrong_type_is_named_as_json_names_it(value: object, name: str) -> None:
    """A boolean is not an integer here, although Python says so."""
    refusal = errors.wrong_type("x", "a string", value)
    assert (refusal.code, refusal.message) == (
        "invalid_type",
        f"Invalid type for 'x': expected a string, but got {name} instead.",
    )


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (errors.unknown("voice"), "unknown_parameter", "'voice'"),
        (errors.wrong_value("x", "c", ("a", "b")), "invalid_value", "'c'. Supported values are: 'a', 'b'."),
        (errors.out_of_range("x", 3, 0, 1), "invalid_value", "from 0 to 1, but got 3"),
        (errors.too_long("x", 40, 32), "string_above_max_length", "maximum length 32"),
        (errors.already_active("resp_1"), "conversation_already_has_active_response", "resp_1"),
        (errors.account("insufficient_quota"), "insufficient_quota", "insufficient_quota"),
    ],
)
def test_each_fault_has_its_code(refusal: errors.Refusal, code: str, words: str) -> None:
    """Clients read the code, people the sentence."""
    assert refusal.code == code
    assert words in str(refusal)
