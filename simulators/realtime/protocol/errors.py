"""The refusals of the Realtime API, in its own words and shapes.

Why it exists: a client must meet the same codes and sentences here as at the real service. Owns: the error
type, codes and wording. Pure. Must not know: when to refuse. Everything that refuses a client event raises
`Refusal`; the session turns it into one `error` event that carries the client's `event_id`. Codes marked
"ours" have not been seen in the field: the documents are silent there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class ErrorBody(TypedDict):
    """The inner object of an `error` event."""

    type: str
    code: str | None
    message: str
    param: str | None
    event_id: str | None


class Refusal(Exception):
    """A client event that the server refuses; nothing of it has taken effect."""

    def __init__(
        self,
        code: str,
        message: str,
        param: str | None = None,
        error_type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.error_type = error_type

    def body(self, client_event_id: str | None) -> ErrorBody:
        """The inner object of the `error` event that answers `client_event_id`."""
        return {
            "type": self.error_type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": client_event_id,
        }


def missing(param: str) -> Refusal:
    """A required key is absent."""
    return Refusal("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def unknown(param: str) -> Refusal:
    """A key that the API does not declare there; beta's flat keys end here."""
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def wrong_type(param: str, expected: str, value: object) -> Refusal:
    """A value of another JSON type than declared, null included."""
    message = f"Invalid type for '{param}': expected {expected}, but got {_type_name(value)} instead."
    return Refusal("invalid_type", message, param)


def wrong_value(param: str, value: object, supported: Iterable[str]) -> Refusal:
    """A string outside the declared set."""
    listed = ", ".join(f"'{item}'" for item in supported)
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return Refusal("invalid_value", message, param)


def out_of_range(param: str, value: float, low: float, high: float) -> Refusal:
    """A number outside its documented range (code ours)."""
    message = f"Invalid '{param}': expected a value from {low} to {high}, but got {value} instead."
    return Refusal("invalid_value", message, param)


def too_long(param: str, length: int, limit: int) -> Refusal:
    """A string above its documented length."""
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead."
    )
    return Refusal("string_above_max_length", message, param)


def invalid_event(message: str) -> Refusal:
    """A message that is not an event at all: broken JSON, binary, another JSON type than an object."""
    return Refusal("invalid_event", message)


def already_active(response_id: str) -> Refusal:
    """A second writer for the default conversation."""
    return Refusal(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. "
        "Wait until the response is finished before creating a new one.",
    )


def account(code: str) -> Refusal:
    """A fatal trouble of the account (`invalid_api_key`, `insufficient_quota`, …)."""
    return Refusal(code, f"The account cannot be used: {code}.")


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a decimal"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    return "an object"
