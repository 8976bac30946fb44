"""A whole stack for the end-to-end tests: real processes under a real supervisord, on a real Valkey.

One stack serves all tests of the session; each test has its own two simulators, so that each can turn its
own knobs. After each test the stack must be as before: no call, no key without TTL, no open session.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from console.calls import live
from console.stack.launcher import Stack
from console.stack.plan import CALL_COMES_IN, DEMO_PUBLIC_URL, StackOptions
from shared.contract.keys import ADMITTED, Keys
from shared.contract.worker import ROLES
from shared.store.client import Store, make_store
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import FAST, CallPlan, Clip, Step, TwilioSimulator
from simulators.twilio import Knobs as TwilioKnobs
from tests.conftest import keys_without_ttl
from tests.support.servers import OWN_TIMEOUT_S, free_port, server, valkey_binary
from tests.support.waiting import wait_until

KEYS = Keys(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests that make calls run in one worker, one after another: they share a stack and two cores."""
    for item in items:
        if "tests/e2e" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("e2e"))


QUICK = TwilioKnobs(pace=FAST)
"""A healthy caller without Twilio's own delays."""

VOICE_URL = f"{DEMO_PUBLIC_URL}{CALL_COMES_IN}"
STATUS_URL = f"{DEMO_PUBLIC_URL}/call-status"

ENVIRONMENT = {
    "TRUNKLINE_LOG_FORMAT": "json",
    "TRUNKLINE_GREETING": "Greet the caller.",
    "TRUNKLINE_FALLBACK_NUMBER": "",
}


def clip(name: str) -> Clip:
    return Clip(clips.load(name), name)


def plan(*steps: Step, **options: object) -> CallPlan:
    """A caller who tells us of the end of the call, as a number that is set up by the README does."""
    return CallPlan(steps=list(steps), status_callback=STATUS_URL, **options)  # type: ignore[arg-type]


@dataclass(slots=True)
class Bridge:
    """The stack as a test sees it."""

    stack: Stack
    realtime_port: int
    store: Store
    keys: Keys = KEYS
    restarted: set[str] = field(default_factory=set)
    """Processes that the test restarted on purpose."""
    provoked: set[str] = field(default_factory=set)
    """Events of level error that the test wants to be logged."""

    async def restart(self, name: str) -> None:
        """Restarts a process and waits until it is ready."""
        self.restarted.add(name)
        await self.stack.restart(name)
        await self.stack.until_ready(30.0)

    async def card(self, call_sid: str) -> dict[str, str]:
        found = await self.store.hgetall(self.keys.card(call_sid))
        return {name.decode(): value.decode() for name, value in found.items()}

    def control(self, call_sid: str) -> str:
        return self.keys.control(call_sid)

    async def journal(self, call_sid: str) -> list[dict[str, str]]:
        entries = await self.store.xrange(self.keys.journal(call_sid))
        return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]

    async def kinds(self, call_sid: str) -> list[str]:
        return [entry["kind"] for entry in await self.journal(call_sid)]

    async def until_ended(self, call_sid: str) -> dict[str, str]:
        """Waits for the end of a call and gives its card."""

        async def ended() -> bool:
            return (await self.card(call_sid)).get("state") == "ended"

        await wait_until(ended, f"the call {call_sid} has ended", timeout_s=15)
        return await self.card(call_sid)

    def realtime(self, knobs: Knobs | None = None, **options: object) -> RealtimeSimulator:
        """A Realtime server where the brains of this stack look for it."""
        return RealtimeSimulator(port=self.realtime_port, knobs=knobs, **options)  # type: ignore[arg-type]

    def twilio(self, **options: object) -> TwilioSimulator:
        """A Twilio in front of this stack."""
        return TwilioSimulator(
            voice_url=VOICE_URL,
            auth_token=self.stack.auth_token,
            dial=f"127.0.0.1:{self.stack.public_port}",
            **options,  # type: ignore[arg-type]
        )

    def logs(self) -> str:
        """All that the roles logged."""
        return "\n".join(self.logs_by_process().values())

    def logs_by_process(self) -> dict[str, str]:
        """The same, by file."""
        return {
            path.name: path.read_text("utf-8", errors="replace")
            for path in sorted(Path(self.stack.run_dir).glob("*.log"))
            if path.name.split("-")[0] in ("ingress", "brain", "egress")
        }


