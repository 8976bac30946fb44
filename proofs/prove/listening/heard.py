"""`make prove-heard`: what the model is told that a caller has heard, over a network that takes its time.

Why it exists: on one host an echo comes back at once and a clear arrives at once. Over a real network both
take their way, and the model remembered less than its caller had heard: by a whole round trip. Owns: the
networks, the comparison of each truncation with what was heard at the clear that belongs to it. Must not
know: how the way is measured.

Prints a row for each network; ends with 1 where a truncation is off by more than a frame.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from console.stack.launcher import Stack
from console.stack.ports import free_port
from proofs.measure import load, own_share
from proofs.prove.chaos.setting.relay import Relay
from proofs.prove.judge import heard_before_clear_ms, sessions_of
from proofs.prove.promises import conclude, true_of
from simulators import clips
from simulators.comparison import item_audio, merged
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord, Clip
from simulators.twilio.load import Load, run_load
from simulators.twilio.measures import percentile

ONE_WAY_MS = (0.0, 50.0, 100.0, 150.0)
JITTER_MS = (0.0, 30.0)
WITHIN_MS = 20.0
"""One frame: what is allowed either way."""

CLIPS = ("en_caller_ask", "en_caller_number")


@dataclass(slots=True)
class Row:
    """One network."""

    one_way_ms: float
    jitter_ms: float
    errors_ms: list[float] = field(default_factory=list)
    """What the model was told less what was heard, of each truncation."""
    unjudged: int = 0
    """The caller heard the item in several stretches: nobody can say how much."""

    @property
    def name(self) -> str:
        return f"{self.one_way_ms:.0f} ms each way, {self.jitter_ms:.0f} ms of jitter"

    @property
    def outside(self) -> int:
        """Truncations that are off by more than a frame."""
        return sum(abs(error) > WITHIN_MS for error in self.errors_ms)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-heard",
        description="Barge-ins over networks of 0 to 150 ms each way: what the model is told of the ear.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=8, help="calls of each network")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each call lasts")
    parser.add_argument("--seed", type=int, default=1, help="of callers, model and jitter")
    parser.add_argument("--one-way-ms", type=float, action="append", help="a network; may be repeated")
    return own_share.run(_prove(parser.parse_args()))


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console()
    port = free_port()
    rows = [
        Row(one_way_ms, jitter_ms)
        for one_way_ms in arguments.one_way_ms or ONE_WAY_MS
        for jitter_ms in JITTER_MS
    ]
    async with Stack(load.options("prove-heard", port), progress=console.print) as stack:
        for row in rows:
            console.print(f"{row.name}: {arguments.calls} calls of {arguments.seconds:.0f} s …")
            await _play(row, stack, port, arguments)
    console.print(_table(rows))
    return conclude(console, true_of(_promises(rows)))


async def _play(row: Row, stack: Stack, model_port: int, arguments: argparse.Namespace) -> None:
    jitter_s = row.jitter_ms / 1000
    async with (
        RealtimeSimulator(port=model_port, knobs=Knobs(seed=arguments.seed)) as model,
        Relay(stack.public_port, row.one_way_ms / 1000, jitter_s=jitter_s, seed=arguments.seed) as network,
        load.carrier(stack, arguments.seed, by_port=network.port) as twilio,
    ):
        records = await run_load(
            twilio,
            Load(
                calls=arguments.calls,
                seconds=arguments.seconds,
                clips=[Clip(clips.load(name), name) for name in CLIPS],
                barge_in_share=1.0,
                seed=arguments.seed,
                status_callback=f"{stack.public_url}/call-status",
            ),
        )
        await asyncio.sleep(1.0)  # The last sessions close; nothing waits for this in a test.
        for record in records:
            judge(row, record, sessions_of(record, model.sessions))


def judge(row: Row, call: CallRecord, sessions: Sequence[SessionRecord]) -> None:
    """Each truncation of a call against the clear that belongs to it."""
    whole = merged(sessions)
    audio = item_audio(whole)
    # The clear is on its way while the model is told.
    later_ms = row.one_way_ms + row.jitter_ms + 50.0
    for truncation in whole.truncations:
        heard_ms = heard_before_clear_ms(
            call, truncation, audio.get(truncation.item_id, b""), later_ms=later_ms
        )
        if heard_ms is None:
            row.unjudged += 1
        else:
            row.errors_ms.append(truncation.audio_end_ms - heard_ms)


# Private.


def _promises(rows: Sequence[Row]) -> dict[str, bool]:
    broken = {
        f"{row.name}: {row.outside} of {len(row.errors_ms)} are off by more than a frame": row.outside > 0
        for row in rows
    }
    return broken | {f"{row.name}: nothing was cut off": not row.errors_ms for row in rows}


def _table(rows: Sequence[Row]) -> Table:
    table = Table(
        "network", "cut off", "not judged", "told less heard, ms: least, p50, most", "off by more than 20 ms"
    )
    for row in rows:
        errors = row.errors_ms or [0.0]
        table.add_row(
            row.name,
            str(len(row.errors_ms)),
            str(row.unjudged),
            f"{min(errors):.0f}, {percentile(errors, 0.5):.0f}, {max(errors):.0f}",
            str(row.outside),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
