"""Every agent of this process, by called number: built from the settings and agents.toml.

Why it exists: an operator changes the file while calls are on the line. Owns: choosing the agent of a call,
building its tools, and noticing that the file has changed. A file that is wrong at start ends the process
with a message; one that becomes wrong later changes nothing, and says so once: so does one whose agents the
model's provider refuses. What is built (schemas, modules of the user's own) is built once for each file, and
beside the calls: it may take seconds. Must not know: the calls. What may stand in the file is
brain.agents.file's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brain.agents.agent import Agent, default_agent
from brain.agents.file import AgentsFile, parse
from brain.agents.merging import merged
from brain.agents.offered import BUILT_IN, Secrets, make_servers, make_toolbox, make_tools, texts_of
from brain.agents.rules import problems_of, unset
from brain.agents.sounds import with_sounds
from brain.errors import AgentsFileError, NoThread
from brain.sound.files import SoundFiles
from brain.tools.http import HttpPool
from brain.tools.threads import ToolThreads
from brain.tools.toolbox import Toolbox
from shared import env_file
from shared.clock import wall_ms
from shared.contract.speech import DEFAULT, choose
from shared.logs.log import Log
from shared.settings import EnvFileError, Settings, SettingsError

DEFAULT_FILE = "agents.toml"

SETTLED_LOOKS = 2
"""A file that has changed is read once it has stood unchanged from one look to the next."""

AWAY_LOOKS = 5
"""That a file is not there any more is said after so many looks: editors take it away to put another in its
place. The agents stay in any case: callers of a number that has an agent are not the default agent's."""

LOSS_LOOKS = 10
"""For the same reason a file in which an agent or a number is missing is believed after so many: it may be
half of a save that takes its time, and half a file is a good one."""

AGAIN_LOOKS = 30
"""A provider that could not be asked is asked again after so many."""

READ_WITHIN_S = 30.0
"""With all modules that it names."""

YOUNG_MS, YOUNG_LOOKS, YOUNG_PAUSE_S = 1_000, 30, 0.1
"""At a start a file that was changed less than a second ago is waited for, for three seconds at most."""

Seen = tuple[int, int, int] | None
"""What changes with the file; None if there is none."""


@dataclass(frozen=True, slots=True)
class RefusedAgent:
    """What the provider said to a session of an agent. `is_final`: it would say so again."""

    agent: str
    reason: str
    is_final: bool


TryLive = Callable[[Sequence[tuple[Agent, Toolbox]]], Awaitable[Sequence[RefusedAgent]]]
"""Opens a session for each of these, with its tools, and closes it; returns those that could not be had."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file says."""

    agents: dict[str, Agent]
    by_number: dict[str, str]
    toolboxes: dict[str, Toolbox]
    unset: dict[str, dict[str, list[str]]]
    """By agent: variables without a value of its own, and the keys that ask for them."""
    takes_variables: bool
    """Whether any agent, or any tool of the user's own, does anything with what is known of a caller."""


