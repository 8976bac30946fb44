"""agents.toml: its shape, its checks, and the sentences that explain what is wrong in it.

Why it exists: an operator edits this file, at night too; a slip must be named with the key that it is in,
before a call meets it. Owns: the shape. Pure. Text in, tables or problems out; docs/agents.md is its
reference. Must not know: where the file is, when it is read.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from brain.agents.keys import (
    REMOVED,
    AnnouncementTable,
    ConfirmTable,
    HeaderName,
    HeaderValue,
    IdleTimeout,
    Language,
    LoopTable,
    Name,
    NoticeTable,
    PromptTable,
    RecordingTable,
    SessionKeys,
    TruncationTable,
    Variable,
)
from brain.agents.keys import Table as _Table
from brain.agents.keys import expect as _expect
from brain.errors import AgentsFileError
from brain.tools.schemas import problem_of
from brain.variables import names_in
from shared.forms import E164, E164_EXAMPLE, SIP, is_confidential, url_of

_NUMBER = f"a number such as {E164_EXAMPLE}"
Number = Annotated[str, _expect(E164, _NUMBER)]
Destination = Annotated[str, _expect(f"{E164}|{SIP}", f"{_NUMBER}, or sip:name@host")]
FallbackNumber = Annotated[str, _expect(f"({E164})?", f"{_NUMBER}, or nothing")]


def _url(value: str, expected: str, *, is_far: bool) -> str:
    url = url_of(value)
    if url is None or not is_confidential(url) or (is_far and url.scheme != "https"):
        raise ValueError(expected)
    if url.username is not None or url.password is not None:
        raise ValueError(f"{expected}, without a name and password: they would stand in logs")
    if is_far and names_in(value):
        raise ValueError(f"{expected}, without variables")
    if names_in(url.netloc):
        raise ValueError(f"{expected}, with variables behind its host only")
    return value


def _check_url(value: str) -> str:
    return _url(value, "an https:// URL (http:// for a loopback host only)", is_far=False)


def _check_far_url(value: str) -> str:
    return _url(value, "an https:// URL, which the model's provider can reach", is_far=True)


Url = Annotated[str, AfterValidator(_check_url)]
FarUrl = Annotated[str, AfterValidator(_check_far_url)]
Function = Annotated[str, _expect(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "a function as package.module:function")]
TwilioVoice = Annotated[
    str,
    _expect(r"[\w.-]{0,100}", "the name of a voice of Twilio's, such as Polly.Joanna, or nothing", flags=0),
]


class TurnDetectionTable(_Table):
    """`turn_detection`."""

    kind: Literal["server_vad", "semantic_vad"] | None = None
    threshold: float | None = Field(None, ge=0, le=1)
    silence_ms: int | None = Field(None, ge=100, le=5000)
    prefix_ms: int | None = Field(None, ge=0, le=2000)
    idle_timeout_ms: IdleTimeout | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class LimitsTable(_Table):
    """`limits`."""

    hard_cap_s: float | None = Field(None, ge=0, le=86_400)
    idle_prompt_s: float | None = Field(None, ge=0, le=600)
    idle_prompts: int | None = Field(None, ge=0, le=10)
    hold_max_s: float | None = Field(None, ge=0, le=3600)
    tool_s: float | None = Field(None, gt=0, le=120)


class AgentTable(SessionKeys):
    """`[default]`, and `[agents.<name>]`. What is left out comes from the default, then the settings."""

    numbers: list[Number] = Field(default_factory=list)
    model: str | None = Field(None, min_length=1)
    voice: str | None = Field(None, min_length=1)
    speed: float | None = Field(None, ge=0.25, le=1.5)
    language: Language | None = None
    instructions: str | None = None
    greeting: str | None = None
    transcription_model: str | None = None
    answers_turns: Literal["server", "brain"] | None = None
    turn_detection: TurnDetectionTable = TurnDetectionTable()
    noise_reduction: Literal["", "near_field", "far_field"] | None = None
    max_output_tokens: int | None = Field(None, ge=0, le=4096)
    tools: list[Name] | None = None
    mcp: list[Name] | None = None
    approves_mcp: bool | None = None
    destinations: dict[str, Destination] | None = None
    limits: LimitsTable = LimitsTable()
    greeting_interruptible: bool | None = None
    dtmf_barge_in: bool | None = None
    notices: list[NoticeTable] | None = None
    tool_sound: LoopTable | None = None
    hold_music: LoopTable | None = None
    recording: RecordingTable = RecordingTable()
    idle_prompt: str | None = None
    idle_farewell: str | None = None
    cap_farewell: str | None = None
    apology: str | None = None
    busy_message: str | None = None
    twilio_voice: TwilioVoice | None = None
    fallback_number: FallbackNumber | None = None


class ToolTable(_Table):
    """`[tools.<name>]`: `python` names a function, or `url` an endpoint.

    What is left out is the function's own, or that of HTTP tools.
    """

    python: Function | None = None
    url: Url | None = None
    method: Literal["GET", "POST", "PUT"] = "POST"
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    timeout_s: float = Field(5.0, gt=0, le=120)
    retries: int = Field(1, ge=0, le=5)
    secret_env: Variable = ""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    headers_env: dict[HeaderName, Variable] = Field(default_factory=dict)


class McpTable(_Table):
    """`[mcp.<name>]`: a server whose tools the model's provider runs."""

    server_url: FarUrl
    allowed_tools: list[str] | None = None
    authorization_env: Variable = ""
    require_approval: Literal["never", "always"] = "never"


