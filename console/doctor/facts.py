"""The doctor's eyes: gets the facts from Redis, supervisord, the processes, the network.

Owns: how each fact is got, Redis's first and then all at once, each within a time limit. Must not know: what
is good.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from console import leave
from console.calls import live
from console.calls.live import AnyWorker, WorkerRow
from console.doctor import brain as doctor_brain
from console.doctor import calls as doctor_calls
from console.doctor import host as doctor_host
from console.doctor import public as doctor_public
from console.doctor import recordings as doctor_recordings
from console.doctor import redis as doctor_redis
from console.doctor import takeovers as doctor_takeovers
from console.doctor import workers as doctor_workers
from console.doctor.findings import Finding, skipped
from console.doctor.host import DiskFacts, ProcessFacts
from console.doctor.recordings import TapesFacts
from console.doctor.servers import redis_facts
from console.doctor.takeovers import WaitingFacts
from console.stack.readiness import why_not_ready
from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo, Supervisor
from shared import env_file
from shared.contract.entry import written_ms
from shared.contract.keys import Keys
from shared.contract.streams import tape
from shared.contract.worker import ROLES
from shared.exit_codes import Exit
from shared.process.host import is_in_real_time, who_listens
from shared.redis_url import login_of, place_of, read
from shared.setting.sources import doubts
from shared.settings import REQUIRED_BY_ROLE, Settings, SettingsError, load
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS, not_let_in

STORE_TIMEOUT_S = 3.0
JANITOR_WITHIN_S = 6.0
CHECK_WITHIN_S = 20.0
SESSIONS_WITHIN_S = 60.0
"""A session for each agent, a few at once."""

NO_ANSWER = -1
"""In place of an exit code."""

_OPEN_FILES = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the doctor is asked to look at."""

    socket: Path
    """supervisord's."""
    public_socket: str = ""
    """What supervisord opens for ingress, by its files; empty: not known."""
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
        return found + await _host(asked, None, [])
    # Redis by itself: what is started below takes the processor, and its answers would look slow.
    calls, redis, workers = await _redis(settings)
    found = [*calls, *found, *redis]
    parts = await asyncio.gather(
        _host(asked, settings, workers),
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
    doubtful = doctor_host.judge_doubts(doubts(os.environ, env_file.read()))
    return settings, [*doctor_host.judge_settings(problems, ROLES), *doubtful]


def admin_port(info: ProcessInfo, settings: Settings, workers: Sequence[AnyWorker]) -> int:
    """Where a process of this host answers: as its beat says, else by the settings of this shell, which need
    not be its own."""
    mine = [
        row.beat for row in workers if isinstance(row, WorkerRow) and row.name.startswith(f"{info.name}@")
    ]
    for beat in mine:
        if beat.pid == info.pid and beat.admin_port:
            return beat.admin_port
    return settings.admin_port(info.group, info.number)


def disks(logs: Iterable[str]) -> list[DiskFacts]:
    """Each disk that log files are written to, once."""
    found: dict[int, DiskFacts] = {}
    for folder in dict.fromkeys(str(Path(log).parent) for log in logs if log):
        try:
            device, room = os.stat(folder).st_dev, os.statvfs(folder)
        except OSError:
            continue  # Another host's path, or a folder that is gone: supervisord says so at the next start.
        found.setdefault(
            device,
            DiskFacts(
                folder=folder,
                free_bytes=room.f_bavail * room.f_frsize,
                free_files=room.f_favail if room.f_files else None,
            ),
        )
    return list(found.values())


# Private.

# What Redis says.


async def _redis(settings: Settings) -> tuple[list[Finding], list[Finding], list[AnyWorker]]:
    """What is found of live calls, what of Redis and all workers, and the workers."""
    url = settings.redis_url
    store = make_store(url, name="doctor", timeout_s=STORE_TIMEOUT_S)
    try:
        facts = await redis_facts(store, read(url))
        keys = await live.make_keys(store)
        looked = await live.look_closely(store, keys)
        found = doctor_redis.judge(facts, settings.lanes)
        workers = looked.workers
        owned = await _owned(store, workers, keys)
        has_ingress = _has_ingress(workers)
        tapes = await _tapes(store, keys)
        waiting = await _waiting(store, keys, has_ingress=has_ingress)
    except STORE_ERRORS as error:
        return [], [_not_reached(url, error)], []
    finally:
        await store.aclose()
    judged = doctor_workers.judge_workers(workers, owned, takes_writes=not facts.missing.refusal)
    waits = doctor_takeovers.judge(waiting, has_ingress=has_ingress)
    waits += doctor_recordings.judge(tapes)
    return doctor_calls.judge(looked.calls), [*found, *judged, *waits], workers


def _not_reached(url: str, error: Exception) -> Finding:
    match not_let_in(error):
        case AuthenticationError() as said:
            return doctor_redis.login_refused(place_of(url), login_of(url), f"{said}")
        case NoPermissionError() as said:
            return doctor_redis.forbidden(f"{said}")
    return doctor_redis.unreachable(place_of(url), leave.in_words(error))


def _has_ingress(workers: Sequence[AnyWorker]) -> bool:
    return any(row.is_alive for row in workers if isinstance(row, WorkerRow) and row.beat.role == "ingress")


async def _waiting(store: Store, keys: Keys, *, has_ingress: bool) -> list[WaitingFacts]:
    """What waits in each lane. Where one has no janitor, and there could be one, all are looked at again: one
    may just have left, and the next is there within a round."""
    found = await _look_at_lanes(store, keys)
    if has_ingress and not all(each.janitor for each in found):
        await asyncio.sleep(JANITOR_WITHIN_S)
        found = await _look_at_lanes(store, keys)
    return found


async def _look_at_lanes(store: Store, keys: Keys) -> list[WaitingFacts]:
    """All in one round trip to each server: lanes may be many, and connections to one are few. A key that is
    none of ours counts as empty: others say so."""
    seconds, microseconds = await store.time()
    async with store.pipeline(transaction=False) as pipe:
        for lane in range(keys.lanes):
            pipe.get(keys.janitor(lane))
            pipe.xlen(keys.orphans(lane))
            pipe.xrange(keys.orphans(lane), count=1)
            pipe.xrange(keys.calls(lane), count=1)
            pipe.zrange(keys.deadlines(lane), 0, 0, withscores=True)
        answers = await pipe.execute(raise_on_error=False)
    now_ms = seconds * 1000 + microseconds // 1000
    well = [None if isinstance(each, ResponseError) else each for each in answers]
    size = len(well) // max(1, keys.lanes)
    return [_waits(lane, well[lane * size : (lane + 1) * size], now_ms) for lane in range(keys.lanes)]


def _waits(lane: int, answers: Sequence[Any], now_ms: int) -> WaitingFacts:
    janitor, orphans, oldest, newest, due = answers
    return WaitingFacts(
        lane=lane,
        janitor=(janitor or b"").decode(errors="replace"),
        orphans=orphans or 0,
        orphan_waits_ms=_waits_ms(oldest, now_ms),
        new_waits_ms=_waits_ms(newest, now_ms),
        overdue_ms=max(0, now_ms - round(due[0][1])) if due else 0,
    )


def _waits_ms(entries: Sequence[tuple[bytes, object]] | None, now_ms: int) -> int:
    return max(0, now_ms - written_ms(entries[0][0])) if entries else 0


async def _tapes(store: Store, keys: Keys) -> list[TapesFacts]:
    """What is recorded in each lane, and who asks for it."""
    async with store.pipeline(transaction=False) as pipe:
        for lane in range(keys.lanes):
            pipe.xlen(keys.tapes(lane))
            pipe.xinfo_consumers(keys.tapes(lane), tape.GROUP)
        answers = await pipe.execute(raise_on_error=False)
    return [_recorded(*each) for each in zip(answers[::2], answers[1::2], strict=True)]


def _recorded(waiting: Any, consumers: Any) -> TapesFacts:
    """No group, or no stream: nobody has asked yet. A key that is none of ours counts as empty."""
    if isinstance(consumers, NoPermissionError):
        return TapesFacts(waiting=0, recorders=None)
    asking = () if isinstance(consumers, ResponseError) else consumers
    names = [
        each["name"].decode(errors="replace") for each in asking if each["idle"] < doctor_recordings.ASKS_MS
    ]
    return TapesFacts(waiting=0 if isinstance(waiting, ResponseError) else waiting, recorders=names)


async def _owned(store: Store, workers: Sequence[AnyWorker], keys: Keys) -> dict[str, int]:
    """How many calls each worker that shows no beat still has."""
    silent = [row.name for row in workers if isinstance(row, WorkerRow) and not row.is_alive]
    return {
        name: sum([len(await store.smembers(keys.owned(lane, name))) for lane in range(keys.lanes)])
        for name in silent
    }


# This host.


async def _host(asked: Asked, settings: Settings | None, workers: Sequence[AnyWorker]) -> list[Finding]:
    supervisor = Supervisor(asked.socket)
    try:
        processes = await asyncio.to_thread(supervisor.processes)
    except SUPERVISOR_ERRORS as error:
        port = asked.public_socket.rpartition(":")[2]
        by = await asyncio.to_thread(who_listens, int(port)) if port.isdecimal() else ""
        return [doctor_host.no_supervisor(str(asked.socket), str(error), asked.public_socket, by)]
    mine = [info for info in processes if info.group in ROLES]
    facts = await asyncio.gather(*(_process(info, settings, workers) for info in mine))
    found = doctor_host.judge_processes(facts, settings)
    found += doctor_host.judge_scheduling(facts)
    found += [doctor_host.judge_disk(each) for each in disks(info.log for info in processes)]
    return found + (doctor_host.judge_port(settings, asked.public_socket) if settings is not None else [])


async def _process(
    info: ProcessInfo, settings: Settings | None, workers: Sequence[AnyWorker]
) -> ProcessFacts:
    not_ready = "not asked: the settings do not say where"
    if settings is not None and info.state == "RUNNING":
        not_ready = await why_not_ready(admin_port(info, settings, workers))
    return ProcessFacts(
        info=info,
        not_ready=not_ready,
        open_files=_open_files(info.pid),
        ended=_ended(info.exit_status),
        in_real_time=None if not_ready else is_in_real_time(info.pid),
    )


def _ended(status: int) -> str:
    known = {code.value: code for code in Exit if code}
    return f"exit code {status}, {known[status].name.lower()}" if status in known else ""


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
    failed = _said_nothing(code, CHECK_WITHIN_S) if code else ""
    return doctor_brain.judge_agents(failed, names, [str(each) for each in problems or []])


async def _session(settings: Settings, *, offline: bool) -> list[Finding]:
    if offline:
        return [doctor_host.not_asked("model session")]
    if not settings.openai_api_key.get_secret_value():
        return [skipped("model session", "OPENAI_API_KEY is missing")]
    code, output = await _ask_brain("--session", "--json", within_s=SESSIONS_WITHIN_S)
    listed = _read_json(output)
    answers = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    reason = _said_nothing(code, SESSIONS_WITHIN_S)
    return doctor_brain.judge_sessions(answers, reason, settings.openai_base_url)


def _said_nothing(code: int, within_s: float) -> str:
    if code == NO_ANSWER:
        return f"no answer within {within_s:.0f} s: is this host overloaded?"
    return f"the check ended with code {code} and said nothing of use"


async def _ask_brain(*words: str, within_s: float = CHECK_WITHIN_S) -> tuple[int, str]:
    """Exit code and output of the brain's own check."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "brain.agents.check", *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
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
