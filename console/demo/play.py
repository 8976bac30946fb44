"""Plays the demo: stack up, one call, timeline, checks, files, stack down.

Owns: the order of these. Must not know: how each is done.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from console.demo import report, staging
from console.demo.script import SIMULATOR_SCRIPTS, Language, Script, plan, script
from console.demo.staging import Placed
from console.demo.timeline import Timeline
from console.demo.verdict import Check, judge, judge_real
from console.stack.foreground import options_from, page_host
from console.stack.launcher import Stack, StackFailed
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, StackOptions
from console.style import BAD, GOOD, make_console
from shared.exit_codes import Exit
from shared.settings import Settings, environment_name
from simulators.twilio.simulator import DEMO_ACCOUNT_SID


@dataclass(slots=True)
class Demo:
    """One run of the demo."""

    settings: Settings
    script: Script
    output: Path
    console: Console
    real_model: bool
    timeline: Timeline = field(default_factory=Timeline)


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
        async with staging.running(options, console) as stack:
            chosen = plan(demo.script, real_model=demo.real_model, public_url=stack.public_url)
            placed = await staging.place(stack, settings, console, demo.timeline, chosen)
            # The drawing and the orderly end of the processes take some seconds each.
            drawing = asyncio.create_task(asyncio.to_thread(_write_files, demo, placed))
        await drawing
    except StackFailed as error:
        console.print(f"[{BAD}]The stack did not start.[/] {escape(str(error))}", soft_wrap=True)
        return Exit.FAILED
    return conclude(demo, stack, placed)


def demo_options(settings: Settings, language: Language, run_dir: Path | None) -> StackOptions:
    """As `trunkline run`, but with made-up Twilio values whatever is set, and with transcripts."""
    options = options_from(settings, "demo", run_dir)
    return replace(
        options,
        public_url=DEMO_PUBLIC_URL,
        auth_token="",
        port=0,
        admin_base=0,
        admin_base_is_set=False,
        web=False,  # It has one call, and the processor is for that.
        drain_s=2.0,
        stop_together=True,  # The call is over by then.
        simulator_args=("--script", SIMULATOR_SCRIPTS[language]),
        environment={
            environment_name("language"): language,
            environment_name("demo_tools"): "true",
            environment_name("twilio_account_sid"): DEMO_ACCOUNT_SID,
        },
    )


def what_next(settings: Settings) -> str:
    """The page to open, and what to do there."""
    page = f"http://{page_host(settings)}:{settings.web_port}/"
    return f"trunkline run, then {page} in a browser: watch calls, or make one yourself"


def conclude(demo: Demo, stack: Stack, placed: Placed) -> int:
    """Summary, checks, where the files are; the exit code."""
    console = demo.console
    console.print()
    staging.print_summary(console, placed.record)
    console.print()
    required, reported = _judged(demo, placed)
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
    console.print(f"next       {escape(what_next(demo.settings))}", soft_wrap=True)
    return Exit.OK


# Private.


def _write_files(demo: Demo, placed: Placed) -> None:
    staging.write_recording(placed, demo.output / "call.wav")
    staging.write_picture(
        placed,
        demo.output / "call.png",
        title=f"One call through Trunkline ({demo.script.language})",
        model=demo.settings.model if demo.real_model else "Realtime simulator",
    )


def _judged(demo: Demo, placed: Placed) -> tuple[list[Check], list[Check]]:
    if demo.real_model:
        return judge_real(placed.record)
    return judge(placed.record, placed.watch.seen, demo.script), []
