"""A simulated world: roles as they run, Redis, Twilio and the model on one loop of virtual time.

Why it exists: a fault needs handles: which process to kill, which connection to cut, which Redis to empty.
Owns: the processes, their restarts, the names and ports of everything, what can be done to them. Must not
know: which fault comes when, what is promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from brain.role import BrainRole
from console.stack.plan import CALL_COMES_IN
from egress.role import EgressRole
from ingress.role import IngressRole
from proofs.simulate.conversation import AGENTS_FILE, SCRIPT
from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine, State
from proofs.simulate.kernel.network import Delay, Network
from proofs.simulate.kernel.virtual import VirtualClock
from proofs.simulate.redis.keyspace import Keyspace
from proofs.simulate.redis.server import RedisServer
from shared.process import life
from shared.process.role import Process
from shared.settings import Settings, load
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import TwilioSimulator
from simulators.twilio.simulator import DEMO_ACCOUNT_SID

REDIS_PORT, MODEL_PORT, CARRIER_PORT, PUBLIC_PORT, ADMIN_PORTS = 6379, 9100, 9200, 8080, 9300
PUBLIC_URL = "https://simulate.trunkline.test"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"

ROLES: dict[str, Any] = {"ingress": IngressRole, "brain": BrainRole, "egress": EgressRole}

TWILIO_DELAY = Delay(0.025, 0.004)
MODEL_DELAY = Delay(0.020, 0.010)

READY_S = 30.0

RESTART_S = (0.4, 1.2)
"""From the death of a process to its next boot's first line: supervisord, the interpreter, the imports."""

HOST_BACK_S = (1.0, 8.0)
"""The same where its host went with it."""


@dataclass(slots=True, kw_only=True)
class WorldOptions:
    """What a world is made of."""

    seed: int | str
    workers: int = 2
    """Processes of each role."""
    settings: dict[str, Any] = field(default_factory=dict)
    model_knobs: Knobs | None = None
    shares_pids: bool | None = None
    """None: drawn from the seed."""
    spoil: Callable[[], None] | None = None
    """Takes a guard out of the product's code, in the process of this run: is it missed?"""


