"""Every agent of this process, by called number: built from the settings and agents.toml.

Why it exists: an operator changes the file while calls are on the line. Owns: choosing the agent of a call,
building its tools, and noticing that the file has changed. A file that is wrong at start ends the process
with a message; one that becomes wrong later changes nothing, and says so once. What is built (schemas,
modules of the user's own) is built once for each file, and beside the calls: it may take seconds. Must not
know: the calls. What may stand in the file is brain.agents.file's.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brain.agents.agent import Agent, default_agent
from brain.agents.file import AgentsFile, AgentTable, McpTable, ToolTable, parse
from brain.errors import AgentsFileError, NoThread, ToolError
from brain.json_fields import Json
from brain.tools import builtin as builtin_tools
from brain.tools.demo import check_order
from brain.tools.function import FunctionTool, tool
from brain.tools.http import HttpPool, HttpTool
from brain.tools.schemas import problem_of
from brain.tools.threads import ToolThreads
from brain.tools.toolbox import Tool, Toolbox
from shared import env_file
from shared.contract.speech import DEFAULT, choose
from shared.forms import signing_key
from shared.logs.log import Log
from shared.settings import EnvFileError, Settings, SettingsError

DEFAULT_FILE = "agents.toml"
READY_MADE: Mapping[str, Tool] = {check_order.name: check_order}
BUILT_IN = (*builtin_tools.NAMES, *READY_MADE)


AWAY_LOOKS = 5
"""A file that is not there is believed after so many looks: editors take it away to put another in its
place."""

READ_WITHIN_S = 30.0
"""With all modules that it names."""

Seen = tuple[int, int, int] | None
"""What changes with the file; None if there is none."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file says."""

    agents: dict[str, Agent]
    by_number: dict[str, str]
    toolboxes: dict[str, Toolbox]


