"""`make prove-first-second`: how long a caller waits for the first sound, with sessions opened early or not.

Why it exists: a session takes 300 to 1,500 ms to open, and Twilio takes 250 to 400 ms from the webhook to the
stream: what is done side by side nobody waits for. Owns: the calls, from their webhook to the first sound,
with and without `TRUNKLINE_EARLY_SESSIONS`; calls whose stream never comes. Must not know: how a session is
opened early.

Prints a row for each opening; ends with 1 where opening early gained nothing, opened a session too many, or
left one behind.
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
from proofs.prove.promises import Broken, conclude, true_of
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import CallRecord
from simulators.twilio.caller.plan import CallPlan, Pause, WaitForSpeech
from simulators.twilio.knobs import Knobs as LineKnobs
from simulators.twilio.knobs import Pace
from simulators.twilio.measures import percentile

OPENINGS_MS = (300.0, 600.0, 1_000.0, 1_500.0)

SPACING_S = 0.4
"""Between two calls: each is to meet a host that has little else to do."""

NO_STREAM_S = 12.0
"""A session without a stream is closed by then: brains wait 10 s for one."""

LATE_STREAM = Pace(answer_to_socket_ms=(60_000.0, 60_000.0))
"""Twilio fetched the document, and its stream does not come."""

GIVES_UP_MS = 1_000.0


@dataclass(slots=True)
class Row:
    """One opening."""

    opening_ms: float
    waits_ms: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """Webhook to first sound, by whether sessions are opened early."""
    sessions: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    deaf: int = 0
    """Calls that never heard anything."""

    @property
    def gained_ms(self) -> float:
        """By which p50 falls."""
        return percentile(self.waits_ms[False], 0.5) - percentile(self.waits_ms[True], 0.5)


@dataclass(slots=True)
class Streamless:
    """Calls whose stream never came."""

    calls: int
    opened: int = 0
    left_open: int = 0


def wait_ms(record: CallRecord) -> float | None:
    """From the first webhook to the first sound; None where there was none."""
    asked = next((hook.asked_at_ms for hook in record.webhooks if hook.purpose == "voice"), None)
    if asked is None or not record.playbacks:
        return None
    return record.playbacks[0].started_at_ms - asked


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-first-second",
        description="Webhook to the first sound heard, with sessions opened early and without.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=20, help="calls of each opening")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    parser.add_argument("--opening-ms", type=float, action="append", help="an opening; may be repeated")
    return own_share.run(_prove(parser.parse_args()))


def promises(rows: Sequence[Row], streamless: Streamless, calls: int) -> Broken:
    """What must not be true."""
    broken: Broken = {
        f"of {streamless.calls} calls whose stream never came {streamless.left_open} sessions were left open"
        f" after {NO_STREAM_S:.0f} s": streamless.left_open > 0,
        "calls whose stream never came opened no session: nothing was shown": streamless.opened == 0,
    }
    for row in rows:
        name = f"opening of {row.opening_ms:.0f} ms"
        broken[f"{name}: {row.deaf} calls heard nothing"] = row.deaf > 0
        broken[f"{name}: nothing was gained"] = row.gained_ms <= 0
        for early, sessions in row.sessions.items():
            kind = "early" if early else "not early"
            broken[f"{name}, {kind}: {sessions} sessions for {calls} calls"] = sessions != calls
    return broken


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console()
    rows = [Row(opening_ms) for opening_ms in arguments.opening_ms or OPENINGS_MS]
    streamless = Streamless(arguments.calls)
    for early in (False, True):
        port = free_port()
        environment = {"TRUNKLINE_EARLY_SESSIONS": str(early).lower()}
        async with Stack(load.options("first-second", port, **environment), progress=console.print) as stack:
            for row in rows:
                kind = "early" if early else "at the stream's start"
                console.print(f"opening of {row.opening_ms:.0f} ms, {kind}: {arguments.calls} calls …")
                await _play(row, early, stack, port, arguments)
            if early:
                console.print(f"{arguments.calls} calls whose stream never comes …")
                await _without_streams(streamless, stack, port, arguments.seed)
    console.print(_table(rows))
    console.print(
        f"calls whose stream never came: {streamless.calls}, sessions opened for them: {streamless.opened},"
        f" open after {NO_STREAM_S:.0f} s: {streamless.left_open}"
    )
    return conclude(console, true_of(promises(rows, streamless, arguments.calls)))


async def _play(row: Row, early: bool, stack: Stack, port: int, arguments: argparse.Namespace) -> None:
    knobs = Knobs(seed=arguments.seed, opening_ms=row.opening_ms)
    async with (
        RealtimeSimulator(port=port, knobs=knobs) as model,
        load.carrier(stack, arguments.seed) as twilio,
    ):
        calls = []
        for _ in range(arguments.calls):
            plan = CallPlan([WaitForSpeech(), Pause(500)], status_callback=f"{stack.public_url}/call-status")
            calls.append(twilio.start_call(plan))
            await asyncio.sleep(SPACING_S)
        records = await asyncio.gather(*(call.finished() for call in calls))
        found = [wait_ms(record) for record in records]
        row.waits_ms[early] = [wait for wait in found if wait is not None]
        row.deaf += sum(wait is None for wait in found)
        row.sessions[early] = len(model.sessions)
        await asyncio.sleep(1.0)  # The last sessions close before their model is gone.


async def _without_streams(streamless: Streamless, stack: Stack, port: int, seed: int) -> None:
    """No status callback either: nobody says that the call is over."""
    async with (
        RealtimeSimulator(port=port, knobs=Knobs(seed=seed, opening_ms=OPENINGS_MS[0])) as model,
        load.carrier(stack, seed) as twilio,
    ):
        for _ in range(streamless.calls):
            plan = CallPlan([Pause(60_000)], hang_up_after_ms=GIVES_UP_MS)
            twilio.start_call(plan, LineKnobs(pace=LATE_STREAM))
            await asyncio.sleep(0.05)
        await asyncio.sleep(NO_STREAM_S)
        streamless.opened = len(model.sessions)
        streamless.left_open = sum(session.closed_at_ms is None for session in model.sessions)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(
        "opening",
        "at the stream's start: p50, most",
        "early: p50, most",
        "gained, p50",
        title="webhook to sound, ms",
    )
    for row in rows:
        cells = [
            f"{percentile(row.waits_ms[early], 0.5):.0f}, {max(row.waits_ms[early], default=0.0):.0f}"
            for early in (False, True)
        ]
        table.add_row(f"{row.opening_ms:.0f} ms", *cells, f"{row.gained_ms:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