@asynccontextmanager
async def own_stack(
    name: str, redis_url: str, environment: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Bridge]:
    """A stack for one test, which may do with it what it likes. `environment`: beside everybody's."""
    port = free_port()
    stack = Stack(
        StackOptions(
            name=name,
            redis_url=redis_url,
            model_base_url=f"http://127.0.0.1:{port}/v1",
            environment={**ENVIRONMENT, **(environment or {})},
            **options,
        )
    )
    async with stack:
        store = make_store(redis_url, name="e2e", timeout_s=OWN_TIMEOUT_S)
        yield Bridge(stack, port, store, await live.make_keys(store))
        await store.aclose()


@pytest.fixture(scope="session")
def e2e_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(valkey_binary(), tmp_path_factory.mktemp("e2e-valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def started_stack(e2e_redis: str) -> Iterator[tuple[Stack, int]]:
    port = free_port()
    stack = Stack(
        StackOptions(
            name="e2e",
            redis_url=e2e_redis,
            model_base_url=f"http://127.0.0.1:{port}/v1",
            environment=ENVIRONMENT,
        )
    )
    asyncio.run(stack.start())
    yield stack, port
    asyncio.run(stack.stop())


@pytest.fixture
async def bridge(started_stack: tuple[Stack, int], e2e_redis: str) -> AsyncIterator[Bridge]:
    """The stack, with checks that a test leaves nothing behind."""
    stack, port = started_stack
    store = make_store(e2e_redis, name="e2e", timeout_s=OWN_TIMEOUT_S)
    try:
        pids = await stack.pids()
        tasks = tasks_of(stack)
        found = Bridge(stack, port, store)
        before = {name: len(text) for name, text in found.logs_by_process().items()}
        yield found
        await wait_until(
            lambda: not leftovers(e2e_redis),
            "no call is left",
            timeout_s=20,
            say=lambda: leftovers(e2e_redis),
        )
        assert keys_without_ttl(e2e_redis) == []
        await wait_until(
            lambda: all(now <= earlier for now, earlier in zip(tasks_of(stack), tasks, strict=True)),
            "each process has no more tasks than before",
            say=lambda: (tasks, tasks_of(stack)),
        )
        assert established(stack.public_port, port) == 0, "a socket of a call is still open"
        now = await stack.pids()
        changed = {name for name in now if now[name] != pids.get(name)} - found.restarted
        assert not changed, "a process has died and was restarted"
        # By file: each has grown, so that no place in all of them together stays where it was.
        since = [text[before.get(name, 0) :] for name, text in found.logs_by_process().items()]
        errors = [line for text in since for line in text.splitlines() if '"level":"error"' in line]
        errors = [line for line in errors if not any(f'"event":"{name}"' in line for name in found.provoked)]
        assert errors == [], "a role logged an error"
    finally:
        await store.aclose()


def tasks_of(stack: Stack) -> list[int]:
    """asyncio tasks of each role process."""
    counts = []
    for role in ROLES:
        for number in range(2):
            url = f"http://127.0.0.1:{stack.admin_port(role, number)}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                lines = answer.read().decode().splitlines()
            counts += [int(float(line.split()[1])) for line in lines if line.startswith("trunkline_tasks ")]
    return counts


def established(*ports: int) -> int:
    """TCP connections on this machine that have one of these ports at either end."""
    wanted = {f"{port:04X}" for port in ports}
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    rows = [line.split() for line in lines]
    return sum(row[3] == "01" and bool({row[1].split(":")[1], row[2].split(":")[1]} & wanted) for row in rows)


def leftovers(url: str) -> dict[str, object]:
    """What a call would leave behind; empty when all is quiet."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found: dict[str, object] = {
            "live": client.zrange(KEYS.live(0), 0, -1),
            "slots": client.zrange(KEYS.slots(0), 0, -1),
            "places": client.zrange(ADMITTED, 0, -1),
            "calls": client.xrange(KEYS.calls(0)),
            "workers": {
                worker: count
                for worker in client.smembers("tl:workers")
                if (count := client.hget(f"tl:worker:{worker}", "calls")) not in ("0", None)
            },
        }
    return {name: what for name, what in found.items() if what}
