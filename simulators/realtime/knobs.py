"""Everything that can be made to go wrong, or slow, on purpose.

Why it exists: a bridge shows its worth where the model does not behave, and that must happen when a test
wants it. Owns: the list of knobs and their form on the command line. Must not know: how a knob is carried
out; the module that owns the normal behaviour reads the knob beside it. Each session gets a copy of its own,
which a test may change while the session runs.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, fields
from math import inf
from typing import Literal, Union, get_args, get_origin, get_type_hints


@dataclass(slots=True, kw_only=True)
class ResponseKnobs:
    """How one response behaves; the defaults are a healthy service."""

    first_audio_ms: float | None = None
    """`response.created` to the first delta; `None` draws 300–400."""
    speed_factor: float = 5.0
    """Audio generated in one second, in seconds."""
    created_delay_ms: float = 0.0
    """The response holds its slot this long before `response.created` is sent."""
    stall_after_deltas: int | None = None
    """After this many audio deltas the model is silent for `stall_ms`, then goes on."""
    stall_ms: float = 5000.0
    stragglers: int | None = None
    """Audio deltas that still arrive after a cancel; `None` draws 0–3."""
    unanswered: bool = False
    """The create, or the caller's turn, leads to nothing: no event comes, and the slot stays free."""
    reject_create: Literal["", "with_event_id", "without_event_id"] = ""
    """Refuses the create, naming the client's event or not."""
    reject_code: str = "server_error"
    """The code of that refusal, for example `rate_limit_exceeded`."""
    stuck_cancel: bool = False
    """A cancel, by the client or by the caller's voice, leads to nothing: no `response.done` comes and the
    slot is never freed."""
    lost_done: bool = False
    """`response.done` is never sent, though the slot is free."""
    late_done: bool = False
    """The slot is free, but `response.done` is sent only after the next `response.created`, or after 3 s."""
    fail: str = ""
    """Ends as `failed` with this error code, for example `rate_limit_exceeded`."""
    fail_after_deltas: int = 0
    """Audio deltas before the failure."""
    fail_retry_after_s: float = 0.0
    """The failure's message says "Please try again in … s"; 0: it names no time."""
    incomplete: Literal["", "max_output_tokens", "content_filter"] = ""
    """Ends as `incomplete` with this reason, halfway through the audio."""
    incomplete_after_deltas: int | None = None
    """Audio deltas before that end, 0: no output at all; `None`: half of them."""
    no_output: bool = False
    """Completes without any output."""
    silent_audio: bool = False
    """All its audio is noise of -72 dBFS, which nobody hears; the transcript is there."""
    second_message: bool = False
    """Speaks a second item whose deltas begin before the first one's `.done` events."""
    text_part: bool = False
    """Answers with a text part although the session speaks audio."""
    text_part_type: Literal["text", "output_text"] = "text"
    """What `response.content_part.*` events call a text part."""
    unknown_events: bool = False
    """Sends event types that no client knows, among the deltas."""
    item_id: Literal["present", "missing", "empty"] = "present"
    """What becomes of `item_id` in `response.*` events."""
    rate_limits: bool = True
    """Sends `rate_limits.updated` after `response.done`."""


