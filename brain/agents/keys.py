"""What the values of an agents file must look like, and the keys that shape a session with the model.

Why it exists: these keys follow the provider's API, which changes without us; the others are ours. Owns: the
forms of values with their words, these keys, what became of keys that the API has no more. Pure. Must not
know: the file as a whole (file), what one key says of another (rules), how a session is told (brain.model).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from brain.variables import NAME as VARIABLE

NAME = r"^[A-Za-z0-9_-]{1,64}$"
LANGUAGE = r"([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?"

IDLE_TIMEOUT_MS = (5_000, 30_000)
"""What the server takes; 0 leaves it out."""

REMOVED: Mapping[str, str] = {
    "temperature": "The API has no temperature any more: say in instructions how freely it may speak.",
    "top_p": "The API has no top_p: say in instructions how freely it may speak.",
    "modalities": "The API has no modalities any more, and a call is always spoken: remove it.",
    "output_modalities": "A call is always spoken: remove it.",
    "input_audio_format": "The API has no such key any more; a call is always µ-law: remove it.",
    "output_audio_format": "The API has no such key any more; a call is always µ-law: remove it.",
    "input_audio_transcription": "The API has no such key any more: it is transcription_model here.",
    "input_audio_noise_reduction": "The API has no such key any more: it is noise_reduction here.",
    "max_response_output_tokens": "The API has no such key any more: it is max_output_tokens.",
}
"""Keys of earlier versions of the API, which stand in many an example: what to do about each."""

RESERVED_HEADERS = frozenset(
    {
        "host", "connection", "upgrade", "content-length", "content-type", "transfer-encoding", "user-agent",
        "openai-beta", "openai-safety-identifier", "x-client-request-id", "idempotency-key", "webhook-id",
        "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
"""What the connection says by itself; openai-beta would ask for an API that is gone."""

_HEADER = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]{1,100}", re.ASCII)


def expect(pattern: str, expected: str, *, flags: int = re.ASCII) -> AfterValidator:
    """A text that matches `pattern`; `expected` says in words what that is."""
    form = re.compile(pattern, flags)

    def check(value: str) -> str:
        if form.fullmatch(value) is None:
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def _check_header(value: str) -> str:
    if _HEADER.fullmatch(value) is None:
        raise ValueError("the name of a header, such as X-Project")
    if value.lower() in RESERVED_HEADERS or value.lower().startswith("sec-websocket"):
        raise ValueError("a header of your own: this one is the connection's")
    return value


def _check_idle_timeout(value: int) -> int:
    low, high = IDLE_TIMEOUT_MS
    if value and not low <= value <= high:
        raise ValueError(f"{low} to {high}, or 0 for never")
    return value


Name = Annotated[str, StringConstraints(pattern=NAME)]
Variable = Annotated[
    str, expect(r"([A-Z_][A-Z0-9_]{0,99})?", "the name of an environment variable, such as SHOP_SECRET")
]
Language = Annotated[
    str,
    expect(
        LANGUAGE,
        "a language as ISO 639-1 writes it, such as he, a tag such as en-US, or nothing",
    ),
]
SpokenLanguage = Annotated[str, expect(r"[a-z]{2,3}", "a language as ISO 639-1 writes it, such as he")]
HeaderName = Annotated[str, AfterValidator(_check_header)]
HeaderValue = Annotated[str, expect(r"[ -~]{0,2000}", "a line of printable ASCII, 2000 characters at most")]
VariableName = Annotated[str, expect(VARIABLE, "a name of letters, digits and _, such as customer")]
Keyword = Annotated[str, expect(r"[^\r\n]{1,200}", "one line of 1 to 200 characters", flags=0)]
PromptId = Annotated[str, expect(r"[\w.-]{0,200}", "the id of a stored prompt, such as pmpt_123, or nothing")]
ToolChoice = Annotated[str, expect(NAME, "auto, none, required, or the name of a tool")]
IdleTimeout = Annotated[int, AfterValidator(_check_idle_timeout)]


class Table(BaseModel):
    """A table of the file: no key that it does not have, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PromptTable(Table):
    """`prompt`: instructions that stand at the model's provider."""

    id: PromptId = ""
    version: str | None = None
    variables: dict[VariableName, str] = {}


class TruncationTable(Table):
    """`truncation`: what of a long conversation the server forgets."""

    kind: Literal["auto", "disabled", "retention_ratio"] | None = None
    retention_ratio: float | None = Field(None, ge=0, le=1)
    post_instructions_tokens: int | None = Field(None, ge=0, le=1_000_000)


class ConfirmTable(Table):
    """`confirm`: how long a voice may be taken for noise."""

    wait_ms: int | None = Field(None, ge=300, le=10_000)
    min_ms: int | None = Field(None, ge=0, le=2000)
    backchannels: list[Keyword] | None = None


class NoticeTable(Table):
    """One of `notices`: words that are said as they were recorded."""

    file: str = Field(min_length=1, max_length=500)
    text: str = Field(min_length=1, max_length=2000)
    interruptible: bool = True


class AnnouncementTable(Table):
    """`recording.announcement`: words that are said as they were recorded, and that nobody cuts."""

    file: str = Field(min_length=1, max_length=500)
    text: str = Field(min_length=1, max_length=2000)


class RecordingTable(Table):
    """`recording`: whether both sides of a call are recorded."""

    record: bool | None = None
    announcement: AnnouncementTable | None = None
    announced: Literal["by_us", "elsewhere"] | None = None


class LoopTable(Table):
    """`tool_sound`, `hold_music`: what is heard while nothing is said."""

    file: str = Field(max_length=500)
    after_ms: int | None = Field(None, ge=0, le=30_000)
    level_db: float | None = Field(None, ge=-60, le=0)


class SessionKeys(Table):
    """Keys of `[default]` and `[agents.<name>]`. What is left out is not said to the server, unless
    `[default]` says it."""

    reasoning_effort: Literal["", "minimal", "low", "medium", "high", "xhigh"] | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: ToolChoice | None = None
    prompt: PromptTable | None = None
    truncation: TruncationTable = TruncationTable()
    transcription_prompt: str | None = None
    transcription_keywords: list[Keyword] | None = None
    transcription_languages: list[SpokenLanguage] | None = None
    transcription_delay: Literal["", "minimal", "low", "medium", "high", "xhigh"] | None = None
    noise_reduction_strength: float | None = Field(None, ge=0, le=1)
    tracing: bool | None = None
    tracing_workflow: str | None = None
    headers: dict[HeaderName, HeaderValue] | None = None
    headers_env: dict[HeaderName, Variable] | None = None
    safety_identifier_env: Variable | None = None
    variables: dict[VariableName, str] | None = None
    hand_over_to: dict[Name, str] | None = None
    interruption: Literal["at_once", "confirm"] | None = None
    confirm: ConfirmTable = ConfirmTable()
    interrupts: Literal["server", "brain"] | None = None
