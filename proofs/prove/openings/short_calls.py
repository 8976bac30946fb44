"""`make prove-memory`: memory and CPU when nobody calls, what a call holds, what thousands of calls leave.

Why it exists: a kilobyte that a call leaves behind is nothing in a test and a dead host in a month. Owns: the
load (some long calls at once, then thousands of short ones in batches), what is counted between, what is
promised of it. Must not know: where memory goes.

Prints a row for each batch; ends with 1 where there was too much, or where something grew.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.ports import free_port
from proofs.measure import load, own_share
from proofs.measure.cpu import cpu_ms, spent_ms
from proofs.measure.memory import KIB_A_MIB, pss_mib
from proofs.prove.chaos.evidence.shapes import Census
from proofs.prove.chaos.setting import census
from proofs.prove.promises import Broken, conclude, true_of
from shared.store.client import Store, make_store
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import CallRecord, Clip
from simulators.twilio.caller.plan import CallPlan, Pause, WaitForSpeech
from simulators.twilio.load import Load, run_load

IDLE_MIB = 350.0
"""Two processes of each role, Valkey and supervisord."""

IDLE_PERCENT, IDLE_S = 1.0, 20.0
"""Of a core, each process, while nobody calls; and how long that is looked at."""

CALL_KIB = 200.0

GROWTH_MIB = 2.0
"""Of one process, from the first batch to the last: what an allocator scatters."""

MORE_FDS, MORE_TASKS = 4, 2
"""Pools keep what they once needed; a census may meet a timer of the process itself."""

SETTLE_S = 4.0
"""After the last call of a batch: sessions and cards are closed by then."""

TALK_S = 20.0

STAYS_MS = 200.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What there was behind so many calls, none of them alive."""

    calls: int
    found: Census


@dataclass(slots=True)
class Outcome:
    """All that was counted. MiB of all processes together."""

    idle_mib: float = 0.0
    idle_percent: dict[str, float] = field(default_factory=dict)
    """Of a core, by process."""
    before_talk_mib: float = 0.0
    talk_mib: float = 0.0
    talking: int = 0
    batches: list[Batch] = field(default_factory=list)
    deaf: int = 0
    """Short calls that heard nothing."""

    @property
    def call_kib(self) -> float:
        """What one of the calls that talked held."""
        return KIB_A_MIB * (self.talk_mib - self.before_talk_mib) / self.talking if self.talking else 0.0


def promises(outcome: Outcome) -> Broken:
    """What must not be true."""
    broken: Broken = {
        f"{outcome.idle_mib:.0f} MiB when nobody calls, {IDLE_MIB:.0f} allowed": outcome.idle_mib > IDLE_MIB,
        "nothing was measured when nobody called": outcome.idle_mib <= 0 or not outcome.idle_percent,
        **{
            f"{name} uses {percent:.1f} % of a core when nobody calls, {IDLE_PERCENT:.0f} allowed": (
                percent > IDLE_PERCENT
            )
            for name, percent in outcome.idle_percent.items()
        },
        f"{outcome.call_kib:.0f} KiB a call, {CALL_KIB:.0f} allowed": outcome.call_kib > CALL_KIB,
        f"{outcome.deaf} short calls heard nothing": outcome.deaf > 0,
        "fewer than two batches: nothing can have grown": len(outcome.batches) < 2,
    }
    if len(outcome.batches) >= 2:
        first, last = outcome.batches[0].found, outcome.batches[-1].found
        broken |= _grown("descriptors", first.fds, last.fds, MORE_FDS)
        broken |= _grown("tasks", first.tasks, last.tasks, MORE_TASKS)
        broken |= _grown("MiB", _mib(first.rss_bytes), _mib(last.rss_bytes), GROWTH_MIB)
        broken |= _grown("keys", first.keys, last.keys, 0)
        broken[f"{last.sessions} sessions were left open"] = last.sessions > 0
    return broken


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-memory",
        description="Memory with no call, with calls that talk, and after thousands of short ones.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--talking", type=int, default=50, help="calls that talk at once")
    parser.add_argument("--calls", type=int, default=10_000, help="short calls")
    parser.add_argument("--batch", type=int, default=1_000, help="short calls between two looks")
    parser.add_argument("--a-second", type=float, default=12.0, help="short calls that begin, a second")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    return own_share.run(_prove(parser.parse_args()))


# Private.


def _grown(what: str, first: Mapping[str, float], last: Mapping[str, float], more: float) -> Broken:
    return {
        f"{name}: {before:.0f} {what} after the first batch, {last.get(name, 0):.0f} after the last": (
            last.get(name, 0) > before + more
        )
        for name, before in first.items()
    }