class AgentBook:
    """The agents. To be looked after by `look`, about once a second."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        environment: Mapping[str, str] | None = None,
        try_live: TryLive | None = None,
    ) -> None:
        """`environment`: where secrets stand that the file names; None: the environment, and below it `.env`
        as it is when the file is read. `try_live`: asks the provider about a file that has changed; None:
        nobody does.

        Raises SettingsError when the file is wrong, or is named and not there.
        """
        self._settings = settings
        self._log = log
        self._environment = environment
        self._try_live = try_live
        self._path = Path(settings.agents_file or DEFAULT_FILE)
        self._must_exist = bool(settings.agents_file)
        self.version = 0
        """Rises each time that a file is taken up."""
        self._seen: Seen = None
        self._coming: Seen = None
        self._looks = 0
        """At the file that is coming, unchanged; below 0 while the provider is not asked again yet."""
        self._thread = ToolThreads(1)
        self.pool = HttpPool(proxy=settings.proxy_url)
        """The connections of all HTTP tools."""
        try:
            self._seen = self._stat()
            self._now = self._read(self._seen)
        except AgentsFileError as error:
            # As it was named; one that nobody named by its whole path.
            where = self._path if self._must_exist else self._path.absolute()
            raise SettingsError([f"{where}: {problem}" for problem in error.problems]) from None
        self.version += 1

    @property
    def agents(self) -> tuple[Agent, ...]:
        """All of them, the default first."""
        return tuple(self._now.agents.values())

    @property
    def has_file(self) -> bool:
        """Whether the agents are those of a file; else there is the one of the settings."""
        return self._seen is not None

    @property
    def numbers(self) -> Mapping[str, str]:
        """Called number → name of its agent."""
        return self._now.by_number

    def numbers_of(self, name: str) -> list[str]:
        """The called numbers of an agent."""
        return [number for number, owner in self._now.by_number.items() if owner == name]

    def unset(self, name: str) -> Mapping[str, list[str]]:
        """Variables that an agent has no value for by itself: the keys that ask for each."""
        return self._now.unset[name]

    async def stand_still(self) -> None:
        """At a start: waits until a file that was changed just now is a moment old, and takes up what it says
        then. Cancelling it leaves what was read before."""
        for _ in range(YOUNG_LOOKS):
            seen = self._stat()
            if seen is None or not 0 <= wall_ms() - seen[0] // 1_000_000 < YOUNG_MS:
                break
            await asyncio.sleep(YOUNG_PAUSE_S)
        self.refresh()

    async def look(self) -> None:
        """Takes up a file that has changed, once it has stood unchanged and the provider has nothing against
        its agents. Keeps the present agents if it is wrong, or away. Cancelling it leaves them too."""
        seen = self._stat()
        if seen == self._seen:
            self._looks = 0
            return
        if seen != self._coming or not self._looks:
            self._coming, self._looks = seen, 1
            return
        self._looks += 1
        if seen is None:
            if self._looks == AWAY_LOOKS:
                self._log.warning("agents_file_gone", file=str(self._path), agents=len(self._now.agents))
            return
        if self._looks >= SETTLED_LOOKS:
            await self._take_up_beside(seen)

    def refresh(self) -> None:
        """Takes up a file that has changed at once: for whoever has no calls."""
        seen = self._stat()
        if seen is not None and seen != self._seen:
            self._take_up(seen, self._read_or_refuse(seen))

    def pick(self, name: str, called: str) -> Agent:
        """The agent that is asked for by name, else the one of the called number, else the default."""
        now = self._now
        return now.agents[choose(name, called, now.agents, now.by_number)]

    def has(self, name: str) -> bool:
        """Whether there is an agent of this name."""
        return name in self._now.agents

    def knows(self, called: str) -> bool:
        """Whether the called number is one of an agent's; true as well where no agent has a number."""
        by_number = self._now.by_number
        return not by_number or choose("", called, (), by_number) != DEFAULT

    def toolbox(self, agent: Agent) -> Toolbox:
        """The tools of an agent, as the file has them now."""
        return self._now.toolboxes[agent.name]

    @property
    def takes_variables(self) -> bool:
        """Whether it matters to any agent what is known of a caller."""
        return self._now.takes_variables

    # Private.

    async def _take_up_beside(self, seen: Seen) -> None:
        """Reads what is there, and asks the provider, while calls go on."""
        read: object
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                read = await self._thread.run(self._read_or_refuse, {"seen": seen})
        except (TimeoutError, NoThread):
            read = AgentsFileError([f"is not read within {READ_WITHIN_S:g} s: a module that it names hangs"])
        if isinstance(read, _Read):
            if self._loses(read) and self._looks < LOSS_LOOKS:
                return
            refused = await self._refused(read)
            passing = [each for each in refused if not each.is_final]
            if passing:
                self._looks = SETTLED_LOOKS - AGAIN_LOOKS
                self._log.warning("agents_unchecked", file=str(self._path), reason=passing[0].reason)
                return
            if refused:
                read = AgentsFileError([_sentence(each) for each in refused])
        self._looks = 0
        if self._stat() == seen:
            self._take_up(seen, read)

    async def _refused(self, read: _Read) -> Sequence[RefusedAgent]:
        """Agents that have changed, and that the provider has something against."""
        if self._try_live is None:
            return ()
        changed = [
            (agent, read.toolboxes[name])
            for name, agent in read.agents.items()
            if agent != self._now.agents.get(name)
            or read.toolboxes[name].definitions() != self._now.toolboxes[name].definitions()
        ]
        return await self._try_live(changed) if changed else ()

    def _loses(self, read: _Read) -> bool:
        """Whether callers who have an agent of their own now would have another one."""
        return bool(self._now.agents.keys() - read.agents.keys()) or bool(
            self._now.by_number.keys() - read.by_number.keys()
        )

    def _take_up(self, seen: Seen, read: object) -> None:
        self._seen = seen  # What is wrong is said once for each version of the file.
        if isinstance(read, _Read):
            self._now = read
            self.version += 1
            self._log.info("agents_loaded", file=str(self._path), agents=len(read.agents))
            return
        for problem in read.problems if isinstance(read, AgentsFileError) else ():
            self._log.error("agents_file_wrong", file=str(self._path), problem=problem)

    def _read_or_refuse(self, seen: Seen) -> _Read | AgentsFileError:
        try:
            return self._read(seen)
        except AgentsFileError as error:
            return error
        except EnvFileError as error:
            return AgentsFileError(error.problems)

    def _stat(self) -> Seen:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self, seen: Seen) -> _Read:
        """What the file says; changes nothing, and may run in a thread. Raises AgentsFileError."""
        tables = AgentsFile()
        if seen is not None:
            try:
                text = self._path.read_text("utf-8-sig")  # Some editors start a file with a mark.
            except (OSError, UnicodeDecodeError) as error:
                raise AgentsFileError([f"cannot be read as UTF-8 text: {error}"]) from None
            tables = parse(text, BUILT_IN)
            if not tables.model_fields_set:
                raise AgentsFileError(["is empty: write [default] into it, or take it away before a start"])
        elif self._must_exist:
            raise AgentsFileError(["is not there: correct TRUNKLINE_AGENTS_FILE, or create it"])
        secrets = Secrets(_environment() if self._environment is None else self._environment)
        tools, servers = make_tools(tables, secrets, self.pool), make_servers(tables, secrets)
        sounds = SoundFiles(self._path.parent)
        base = merged(default_agent(self._settings), tables.default, servers, secrets.header, f"{DEFAULT}.")
        base = with_sounds(base, tables.default, sounds, f"{DEFAULT}.")
        agents = {DEFAULT: base}
        for name, table in tables.agents.items():
            agent = merged(base, table, servers, secrets.header, f"agents.{name}.")
            agents[name] = replace(with_sounds(agent, table, sounds, f"agents.{name}."), name=name)
        problems = problems_of(agents)
        if problems:
            raise AgentsFileError(problems)
        by_number = {number: name for name, table in tables.agents.items() for number in table.numbers}
        toolboxes = {name: make_toolbox(agent, tools) for name, agent in agents.items()}
        asked = {name: unset(agent, texts_of(agent, tables)) for name, agent in agents.items()}
        takes = bool(tables.tools) or any(agent.variables or asked[name] for name, agent in agents.items())
        return _Read(agents, by_number, toolboxes, asked, takes)


def _sentence(refused: RefusedAgent) -> str:
    path = DEFAULT if refused.agent == DEFAULT else f"agents.{refused.agent}"
    return f"{path}: the model's provider refuses its session: {refused.reason}"


def _environment() -> Mapping[str, str]:
    try:
        return env_file.environment()
    except env_file.EnvFileUnreadable as error:
        raise EnvFileError(error.problems) from None
