"""`make prove-openings`: ten calls a second begin beside fifty that talk, and no loop of theirs may stall.

Why it exists: a webhook, a handshake and a session cost milliseconds each, in the same loops that send a
frame every 20 ms for others. Owns: that load, how late each loop ran meanwhile, and which steps computed for
long. Must not know: what a role does in a step.

Played twice: as shipped, for the lateness of loops; then with roles that time each step (roles/timed.py).
Prints both; ends with 1 where a loop was late or a step too long.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.measure import load, own_share
from proofs.prove.promises import Broken, conclude, true_of
from proofs.prove.roles import becoming, timed
from shared.contract.worker import ROLES
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import CallRecord, Clip
from simulators.twilio.caller.plan import CallPlan, Pause, WaitForSpeech
from simulators.twilio.load import Load, run_load
from simulators.twilio.measures import gaps_ms

LAG_P99_MS = 5.0
STEP_MS = timed.LONG_MS

SETTLE_S = 8.0
"""All that talk are past their own beginning by then."""

OPENING_MS = 400.0

STAYS_MS = 1_500.0
"""From its greeting to the end of a call that only begins."""

LAG = "trunkline_loop_late_ms"
WRITTEN_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Lag:
    """How late a loop's ticks were."""

    ticks: int
    within: int
    """Late by LAG_P99_MS at most."""

    @property
    def is_kept(self) -> bool:
        """p99 is within the limit."""
        return self.within >= 0.99 * self.ticks


@dataclass(slots=True)
class Outcome:
    """What was seen while calls began."""

    lags: dict[str, Lag] = field(default_factory=dict)
    """By process, as shipped."""
    steps: dict[str, timed.Steps] = field(default_factory=dict)
    """By process, timed."""
    began: int = 0
    deaf: int = 0
    """Calls that began and never heard anything."""
    holes: int = 0
    """At the ears of those who talk."""


def lag_between(before: Mapping[float, float], after: Mapping[float, float]) -> Lag:
    """From two looks at the same histogram: upper bound → ticks up to it. Raises KeyError without LAG_P99_MS
    among the bounds."""
    grown = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    return Lag(ticks=round(grown[float("inf")]), within=round(grown[LAG_P99_MS]))


def buckets(exposition: str, name: str = LAG) -> dict[float, float]:
    """A histogram of /metrics: upper bound → values up to it."""
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == f"{name}_bucket"
    }


def promises(outcome: Outcome) -> Broken:
    """What must not be true."""
    broken: Broken = {
        f"{outcome.deaf} of {outcome.began} calls that began heard nothing": outcome.deaf > 0,
        "no call began": outcome.began == 0,
        "no loop was looked at": not outcome.lags,
        "no step was timed": not any(found.count for found in outcome.steps.values()),
        f"{outcome.holes} holes at the ears of those who talked": outcome.holes > 0,
    }
    for name, lag in outcome.lags.items():
        share = 100 * lag.within / lag.ticks if lag.ticks else 0.0
        broken[
            f"{name}: {share:.1f} % of its loop's ticks were within {LAG_P99_MS:.0f} ms, 99 % asked"
        ] = not lag.is_kept
    for name, found in outcome.steps.items():
        broken[f"{name}: a step computed for {found.most_ms:.1f} ms, {STEP_MS:.0f} ms allowed"] = (
            found.most_ms > STEP_MS
        )
    return broken


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-openings",
        description="Calls that begin beside calls that talk: how late loops run, which steps are long.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--talking", type=int, default=50, help="calls that talk")
    parser.add_argument("--a-second", type=float, default=10.0, help="calls that begin, a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long calls begin")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    return own_share.run(_prove(parser.parse_args()))


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console, outcome = Console(), Outcome()
    port = free_port()
    console.print("[bold]as shipped[/bold]")
    async with Stack(load.options("openings", port), progress=console.print) as stack:
        await _play(_Shipped(outcome), stack, port, arguments, outcome)
    console.print("[bold]each step timed[/bold]")
    with tempfile.TemporaryDirectory(prefix="trunkline-openings-") as folder:
        async with Stack(_timed_options(port, folder), progress=console.print) as stack:
            await _play(_Timed(outcome, Path(folder)), stack, port, arguments, outcome)
    _print(console, outcome)
    return conclude(console, true_of(promises(outcome)))


def _timed_options(port: int, folder: str) -> StackOptions:
    return replace(
        load.options("openings-timed", port, **{timed.FOLDER: folder}),
        commands=becoming.commands(timed.__name__),
    )


