"""`python -m brain.agents.check [FILE]`: what a brain makes of an agents file, or why it will not start.

With `--session`: whether the model can be reached, by opening one session for each agent.

Why it exists: the process that reads the file is the one that can judge it; `trunkline agents check` asks
this one. Owns: the listing. Must not know: Redis, the calls. It imports the tools that the file names, as a
brain would. It is a command, and stands above all rooms of the brain; nothing imports it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from importlib import resources

from rich.console import Console
from rich.table import Table

from brain.agents.agent import Agent
from brain.agents.book import DEFAULT_FILE, AgentBook
from brain.model.probe import SessionCheck, check_session
from shared.exit_codes import Exit
from shared.logs.log import get_log
from shared.process.exits import exit_of
from shared.settings import Settings, SettingsError, load

SESSIONS_AT_ONCE = 4
"""A provider limits how many may be opened in a moment."""


def main() -> int:
    """The command. Ends with 0, or as a brain would with this file: 3."""
    parser = argparse.ArgumentParser(prog="brain.agents.check", description="Checks an agents file.")
    parser.add_argument("file", nargs="?", default="", help="default: that of the settings")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--example", action="store_true", help="print a file to start with, and leave")
    parser.add_argument(
        "--session", action="store_true", help="open a session with the model for each agent, and close it"
    )
    arguments = parser.parse_args()
    if arguments.example:
        sys.stdout.write(resources.files("brain.agents").joinpath("agents.example.toml").read_text("utf-8"))
        return Exit.OK
    sys.path.insert(0, "")  # As for a brain: functions of the working folder can be tools.
    try:
        overrides = {"agents_file": arguments.file} if arguments.file else {}
        settings = load("brain" if arguments.session else None, **overrides)
        if arguments.session:
            return _open_session(settings, as_json=arguments.json)
        book = AgentBook(settings, get_log())
        agents = [(agent, book.numbers_of(name), _tools(book, agent)) for name, agent in _named(book)]
    except SettingsError as error:
        _explain(error.problems, as_json=arguments.json)
        return exit_of(error)
    if arguments.json:
        _say(json.dumps([_as_json(*each) for each in agents], ensure_ascii=False, indent=2))
    else:
        Console().print(_table(agents))
        if not book.has_file:
            _say(f"there is no {DEFAULT_FILE} here: this is the agent of the settings alone")
    return Exit.OK


def _open_session(settings: Settings, *, as_json: bool) -> int:
    names = [agent.name for agent in AgentBook(settings, get_log()).agents]
    found = asyncio.run(_sessions(settings, names))
    if as_json:
        _say(json.dumps([each.as_dict() for each in found], ensure_ascii=False))
    else:
        for each in found:
            _say(str(each))
    return Exit.OK if all(each.ok for each in found) else Exit.FAILED


async def _sessions(settings: Settings, names: Sequence[str]) -> list[SessionCheck]:
    """For each agent, since each has a model, a voice and tools of its own; few at once."""
    at_once = asyncio.Semaphore(SESSIONS_AT_ONCE)

    async def check(name: str) -> SessionCheck:
        async with at_once:
            return await check_session(settings, name)

    return await asyncio.gather(*(check(name) for name in names))


Listed = tuple[Agent, list[str], list[str]]


def _named(book: AgentBook) -> list[tuple[str, Agent]]:
    return [(agent.name, agent) for agent in book.agents]


def _tools(book: AgentBook, agent: Agent) -> list[str]:
    definitions = book.toolbox(agent).definitions()
    return [str(each.get("name") or f"mcp:{each.get('server_label')}") for each in definitions]


def _explain(problems: list[str], *, as_json: bool) -> None:
    if as_json:
        _say(json.dumps({"problems": problems}, ensure_ascii=False, indent=2))
        return
    for problem in problems:
        _say(problem)
    count = len(problems)
    _say(f"{count} problem{'s' if count != 1 else ''}: a brain would not start with this file")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _table(agents: list[Listed]) -> Table:
    table = Table("agent", "numbers", "language", "voice", "model", "tools", title="agents")
    for agent, numbers, tools in agents:
        shown = ", ".join(numbers) or ("all others" if agent.name == "default" else "by name only")
        table.add_row(agent.name, shown, agent.language, agent.voice, agent.model, ", ".join(tools) or "none")
    return table


def _as_json(agent: Agent, numbers: list[str], tools: list[str]) -> dict[str, object]:
    return {**json.loads(agent.snapshot()), "numbers": numbers, "tools": tools}


if __name__ == "__main__":
    sys.exit(main())
