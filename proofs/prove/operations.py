"""`make prove-operations`: faults on purpose, and whether the verdict names the right one, soon, once.

Six faults with twenty live calls each: a slow model, a Twilio socket that is not read, a busy loop in each
role, a slow Redis. Prints a table; ends with 1 when a verdict was wrong, late, repeated, or blamed a call
that had no fault.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.prove.busy import BUSY_FOR_S, ROLES
from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.figures.diagnosis import MODEL_QUIET_MS
from shared.figures.rolling import WINDOW_MS
from shared.store.client import Store, make_store
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.twilio import CallRecord, Clip, TwilioSimulator
from simulators.twilio.caller.plan import CallPlan, conversation
from simulators.twilio.knobs import Knobs as StreamKnobs
from simulators.twilio.knobs import Window

CALLS = 20
SECONDS = 32.0
FAULT_AT_S = 10.0
"""After the first call was answered: all talk by then."""

WITHIN_MS = 2 * WINDOW_MS
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

Journal = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault. `inject` runs beside the calls; `concerns` says whose calls it is about."""

    name: str
    verdict: str
    concerns: Callable[[Made], bool]
    inject: Callable[[Bench], Awaitable[None]] | None = None
    model: Callable[[int], Knobs] = lambda number: Knobs(seed=number)
    stream: Callable[[int], StreamKnobs] = lambda number: StreamKnobs()
    script: str = "english"
    since_ms: Callable[[Made, float], float] = lambda made, injected_ms: injected_ms
    """When the fault could first be known on a call, wall ms."""
    episodes: Callable[[Made], int] = lambda made: 1
    """How often it came and went on a call, at most."""


@dataclass(slots=True)
class Made:
    """One call that was made."""

    number: int
    record: CallRecord
    card: dict[str, str]
    journal: Journal
    is_slow: bool
    """Its model session was."""

    def owner(self, role: str) -> str:
        """Number of the worker that had it."""
        return self.card.get(role, "").partition("@")[0]


@dataclass(slots=True)
class Bench:
    """What a fault is injected into."""

    stack: Stack
    store: Store


@dataclass(slots=True)
class Outcome:
    """What came of a fault."""

    concerned: int = 0
    named: int = 0
    wrong: list[str] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    warnings: int = 0
    repeated: list[str] = field(default_factory=list)
    """Calls that were warned of again within an episode."""
    others: int = 0
    others_blamed: list[str] = field(default_factory=list)


async def _busy(bench: Bench, role: str) -> None:
    await bench.stack.signal(f"{role}-0", signal.SIGUSR1)
    await asyncio.sleep(BUSY_FOR_S)


async def _freeze_redis(bench: Bench) -> None:
    until = time.monotonic() + FROZEN_FOR_S
    while time.monotonic() < until:
        await bench.store.redis.client_pause(FROZEN_MS, all=True)
        await asyncio.sleep(FROZEN_EVERY_S)


def _first_silence_ms(made: Made, _injected_ms: float) -> float:
    """A slow model is slow from the first time that it owes something: here, from its greeting on."""
    asked = [int(line["t"]) for line in made.journal if line["kind"] in ("response_create", "speech_stopped")]
    return min(asked, default=0) + MODEL_QUIET_MS


def _responses(made: Made) -> int:
    """A slow model is slow in each of its responses; between them it owes nothing."""
    return sum(line["kind"] == "response_created" for line in made.journal)


