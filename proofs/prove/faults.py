"""The faults that `make prove-operations` injects: what is done, to whom, and which verdict it deserves.

Why it exists: a fault should read as what it is: what is broken, whose calls feel it, since when. Owns: the
faults. Must not know: how calls are made, or how verdicts are judged.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from console.stack.launcher import Stack
from proofs.prove.roles.busy import BUSY_FOR_S
from shared.contract.streams.journal import JournalEntry, Kind
from shared.contract.worker import ROLES
from shared.figures.diagnosis import MODEL_QUIET_MS
from shared.store.client import Store
from simulators.realtime import Knobs, ResponseKnobs
from simulators.twilio import CallRecord
from simulators.twilio.knobs import Knobs as StreamKnobs
from simulators.twilio.knobs import Window

FAULT_AT_S = 10.0
"""After the first call was answered: all talk by then."""

STALLED_CALLS = 4
STALL_MS = 6_000.0
FROZEN_MS, FROZEN_EVERY_S, FROZEN_FOR_S = 450, 0.6, 6.0

TALKATIVE = """
language = "en"
greeting = [{ say = "en_model_long" }, { say = "en_model_long" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_long" }]

[[turns]]
heard = "en_caller_ask"
reply = [{ say = "en_model_long" }]
"""
"""Somebody is heard nearly all the time: a socket that stalls is stalled with audio in it."""


@dataclass(slots=True)
class Target:
    """What a fault is injected into."""

    stack: Stack
    store: Store


@dataclass(slots=True)
class FinishedCall:
    """One call that was made, after its end."""

    number: int
    record: CallRecord
    owners: Mapping[str, str]
    """The workers that had it, by role."""
    journal: Sequence[JournalEntry]
    is_slow: bool
    """Its model session was."""

    def owner(self, role: str) -> str:
        """The worker that had a role, without host and boot."""
        return self.owners[role].partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault. `inject` runs beside the calls; `concerns` says whose calls it is about."""

    name: str
    verdict: str
    concerns: Callable[[FinishedCall], bool]
    inject: Callable[[Target], Awaitable[None]] | None = None
    model: Callable[[int], Knobs] = lambda number: Knobs(seed=number)
    stream: Callable[[int], StreamKnobs] = lambda number: StreamKnobs()
    script: str = "english"
    since_ms: Callable[[FinishedCall, float], float] = lambda call, injected_ms: injected_ms
    """When the fault could first be known on a call, wall ms."""
    episodes: Callable[[FinishedCall], int] = lambda call: 1
    """How often it begins and ends on a call, at most."""


def faults() -> list[Fault]:
    """All of them, in the order in which they are injected."""
    slow = ResponseKnobs(first_audio_ms=5_500.0)
    return [
        Fault(
            name="slow model, every second call",
            verdict="model_slow",
            concerns=lambda call: call.is_slow,
            model=lambda n: Knobs(seed=n, response=slow) if n % 2 else Knobs(seed=n),
            since_ms=_first_silence_ms,
            episodes=_responses,
        ),
        Fault(
            name="Twilio does not read, four calls",
            verdict="twilio_slow",
            concerns=lambda call: call.number < STALLED_CALLS,
            stream=_stalling,
            script=TALKATIVE,
            since_ms=lambda call, _: _wall_ms(call.record.zero_ms) + FAULT_AT_S * 1000,
        ),
        *(
            Fault(
                name=f"busy loop in {role}-0",
                verdict=f"cpu({role})",
                concerns=lambda call, role=role: call.owner(role) == f"{role}-0",  # type: ignore[misc]
                inject=lambda target, role=role: _keep_busy(target, role),  # type: ignore[misc]
            )
            for role in ROLES
        ),
        Fault(
            name="slow Redis",
            verdict="redis_slow",
            concerns=lambda call: True,
            inject=_freeze_redis,
        ),
    ]


# Private.


async def _keep_busy(target: Target, role: str) -> None:
    await target.stack.signal(f"{role}-0", signal.SIGUSR1)
    await asyncio.sleep(BUSY_FOR_S)


async def _freeze_redis(target: Target) -> None:
    until = time.monotonic() + FROZEN_FOR_S
    while time.monotonic() < until:
        await target.store.redis.client_pause(FROZEN_MS, all=True)
        await asyncio.sleep(FROZEN_EVERY_S)


def _first_silence_ms(call: FinishedCall, _injected_ms: float) -> float:
    """A slow model is slow from the first time that it owes something: here, from its greeting on."""
    asked = (Kind.RESPONSE_CREATE, Kind.SPEECH_STOPPED)
    return min((line.at_ms for line in call.journal if line.kind in asked), default=0) + MODEL_QUIET_MS


def _responses(call: FinishedCall) -> int:
    """A slow model is slow in each of its responses; between them it owes nothing."""
    return sum(line.kind == Kind.RESPONSE_CREATED for line in call.journal)


def _stalling(number: int) -> StreamKnobs:
    if number >= STALLED_CALLS:
        return StreamKnobs()
    return StreamKnobs(stalls=(Window(FAULT_AT_S * 1000, STALL_MS),), receive_buffer_bytes=4_096)


def _wall_ms(monotonic_ms: float) -> float:
    return monotonic_ms + (time.time() - time.monotonic()) * 1000
