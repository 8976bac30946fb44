"""`make prove-queues`: the lengths of the queues in Redis over healthy calls, sampled ten times a second.

Why it exists: XLEN is what an operator looks at first, and it means something only if a healthy call shows
next to nothing. Owns: what is promised of each queue. Must not know: how a load is made, how it is sampled.

Ends with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.ports import free_port
from proofs.measure import load as pipeline_load
from proofs.measure import own_share
from proofs.measure.queues import Samples, sample
from proofs.prove.promises import conclude, true_of
from shared.process.tasks import cancel_all
from shared.store.client import make_store

CALLER_P95_FRAMES = 6
REPLY_LEFT_S = 1.0
"""How long after it was heard out a reply may still stand in its stream."""

SAMPLING_S = 0.1
"""The look itself may be late by a period."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-queues",
        description="Simulated calls, and how long the queues in Redis are meanwhile.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=20, help="calls at once")
    parser.add_argument("--seconds", type=float, default=60, help="length of the calls, s")
    parser.add_argument("--barge-ins", type=float, default=0.25, help="share of replies that are interrupted")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    return own_share.run(_prove(parser.parse_args()))


def broken_promises(samples: Samples) -> list[str]:
    """Each promise that the run broke, as a sentence."""
    caller = samples.figures()["caller"]
    found = {
        "no call was sampled": caller.samples == 0,
        f"p95 of caller was {caller.p95} frames": caller.p95 > CALLER_P95_FRAMES,
        f"a reply stood in its stream for {samples.reply_left_s:.1f} s after it was heard out": (
            samples.reply_left_s > REPLY_LEFT_S + SAMPLING_S
        ),
    }
    return true_of(found)


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console()
    port = free_port()
    samples = Samples()
    async with Stack(pipeline_load.options("queues", port), progress=console.print) as stack:
        store = make_store(stack.redis_url, name="prove-queues")
        console.print(f"\n[bold]{arguments.calls} calls of {arguments.seconds:.0f} s[/bold] …")
        sampling = asyncio.create_task(sample(store, samples), name="sample")
        try:
            figures = await pipeline_load.run(
                await pipeline_load.bridge_of(stack),
                port,
                calls=arguments.calls,
                seconds=arguments.seconds,
                barge_in_share=arguments.barge_ins,
                seed=arguments.seed,
            )
        finally:
            await cancel_all([sampling])
            await store.aclose()
    console.print(_table(samples))
    console.print(
        f"turns spoken / lost: {figures.utterances} / {figures.lost_turns};"
        f" CPU ms per call-second: {figures.cpu_per_call_second_ms:.2f};"
        f" worst lateness of a sample: {samples.late_s * 1000:.0f} ms"
    )
    return conclude(console, broken_promises(samples))


def _table(samples: Samples) -> Table:
    table = Table("XLEN of", "samples", "p50", "p95", "max", title="Queues, entries")
    for name, lengths in samples.figures().items():
        table.add_row(name, *map(str, (lengths.samples, lengths.p50, lengths.p95, lengths.most)))
    table.add_row("reply, after it was heard out", "", "", "", f"{samples.reply_left_s:.1f} s")
    return table


if __name__ == "__main__":
    sys.exit(main())
