"""Where rows are played: a whole stack of processes, its Redis, the simulators, the tool, the network
between, and a second host where a row wants one.

Why it exists: all that a row needs must be there before it begins and be whole after it. Owns: the setting,
who is who in it. Must not know: faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from shlex import quote
from sys import executable

from console.stack.launcher import Stack, StackFailed
from console.stack.plan import CALL_COMES_IN, SOCKET_WORD, StackOptions
from console.stack.ports import free_port
from proofs.prove.chaos import story
from proofs.prove.chaos.faults import Profile, Role, Row, Story
from proofs.prove.chaos.setting.counting_tool import CountingTool
from proofs.prove.chaos.setting.far_host import FarHost, Spec, open_host
from proofs.prove.chaos.setting.relay import Relay
from proofs.prove.chaos.shapes.opening import OVER_TWO_HOSTS, Opened, lanes_of, open_shape
from proofs.prove.chaos.shapes.programs import ShapeFailed
from proofs.prove.roles import failpoint, unguarded
from proofs.prove.silence.cast import OPENING_MS
from shared.contract.keys import Keys
from shared.contract.worker import ROLES
from shared.store.client import Store, make_store
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.twilio import TwilioSimulator
from simulators.twilio.simulator import DEMO_ACCOUNT_SID

NETWORK_MS = 50.0
"""One way, between Twilio and the bridge."""

THINKS_MS = 300.0
"""The model's first sound behind `response.created`: always the same, so that what is longer is no chance."""

WHOLE_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Of the simulators that processes call."""

    model: int
    rest: int
    """Twilio's REST API."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stage is like: rows of the same one can share it."""

    only: Role | None = None
    """The role of which there is one process; None: two of each."""
    far: Role | None = None
    """The role that has its second process on a second host."""
    without: str = ""
    """The guard that is switched off in all processes (proofs/prove/roles/unguarded.py)."""
    profile: Profile | None = None
    """The Redis beside the processes; None: the one that comes with them."""

    @classmethod
    def of(cls, row: Row, without: str = "") -> Setting:
        """The one that a row wants."""
        return cls(row.only, row.far, without, row.profile)

    @property
    def workers(self) -> dict[str, int]:
        """How many processes of each role the first host has."""
        return {role: 1 if role in (self.only, self.far) else 2 for role in ROLES}

    @property
    def is_for_once(self) -> bool:
        """Whether each row wants a new one: what was unplugged is another host then."""
        return self.far is not None or self.profile in OVER_TWO_HOSTS

    @property
    def keys(self) -> Keys:
        """The names of what its processes keep in Redis."""
        return Keys(lanes_of(self.profile), spread=self.profile is Profile.CLUSTER)


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

    first_answer: dict[str, ResponseKnobs] = field(default_factory=dict)
    """Call → what the first answer in its first session is like; the greeting is not an answer."""
    first_session: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """Call → knobs of its first session, by name."""

    def script_path(self, of: Story) -> Path:
        """Where a story's script is."""
        return self.folder / f"{of.name.lower()}.toml"

    def knobs(self, headers: Mapping[str, str]) -> Knobs:
        """Of a session that is asked for now."""
        call_sid = call_of(headers)
        self.asked[call_sid] = self.asked.get(call_sid, 0) + 1
        of = self.stories.get(call_sid)
        knobs = Knobs(
            seed=self.chance.getrandbits(30),
            script="" if of is None else str(self.script_path(of)),
            opening_ms=self.opening_ms.get(call_sid, self.chance.uniform(*OPENING_MS)),
            response=ResponseKnobs(first_audio_ms=THINKS_MS),
        )
        if self.asked[call_sid] > 1:
            return knobs
        if call_sid in self.first_answer:
            knobs.by_response[_FIRST_ANSWER] = replace(self.first_answer[call_sid], first_audio_ms=THINKS_MS)
        return replace(knobs, **self.first_session.get(call_sid, {}))  # type: ignore[arg-type]

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
    relay: Relay
    far: FarHost | None = None
    network_ms: float = NETWORK_MS
    keys: Keys = field(default_factory=Keys)
    opened: Opened | None = None
    """The Redis that its rows have for themselves."""

    async def is_whole(self) -> bool:
        """Waits until Redis is whole and every process ready again; False if they are not soon. Cancelling is
        safe."""
        try:
            if self.opened is not None:
                await asyncio.to_thread(self.opened.shape.heal)
            await self.stack.until_ready(WHOLE_AGAIN_S)
        except (StackFailed, ShapeFailed):
            return False
        return True

    @property
    def redis_ports(self) -> frozenset[int]:
        """Where its Redis listens."""
        return frozenset({self.stack.ports.redis}) if self.opened is None else self.opened.shape.ports

    async def servers_of(self, call_sids: Sequence[str]) -> list[str]:
        """Which server has each call now. Raises ShapeFailed. Cancelling is safe."""
        if self.opened is None or not call_sids:
            return [""] * len(call_sids)
        keys = [self.keys.card(call_sid) for call_sid in call_sids]
        found = await asyncio.to_thread(self.opened.shape.masters_of, keys)
        return [node.name for node in found]

    def sessions_of(self, call_sid: str) -> list[SessionRecord]:
        """All sessions of a call."""
        return [session for session in self.model.sessions if call_of(session.headers) == call_sid]