class World:
    """Of one run. Everything in it is reached by name: `redis`, `twilio`, `model`, `brain-0`, …"""

    def __init__(
        self,
        loop: VirtualLoop,
        clock: VirtualClock,
        history: History,
        options: WorldOptions,
        made: Sequence[Process],
    ) -> None:
        """`made`: all processes of ours that were ever started; others append to it."""
        self.made = made
        self.loop, self.clock, self.history = loop, clock, history
        self.chance = Random(f"{options.seed}/world")
        self.network = Network(loop, history, Random(f"{options.seed}/network"))
        loop.network = self.network
        self.network.delays |= {"twilio": TWILIO_DELAY, "model": MODEL_DELAY}
        self.machines: dict[str, Machine] = {}
        self.deaths: list[str] = []
        """Processes that ended by themselves though nobody had asked them to."""
        self._options = options
        self.graves: list[Machine] = []
        """Processes that are dead: what they left is not collected while the world stands."""
        self._pids = 100
        drawn = self.chance.random() < 0.5
        self.shares_pids = drawn if options.shares_pids is None else options.shares_pids
        """Whether processes hear of each other's end from the kernel; if not, each is in a pid namespace of
        its own, and beats alone tell."""
        self._stopping: set[str] = set()
        self.redis = RedisServer(Keyspace(self._redis_us))
        self.redis_skew_s = 0.0
        self._snapshot: Any = None
        with_ports = {
            "redis_url": f"redis://127.0.0.1:{REDIS_PORT}/0",
            "public_url": PUBLIC_URL,
            "twilio_auth_token": AUTH_TOKEN,
            "twilio_account_sid": DEMO_ACCOUNT_SID,
            "twilio_api_url": f"http://127.0.0.1:{CARRIER_PORT}",
            "openai_api_key": "simulated",
            "openai_base_url": f"http://127.0.0.1:{MODEL_PORT}/v1",
            "port": PUBLIC_PORT,
            "admin_port_base": ADMIN_PORTS,
            "host_name": "one",
            "drain_s": 5.0,
            # Not the one of the process that all these are in.
            "memory_most_mib": 1_000_000,
            "agents_file": str(AGENTS_FILE),
            **options.settings,
        }
        self.settings: Settings = load(env_file=None, **with_ports)
        self.model = self._run_as("model", self._make_model)
        self.twilio = self._run_as("twilio", self._make_twilio)

    # The world's own life.

    async def begin(self) -> None:
        """Starts everything, and waits until all are ready. Never cancelled."""
        self.start_redis()
        await self.spawn("model", self.model.__aenter__())
        await self.spawn("twilio", self.twilio.rest.open(CARRIER_PORT))
        for number in range(self._options.workers):
            for role in ROLES:
                self.start(role, number)
        async with asyncio.timeout(READY_S):
            while not self.all_ready():  # noqa: ASYNC110 - keys of Redis, which tell nobody
                await asyncio.sleep(0.01)

    def all_ready(self) -> bool:
        """Whether each process listens on its admin port and has written that it is ready."""
        return all(self.is_ready(f"{r}-{n}") for r in ROLES for n in range(self._options.workers))

    def is_ready(self, name: str) -> bool:
        """Whether a process of this name runs and beats."""
        machine = self.machines.get(name)
        beats = any(key.startswith(f"tl:worker:{name}@".encode()) for key in self.redis.keys.values)
        return machine is not None and machine.state is State.RUNNING and beats

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs something as one of the processes."""
        return self.loop.create_task(work, context=self.machines[name].context())

    # Processes.

    def start(self, role: str, number: int) -> None:
        """A new boot of a role process."""
        name = f"{role}-{number}"
        machine = self._machine(name)
        task = self.spawn(name, life._main(role, number, ROLES[role], self.settings))
        task.add_done_callback(lambda done: self._ended(role, number, machine, done))

    def kill(self, name: str, *, restarts: bool = True, silently: bool = False) -> None:
        """SIGKILL; supervisord starts it again. `silently`: its host goes with it, and comes back with it."""
        machine = self.machines[name]
        if machine.state is State.DEAD:
            return
        self.history.note("world", f"{'lose' if silently else 'kill'} {name}")
        self.loop.kill_machine(machine, silently=silently)
        self.network.bury(machine, silently=silently)
        if restarts:
            self._start_again(name, HOST_BACK_S if silently else RESTART_S)

    def terminate(self, name: str, number: int) -> None:
        """A signal that asks it to end; supervisord starts it again."""
        machine = self.machines[name]
        self.history.note("world", f"signal {number:d} to {name}")
        if machine.state is not State.DEAD:
            self._stopping.add(name)
            self.loop.signal_machine(machine, number)

    def stop(self, name: str) -> None:
        """SIGSTOP."""
        self.history.note("world", f"stop {name}")
        self.loop.stop_machine(self.machines[name])

    def go_on(self, name: str) -> None:
        """SIGCONT."""
        self.history.note("world", f"continue {name}")
        self.loop.continue_machine(self.machines[name])

    # The model.

    def set_deaf(self, is_deaf: bool) -> None:
        """Whether what the model is asked leads to nothing, in all sessions that are open."""
        self.history.note("world", f"the model {'is deaf' if is_deaf else 'hears'}")
        for session in self.model.sessions:
            session.knobs.response.unanswered = is_deaf

    # Redis.

    def start_redis(self) -> None:
        """It listens."""
        machine = self._machine("redis")
        machine.context().run(self.network.listen, self.redis.connection, "127.0.0.1", REDIS_PORT, None)

    def crash_redis(self, down_s: float, *, keeps: bool = False) -> None:
        """It dies, and comes back after `down_s`: empty, or with what it had (`keeps`)."""
        self.history.note("world", f"crash redis for {down_s:.2f} s, {'kept' if keeps else 'emptied'}")
        self._replace_redis(None if not keeps else self.redis.keys.copied(), down_s)

    def snapshot_redis(self) -> None:
        """What a replica has from here on."""
        self._snapshot = self.redis.keys.copied()

    def fail_over_redis(self, down_s: float) -> None:
        """The replica takes over: with what it had at the last snapshot."""
        self.history.note("world", f"fail over redis for {down_s:.2f} s")
        self._replace_redis(self._snapshot, down_s)

    # Private.

    def _machine(self, name: str) -> Machine:
        self._pids += 1
        if name in self.machines:
            self.graves.append(self.machines[name])
        namespace = 1 if self.shares_pids else self._pids
        machine = self.machines[name] = Machine(name, self._pids, namespace)
        self.loop.processes.enter(machine)
        return machine

    def _run_as(self, name: str, make: Callable[[], Any]) -> Any:
        return self._machine(name).context().run(make)

    def _make_model(self) -> RealtimeSimulator:
        knobs = self._options.model_knobs or Knobs()
        return RealtimeSimulator(script=SCRIPT, port=MODEL_PORT, knobs=knobs)

    def _make_twilio(self) -> TwilioSimulator:
        return TwilioSimulator(
            voice_url=f"{PUBLIC_URL}{CALL_COMES_IN}",
            auth_token=AUTH_TOKEN,
            dial=f"127.0.0.1:{PUBLIC_PORT}",
            seed=self.chance.randrange(2**31),
        )

    def _redis_us(self) -> int:
        return round((self.clock.wall() + self.redis_skew_s) * 1e6)

    def _replace_redis(self, copied: Any, down_s: float) -> None:
        machine = self.machines["redis"]
        self.loop.kill_machine(machine)
        self.network.bury(machine)
        before = self.redis
        self.redis = RedisServer(
            Keyspace(self._redis_us), is_full=before.is_full, refusal=before.refusal, closed=before.closed
        )
        if copied is not None:
            self.redis.keys.restore(copied)
        self.loop.call_later(down_s, self.start_redis)

    def _ended(self, role: str, number: int, machine: Machine, task: asyncio.Task[Any]) -> None:
        """A process has come to its end by itself."""
        if machine.state is State.DEAD:
            return
        error = None if task.cancelled() else task.exception()
        how = repr(error) if error is not None else f"exit {task.result():d}"
        self.history.note("world", f"{machine.name} ended: {how}")
        if machine.name in self._stopping:
            self._stopping.discard(machine.name)
        else:
            self.deaths.append(f"{machine.name}: {how}")
        self.loop.kill_machine(machine)
        self.network.bury(machine)
        self._start_again(machine.name, RESTART_S)

    def _start_again(self, name: str, within_s: tuple[float, float]) -> None:
        role, _, number = name.rpartition("-")
        after_s = self.chance.uniform(*within_s)
        self.loop.call_later(after_s, self._start_if_gone, role, int(number))

    def _start_if_gone(self, role: str, number: int) -> None:
        if self.machines[f"{role}-{number}"].state is State.DEAD:
            self.network.come_back(f"{role}-{number}")
            self.start(role, number)
