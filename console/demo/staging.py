"""One simulated call into a stack of its own: started, placed, shown while it lasts, written to files.

Why it exists: the demo and `trunkline try` differ in what is said and in what is judged, not in how a call is
placed, followed and drawn. Owns: that order, the recording and the picture. Must not know: what the caller
does, what is expected of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from console.demo import report
from console.demo.figures import figures
from console.demo.timeline import Line, Timeline, Who
from console.demo.watch import Watch
from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.style import DIM
from shared.contract.keys import Keys
from shared.process.host import be_let_in_first
from shared.process.tasks import cancel_all
from shared.settings import Settings
from shared.store.errors import STORE_ERRORS
from simulators.twilio import measures
from simulators.twilio.caller.plan import CallPlan
from simulators.twilio.record import CallRecord
from simulators.twilio.simulator import LiveCall, TwilioSimulator, asking_for

CLOSING_TIMEOUT_S = 8.0
"""After the hang-up: how long closing the card may take. A lost stream waits 5 s for a new one."""

CALL_POLL_S = 0.05
BLURRED_MS = 15.0
"""Above this lateness of the simulator its own figures deserve a word of warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A call that is over: what was seen of its keys, and what its caller knows."""

    watch: Watch
    record: CallRecord


@contextlib.asynccontextmanager
async def running(options: StackOptions, console: Console) -> AsyncIterator[Stack]:
    """A stack for as long as the block lasts. Raises StackFailed, OSError."""
    with console.status("starting") as status:
        stack = Stack(options, progress=lambda line: status.update(escape(line)))
        await stack.start()
    try:
        count = len(await stack.pids())
        console.print(
            f"[{DIM}]{count} processes run; logs in {escape(str(stack.run_dir))}[/]\n", soft_wrap=True
        )
        yield stack
    finally:
        with console.status("stopping"):
            await stack.stop()


async def place(
    stack: Stack,
    settings: Settings,
    console: Console,
    timeline: Timeline,
    plan: CallPlan,
    *,
    agent: str = "",
    begun: Callable[[LiveCall, Watch], None] = lambda _live, _watch: None,
) -> Placed:
    """One call from the webhook to the closed card, its timeline printed while it happens.

    `agent`: asked for by name; empty: the called number's. `begun` is told of the call before anything of it
    happens. Cancelling it ends the call.
    """
    be_let_in_first(realtime=settings.realtime_scheduling)
    simulator = TwilioSimulator(
        voice_url=asking_for(f"{stack.public_url}/voice", agent),
        auth_token=stack.auth_token,
        dial=f"127.0.0.1:{stack.public_port}",
    )
    async with simulator:
        live = simulator.start_call(plan)
        watch = Watch(
            redis_url=stack.redis_url,
            keys=Keys(settings.lanes),
            call_sid=live.call_sid,
            now_ms=live.now_ms,
            on_seen=timeline.feed,
        )
        begun(live, watch)
        watching = asyncio.create_task(watch.run(), name="watch")
        try:
            await _follow(console, timeline, live)
            record = await live.finished()
            await _until_closed(watch)
        finally:
            await cancel_all([watching])
        _say(console, timeline.take_rest())
    return Placed(watch=watch, record=record)


def write_recording(placed: Placed, file: Path) -> None:
    """Both sides as a stereo WAV. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    measures.write_stereo_wav(placed.record, file)


def write_picture(placed: Placed, file: Path, *, title: str, model: str) -> None:
    """The call as a PNG; `model`: where its replies came from. Raises OSError, and ImportError where there is
    nothing to draw with."""
    from console.demo import picture  # noqa: PLC0415 - matplotlib takes a second to import: not before the call

    file.parent.mkdir(parents=True, exist_ok=True)
    scene = picture.Scene(
        title=title,
        record=placed.record,
        samples=placed.watch.samples,
        figures=figures(placed.record),
        model=model,
    )
    picture.draw(scene, file)


def print_summary(console: Console, record: CallRecord) -> None:
    """The call in numbers."""
    found = figures(record)
    console.print(report.summary(found, verbose_simulator=found.simulator_late_ms > BLURRED_MS))


# Private.


def _say(console: Console, lines: list[Line]) -> None:
    for line in lines:
        report.print_line(console, line)


async def _follow(console: Console, timeline: Timeline, live: LiveCall) -> None:
    """Prints while the call lasts; adds what only the caller's side knows, the answer and the hang-up."""
    record = live.record
    answered = False
    while not live.task.done():
        if record.answered_at_ms is not None and not answered:
            answered = True
            timeline.add(Line(at_ms=record.answered_at_ms, who=Who.CALLER, text="(the call is answered)"))
        _say(console, timeline.take_due(live.now_ms()))
        await asyncio.wait({live.task}, timeout=CALL_POLL_S)
    if record.ended_at_ms is not None:
        reason = record.end_reason.removeprefix("caller_").replace("_", " ")
        timeline.add(Line(at_ms=record.ended_at_ms, who=Who.CALLER, text=f"({reason})"))


async def _until_closed(watch: Watch) -> None:
    """Waits, bounded, until the call's journal says that it has ended."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_TIMEOUT_S):
            await watch.ended.wait()
    with contextlib.suppress(*STORE_ERRORS):
        await watch.read_rest()
