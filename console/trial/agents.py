"""Which agents there are, by the brain's own check, and which of them a call gets.

Why it exists: a name that no agent has would be answered by the default agent, and a wrong file by a stack
that does not start; both are told at once, in the words of `trunkline agents check`. Owns: asking, what is
made of the answer. Must not know: what an agent is beside its name, numbers, tools and language.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.trial import model
from console.trial.scenario import Scenario
from shared.contract.speech import choose
from shared.exit_codes import Exit
from shared.forms import Problems
from simulators.twilio.caller.plan import CALLED_NUMBER

WITHIN_S: Final = 60.0
"""For all modules that the file names."""


class AgentsError(Problems):
    """The agents are not what they must be; `exit_code` is the check's."""

    def __init__(self, problems: list[str], exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(problems)


@dataclass(frozen=True, slots=True)
class Listed:
    """One agent."""

    name: str
    language: str
    tools: Sequence[str]
    numbers: Sequence[str]


async def ask(file: Path | None) -> list[Listed]:
    """The agents as a brain of this folder would have them. Raises AgentsError. Cancelled, nothing is
    left."""
    words = [str(file)] if file is not None else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "brain.agents.check", *words, "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN_S):
            output, errors = await process.communicate()
    except TimeoutError:
        problem = f"the agents file is not read within {WITHIN_S:.0f} s: a module that it names hangs"
        raise AgentsError([problem], Exit.FAILED) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return read(output.decode(errors="replace"), errors.decode(errors="replace"), process.returncode or 0)


def read(output: str, errors: str, code: int) -> list[Listed]:
    """What the check said. Raises AgentsError."""
    try:
        found: object = json.loads(output)
    except ValueError:
        found = None
    if isinstance(found, dict):
        raise AgentsError([str(each) for each in _list(found, "problems")], code or Exit.SETTINGS)
    if not isinstance(found, list) or code:
        last = errors.strip().splitlines()[-1:] or [f"it ended with code {code}"]
        raise AgentsError([f"`trunkline agents check` said nothing of use: {last[0]}"], code or Exit.FAILED)
    return [
        Listed(
            _text(each, "name"),
            _text(each, "language"),
            [str(tool) for tool in _list(each, "tools")],
            [str(number) for number in _list(each, "numbers")],
        )
        for each in found
        if isinstance(each, dict)
    ]


def chosen(scenario: Scenario, agents: Sequence[Listed]) -> Listed:
    """Who answers a scenario. Raises AgentsError where it asks for nobody, or its model for what nobody
    has."""
    by_name = {each.name: each for each in agents}
    if scenario.agent and scenario.agent not in by_name:
        hint = _hint(scenario.agent, list(by_name))
        problem = f"{scenario.name}: there is no agent {scenario.agent!r}. {hint}"
        raise AgentsError([problem], Exit.SETTINGS)
    numbers = {number: each.name for each in agents for number in each.numbers}
    agent = by_name[choose(scenario.agent, scenario.to_number or CALLED_NUMBER, by_name, numbers)]
    lacking = [
        f"{scenario.name}:{line}: the agent {agent.name} has no tool {tool!r}. "
        f"{_hint(tool, list(agent.tools))}"
        for line, tool in model.tools_called(scenario)
        if tool not in agent.tools
    ]
    if lacking:
        raise AgentsError(lacking, Exit.SETTINGS)
    return agent


# Private.


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known) or 'none'}."


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _list(values: Mapping[str, object], key: str) -> list[object]:
    value = values.get(key)
    return value if isinstance(value, list) else []