def _mib(rss_bytes: Mapping[str, int]) -> dict[str, float]:
    return {name: each / 2**20 for name, each in rss_bytes.items()}


async def _prove(arguments: argparse.Namespace) -> int:
    console, outcome, port = Console(), Outcome(talking=arguments.talking), free_port()
    async with Stack(load.options("memory", port), progress=console.print) as stack:
        store = make_store(stack.redis_url, name="prove-memory", timeout_s=5.0)
        try:
            await asyncio.sleep(SETTLE_S)
            outcome.idle_mib = await _pss_mib(stack)
            console.print(f"nobody calls: {outcome.idle_mib:.0f} MiB")
            outcome.idle_percent = await _idle_percent(await stack.pids())
            console.print("nobody calls, % of a core: " + _used(outcome))
            while (done := sum(each.calls for each in outcome.batches)) < arguments.calls:
                calls = min(arguments.batch, arguments.calls - done)
                await _batch(outcome, calls, stack, store, port, arguments)
                console.print(f"{done + calls} of {arguments.calls} short calls …")
            await _talk(outcome, stack, port, arguments)
        finally:
            await store.aclose()
    console.print(_table(outcome))
    console.print(
        f"nobody calls: {outcome.idle_mib:.0f} MiB; before {outcome.talking} calls that talk:"
        f" {outcome.before_talk_mib:.0f}, with them {outcome.talk_mib:.0f}: {outcome.call_kib:.0f} KiB a call"
    )
    return conclude(console, true_of(promises(outcome)))


async def _idle_percent(pids: Mapping[str, int]) -> dict[str, float]:
    before = cpu_ms(pids)
    await asyncio.sleep(IDLE_S)
    return {name: used / (10 * IDLE_S) for name, used in spent_ms(before, cpu_ms(pids)).items()}


def _used(outcome: Outcome) -> str:
    return ", ".join(f"{name} {percent:.2f}" for name, percent in sorted(outcome.idle_percent.items()))


async def _pss_mib(stack: Stack) -> float:
    return await asyncio.to_thread(pss_mib, list((await stack.pids()).values()))


async def _batch(
    outcome: Outcome, calls: int, stack: Stack, store: Store, port: int, arguments: argparse.Namespace
) -> None:
    """A model and a carrier of its own for each: what they remember is not what is looked for."""
    knobs = Knobs(seed=arguments.seed, opening_ms=100.0)
    async with (
        RealtimeSimulator(port=port, knobs=knobs) as model,
        load.carrier(stack, arguments.seed + len(outcome.batches)) as twilio,
    ):
        made = []
        for _ in range(calls):
            plan = CallPlan(
                [WaitForSpeech(), Pause(STAYS_MS)],
                stop_at_failure=False,
                status_callback=f"{stack.public_url}/call-status",
            )
            made.append(twilio.start_call(plan))
            await asyncio.sleep(1.0 / arguments.a_second)
        outcome.deaf += _deaf(await asyncio.gather(*(call.finished() for call in made)))
        await asyncio.sleep(SETTLE_S)
        outcome.batches.append(Batch(calls, await census.take(stack, store, list(model.sessions))))


def _deaf(records: Sequence[CallRecord]) -> int:
    return sum(not record.playbacks for record in records)


async def _talk(outcome: Outcome, stack: Stack, port: int, arguments: argparse.Namespace) -> None:
    outcome.before_talk_mib = await _pss_mib(stack)
    talk = Load(
        calls=arguments.talking,
        seconds=TALK_S,
        clips=[Clip(clips.load(name), name) for name in load.CALLER_CLIPS],
        barge_in_share=0.25,
        seed=arguments.seed,
        status_callback=f"{stack.public_url}/call-status",
    )
    async with (
        RealtimeSimulator(port=port, knobs=Knobs(seed=arguments.seed)),
        load.carrier(stack, arguments.seed) as twilio,
    ):
        talking = asyncio.create_task(run_load(twilio, talk), name="talk")
        await asyncio.sleep(0.8 * TALK_S)
        outcome.talk_mib = await _pss_mib(stack)
        await talking
        await asyncio.sleep(1.0)  # The last sessions close before their model is gone.


def _table(outcome: Outcome) -> Table:
    table = Table("calls so far", "MiB, largest process", "descriptors, most", "tasks, most", "keys of calls")
    so_far = 0
    for batch in outcome.batches:
        so_far += batch.calls
        found = batch.found
        table.add_row(
            str(so_far),
            f"{max(_mib(found.rss_bytes).values(), default=0.0):.1f}",
            str(max(found.fds.values(), default=0)),
            str(max(found.tasks.values(), default=0)),
            str(sum(count for kind, count in found.keys.items() if kind in ("caller", "turn", "reply"))),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