class AgentBook:
    """The agents. To be looked after by `look`, about once a second."""

    def __init__(self, settings: Settings, log: Log, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: where secrets stand that the file names; None: the environment, and below it `.env`.

        Raises SettingsError when the file is wrong, or is named and not there.
        """
        self._settings = settings
        self._log = log
        self._environment = _environment() if environment is None else environment
        self._path = Path(settings.agents_file or DEFAULT_FILE)
        self._must_exist = bool(settings.agents_file)
        self.version = 0
        """Rises each time that a file is taken up."""
        self._is_of_file = False
        self._seen: Seen = None
        self._coming: Seen = None
        self._looks = 0
        """At the file that is coming, unchanged."""
        self._thread = ToolThreads(1)
        self.pool = HttpPool()
        """The connections of all HTTP tools."""
        self._agents: dict[str, Agent] = {}
        self._by_number: dict[str, str] = {}
        self._toolboxes: dict[str, Toolbox] = {}
        try:
            self._load(self._stat())
        except AgentsFileError as error:
            # As it was named; one that nobody named by its whole path.
            where = self._path if self._must_exist else self._path.absolute()
            raise SettingsError([f"{where}: {problem}" for problem in error.problems]) from None

    @property
    def agents(self) -> tuple[Agent, ...]:
        """All of them, the default first."""
        return tuple(self._agents.values())

    @property
    def has_file(self) -> bool:
        """Whether the agents are those of a file; else there is the one of the settings."""
        return self._seen is not None

    @property
    def numbers(self) -> Mapping[str, str]:
        """Called number → name of its agent."""
        return self._by_number

    def numbers_of(self, name: str) -> list[str]:
        """The called numbers of an agent."""
        return [number for number, owner in self._by_number.items() if owner == name]

    async def look(self) -> None:
        """Takes up a file that has changed, once it has stood unchanged from one look to the next: a save may
        take two steps. Keeps the present agents if it is wrong. Cancelling it leaves them too."""
        seen = self._stat()
        if seen == self._seen:
            self._looks = 0
            return
        if seen != self._coming or not self._looks:
            self._coming, self._looks = seen, 1
            return
        self._looks += 1
        if seen is None and self._looks < AWAY_LOOKS:
            return
        read: object
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                read = await self._thread.run(self._read_or_refuse, {"seen": seen})
        except (TimeoutError, NoThread):
            read = AgentsFileError([f"is not read within {READ_WITHIN_S:g} s: a module that it names hangs"])
        self._looks = 0
        if self._stat() == seen:
            self._take_up(seen, read)

    def refresh(self) -> None:
        """Takes up a file that has changed at once: for whoever has no calls."""
        seen = self._stat()
        if seen != self._seen:
            self._take_up(seen, self._read_or_refuse(seen))

    def pick(self, name: str, called: str) -> Agent:
        """The agent that is asked for by name, else the one of the called number, else the default."""
        return self._agents[choose(name, called, self._agents, self._by_number)]

    def knows(self, called: str) -> bool:
        """Whether the called number is one of an agent's; true as well where no agent has a number."""
        return not self._by_number or choose("", called, (), self._by_number) != DEFAULT

    def toolbox(self, agent: Agent) -> Toolbox:
        """The tools of an agent, as the file has them now."""
        return self._toolboxes[agent.name]

    # Private.

    def _take_up(self, seen: Seen, read: object) -> None:
        if isinstance(read, _Read):
            self._take(seen, read)
            self._log.info("agents_loaded", file=str(self._path), agents=len(self._agents))
            return
        self._seen = seen  # Said once for each version of the file.
        for problem in read.problems if isinstance(read, AgentsFileError) else ():
            self._log.error("agents_file_wrong", file=str(self._path), problem=problem)

    def _read_or_refuse(self, seen: Seen) -> _Read | AgentsFileError:
        try:
            return self._read(seen)
        except AgentsFileError as error:
            return error

    def _stat(self) -> Seen:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _load(self, seen: Seen) -> None:
        self._take(seen, self._read(seen))

    def _take(self, seen: Seen, read: _Read) -> None:
        self._agents, self._by_number, self._toolboxes = read.agents, read.by_number, read.toolboxes
        self._seen = seen
        self._is_of_file = seen is not None
        self.version += 1

    def _read(self, seen: Seen) -> _Read:
        """What the file says; changes nothing, and may run in a thread. Raises AgentsFileError."""
        tables = AgentsFile()
        if seen is not None:
            try:
                text = self._path.read_text("utf-8-sig")  # Some editors start a file with a mark.
            except (OSError, UnicodeDecodeError) as error:
                raise AgentsFileError([f"cannot be read as UTF-8 text: {error}"]) from None
            tables = parse(text, BUILT_IN)
            if self._is_of_file and not tables.model_fields_set:
                raise AgentsFileError(["is empty: the agents stay. To do without the file, take it away"])
        elif self._must_exist:
            raise AgentsFileError(["is not there: correct TRUNKLINE_AGENTS_FILE, or create it"])
        tools = self._make_tools(tables)
        base = _merged(default_agent(self._settings), tables.default, self._servers(tables))
        agents = {DEFAULT: base}
        for name, table in tables.agents.items():
            agents[name] = replace(_merged(base, table, self._servers(tables)), name=name)
        by_number = {number: name for name, table in tables.agents.items() for number in table.numbers}
        return _Read(agents, by_number, {name: _toolbox(agent, tools) for name, agent in agents.items()})

    def _make_tools(self, tables: AgentsFile) -> dict[str, Tool]:
        made: dict[str, Tool] = {}
        problems: list[str] = []
        for name, table in tables.tools.items():
            try:
                made[name] = self._make_tool(name, table)
            except ToolError as error:
                problems.append(f"tools.{name}.python: {error}")
            except AgentsFileError as error:
                problems += error.problems
        if problems:
            raise AgentsFileError(problems)
        return made

    def _make_tool(self, name: str, table: ToolTable) -> Tool:
        if table.python is not None:
            limit_s = table.timeout_s if "timeout_s" in table.model_fields_set else 0.0
            found = _imported(table.python)
            wrong = problem_of(found.parameters)
            if wrong:
                raise ToolError(f"the schema of {table.python} is refused: {wrong}")
            return replace(
                found, name=name, description=table.description or found.description, time_limit_s=limit_s
            )
        return HttpTool(
            name=name,
            description=table.description,
            url=table.url or "",
            parameters=table.parameters,
            method=table.method,
            time_limit_s=table.timeout_s,
            retries=table.retries,
            secret=self._signing_secret(table.secret_env, f"tools.{name}.secret_env"),
            pool=self.pool,
        )

    def _servers(self, tables: AgentsFile) -> dict[str, Json]:
        return {name: self._server(name, table) for name, table in tables.mcp.items()}

    def _server(self, name: str, table: McpTable) -> Json:
        server: Json = {
            "type": "mcp",
            "server_label": name,
            "server_url": table.server_url,
            "require_approval": table.require_approval,
        }
        if table.allowed_tools is not None:
            server["allowed_tools"] = list(table.allowed_tools)
        if table.authorization_env:
            server["authorization"] = self._secret(table.authorization_env, f"mcp.{name}.authorization_env")
        return server

    def _secret(self, variable: str, key: str) -> str:
        if not variable:
            return ""
        value = self._environment.get(variable, "")
        if not value:
            raise AgentsFileError(
                [f"{key}: expected {variable} in the environment or in .env, got nothing: set it"]
            )
        return value

    def _signing_secret(self, variable: str, key: str) -> str:
        secret = self._secret(variable, key)
        try:
            signing_key(secret)
        except ValueError as error:
            raise AgentsFileError([f"{key}: {variable}: {error}"]) from None
        return secret


def _toolbox(agent: Agent, tools: Mapping[str, Tool]) -> Toolbox:
    """The tools of an agent: its file's, the ready-made ones, those that act on the call."""
    found = (
        tools.get(name) or READY_MADE.get(name) or builtin_tools.make(name, agent.destinations)
        for name in agent.tools
    )
    return Toolbox.of([each for each in found if each is not None], agent.limits.tool_s, agent.mcp)


def _environment() -> Mapping[str, str]:
    try:
        return env_file.environment()
    except env_file.EnvFileUnreadable as error:
        raise EnvFileError(error.problems) from None


def _imported(path: str) -> FunctionTool:
    module_name, _, attribute = path.partition(":")
    try:
        names = vars(importlib.import_module(module_name))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: whatever it raises is its fault
        raise ToolError(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from None
    if attribute not in names:
        near = difflib.get_close_matches(attribute, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ToolError(f"{module_name} has no {attribute}.{hint}")
    found: Any = names[attribute]
    if isinstance(found, FunctionTool):
        return found
    if not callable(found):
        raise ToolError(
            f"expected a function at {path}, got {type(found).__name__}: decorate one with brain.tools.tool"
        )
    try:
        return tool(found)
    except ToolError:
        raise
    except Exception as error:  # noqa: BLE001 - type hints are foreign code too: unknown names, unfit types
        raise ToolError(
            f"{path} has parameters that no schema can be made of: {type(error).__name__}: {error}"
        ) from None


def _merged(base: Agent, table: AgentTable, servers: Mapping[str, Json]) -> Agent:
    """`base` with everything that the table says."""
    said = table.model_dump(
        exclude_none=True, exclude={"numbers", "turn_detection", "limits", "tools", "mcp", "destinations"}
    )
    detection = table.turn_detection.model_dump(exclude_none=True)
    limits = table.limits.model_dump(exclude_none=True)
    if table.language is not None and table.language != base.language:
        base = _with_tongue(base, has_own_words=table.apology is not None or table.busy_message is not None)
    return replace(
        base,
        turn_detection=replace(base.turn_detection, **detection) if detection else base.turn_detection,
        limits=replace(base.limits, **limits) if limits else base.limits,
        tools=base.tools if table.tools is None else tuple(dict.fromkeys(table.tools)),
        mcp=base.mcp if table.mcp is None else tuple(servers[name] for name in table.mcp),
        destinations=base.destinations if table.destinations is None else dict(table.destinations),
        **said,
    )


def _with_tongue(base: Agent, *, has_own_words: bool) -> Agent:
    """For an agent of another language: its own words are read in that, inherited ones in the base's."""
    if has_own_words:
        return replace(base, twilio_voice="", twilio_language="")
    return replace(base, twilio_language=base.twilio_language or base.language)