def faults() -> list[Fault]:
    """All of them, in the order in which they are injected."""
    slow = ResponseKnobs(first_audio_ms=5_500.0)
    return [
        Fault(
            name="slow model, every second call",
            verdict="model_slow",
            concerns=lambda made: made.is_slow,
            model=lambda n: Knobs(seed=n, response=slow) if n % 2 else Knobs(seed=n),
            since_ms=_first_silence_ms,
            episodes=_responses,
        ),
        Fault(
            name="Twilio does not read, four calls",
            verdict="twilio_slow",
            concerns=lambda made: made.number < 4,
            stream=_stalling,
            script=TALKATIVE,
            since_ms=lambda made, _: _wall_ms(made.record.zero_ms) + FAULT_AT_S * 1000,
        ),
        *(
            Fault(
                name=f"busy loop in {role}-0",
                verdict=f"cpu({role})",
                concerns=lambda made, role=role: made.owner(role) == f"{role}-0",  # type: ignore[misc]
                inject=lambda bench, role=role: _busy(bench, role),  # type: ignore[misc]
            )
            for role in ROLES
        ),
        Fault(
            name="slow Redis",
            verdict="redis_slow",
            concerns=lambda made: True,
            inject=_freeze_redis,
        ),
    ]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-operations",
        description="Faults on purpose: does the verdict name the right one, within two windows, once?",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = [fault.name for fault in faults()]
    parser.add_argument("--calls", type=int, default=CALLS, help="live calls of each fault")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    parser.add_argument("--only", choices=names, action="append", help="a fault; may be given again")
    return uvloop.run(_prove(parser.parse_args()))


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console(width=130)
    chosen = [each for each in faults() if not arguments.only or each.name in arguments.only]
    table = Table(
        "fault", "verdict", "named", "after ms, most", "warnings", "others blamed", title="operations"
    )
    broken: list[str] = []
    async with _bench(console) as (bench, port):
        for fault in chosen:
            console.print(f"{fault.name}: {arguments.calls} calls of {SECONDS:.0f} s …")
            outcome = await _try(bench, port, fault, arguments.calls, arguments.seed)
            table.add_row(*_row(fault, outcome))
            broken += [f"{fault.name}: {sentence}" for sentence in _broken(outcome)]
            for line in [*outcome.wrong[:5], *outcome.repeated[:5], *outcome.others_blamed[:5]]:
                console.print(f"  {line}")
    console.print(table)
    for line in broken:
        console.print(f"[red]broken:[/red] {line}")
    console.print("all verdicts right" if not broken else f"{len(broken)} promises broken")
    return 1 if broken else 0


@asynccontextmanager
async def _bench(console: Console) -> AsyncIterator[tuple[Bench, int]]:
    port = free_port()
    python = sys.executable
    options = StackOptions(
        name="prove-operations",
        model_base_url=f"http://127.0.0.1:{port}/v1",
        environment={"TRUNKLINE_LOG_LEVEL": "info", "TRUNKLINE_MAX_CALLS": "1000"},
        commands={role: f"{python} -m proofs.prove.busy {role} --number %(process_num)d" for role in ROLES},
        ready_timeout_s=60,
    )
    async with Stack(options, progress=console.print) as stack:
        store = make_store(stack.redis_url, name="prove", timeout_s=5.0)
        yield Bench(stack, store), port
        await store.aclose()


async def _try(bench: Bench, port: int, fault: Fault, calls: int, seed: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="trunkline-operations-") as folder:
        script = Path(folder) / "script.toml"
        script.write_text(TALKATIVE)
        is_text = fault.script == TALKATIVE
        async with (
            RealtimeSimulator(
                port=port, script=str(script) if is_text else fault.script, knobs_for=fault.model
            ) as model,
            TwilioSimulator(
                voice_url=f"{bench.stack.public_url}/voice",
                auth_token=bench.stack.auth_token,
                dial=f"127.0.0.1:{bench.stack.public_port}",
                seed=seed,
            ) as twilio,
        ):
            injected_ms = [0.0]
            injecting = asyncio.create_task(_inject(bench, fault, injected_ms))
            records = await asyncio.gather(*(_call(bench, twilio, fault, n, seed) for n in range(calls)))
            await injecting
            await asyncio.sleep(1.5)  # The last sessions close; nothing waits for this in a test.
            slow = {
                session.headers.get("x-client-request-id", "").partition("/")[0]
                for session in model.sessions
                if session.knobs.response.first_audio_ms
            }
            outcome = Outcome()
            for number, record in enumerate(records):
                made = await _made(bench.store, number, record, is_slow=record.call_sid in slow)
                _judge(outcome, fault, made, injected_ms[0])
            return outcome


