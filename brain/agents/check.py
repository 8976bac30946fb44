"""`python -m brain.agents.check [FILE]`: what a brain makes of an agents file, or why it will not start.

With `--live`: what the model's provider says of each agent as well, by opening a session for it and closing
it; with `--session`: that alone.

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
from brain.model.probe import SessionCheck, check_agents, make_client
from shared.exit_codes import Exit
from shared.logs.log import get_log
from shared.process.exits import exit_of
from shared.settings import Settings, SettingsError, load


def main() -> int:
    """The command. Ends with 0; as a brain would with this file: 3; with 1 where the provider refuses."""
    arguments = _parser().parse_args()
    if arguments.example:
        sys.stdout.write(resources.files("brain.agents").joinpath("agents.example.toml").read_text("utf-8"))
        return Exit.OK
    sys.path.insert(0, "")  # As for a brain: functions of the working folder can be tools.
    opens = arguments.session or arguments.live
    try:
        overrides = {"agents_file": arguments.file} if arguments.file else {}
        settings = load("brain" if opens else None, **overrides)
        book = AgentBook(settings, get_log())
    except SettingsError as error:
        _explain(error.problems, as_json=arguments.json)
        return exit_of(error)
    sessions = asyncio.run(_sessions(settings, book)) if opens else []
    if not arguments.session:
        _list(book, sessions, as_json=arguments.json)
    elif arguments.json:
        _say(json.dumps([each.as_dict() for each in sessions], ensure_ascii=False))
    if opens and not arguments.json:
        for each in sessions:
            _say(str(each))
    return Exit.OK if all(each.ok for each in sessions) else Exit.FAILED


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="brain.agents.check", description="Checks an agents file.")
    parser.add_argument("file", nargs="?", default="", help="default: that of the settings")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--example", action="store_true", help="print a file to start with, and leave")
    parser.add_argument(
        "--live", action="store_true", help="open a session with the model for each agent, too, and close it"
    )
    parser.add_argument("--session", action="store_true", help="open the sessions, and list nothing else")
    return parser


async def _sessions(settings: Settings, book: AgentBook) -> list[SessionCheck]:
    """For each agent, since each has a model, a voice and tools of its own."""
    async with make_client(settings) as client:
        agents = [(agent, book.toolbox(agent)) for agent in book.agents]
        return await check_agents(client, agents, settings.proxy_url)


def _list(book: AgentBook, sessions: Sequence[SessionCheck], *, as_json: bool) -> None:
    if as_json:
        opened = {each.agent: {"session": each.as_dict()} for each in sessions}
        found = [{**_as_json(book, agent), **opened.get(agent.name, {})} for agent in book.agents]
        _say(json.dumps(found, ensure_ascii=False, indent=2))
        return
    Console().print(_table(book))
    for sentence in _unset(book):
        _say(sentence)
    if not book.has_file:
        _say(f"there is no {DEFAULT_FILE} here: this is the agent of the settings alone")


def _tools(book: AgentBook, agent: Agent) -> list[str]:
    definitions = book.toolbox(agent).definitions()
    return [str(each.get("name") or f"mcp:{each.get('server_label')}") for each in definitions]


def _unset(book: AgentBook) -> list[str]:
    """A line for each variable that only others can give a value."""
    return [
        f"{agent.name}: {{{{{name}}}}} in {', '.join(keys)}: empty unless call.incoming or the number has it;"
        f" variables = {{ {name} = … }} says what stands there else"
        for agent in book.agents
        for name, keys in book.unset(agent.name).items()
    ]


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


def _table(book: AgentBook) -> Table:
    table = Table("agent", "numbers", "language", "voice", "model", "tools", title="agents")
    for agent in book.agents:
        numbers, tools = book.numbers_of(agent.name), _tools(book, agent)
        shown = ", ".join(numbers) or ("all others" if agent.name == "default" else "by name only")
        table.add_row(agent.name, shown, agent.language, agent.voice, agent.model, ", ".join(tools) or "none")
    return table


def _as_json(book: AgentBook, agent: Agent) -> dict[str, object]:
    return {
        **json.loads(agent.snapshot()),
        "numbers": book.numbers_of(agent.name),
        "tools": _tools(book, agent),
        "unset": dict(book.unset(agent.name)),
    }


if __name__ == "__main__":
    sys.exit(main())
