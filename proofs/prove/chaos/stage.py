"""Where rows are played: a whole stack of processes, its Redis, the simulators, the tool, the network
between.

Why it exists: all that a row needs must be there before it begins and be whole after it. Owns: the setting,
who is who in it. Must not know: faults.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shlex import quote
from sys import executable

from console.stack.launcher import Stack, StackFailed
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.prove.chaos import story
from proofs.prove.chaos.counting_tool import CountingTool
from proofs.prove.chaos.faults import Role, Story
from proofs.prove.chaos.relay import Relay
from proofs.prove.roles import failpoint
from proofs.prove.silence.cast import OPENING_MS
from shared.contract.worker import ROLES
from shared.store.client import Store, make_store
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.realtime.record import SessionRecord
from simulators.twilio import TwilioSimulator

NETWORK_MS = 50.0
"""One way, between Twilio and the bridge."""

WHOLE_AGAIN_S = 30.0
VOICE_PATH = "/voice#ct=2000&rc=2&rp=all"


@dataclass(slots=True)
class Cast:
    """What the model knows of the calls of a row."""

    folder: Path
    chance: Random
    numbers: dict[str, int] = field(default_factory=dict)
    """Call → its number in its row."""
    stories: dict[str, Story] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    """Call → how many sessions were asked for."""
    opening_ms: dict[str, float] = field(default_factory=dict)
    """Call → how long its sessions take to open, where that is not left to chance."""

    def script_path(self, of: Story) -> Path:
        """Where a story's script is."""
        return self.folder / f"{of.name.lower()}.toml"

    def knobs(self, headers: Mapping[str, str]) -> Knobs:
        """Of a session that is asked for now."""
        call_sid = call_of(headers)
        self.asked[call_sid] = self.asked.get(call_sid, 0) + 1
        of = self.stories.get(call_sid)
        return Knobs(
            seed=self.chance.getrandbits(30),
            script="" if of is None else str(self.script_path(of)),
            opening_ms=self.opening_ms.get(call_sid, self.chance.uniform(*OPENING_MS)),
        )

    def voice(self, session: SessionRecord, response: int, item: int, clip: str) -> bytes:
        """What an output sounds like."""
        call = self.numbers.get(call_of(session.headers), 0)
        return story.model_voice(call, session.number, response, item, clip)


@dataclass(slots=True)
class Stage:
    """One stack and what stands around it."""

    stack: Stack
    store: Store
    model: RealtimeSimulator
    twilio: TwilioSimulator
    tool: CountingTool
    cast: Cast
    failpoints: Path
    network_ms: float = NETWORK_MS

    async def is_whole(self) -> bool:
        """Waits until every process is ready again; False if they are not soon. Cancelling is safe."""
        try:
            await self.stack.until_ready(WHOLE_AGAIN_S)
        except StackFailed:
            return False
        return True

    def sessions_of(self, call_sid: str) -> list[SessionRecord]:
        """All sessions of a call."""
        return [session for session in self.model.sessions if call_of(session.headers) == call_sid]


@asynccontextmanager
async def open_stage(folder: Path, *, only: Role | None = None, seed: int = 1) -> AsyncIterator[Stage]:
    """A stage of its own, with one process of the role `only`; gone when the block ends. `folder` holds its
    files."""
    failpoints = folder / "failpoints"
    failpoints.mkdir()
    cast = Cast(folder, Random(seed))
    for each in Story:
        cast.script_path(each).write_text(story.script(each))
    model_port = free_port()
    async with CountingTool() as tool:
        agents = folder / "agents.toml"
        agents.write_text(story.agents(tool.port))
        options = _options(model_port, agents, failpoints, only)
        async with Stack(options) as stack, Relay(stack.public_port, NETWORK_MS / 1000) as relay:
            store = make_store(stack.redis_url, name="prove", timeout_s=5.0)
            try:
                async with (
                    RealtimeSimulator(
                        port=model_port, knobs_by=cast.knobs, keep_audio=True, voice=cast.voice
                    ) as model,
                    TwilioSimulator(
                        voice_url=f"{stack.public_url}{VOICE_PATH}",
                        auth_token=stack.auth_token,
                        dial=f"127.0.0.1:{relay.port}",
                        seed=seed,
                    ) as twilio,
                ):
                    yield Stage(stack, store, model, twilio, tool, cast, failpoints)
            finally:
                await store.aclose()


def call_of(headers: Mapping[str, str]) -> str:
    """The call that a session is for."""
    return headers.get("x-client-request-id", "").partition("/")[0]


# Private.


def _options(model_port: int, agents: Path, failpoints: Path, only: Role | None) -> StackOptions:
    python = quote(executable.replace("%", "%%"))
    return StackOptions(
        name="prove-chaos",
        workers={role: 1 if role == only else 2 for role in ROLES},
        model_base_url=f"http://127.0.0.1:{model_port}/v1",
        environment={
            "TRUNKLINE_LOG_LEVEL": "info",
            "TRUNKLINE_LOG_FORMAT": "json",
            "TRUNKLINE_MAX_CALLS": "1000",
            "TRUNKLINE_FALLBACK_NUMBER": "",
            "TRUNKLINE_AGENTS_FILE": str(agents),
            failpoint.FOLDER: str(failpoints),
        },
        commands={
            role: f"{python} -m proofs.prove.roles.failpoint {role} --number %(process_num)d"
            for role in ROLES
        },
        watchdog=True,
        ready_timeout_s=90,
        stop_together=True,
    )
