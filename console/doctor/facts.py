"""The doctor's eyes: gets the facts from Redis, supervisord, the processes, the network.

Owns: how each fact is got, Redis's first and then all at once, each within a time limit. Must not know: what
is good.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis.exceptions import ResponseError

from console.calls import live
from console.doctor import calls as doctor_calls
from console.doctor import host as doctor_host
from console.doctor import public as doctor_public
from console.doctor import redis as doctor_redis
from console.doctor.findings import Finding, skipped
from console.doctor.host import ProcessFacts
from console.doctor.redis import RedisFacts
from console.stack.readiness import why_not_ready
from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo, Supervisor
from shared.contract.keys import CONFIG
from shared.contract.worker import ROLES
from shared.settings import REQUIRED_BY_ROLE, Settings, SettingsError, load
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

PINGS = 50
STORE_TIMEOUT_S = 3.0
CHECK_WITHIN_S = 20.0
NO_ANSWER = -1
"""In place of an exit code."""

ASKED_CONFIG = ("maxmemory-policy", "save", "appendfsync", "stop-writes-on-bgsave-error")
_OPEN_FILES = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the doctor is asked to look at."""

    socket: Path
    """supervisord's."""
    offline: bool = False
    """Leave out what goes over the network: the public URL and the model."""


async def examine(asked: Asked) -> list[Finding]:
    """All findings, in the order in which one mends things. Never raises for a fault of what it sees.

    Cancelling is safe.
    """
    settings, found = read_settings()
    if settings is None:
        rest = ("Redis", "agents file", "public URL", "model session")
        found += [skipped(what, "needs valid settings") for what in rest]
        return found + await _host(asked, None)
    # Redis by itself: what is started below takes the processor, and its answers would look slow.
    found += await _redis(settings)
    parts = await asyncio.gather(
        _host(asked, settings),
        _agents(),
        _public(settings, offline=asked.offline),
        _session(settings, offline=asked.offline),
    )
    return [*found, *(each for part in parts for each in part)]


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """The settings as the roles of this host would have them; None if they cannot be read at all."""
    try:
        settings = load()
    except SettingsError as error:
        return None, doctor_host.judge_settings(error.problems, ROLES)
    problems: list[str] = []
    for role in REQUIRED_BY_ROLE:
        try:
            load(role)
        except SettingsError as error:
            problems += error.problems
    return settings, doctor_host.judge_settings(problems, ROLES)


async def redis_facts(store: Store) -> RedisFacts:
    """Asks a Redis about itself. Raises STORE_ERRORS. Cancelling is safe."""
    info = await store.info()
    try:
        config = await store.config_get(*ASKED_CONFIG)
    except ResponseError:  # Forbidden or renamed, as managed services do.
        config = {}
    trips = []
    for _ in range(PINGS):
        began = time.monotonic()
        await store.ping()
        trips.append((time.monotonic() - began) * 1000)
    before = time.time()
    seconds, microseconds = await store.time()
    middle = (before + time.time()) / 2
    lanes = await store.hget(CONFIG, "lanes")
    return RedisFacts(
        info={str(name): str(value) for name, value in info.items()},
        config=config,
        round_trips_ms=trips,
        clock_ahead_ms=(seconds + microseconds / 1e6 - middle) * 1000,
        lanes=lanes.decode() if lanes else "",
    )


# Private.

# What Redis says.


async def _redis(settings: Settings) -> list[Finding]:
    store = make_store(settings.redis_url, name="doctor", timeout_s=STORE_TIMEOUT_S)
    try:
        facts = await redis_facts(store)
        looked = await live.look_closely(store, await live.make_keys(store))
    except STORE_ERRORS as error:
        return [doctor_redis.unreachable(_without_secret(settings.redis_url), f"{error}")]
    finally:
        await store.aclose()
    return [
        *doctor_redis.judge(facts, settings.lanes),
        *doctor_host.judge_workers(looked.workers),
        *doctor_calls.judge(looked.calls),
    ]


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}{parts.path}"


# This host.


async def _host(asked: Asked, settings: Settings | None) -> list[Finding]:
    supervisor = Supervisor(asked.socket)
    try:
        processes = await asyncio.to_thread(supervisor.processes)
    except SUPERVISOR_ERRORS as error:
        return [doctor_host.no_supervisor(str(asked.socket), str(error))]
    mine = [info for info in processes if info.group in ROLES]
    facts = await asyncio.gather(*(_process(info, settings) for info in mine))
    return doctor_host.judge_processes(facts, settings)


async def _process(info: ProcessInfo, settings: Settings | None) -> ProcessFacts:
    not_ready = "not asked: the settings do not say where"
    if settings is not None and info.state == "RUNNING":
        not_ready = await why_not_ready(settings.admin_port(info.group, info.number))
    return ProcessFacts(info=info, not_ready=not_ready, open_files=_open_files(info.pid))


def _open_files(pid: int) -> int | None:
    """The process's own limit, which is not ours. None: no limit, no such process, or no Linux."""
    try:
        text = Path(f"/proc/{pid}/limits").read_text("ascii")
    except OSError:
        return None
    match = _OPEN_FILES.search(text)
    return int(match[1]) if match else None


# What the brain judges: it is asked in a process of its own, as the roles are not ours to import.


async def _agents() -> list[Finding]:
    code, output = await _ask_brain("--json")
    listed = _read_json(output)
    problems = listed.get("problems") if isinstance(listed, dict) else None
    names = (
        [str(each.get("name")) for each in listed if isinstance(each, dict)]
        if isinstance(listed, list)
        else []
    )
    failed = _said_nothing(code) if code else ""
    return doctor_host.judge_agents(failed, names, [str(each) for each in problems or []])


async def _session(settings: Settings, *, offline: bool) -> list[Finding]:
    if offline:
        return [doctor_host.not_asked("model session")]
    if not settings.openai_api_key.get_secret_value():
        return [skipped("model session", "OPENAI_API_KEY is missing")]
    code, output = await _ask_brain("--session", "--json")
    answer = _read_json(output)
    if isinstance(answer, dict) and "ok" in answer:
        return [doctor_host.judge_session(answer, "")]
    return [doctor_host.judge_session(None, _said_nothing(code))]


def _said_nothing(code: int) -> str:
    if code == NO_ANSWER:
        return f"no answer within {CHECK_WITHIN_S:.0f} s: is this host overloaded?"
    return f"the check ended with code {code} and said nothing of use"


async def _ask_brain(*words: str) -> tuple[int, str]:
    """Exit code and output of the brain's own check."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "brain.agents.check", *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return NO_ANSWER, ""
    return process.returncode or 0, output.decode(errors="replace")


def _read_json(text: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return found


async def _public(settings: Settings, *, offline: bool) -> list[Finding]:
    if offline:
        return [doctor_host.not_asked("public URL")]
    return await doctor_public.examine(settings)
