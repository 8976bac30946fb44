"""Brings about what is wrong outside of our processes: Redis, the model, the link of a host.

Why it exists: each kind is done in its own way: a setting, a signal, a knob. Owns: these ways. Must not know:
when, or what follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.exceptions import ResponseError

from proofs.prove.chaos.faults import (
    Delayed,
    Fault,
    HostLost,
    ModelLost,
    ModelRefuses,
    RedisFault,
    RedisIs,
    ServerFault,
)
from proofs.prove.chaos.setting.stage import Stage
from proofs.prove.chaos.shapes.striking import Strike
from shared.store.errors import STORE_ERRORS

LOST: Final = 1011
"""With this code the model closes a session that is lost."""

SLOW_MS: Final = 200
CUT_EVERY_S: Final = 0.5
SCRIPT_LOOK_S: Final = 0.01
NOBODY: Final = ("127.0.0.1", "1")
"""A port where no Redis is."""

BUSY_FROM_MS: Final = 100
_BUSY_SCRIPT: Final = "local n = 0 while true do n = n + 1 end"

OF_PROCESSES: Final = ("out", "back", "wake")


async def bring(stage: Stage, fault: Fault, call_sid: str, faults_ms: list[float]) -> None:
    """Brings it about, and takes it away where it passes; returns when it is over. `call_sid`: the call that
    is hit, where it is one. Each blow is noted in `faults_ms`. Raises ShapeFailed. Cancelling it takes the
    fault away."""
    match fault:
        case ModelLost(code):
            faults_ms.append(_now_ms())
            for session in stage.sessions_of(call_sid):
                if session.closed_at_ms is None:
                    stage.model.close_session(session, code)
        case ModelRefuses(lasts_s):
            refusing = asyncio.create_task(stage.model.refuse_connections(lasts_s * 1000))
            await asyncio.sleep(0)
            faults_ms.append(_now_ms())
            for session in stage.model.sessions:
                if session.closed_at_ms is None:
                    stage.model.close_session(session, LOST)
            await refusing
        case HostLost(_, lasts_s):
            assert stage.far is not None, "such a row has a second host"
            await stage.far.unplug()
            faults_ms.append(_now_ms())
            # A proxy in front of both sees that nobody answers there.
            stage.relay.lead_to(stage.stack.public_port)
            try:
                await asyncio.sleep(lasts_s)
            finally:
                await stage.far.plug_in()
        case Delayed(by_ms, lasts_s):
            faults_ms.append(_now_ms())
            usual_s = stage.relay.delay_s
            stage.relay.delay_s = usual_s + by_ms / 1000
            try:
                await asyncio.sleep(lasts_s)
            finally:
                stage.relay.delay_s = usual_s
        case RedisFault(kind, lasts_s):
            faults_ms.append(_now_ms())
            await _redis(stage, kind, lasts_s)
        case ServerFault():
            assert stage.opened is not None, "such a row has a Redis of its own"
            await Strike(stage.opened, fault, stage.keys.card(call_sid), faults_ms).bring()


# Private.


def _now_ms() -> float:
    return time.monotonic() * 1000


async def _redis(stage: Stage, kind: RedisIs, lasts_s: float) -> None:
    redis = stage.store.redis
    match kind:
        case RedisIs.RESTARTED:
            await stage.stack.signal("valkey", signal.SIGKILL)
        case RedisIs.EMPTIED:
            await redis.flushall()
        case RedisIs.FORGETFUL:
            await redis.script_flush()
        case RedisIs.DELETED:
            for each in OF_PROCESSES:
                async for key in redis.scan_iter(f"tl:*{each}:*"):
                    await redis.delete(key)
        case RedisIs.FROZEN:
            pid = await stage.stack.signal("valkey", signal.SIGSTOP)
            try:
                await asyncio.sleep(lasts_s)
            finally:
                os.kill(pid, signal.SIGCONT)
        case RedisIs.FULL:
            async with _setting(redis, "maxmemory", "1", "0"):
                await asyncio.sleep(lasts_s)
        case RedisIs.WITHOUT_REPLICAS:
            async with _setting(redis, "min-replicas-to-write", "1", "0"):
                await asyncio.sleep(lasts_s)
        case RedisIs.READ_ONLY:
            await redis.execute_command("REPLICAOF", *NOBODY)
            try:
                await asyncio.sleep(lasts_s)
            finally:
                await redis.execute_command("REPLICAOF", "NO", "ONE")
        case RedisIs.BUSY:
            await _busy(redis, lasts_s)
        case RedisIs.SLOW | RedisIs.CUT:
            await _again_and_again(redis, kind, lasts_s)


async def _again_and_again(redis: Any, kind: RedisIs, lasts_s: float) -> None:
    until_s = time.monotonic() + lasts_s
    while time.monotonic() < until_s:
        # A moment in which it does not answer us either is no error here.
        with contextlib.suppress(*STORE_ERRORS):
            if kind is RedisIs.SLOW:
                await redis.execute_command("CLIENT", "PAUSE", SLOW_MS, "ALL")
            else:
                await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.sleep(2 * SLOW_MS / 1000 if kind is RedisIs.SLOW else CUT_EVERY_S)


async def _busy(redis: Any, lasts_s: float) -> None:
    """A script that writes nothing can be ended from outside; until then all others are refused with BUSY."""
    # A connection that is opened meanwhile is refused like all else: this one is there before.
    async with redis.client() as own, _setting(own, "busy-reply-threshold", str(BUSY_FROM_MS), "5000"):
        script = asyncio.create_task(_run_script(redis))
        try:
            await asyncio.sleep(lasts_s)
        finally:
            await own.execute_command("SCRIPT", "KILL")
            await script
            # It is told of its end, and comes to it a moment later.
            while await _is_busy(own):  # noqa: ASYNC110 - Redis is asked
                await asyncio.sleep(SCRIPT_LOOK_S)


async def _is_busy(redis: Any) -> bool:
    try:
        await redis.ping()
    except ResponseError:
        return True
    return False


async def _run_script(redis: Any) -> None:
    # It is killed, or our own time-out is shorter than it: both are meant.
    with contextlib.suppress(ResponseError, *STORE_ERRORS):
        await redis.eval(_BUSY_SCRIPT, 0)


@asynccontextmanager
async def _setting(redis: Any, name: str, value: str, before: str) -> AsyncIterator[None]:
    await redis.config_set(name, value)
    try:
        yield
    finally:
        await redis.config_set(name, before)
