"""One sitting: every system under every load, one after the other, each with callers and model of its own.

Why it exists: figures can be compared only if all else was the same. Owns: the sequence of a load: who is
started when, at which moments CPU, memory and queues are read. Must not know: what is made of the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from console.stack.launcher import StackFailed
from proofs.bench.judging import Figures, cpu_by_call_second, judge
from proofs.bench.order import Turn
from proofs.bench.peers.venvs import NotInstalled
from proofs.bench.process import GO, OVER, READY, WRITE, WRITTEN, Child, ProcessFailed
from proofs.bench.records import CallHeard, SessionSpoken, load_calls, load_sessions
from proofs.bench.systems import Running, Setting, SystemFailed, started
from proofs.measure.cpu import cpu_ms, spent_ms
from proofs.measure.memory import pss_mib
from proofs.measure.queues import Samples, sample
from proofs.measure.tabs import TabsFailed
from proofs.prove.chaos.shapes.programs import ShapeFailed
from shared.process.tasks import cancel_all
from shared.store.client import make_store

FAILURES = (StackFailed, SystemFailed, NotInstalled, ProcessFailed, TabsFailed, ShapeFailed)
"""What leaves one system out and lets the others go on."""

PSS_AT = 0.6
"""Share of a load after which memory is read: all calls run, none has ended."""

XLEN_PERIOD_S = 1.0
"""Once a second: the look itself costs Valkey CPU, and that is counted."""

TICK_S = 10.0
AFTER_LIMIT_S = 60.0
"""The ramp of the calls, and what a full machine takes longer."""

CALLERS, MODEL = "(callers)", "(model)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a load is like, but for the number of its calls."""

    seconds: float
    barge_ins: float
    seed: int


async def load(turn: Turn, shape: Shape, setting: Setting) -> Figures:
    """One load on one system. Raises one of FAILURES. Cancelling it ends all that it started."""
    figures = Figures(system=turn.system, calls=turn.calls, run=turn.run)
    heard, said = setting.out / "callers.json", setting.out / "model.json"
    # Each run has talk of its own, the same for all systems.
    seed = str(shape.seed + turn.run - 1)
    model_command = [
        "proofs.bench.model", "--port", str(setting.model_port), "--seed", seed, "--out", str(said),
    ]  # fmt: skip
    async with _child("model", model_command) as model:
        await model.hear(READY)
        async with started(turn.system, setting) as running:
            callers_command = [
                "proofs.bench.callers", *running.callers, "--calls", str(turn.calls),
                "--seconds", f"{shape.seconds:g}", "--barge-ins", f"{shape.barge_ins:g}",
                "--seed", seed, "--out", str(heard),
            ]  # fmt: skip
            async with _child("callers", callers_command) as callers:
                await callers.hear(READY)
                used = await _under_load(figures, running, callers, model, shape.seconds, setting.progress)
                await callers.say(WRITE)
                await model.say(WRITE)
                await callers.hear(WRITTEN)
                await model.hear(WRITTEN)
    calls, sessions = await asyncio.to_thread(_read, heard, said)
    judge(figures, calls, sessions)
    costs = cpu_by_call_second(used, figures.call_seconds)
    figures.callers_cpu_ms, figures.model_cpu_ms = costs.pop(CALLERS), costs.pop(MODEL)
    figures.cpu_ms = costs
    return figures


# Private.


@contextlib.asynccontextmanager
async def _child(name: str, command: list[str]) -> AsyncIterator[Child]:
    child = await Child.begin(name, command)
    try:
        yield child
    finally:
        await child.end()


async def _under_load(
    figures: Figures,
    running: Running,
    callers: Child,
    model: Child,
    seconds: float,
    progress: Callable[[str], None],
) -> dict[str, float]:
    """CPU ms by process, from the first call to the end of the last one."""
    pids = {**running.pids, CALLERS: callers.pid, MODEL: model.pid}
    looks = [
        asyncio.create_task(_tick(seconds, progress), name="tick"),
        asyncio.create_task(_memory(figures, running, seconds), name="memory"),
        asyncio.create_task(_queues(figures, running), name="queues"),
    ]
    try:
        before = cpu_ms(pids)
        await callers.say(GO)
        await callers.hear(OVER, seconds + AFTER_LIMIT_S)
        return spent_ms(before, cpu_ms(pids))
    finally:
        await cancel_all(looks)


async def _tick(seconds: float, progress: Callable[[str], None]) -> None:
    began_s = time.monotonic()
    while True:
        await asyncio.sleep(TICK_S)
        progress(f"  {time.monotonic() - began_s:.0f} s of about {seconds + 3:.0f} s")


async def _memory(figures: Figures, running: Running, seconds: float) -> None:
    if running.pids:
        await asyncio.sleep(PSS_AT * seconds)
        figures.pss_mib = await asyncio.to_thread(pss_mib, list(running.pids.values()))


async def _queues(figures: Figures, running: Running) -> None:
    """Until it is cancelled."""
    if not running.redis_url:
        return
    store, samples = make_store(running.redis_url, name="bench"), Samples()
    try:
        await sample(store, samples, keys=running.keys, period_s=XLEN_PERIOD_S)
    finally:
        caller = samples.figures()["caller"]
        figures.caller_xlen_p95 = caller.p95 if caller.samples else None
        await store.aclose()


def _read(heard: Path, said: Path) -> tuple[list[CallHeard], list[SessionSpoken]]:
    return load_calls(heard.read_bytes()), load_sessions(said.read_bytes())