class AgentsFile(_Table):
    """The whole file."""

    default: AgentTable = AgentTable()
    agents: dict[Name, AgentTable] = Field(default_factory=dict)
    tools: dict[Name, ToolTable] = Field(default_factory=dict)
    mcp: dict[Name, McpTable] = Field(default_factory=dict)


def parse(text: str, built_in: tuple[str, ...]) -> AgentsFile:
    """Reads and checks a file. `built_in`: tools that need no table. Raises AgentsFileError."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AgentsFileError([f"expected TOML, but: {error}{_line_of(error, text)}"]) from None
    try:
        tables = AgentsFile.model_validate(found)
    except ValidationError as error:
        raise AgentsFileError([_explain(item, found) for item in error.errors(include_url=False)]) from None
    problems = [*_unknown_names(tables, built_in), *_shared_numbers(tables), *_tools(tables, built_in)]
    if problems:
        raise AgentsFileError(problems)
    return tables


# Private.


def _unknown_names(tables: AgentsFile, built_in: tuple[str, ...]) -> list[str]:
    problems = []
    if "default" in tables.agents:
        problems.append("agents.default: the default agent is the table [default]: rename this one.")
    tools, servers = {*built_in, *tables.tools}, set(tables.mcp)
    for path, table in _agents(tables):
        for kind, named, known in (("tools", table.tools, tools), ("mcp", table.mcp, servers)):
            for name in named or ():
                if name not in known:
                    problems.append(
                        f"{path}.{kind}: there is no {name!r}. {_nearest(name, known)}"
                        f"Known are: {', '.join(sorted(known)) or 'none'}."
                    )
        if _cannot_transfer(table, tables.default):
            problems.append(
                f"{path}.destinations: expected at least one, since tools has transfer_call:"
                ' write destinations = { front_desk = "+15551234567" }.'
            )
    return problems


def _cannot_transfer(table: AgentTable, default: AgentTable) -> bool:
    """Whether it has the tool and nowhere to go, by what the table itself says."""
    if table.tools is None and table.destinations is None:
        return False  # All of it is the default's, and told there.
    tools = default.tools if table.tools is None else table.tools
    destinations = default.destinations if table.destinations is None else table.destinations
    return "transfer_call" in (tools or ()) and not destinations


def _shared_numbers(tables: AgentsFile) -> list[str]:
    owners: dict[str, str] = {}
    problems = []
    for path, table in _agents(tables):
        for number in table.numbers:
            if number in owners:
                problems.append(f"{path}.numbers: {number} is {owners[number]}'s already: remove one.")
            owners.setdefault(number, path)
    if tables.default.numbers:
        problems.append("default.numbers: the default agent takes every other number: remove this key.")
    return problems


def _tools(tables: AgentsFile, built_in: tuple[str, ...]) -> list[str]:
    problems = []
    for name, table in tables.tools.items():
        path = f"tools.{name}"
        if name in built_in:
            problems.append(f"{path}: {name} is built in: choose another name.")
        if bool(table.python) == bool(table.url):
            got = "both" if table.url else "neither"
            problems.append(f"{path}: expected either python or url, got {got}.")
        elif table.python:
            for key in sorted(_HTTP_ONLY & table.model_fields_set):
                problems.append(f"{path}.{key}: is for tools with url, and this one has python: remove it.")
        wrong = problem_of(table.parameters)
        if wrong:
            problems.append(f"{path}.parameters: {wrong}.")
    return problems


def _agents(tables: AgentsFile) -> list[tuple[str, AgentTable]]:
    return [
        ("default", tables.default),
        *((f"agents.{name}", table) for name, table in tables.agents.items()),
    ]


_HTTP_ONLY = frozenset({"method", "parameters", "retries", "secret_env", "headers", "headers_env"})

_TABLES: dict[str, type[_Table]] = {
    "default": AgentTable,
    "agents": AgentTable,
    "tools": ToolTable,
    "mcp": McpTable,
    "turn_detection": TurnDetectionTable,
    "limits": LimitsTable,
    "confirm": ConfirmTable,
    "notices": NoticeTable,
    "tool_sound": LoopTable,
    "hold_music": LoopTable,
    "recording": RecordingTable,
    "announcement": AnnouncementTable,
    "prompt": PromptTable,
    "truncation": TruncationTable,
}

_HINTS = {
    "string_type": "put it in quotes",
    "int_type": "write it without quotes and without a fraction",
    "float_type": "write it as a number, without quotes",
    "list_type": "put it in [brackets]",
    "bool_type": "write true or false",
    "model_type": "write it as [a table], or in {braces}",
    "dict_type": "write it as [a table], or in {braces}",
}

_EXPECTED = {
    "string_pattern_mismatch": "1 to 64 letters, digits, - and _",
    "model_type": "a table",
    "dict_type": "a table",
}


def _explain(item: Any, found: Mapping[str, object]) -> str:
    """One line: the key, what was expected, what stands there. Shapes are pydantic's ErrorDetails."""
    location = [str(part) for part in item["loc"] if part != "[key]"]
    path = ".".join(location)
    if item["type"] == "extra_forbidden":
        known = _known_keys(location)
        is_agents = location[0] in ("default", "agents")
        hint = REMOVED.get(location[-1], "") if is_agents else ""
        hint = hint or _nearest(location[-1], known) or _home(location[-1])
        return f"{path}: there is no such key. {hint}".rstrip()
    if item["type"] == "missing":
        return f"{path}: expected a value, got none: add it."
    message = str(item["msg"])
    expected = message.removeprefix("Input should be ").removeprefix("Value error, ")
    if expected.startswith(("less than", "greater than")):
        expected = f"a value {expected}"
    expected = _EXPECTED.get(item["type"], expected)
    hint = _HINTS.get(item["type"], "")
    got = repr(item["input"])
    got = got if len(got) <= 60 else f"{got[:57]}…"
    if any(part.endswith("_env") for part in location):
        got = "something else; a secret itself belongs into the environment, not into this file"
    elif "headers" in location:
        got = "something else"  # It may be a key all the same.
    elif location[-1] in ("url", "server_url") and "@" in got:
        got = "one with an @"  # What stands before it may be a password.
    return f"{path}: expected {expected}, got {got}{': ' + hint if hint else ''}."


def _known_keys(location: list[str]) -> set[str]:
    for part in reversed(location[:-1]):
        if part in _TABLES:
            return set(_TABLES[part].model_fields)
    return set(AgentsFile.model_fields)


def _home(name: str) -> str:
    """Where a key stands that was written elsewhere."""
    for home in ("limits", "turn_detection", "confirm", "truncation", "prompt"):
        if name in _TABLES[home].model_fields:
            return f"It stands in {home}."
    if name in AgentTable.model_fields:
        return "It stands in [default] and [agents.<name>]."
    return ""


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The line that the parser could not read, for whoever has no editor that counts them."""
    number = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    if number is None or not 0 < int(number[1]) <= len(lines):
        return ""
    return f": {lines[int(number[1]) - 1].strip()[:60]}"


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}? " if near else ""
