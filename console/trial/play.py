"""Tries agents: agents checked, sounds made, stack up, a call a scenario, verdicts, files, stack down.

Owns: the order of these, and what a stack for trying differs in. Must not know: how a call goes (calling),
when an expectation is met (judge).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from console import leave
from console.demo import report, staging
from console.demo.verdict import Check
from console.stack.foreground import options_from
from console.stack.launcher import StackFailed
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, StackOptions
from console.style import BAD, DIM, GOOD, make_console
from console.trial import agents, sounds
from console.trial.agents import AgentsError, Listed
from console.trial.calling import Call, Part, Tried
from console.trial.judge import Verdict
from console.trial.junit import Suite, junit
from console.trial.model import ModelVoice, script_of, texts_of
from console.trial.scenario import Scenario
from console.trial.sounds import SoundError, Voice
from console.trial.wanted import Wanted, Way
from shared.contract.worker import ROLES
from shared.exit_codes import Exit
from shared.settings import Settings, environment_name
from simulators.realtime import RealtimeSimulator
from simulators.telephone.handset import Handset
from simulators.telephone.microphone import NoSoundCard, talking
from simulators.twilio.simulator import DEMO_ACCOUNT_SID


async def play(settings: Settings, wanted: Wanted) -> int:
    """Tries all of it. Returns the exit code: 0 only if every expectation was met.

    Cancelled, it ends what it started.
    """
    console = make_console()
    try:
        parts = await _prepared(wanted)
    except (AgentsError, SoundError) as error:
        for problem in error.problems:
            leave.complain(problem)
        return error.exit_code if isinstance(error, AgentsError) else Exit.SETTINGS
    if not wanted.live and wanted.way is not Way.SCENARIO:
        console.print(f"[{DIM}]The simulated model answers everything alike: --live asks the real one.[/]")
    handset = Handset(half_duplex=wanted.half_duplex) if wanted.way is Way.TALK else None
    try:
        with talking(handset) if handset is not None else contextlib.nullcontext():
            tried = await _calls(settings, wanted, parts, handset, console)
    except NoSoundCard as error:
        leave.complain(str(error))
        return Exit.USAGE
    except StackFailed as error:
        console.print(f"[{BAD}]The stack did not start.[/] {escape(str(error))}", soft_wrap=True)
        return Exit.FAILED
    return _conclude(console, wanted, tried)


def trial_options(settings: Settings, wanted: Wanted, simulator_url: str) -> StackOptions:
    """A stack of one process a role, with nobody else's Redis, port, account, webhooks or archive, and the
    agents of this folder. `simulator_url`: empty for the model of the settings."""
    environment = {
        environment_name("twilio_account_sid"): DEMO_ACCOUNT_SID,
        # What the launcher says where there is a simulator would add a tool to the user's own agents.
        environment_name("demo_tools"): "true" if settings.demo_tools else "false",
    }
    if wanted.agents_file is not None:
        environment[environment_name("agents_file")] = str(wanted.agents_file.absolute())
    if not wanted.webhooks:
        environment[environment_name("webhook_url")] = ""
    return replace(
        options_from(settings, "try", wanted.run_dir),
        workers=dict.fromkeys(ROLES, 1),
        redis_url="",
        model_base_url=simulator_url or settings.openai_base_url,
        model_api_key=SIMULATED_API_KEY if simulator_url else settings.openai_api_key.get_secret_value(),
        public_url=DEMO_PUBLIC_URL,
        auth_token="",
        port=0,
        admin_base=0,
        admin_base_is_set=False,
        host="",
        web=False,  # Nor their archive: these calls are nobody's.
        drain_s=2.0,
        stop_together=True,  # The calls are over by then.
        environment=environment,
    )


def named_apart(scenarios: Sequence[str]) -> list[str]:
    """What the files of each scenario are called, by the scenarios' paths: as the scenario; with its folder
    where several are called alike; with a number where that is not enough."""
    stems = [Path(each).stem for each in scenarios]
    found: list[str] = []
    for each, stem in zip(scenarios, stems, strict=True):
        folder = Path(each).parent.name
        wished = f"{folder}-{stem}" if folder and stems.count(stem) > 1 else stem
        free = (wished if number == 1 else f"{wished}-{number}" for number in itertools.count(1))
        found.append(next(name for name in free if name not in found))
    return found


# Private.

# Before.


async def _prepared(wanted: Wanted) -> list[Part]:
    """Each scenario with its agent, its script and its sounds. Raises AgentsError, SoundError."""
    listed = await agents.ask(wanted.agents_file)
    voice = sounds.voice_here(live=wanted.live)
    cast = [(scenario, folder, agents.chosen(scenario, listed)) for scenario, folder in wanted.scenarios]
    names = named_apart([scenario.name for scenario, _ in wanted.scenarios])
    return [
        await asyncio.to_thread(_part, scenario, files, folder, agent, voice, live=wanted.live)
        for (scenario, folder, agent), files in zip(cast, names, strict=True)
    ]


def _part(scenario: Scenario, files: str, folder: Path, agent: Listed, voice: Voice, *, live: bool) -> Part:
    language = scenario.language or agent.language or "en"
    script = script_of(scenario, language)
    return Part(
        scenario=scenario,
        files=files,
        agent=agent,
        language=language,
        voice=voice,
        clips=sounds.callers(scenario, folder, language, voice),
        script=script,
        model_voice=ModelVoice({} if live else dict(sounds.models(texts_of(script), language))),
    )


# The calls.


async def _calls(
    settings: Settings, wanted: Wanted, parts: Sequence[Part], handset: Handset | None, console: Console
) -> list[Tried]:
    """One call after another. Raises StackFailed."""
    tried: list[Tried] = []
    async with _model(wanted, parts) as simulator:
        url = simulator.base_url if simulator is not None else ""
        async with staging.running(trial_options(settings, wanted, url), console) as stack:
            for part in parts:
                if simulator is not None:
                    simulator.script = part.script
                call = Call(
                    stack=stack,
                    settings=settings,
                    console=console,
                    part=part,
                    way=wanted.way,
                    handset=handset,
                )
                console.print(
                    f"[{DIM}]{escape(part.scenario.name)}: the agent {escape(part.agent.name)};"
                    f" what the caller says is {part.voice.value}[/]",
                    soft_wrap=True,
                )
                done = await call.place()
                tried.append(done)
                await asyncio.to_thread(_write_files, settings, wanted, done)
                _tell(console, wanted, done)
    return tried


@contextlib.asynccontextmanager
async def _model(wanted: Wanted, parts: Sequence[Part]) -> AsyncIterator[RealtimeSimulator | None]:
    """The simulated model, in this process, where its script can be another for each call; None for a real
    one."""
    if wanted.live:
        yield None
        return
    # One voice for all of them: what stands for a text is found by the text.
    voice = ModelVoice()
    for part in parts:
        voice.audio |= part.model_voice.audio
    async with RealtimeSimulator(script=parts[0].script, voice=voice) as simulator:
        yield simulator


# After.


def _files(wanted: Wanted, tried: Tried) -> tuple[Path, Path]:
    name = tried.part.files
    return wanted.output / f"{name}.wav", wanted.output / f"{name}.png"


def _write_files(settings: Settings, wanted: Wanted, tried: Tried) -> None:
    recording, picture = _files(wanted, tried)
    staging.write_recording(tried.placed, recording)
    model = settings.model if wanted.live else "Realtime simulator"
    try:
        staging.write_picture(
            tried.placed, picture, title=f"{tried.part.scenario.name}: {tried.part.agent.name}", model=model
        )
    except ImportError as error:
        tried.without_picture = f"the extra `demo` draws it ({error}): pip install -e '.[demo]'"


def _tell(console: Console, wanted: Wanted, tried: Tried) -> None:
    """The call in numbers, its verdicts, its files."""
    recording, picture = _files(wanted, tried)
    console.print()
    staging.print_summary(console, tried.placed.record)
    console.print()
    if tried.verdicts:
        checks = [_check(each) for each in tried.verdicts]
        console.print(report.checks(checks, title="Did it go as expected?"), soft_wrap=True)
        console.print()
    console.print(
        f"recording  {escape(str(recording))}  (left: caller, right: what the caller heard)", soft_wrap=True
    )
    drawn = f"none: {tried.without_picture}" if tried.without_picture else str(picture)
    console.print(f"picture    {escape(drawn)}\n", soft_wrap=True)


def _check(verdict: Verdict) -> Check:
    line = f"line {verdict.line}: " if verdict.line else ""
    if verdict.at_ms is None:
        return Check(expected=line + verdict.expected, met=verdict.met, got=verdict.got)
    when = f"at {verdict.at_ms / 1000:.1f} s" if verdict.met else f"by {verdict.at_ms / 1000:.1f} s"
    return Check(expected=line + verdict.expected, met=verdict.met, got=f"{when}: {verdict.got}")


def _conclude(console: Console, wanted: Wanted, tried: Sequence[Tried]) -> int:
    """The sum, the file for CI, the exit code."""
    verdicts = [each for part in tried for each in part.verdicts]
    failed = [each for each in verdicts if not each.met]
    if wanted.junit is not None:
        suites = [
            Suite(
                name=each.part.scenario.name,
                agent=each.part.agent.name,
                seconds=(each.placed.record.ended_at_ms or 0.0) / 1000,
                verdicts=each.verdicts,
            )
            for each in tried
        ]
        wanted.junit.parent.mkdir(parents=True, exist_ok=True)
        wanted.junit.write_text(junit(suites), "utf-8")
    if failed:
        console.print(f"[{BAD}]{len(failed)} of {len(verdicts)} expectations were not met.[/]")
        return Exit.FAILED
    if verdicts:
        console.print(f"[{GOOD}]All {len(verdicts)} expectations were met.[/]")
    return Exit.OK