class _Shipped:
    """Reads the lateness of loops out of /metrics."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._before: dict[str, dict[float, float]] = {}

    async def begin(self, stack: Stack) -> None:
        self._before = await self._look(stack)

    async def end(self, stack: Stack) -> None:
        for name, after in (await self._look(stack)).items():
            self._outcome.lags[name] = lag_between(self._before[name], after)

    async def _look(self, stack: Stack) -> dict[str, dict[float, float]]:
        found = {}
        async with httpx.AsyncClient() as client:
            for role in ROLES:
                for number in range(stack.options.workers[role]):
                    url = f"http://127.0.0.1:{stack.admin_port(role, number)}/metrics"
                    found[f"{role}-{number}"] = buckets((await client.get(url)).text)
        return found


class _Timed:
    """Has each process write down its steps."""

    def __init__(self, outcome: Outcome, folder: Path) -> None:
        self._outcome = outcome
        self._folder = folder

    async def begin(self, stack: Stack) -> None:
        for path in (await self._written(stack)).values():
            path.unlink()

    async def end(self, stack: Stack) -> None:
        for name, path in (await self._written(stack)).items():
            self._outcome.steps[name] = timed.read(path)

    async def _written(self, stack: Stack) -> dict[str, Path]:
        """By process, what it writes when it is told."""
        pids = {name: pid for name, pid in (await stack.pids()).items() if name.partition("-")[0] in ROLES}
        for name in pids:
            await stack.signal(name, signal.SIGUSR1)
        async with asyncio.timeout(WRITTEN_WITHIN_S):
            while len(found := self._found(pids)) < len(pids):  # noqa: ASYNC110 - files set no event
                await asyncio.sleep(0.02)
        return found

    def _found(self, pids: Mapping[str, int]) -> dict[str, Path]:
        paths = {int(path.name.split(".")[1]): path for path in self._folder.glob("*.json")}
        return {name: paths[pid] for name, pid in pids.items() if pid in paths}


async def _play(
    look: _Shipped | _Timed, stack: Stack, port: int, arguments: argparse.Namespace, outcome: Outcome
) -> None:
    seconds = SETTLE_S + arguments.seconds + 2.0
    talk = Load(
        calls=arguments.talking,
        seconds=seconds,
        clips=[Clip(clips.load(name), name) for name in load.CALLER_CLIPS],
        barge_in_share=0.25,
        seed=arguments.seed,
        status_callback=f"{stack.public_url}/call-status",
    )
    async with (
        RealtimeSimulator(port=port, knobs=Knobs(seed=arguments.seed, opening_ms=OPENING_MS)),
        load.carrier(stack, arguments.seed) as twilio,
    ):
        talking = asyncio.create_task(run_load(twilio, talk), name="talk")
        await asyncio.sleep(SETTLE_S)
        await look.begin(stack)
        spacing_s = 1.0 / arguments.a_second
        calls = []
        for _ in range(round(arguments.seconds * arguments.a_second)):
            plan = CallPlan(
                [WaitForSpeech(), Pause(STAYS_MS)],
                stop_at_failure=False,
                status_callback=talk.status_callback,
            )
            calls.append(twilio.start_call(plan))
            await asyncio.sleep(spacing_s)
        await look.end(stack)
        began = await asyncio.gather(*(call.finished() for call in calls))
        outcome.began += len(began)
        outcome.deaf += sum(not record.playbacks for record in began)
        outcome.holes += _holes(await talking)
        await asyncio.sleep(1.0)  # The last sessions close before their model is gone.


def _holes(records: Sequence[CallRecord]) -> int:
    return sum(len(gaps_ms(record)) for record in records)


def _print(console: Console, outcome: Outcome) -> None:
    table = Table(
        "process", "ticks late by more than 5 ms", "of", "steps", "longest, ms CPU", "of 5 ms and more"
    )
    for name, lag in outcome.lags.items():
        found = outcome.steps.get(name, timed.Steps())
        late = lag.ticks - lag.within
        table.add_row(
            name, str(late), str(lag.ticks), str(found.count), f"{found.most_ms:.1f}", str(len(found.long))
        )
    console.print(table)
    for name, found in outcome.steps.items():
        for what, ms in sorted(found.long, key=lambda each: -each[1])[:8]:
            console.print(f"  {name}: {ms:.1f} ms {what}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