@asynccontextmanager
async def open_stage(folder: Path, setting: Setting, *, seed: int = 1) -> AsyncIterator[Stage]:
    """A stage of its own; gone when the block ends. `folder` holds its files. Raises StackFailed,
    FarHostRefused where a second host is wanted, ShapeFailed where servers are."""
    failpoints = folder / "failpoints"
    failpoints.mkdir()
    cast = Cast(folder, Random(seed))
    for each in Story:
        cast.script_path(each).write_text(story.script(each))
    agents, ports = folder / "agents.toml", Ports(free_port(), free_port())
    async with AsyncExitStack() as opened:
        far = await opened.enter_async_context(open_host()) if setting.far else None
        # A tool without TLS is for its own host: no row of a second host runs one.
        tool = await opened.enter_async_context(CountingTool())
        agents.write_text(story.agents(tool.port))
        redis = None
        if setting.profile is not None:
            redis = await opened.enter_async_context(open_shape(setting.profile, folder / "redis"))
        options = _options(ports, agents, failpoints, setting, "" if redis is None else redis.shape.url)
        stack = await opened.enter_async_context(Stack(options))
        relay = await opened.enter_async_context(Relay(stack.public_port, NETWORK_MS / 1000))
        store = make_store(stack.redis_url, name="prove", timeout_s=5.0)
        opened.push_async_callback(store.aclose)
        model = RealtimeSimulator(
            host="127.0.0.1" if far is None else "0.0.0.0",
            port=ports.model,
            knobs_by=cast.knobs,
            keep_audio=True,
            voice=cast.voice,
        )
        await opened.enter_async_context(model)
        if far is not None and setting.far is not None:
            await _let_in(store, far)
            await far.run(_spec(stack, far, setting.far, ports.model))
            if setting.far == "ingress":
                relay.lead_to(far.public_port, far.far_ip)
        twilio = TwilioSimulator(
            voice_url=f"{stack.public_url}{CALL_COMES_IN}",
            auth_token=stack.auth_token,
            dial=f"127.0.0.1:{relay.port}",
            seed=seed,
        )
        await opened.enter_async_context(twilio)
        await twilio.rest.open(ports.rest)
        opened.push_async_callback(twilio.rest.close)
        stage = Stage(stack, store, model, twilio, tool, cast, failpoints, relay, far)
        stage.keys, stage.opened = setting.keys, redis
        yield stage


def call_of(headers: Mapping[str, str]) -> str:
    """The call that a session is for."""
    return headers.get("x-client-request-id", "").partition("/")[0]


# Private.


def _options(ports: Ports, agents: Path, failpoints: Path, setting: Setting, redis_url: str) -> StackOptions:
    python = quote(executable.replace("%", "%%"))
    return StackOptions(
        name="prove-chaos",
        workers=setting.workers,
        redis_url=redis_url,
        model_base_url=f"http://127.0.0.1:{ports.model}/v1",
        environment={
            "TRUNKLINE_LOG_LEVEL": "info",
            "TRUNKLINE_LOG_FORMAT": "json",
            "TRUNKLINE_MAX_CALLS": "1000",
            "TRUNKLINE_LANES": str(setting.keys.lanes),
            "TRUNKLINE_FALLBACK_NUMBER": "",
            "TRUNKLINE_AGENTS_FILE": str(agents),
            "TWILIO_ACCOUNT_SID": DEMO_ACCOUNT_SID,
            "TRUNKLINE_TWILIO_API_URL": f"http://127.0.0.1:{ports.rest}",
            failpoint.FOLDER: str(failpoints),
            **({unguarded.WITHOUT: setting.without} if setting.without else {}),
        },
        commands={
            # As in deploy/: the public port is held by a program of its own.
            role: f"{python} -m {failpoint.__name__} {role} --number %(process_num)d"
            + (f" --socket {SOCKET_WORD}" if role == "ingress" else "")
            for role in ROLES
        },
        watchdog=True,
        ready_timeout_s=90,
        stop_together=True,
    )


async def _let_in(store: Store, far: FarHost) -> None:
    """Redis of the first host listens for the second one too."""
    await store.redis.config_set("protected-mode", "no")
    await store.redis.config_set("bind", f"127.0.0.1 {far.near_ip}")


def _spec(stack: Stack, far: FarHost, role: Role, model_port: int) -> Spec:
    return Spec(
        role=role,
        redis_url=f"redis://{far.near_ip}:{stack.ports.redis}/0",
        model_base_url=f"http://{far.near_ip}:{model_port}/v1",
        auth_token=stack.auth_token,
        host=far.far_ip,
        environment=stack.options.environment,
        commands=stack.options.commands,
    )


_FIRST_ANSWER = 2
"""The number of that response in its session: the greeting is the first one."""
