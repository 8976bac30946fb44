"""Plays the demo: stack up, one call, timeline, checks, files, stack down.

Owns: the order of these. Must not know: how each is done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from console.demo import report
from console.demo.figures import figures
from console.demo.script import SIMULATOR_SCRIPTS, Language, Script, plan, script
from console.demo.timeline import Line, Timeline, Who
from console.demo.verdict import Check, judge, judge_real
from console.demo.watch import Seen, Watch
from console.stack.foreground import options_from
from console.stack.launcher import Stack, StackFailed
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, StackOptions
from console.style import BAD, DIM, GOOD, make_console
from shared.contract.keys import Keys
from shared.exit_codes import Exit
from shared.process.host import be_let_in_first
from shared.process.tasks import cancel_all
from shared.settings import Settings, environment_name
from shared.store.errors import STORE_ERRORS
from simulators.twilio import measures
from simulators.twilio.record import CallRecord
from simulators.twilio.simulator import DEMO_ACCOUNT_SID, LiveCall, TwilioSimulator

CLOSING_TIMEOUT_S = 8.0
"""After the hang-up: how long closing the card may take. A lost stream waits 5 s for a new one."""

CALL_POLL_S = 0.05
BLURRED_MS = 15.0
"""Above this lateness of the simulator its own figures deserve a word of warning."""


@dataclass(slots=True)
class Demo:
    """One run of the demo."""

    settings: Settings
    script: Script
    output: Path
    console: Console
    real_model: bool
    timeline: Timeline = field(default_factory=Timeline)

    def say(self, lines: list[Line]) -> None:
        """Prints lines of the timeline."""
        for line in lines:
            report.print_line(self.console, line)


async def play(settings: Settings, language: Language, output: Path, run_dir: Path | None) -> int:
    """Plays the whole demo. Returns the exit code: 0 only if the conversation was what it should be.

    Cancelled, it ends what it started.
    """
    console = make_console()
    options = demo_options(settings, language, run_dir)
    demo = Demo(
        settings=settings,
        script=script(language),
        output=output,
        console=console,
        real_model=options.model_api_key != SIMULATED_API_KEY,
    )
    try:
        async with _running(options, console) as stack:
            watch, record = await _call(demo, stack)
            # The drawing and the orderly end of the processes take some seconds each.
            drawing = asyncio.create_task(asyncio.to_thread(_write_files, demo, watch, record))
        await drawing
    except StackFailed as error:
        console.print(f"[{BAD}]The stack did not start.[/] {escape(str(error))}", soft_wrap=True)
        return Exit.FAILED
    return _conclude(demo, stack, watch, record)


def demo_options(settings: Settings, language: Language, run_dir: Path | None) -> StackOptions:
    """As `trunkline run`, but with made-up Twilio values whatever is set, and with transcripts."""
    options = options_from(settings, "demo", run_dir)
    return replace(
        options,
        public_url=DEMO_PUBLIC_URL,
        auth_token="",
        port=0,
        drain_s=2.0,
        stop_together=True,  # The call is over by then.
        simulator_args=("--script", SIMULATOR_SCRIPTS[language]),
        environment={
            environment_name("language"): language,
            environment_name("demo_tools"): "true",
            environment_name("twilio_account_sid"): DEMO_ACCOUNT_SID,
        },
    )


# Private.


@contextlib.asynccontextmanager
async def _running(options: StackOptions, console: Console) -> AsyncIterator[Stack]:
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


async def _call(demo: Demo, stack: Stack) -> tuple[Watch, CallRecord]:
    """One call from the webhook to the closed card, its timeline printed while it happens."""
    be_let_in_first(realtime=demo.settings.realtime_scheduling)
    simulator = TwilioSimulator(
        voice_url=f"{stack.public_url}/voice",
        auth_token=stack.auth_token,
        dial=f"127.0.0.1:{stack.public_port}",
    )
    chosen = plan(demo.script, real_model=demo.real_model, public_url=stack.public_url)
    async with simulator:
        live = simulator.start_call(chosen)
        watch = Watch(
            redis_url=stack.redis_url,
            keys=Keys(demo.settings.lanes),
            call_sid=live.call_sid,
            now_ms=live.now_ms,
            on_seen=demo.timeline.feed,
        )
        watching = asyncio.create_task(watch.run(), name="watch")
        try:
            await _follow(demo, live)
            record = await live.finished()
            await _until_closed(watch)
        finally:
            await cancel_all([watching])
        demo.say(demo.timeline.take_rest())
    return watch, record


async def _follow(demo: Demo, live: LiveCall) -> None:
    """Prints while the call lasts; adds what only the caller's side knows, the answer and the hang-up."""
    timeline, record = demo.timeline, live.record
    answered = False
    while not live.task.done():
        if record.answered_at_ms is not None and not answered:
            answered = True
            timeline.add(Line(at_ms=record.answered_at_ms, who=Who.CALLER, text="(the call is answered)"))
        demo.say(timeline.take_due(live.now_ms()))
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


def _write_files(demo: Demo, watch: Watch, record: CallRecord) -> None:
    from console.demo import picture  # noqa: PLC0415 - matplotlib takes a second to import: not before the call

    demo.output.mkdir(parents=True, exist_ok=True)
    measures.write_stereo_wav(record, demo.output / "call.wav")
    scene = picture.Scene(
        title=f"One call through Trunkline ({demo.script.language})",
        record=record,
        samples=watch.samples,
        figures=figures(record),
        model=demo.settings.model if demo.real_model else "Realtime simulator",
    )
    picture.draw(scene, demo.output / "call.png")


def _conclude(demo: Demo, stack: Stack, watch: Watch, record: CallRecord) -> int:
    """Summary, checks, where the files are; the exit code."""
    console, found = demo.console, figures(record)
    console.print()
    console.print(report.summary(found, verbose_simulator=found.simulator_late_ms > BLURRED_MS))
    console.print()
    required, reported = _judged(demo, watch.seen, record)
    console.print(report.checks(required, title="Was the conversation what it should be?"))
    if reported:
        console.print(report.checks(reported, title="Also seen (not required with a real model):"))
    console.print()
    console.print(
        f"recording  {escape(str(demo.output / 'call.wav'))}  (left: caller, right: what the caller heard)"
    )
    console.print(f"picture    {escape(str(demo.output / 'call.png'))}")
    console.print(f"logs       {escape(str(stack.run_dir))}", soft_wrap=True)
    failed = [check for check in required if not check.met]
    if failed:
        console.print(
            f"\n[{BAD}]The demo failed:[/] " + "; ".join(escape(check.expected) for check in failed)
        )
        return Exit.FAILED
    console.print(f"\n[{GOOD}]All as it should be.[/]")
    return Exit.OK


def _judged(demo: Demo, seen: list[Seen], record: CallRecord) -> tuple[list[Check], list[Check]]:
    if demo.real_model:
        return judge_real(record)
    return judge(record, seen, demo.script), []