async def _inject(bench: Bench, fault: Fault, injected_ms: list[float]) -> None:
    await asyncio.sleep(FAULT_AT_S)
    injected_ms[0] = time.time() * 1000
    if fault.inject is not None:
        await fault.inject(bench)


async def _call(bench: Bench, twilio: TwilioSimulator, fault: Fault, number: int, seed: int) -> CallRecord:
    await asyncio.sleep(random.Random(f"{seed}/{number}").uniform(0, 1.5))  # Not all in the same instant.
    talk = [Clip(clips.load(name), name) for name in ("en_caller_ask", "en_caller_number")]
    plan = CallPlan(
        conversation(talk, seed=seed * 1000 + number),
        hang_up_after_ms=SECONDS * 1000,
        stop_at_failure=False,
        status_callback=f"{bench.stack.public_url}/call-status",
    )
    return await twilio.call(plan, fault.stream(number))


async def _made(store: Store, number: int, record: CallRecord, *, is_slow: bool) -> Made:
    keys = Keys(1)
    card = await store.hgetall_text(keys.card(record.call_sid))
    journal = await store.xrange(keys.journal(record.call_sid))
    return Made(number, record, card, [text_of(fields) for _, fields in journal], is_slow)


def _judge(outcome: Outcome, fault: Fault, made: Made, injected_ms: float) -> None:
    told = [line for line in made.journal if line["kind"] == "verdict"]
    if not fault.concerns(made):
        outcome.others += 1
        outcome.others_blamed += [
            f"{made.record.call_sid}: {line['verdict']}, {line['why']}" for line in told
        ]
        return
    outcome.concerned += 1
    outcome.warnings += len(told)
    overs = sum(line["kind"] == "verdict_over" for line in made.journal)
    if len(told) > fault.episodes(made) or len(told) > overs + 1:
        outcome.repeated.append(
            f"{made.record.call_sid}: {len(told)} warnings, {overs} ends, {fault.episodes(made)} episodes"
        )
    since_ms = fault.since_ms(made, injected_ms)
    if not told:
        outcome.wrong.append(f"{made.record.call_sid}: no verdict")
        return
    first = told[0]
    delay_ms = int(first["t"]) - since_ms
    if first["verdict"] != fault.verdict or delay_ms > WITHIN_MS:
        outcome.wrong.append(
            f"{made.record.call_sid}: {first['verdict']} after {delay_ms:.0f} ms, {first['why']}"
        )
        return
    outcome.named += 1
    outcome.delays_ms.append(delay_ms)


def _broken(outcome: Outcome) -> list[str]:
    sentences = {
        "no call was concerned": outcome.concerned == 0,
        f"{len(outcome.wrong)} of {outcome.concerned} calls got no, a wrong or a late verdict": bool(
            outcome.wrong
        ),
        f"{len(outcome.repeated)} calls were warned of twice in one episode": bool(outcome.repeated),
        f"{len(outcome.others_blamed)} verdicts on calls without a fault": bool(outcome.others_blamed),
    }
    return [sentence for sentence, is_broken in sentences.items() if is_broken]


def _row(fault: Fault, outcome: Outcome) -> tuple[str, ...]:
    delays = outcome.delays_ms
    return (
        fault.name,
        fault.verdict,
        f"{outcome.named} of {outcome.concerned}",
        f"{max(delays):.0f}" if delays else "–",
        str(outcome.warnings),
        f"{len(outcome.others_blamed)} of {outcome.others}",
    )


def _stalling(number: int) -> StreamKnobs:
    if number >= 4:
        return StreamKnobs()
    return StreamKnobs(stalls=(Window(FAULT_AT_S * 1000, STALL_MS),), receive_buffer_bytes=4_096)


def _wall_ms(monotonic_ms: float) -> float:
    return monotonic_ms + (time.time() - time.monotonic()) * 1000


if __name__ == "__main__":
    sys.exit(main())
