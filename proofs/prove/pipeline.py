"""`make prove-pipeline`: twenty simultaneous calls of a minute, what the callers heard and what it cost.

Why it exists: the bridge's first promise is that everything is heard, whole and in time, by the right caller.
Owns: the promises, and the comparison with the plainest bridge. Must not know: how a load is made or judged.

Prints figures; ends with 1 when a promise was broken (something lost, stale, mixed up, or late beyond 20 ms
at p99), so that nobody has to read them to know. CPU has no limit here yet: it is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.plan import DEMO_PUBLIC_URL
from console.stack.ports import free_port
from console.stack.readiness import why_not_listening
from proofs.measure import load as pipeline_load
from proofs.measure import own_share
from proofs.measure.load import LoadFigures
from proofs.prove.promises import conclude, true_of

LATENESS_LIMIT_MS = 20.0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-pipeline",
        description="Simulated calls through the whole pipeline: completeness, lateness, CPU cost.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=20, help="calls at once in the judged run")
    parser.add_argument("--seconds", type=float, default=60, help="length of its calls, s")
    parser.add_argument(
        "--cost-calls", type=int, default=100, help="calls at once in the second run; 0: none"
    )
    parser.add_argument("--cost-seconds", type=float, default=30, help="length of its calls, s")
    parser.add_argument("--barge-ins", type=float, default=0.25, help="share of replies that are interrupted")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    parser.add_argument(
        "--no-plain", dest="plain", action="store_false", help="do not measure the plainest bridge beside it"
    )
    return own_share.run(_prove(parser.parse_args()))


def broken_promises(figures: LoadFigures) -> list[str]:
    """Each promise that the run broke, as a sentence."""
    found = {
        f"{figures.lost_turns} turns of callers were lost": figures.lost_turns > 0,
        f"{len(figures.unheard)} uninterrupted items were not heard whole": bool(figures.unheard),
        f"{figures.stale_frames} frames of interrupted replies were heard": figures.stale_frames > 0,
        f"{figures.mixed_up} callers heard another call": figures.mixed_up > 0,
        f"lateness p99 was {figures.lateness_p99_ms:.1f} ms": figures.lateness_p99_ms > LATENESS_LIMIT_MS,
        f"Twilio complained {figures.twilio_violations} times": figures.twilio_violations > 0,
        f"the model complained {figures.model_violations} times": figures.model_violations > 0,
        f"{figures.truncations_refused} truncations were refused": figures.truncations_refused > 0,
        f"{len(figures.failures)} callers waited in vain: {figures.failures[:3]}": bool(figures.failures),
    }
    return true_of(found) + figures.unheard[:5]


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console()
    port = free_port()
    runs = [(arguments.calls, arguments.seconds)]
    if arguments.cost_calls:
        runs.append((arguments.cost_calls, arguments.cost_seconds))
    broken: list[str] = []
    costs: list[float] = []
    async with Stack(pipeline_load.options("prove", port), progress=console.print) as stack:
        for number, (calls, seconds) in enumerate(runs):
            console.print(f"\n[bold]{calls} calls of {seconds:.0f} s[/bold] …")
            ticker = asyncio.create_task(_tick(console, seconds + 10))
            figures = await pipeline_load.run(
                await pipeline_load.bridge_of(stack),
                port,
                calls=calls,
                seconds=seconds,
                barge_in_share=arguments.barge_ins,
                seed=arguments.seed + number,
            )
            ticker.cancel()
            console.print(_table(figures))
            console.print(_cost(figures))
            costs.append(figures.cpu_per_call_second_ms)
            if number == 0:
                broken = broken_promises(figures)
    if arguments.plain:
        for (calls, seconds), cost in zip(runs, costs, strict=True):
            await _compare(console, port, calls, seconds, cost, arguments)
    return conclude(console, broken)


async def _compare(
    console: Console, port: int, calls: int, seconds: float, cost: float, arguments: argparse.Namespace
) -> None:
    """The same load on the plainest single-process bridge: the yardstick of this machine."""
    public_port = free_port()
    command = [
        sys.executable, "-m", "proofs.measure.plain_bridge",
        "--port", str(public_port), "--model-base-url", f"http://127.0.0.1:{port}/v1",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command)
    try:
        while await why_not_listening(public_port):  # noqa: ASYNC110 - another process shows no other sign
            await asyncio.sleep(0.1)
        bridge = pipeline_load.Bridge(
            public_url=DEMO_PUBLIC_URL,
            public_port=public_port,
            auth_token="plain",
            pids={"plain": process.pid},
        )
        console.print(f"\n[bold]the plainest bridge, {calls} calls of {seconds:.0f} s[/bold] …")
        figures = await pipeline_load.run(
            bridge,
            port,
            calls=calls,
            seconds=seconds,
            barge_in_share=arguments.barge_ins,
            seed=arguments.seed,
        )
    finally:
        process.terminate()
        await process.wait()
    plain = figures.cpu_per_call_second_ms
    console.print(
        f"CPU ms per call-second at {calls} calls: Trunkline {cost:.2f}, the plainest bridge {plain:.2f},"
        f" ratio {cost / plain:.2f}"
    )


async def _tick(console: Console, seconds: float) -> None:
    """Prints progress."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        await asyncio.sleep(10)
        console.print(f"  {time.monotonic() - started:.0f} s of about {seconds:.0f} s")