@dataclass(slots=True, kw_only=True)
class Knobs:
    """How one session behaves; the defaults are a healthy service."""

    seed: int = 1
    """Same seed, same random choices for the session of the same number."""
    opening_ms: float = 0.0
    """The request for a connection to its 101; a real service takes 400 to 1,500."""
    script: str = ""
    """Another script for this session, by name or TOML path; empty: the simulator's."""
    connect_status: int = 0
    """Refuses the upgrade with this HTTP status; 0 accepts."""
    account_error: str = ""
    """A fatal code (`invalid_api_key`, `insufficient_quota`, …): error event, then close 4000."""
    account_error_at: Literal["connect", "response"] = "connect"
    """Strikes right after the upgrade, or at the first generation."""
    refuse_updates: int = 0
    """Refuses this many `session.update` events before it accepts one."""
    unanswered_updates: int = 0
    """This many `session.update` events lead to nothing: neither `session.updated` nor an error comes."""
    updated_delay_ms: float = 20.0
    """`session.update` to `session.updated`."""
    updated_copies: int = 1
    """How often each `session.updated` is sent."""
    session_limit_ms: float = 3_600_000.0
    """`session_expired` and close 1001 after this long; `expires_at` agrees."""
    close_on: str = ""
    """Closes when this event type, of client or server, passes for the `close_on_count`th time. Empty: never;
    `session.created` is the moment of connecting."""
    close_on_count: int = 1
    close_after_ms: float = 0.0
    """Waits this long after the moment."""
    close_code: int = 1011
    """1006 drops the TCP connection without a close frame."""
    close_reason: str = ""
    stall_on: str = ""
    """Stops reading the socket for `stall_reader_ms` at the first such event type."""
    stall_reader_ms: float = 5000.0
    freeze_on: str = ""
    """The connection is half open from the first such event, itself included: for `freeze_ms` nothing is
    read, written or closed; then all that waited comes at once, as after an outage of the network."""
    freeze_ms: float = inf
    truncate_shortfall_ms: int = 0
    """The server's own count of an item's audio is this much shorter than the client's."""
    transcription_fails: bool = False
    """Caller transcription ends in `.failed`."""
    transcript_ms: float | None = None
    """The end of a turn to its transcript; `None` draws 150–2,500."""
    response: ResponseKnobs = field(default_factory=ResponseKnobs)
    """For every response without an entry of its own in `by_response`."""
    by_response: dict[int, ResponseKnobs] = field(default_factory=dict)
    """By the number of the response in the session, counted from 1, refused creates included."""

    def for_response(self, number: int) -> ResponseKnobs:
        """The knobs of the response with this number."""
        return self.by_response.get(number, self.response)

    def copy(self) -> Knobs:
        """An independent copy."""
        return deepcopy(self)


def from_texts(texts: Iterable[str]) -> Knobs:
    """Knobs from the command line: `name=value`, or `2:name=value` for the second response only.

    Raises `ValueError` that names the knob, what was expected and what was found instead.
    """
    knobs = Knobs()
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"expected a knob as name=value, got {text!r}")
        number, colon, inner = name.partition(":")
        if colon:
            if not number.isdigit():
                raise ValueError(f"expected a response number before ':', got {number!r}")
            own = knobs.by_response.setdefault(int(number), deepcopy(knobs.response))
            _set(own, inner, value)
        elif name in _hints(ResponseKnobs):
            _set(knobs.response, name, value)
        else:
            _set(knobs, name, value)
    return knobs


def names() -> list[str]:
    """Every knob with its default, for the help text."""
    found = []
    for knobs in (Knobs(), ResponseKnobs()):
        for entry in fields(knobs):
            if entry.name in _hints(type(knobs)):
                found.append(f"{entry.name}={getattr(knobs, entry.name)}")
    return found


def _set(knobs: Knobs | ResponseKnobs, name: str, value: str) -> None:
    hints = _hints(type(knobs))
    if name not in hints:
        raise ValueError(f"expected one of the knobs {', '.join(names())}, got {name!r}")
    setattr(knobs, name, _read(name, hints[name], value))


def _hints(owner: type[Knobs] | type[ResponseKnobs]) -> dict[str, object]:
    """Names and types of the knobs that a text can set."""
    hints = get_type_hints(owner)
    return {name: hint for name, hint in hints.items() if name not in ("response", "by_response")}


def _read(name: str, hint: object, value: str) -> object:
    if get_origin(hint) in (Union, types.UnionType):
        if value == "none":
            return None
        hint = next(member for member in get_args(hint) if member is not types.NoneType)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{name}: expected one of {get_args(hint)}, got {value!r}")
        return value
    if hint is bool:
        if value not in ("true", "false"):
            raise ValueError(f"{name}: expected true or false, got {value!r}")
        return value == "true"
    if hint is int or hint is float:
        try:
            return int(value) if hint is int else float(value)
        except ValueError:
            raise ValueError(f"{name}: expected a number, got {value!r}") from None
    return value
