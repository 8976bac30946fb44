"""What the agents of a file can do: their tools and servers, made of their tables.

Why it exists: a tool is more than its table: a module that is imported, a schema that is made, a secret that
stands elsewhere. Owns: making them, the sentences about what cannot be made. Must not know: who asks, when a
file is read, what a tool does.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brain.agents.agent import Agent
from brain.agents.file import AgentsFile, McpTable, ToolTable
from brain.errors import AgentsFileError, ToolError
from brain.json_fields import Json
from brain.tools import builtin as builtin_tools
from brain.tools.demo import check_order
from brain.tools.function import FunctionTool, tool
from brain.tools.http import HttpPool, HttpTool
from brain.tools.schemas import problem_of
from brain.tools.toolbox import Tool, Toolbox
from shared.forms import signing_key

READY_MADE: Mapping[str, Tool] = {check_order.name: check_order}
BUILT_IN = (*builtin_tools.NAMES, *READY_MADE)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the secrets stand that a file names."""

    environment: Mapping[str, str]

    def secret(self, variable: str, key: str) -> str:
        """The one in a variable; empty without a variable. `key`: who asks. Raises AgentsFileError."""
        if not variable:
            return ""
        value = self.environment.get(variable, "")
        if not value:
            raise AgentsFileError(
                [f"{key}: expected {variable} in the environment or in .env, got nothing: set it"]
            )
        return value

    def header(self, variable: str, key: str) -> str:
        """One that goes into a header. Raises AgentsFileError."""
        secret = self.secret(variable, key)
        if not secret.isascii() or not secret.isprintable():
            raise AgentsFileError([f"{key}: {variable}: expected a line of printable ASCII: correct it"])
        return secret

    def signing(self, variable: str, key: str) -> str:
        """One that signs. Raises AgentsFileError."""
        secret = self.secret(variable, key)
        try:
            signing_key(secret)
        except ValueError as error:
            raise AgentsFileError([f"{key}: {variable}: {error}"]) from None
        return secret


def make_tools(tables: AgentsFile, secrets: Secrets, pool: HttpPool) -> dict[str, Tool]:
    """The tools of a file, by name. Imports modules of the user's. Raises AgentsFileError."""
    made: dict[str, Tool] = {}
    problems: list[str] = []
    for name, table in tables.tools.items():
        try:
            made[name] = _make_tool(name, table, secrets, pool)
        except ToolError as error:
            problems.append(f"tools.{name}.python: {error}")
        except AgentsFileError as error:
            problems += error.problems
    if problems:
        raise AgentsFileError(problems)
    return made


def make_servers(tables: AgentsFile, secrets: Secrets) -> dict[str, Json]:
    """The MCP servers of a file, as they stand in `session.tools`. Raises AgentsFileError."""
    return {name: _server(name, table, secrets) for name, table in tables.mcp.items()}


def make_toolbox(agent: Agent, tools: Mapping[str, Tool]) -> Toolbox:
    """The tools of an agent: its file's, the ready-made ones, those that act on the call."""
    others = {name: what for name, what in agent.hand_over_to.items() if name != agent.name}
    found = (
        tools.get(name) or READY_MADE.get(name) or builtin_tools.make(name, agent.destinations, others)
        for name in agent.tools
    )
    return Toolbox.of([each for each in found if each is not None], agent.limits.tool_s, agent.mcp)


def texts_of(agent: Agent, tables: AgentsFile) -> dict[str, str]:
    """Texts of an agent's tools in which variables are filled in, by their keys in the file."""
    found: dict[str, str] = {}
    for name in agent.tools:
        table = tables.tools.get(name)
        if table is not None:
            found[f"tools.{name}.description"] = table.description
            found[f"tools.{name}.url"] = table.url or ""
            found |= {f"tools.{name}.headers.{header}": text for header, text in table.headers.items()}
    return found


# Private.


def _make_tool(name: str, table: ToolTable, secrets: Secrets, pool: HttpPool) -> Tool:
    if table.python is not None:
        limit_s = table.timeout_s if "timeout_s" in table.model_fields_set else 0.0
        found = _imported(table.python)
        wrong = problem_of(found.parameters)
        if wrong:
            raise ToolError(f"the schema of {table.python} is refused: {wrong}")
        return replace(
            found, name=name, description=table.description or found.description, time_limit_s=limit_s
        )
    path = f"tools.{name}"
    hidden = {
        header: secrets.header(variable, f"{path}.headers_env.{header}")
        for header, variable in table.headers_env.items()
    }
    return HttpTool(
        name=name,
        description=table.description,
        url=table.url or "",
        parameters=table.parameters,
        method=table.method,
        time_limit_s=table.timeout_s,
        retries=table.retries,
        secret=secrets.signing(table.secret_env, f"{path}.secret_env"),
        headers=dict(table.headers),
        hidden_headers=hidden,
        pool=pool,
    )


def _server(name: str, table: McpTable, secrets: Secrets) -> Json:
    server: Json = {
        "type": "mcp",
        "server_label": name,
        "server_url": table.server_url,
        "require_approval": table.require_approval,
    }
    if table.allowed_tools is not None:
        server["allowed_tools"] = list(table.allowed_tools)
    if table.authorization_env:
        server["authorization"] = secrets.secret(table.authorization_env, f"mcp.{name}.authorization_env")
    return server


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