def _table(figures: LoadFigures) -> Table:
    table = Table("figure", "value", title=f"{figures.calls} calls, {figures.call_seconds:.0f} call-seconds")
    turns = f"{figures.utterances} / {figures.answered} / {figures.lost_turns}"
    answers = f"{figures.response_p50_ms:.0f}, {figures.response_p95_ms:.0f}"
    silences = f"{figures.barge_in_p50_ms:.0f}, {figures.barge_in_p95_ms:.0f}"
    rows = [
        ("turns spoken / heard by the model / lost", turns),
        ("items spoken by the model / not heard whole", f"{figures.items} / {len(figures.unheard)}"),
        ("barge-ins / stale frames heard", f"{figures.barge_ins} / {figures.stale_frames}"),
        ("frames / arrived after their time to play", f"{figures.frames} / {figures.late_frames}"),
        ("arrival - (anchor + n x 20 ms): p50, p99, max, ms",
         f"{figures.lateness_p50_ms:.1f}, {figures.lateness_p99_ms:.1f}, {figures.lateness_max_ms:.1f}"),
        ("arrival - the pacer's schedule: p99, ms", f"{figures.schedule_p99_ms:.1f}"),
        ("holes inside replies", str(figures.gaps)),
        ("end of speech to answer: p50, p95, ms", answers),
        ("barge-in to silence: p50, p95, ms", silences),
        ("complaints of Twilio / of the model", f"{figures.twilio_violations} / {figures.model_violations}"),
        ("errors from the model", ", ".join(f"{k} x{v}" for k, v in figures.model_errors.items()) or "none"),
        ("truncations refused", str(figures.truncations_refused)),
        ("the simulators' own worst lateness, ms", f"{figures.simulator_late_ms:.0f}"),
    ]  # fmt: skip
    for name, value in rows:
        table.add_row(name, value)
    return table


def _cost(figures: LoadFigures) -> Table:
    table = Table("process", "CPU ms per call-second", "share", title="Cost")
    total = sum(figures.cpu_ms.values()) or 1.0
    for name, used in sorted(figures.cpu_ms.items()):
        table.add_row(name, f"{used / figures.call_seconds:.2f}", f"{used / total:.0%}")
    table.add_row("all", f"{figures.cpu_per_call_second_ms:.2f}", "100%", style="bold")
    return table


if __name__ == "__main__":
    sys.exit(main())
