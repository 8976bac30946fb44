"""`make prove-conversation`: conversations under faults: what callers heard, what the model remembers.

Why it exists: talking at once, tools, lost sessions and rollovers go wrong together, on the whole stack, at
random moments. Owns: the run of the scenarios. Must not know: what is promised (`scenarios`) or how it is
judged (`judge`).

Prints figures; ends with 1 when a promise was broken, each as a sentence.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from brain.agents.sounds import TOOL_DB
from brain.sound.files import SoundFiles
from console.calls import live
from console.stack.launcher import Stack
from console.stack.ports import free_port
from proofs.measure import load, own_share
from proofs.prove.judge import Figures, judge_call, sessions_of
from proofs.prove.listening.own_sound import OwnSound
from proofs.prove.promises import conclude, true_of
from proofs.prove.scenarios import ANNOUNCED_NUMBER, NOTICE, PATIENT_NUMBER, Scenario, scenarios
from proofs.prove.timeline import timeline
from shared.contract.keys import Keys
from shared.contract.streams.control import Say, operator_command
from shared.contract.streams.journal import MAXLEN
from shared.store.client import Store, make_store
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import CallRecord, Clip, TwilioSimulator
from simulators.twilio.caller.plan import CallPlan, conversation

TALK = ("en_caller_ask", "en_caller_number", "en_caller_interrupt")

AGENTS = f"""
[default]
tools = ["check_order", "look_up", "end_call"]
limits = {{ idle_prompt_s = 0 }}
[tools.look_up]
python = "proofs.prove.roles.slow_tools:look_up"
[agents.patient]
numbers = ["{PATIENT_NUMBER}"]
interruption = "confirm"
notices = [{{ file = "notice.ulaw", text = "This call is recorded.", interruptible = false }}]
[agents.announced]
numbers = ["{ANNOUNCED_NUMBER}"]
notices = [{{ file = "notice.ulaw", text = "This call is recorded.", interruptible = false }}]
tool_sound = {{ file = "typing.ulaw", after_ms = 300 }}
"""
SOUNDS = {"notice.ulaw": clips.load(NOTICE), "typing.ulaw": clips.load("he_model_short")[::-1]}
"""Its files: two sounds that nobody else makes."""


@dataclass(slots=True)
class Run:
    """The parts of a run that every scenario uses."""

    stack: Stack
    store: Store
    model_port: int
    folder: Path
    """For scripts."""
    console: Console
    seed: int
    keep: Path | None


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-conversation",
        description="Simulated conversations under faults: nothing stale, nothing lost, nothing twice.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = [scenario.name for scenario in scenarios(200, 20, 1)]
    parser.add_argument("--calls", type=int, default=200, help="calls of the first scenario")
    parser.add_argument("--at-once", type=int, default=20, help="calls at the same time")
    parser.add_argument("--seed", type=int, default=1, help="of callers, model and faults")
    parser.add_argument("--only", choices=names, action="append", help="a scenario; may be repeated")
    parser.add_argument("--keep", type=Path, help="folder for timelines of the calls worth a look")
    arguments = parser.parse_args()
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    return own_share.run(_prove(arguments))


async def _prove(arguments: argparse.Namespace) -> int:
    console = Console()
    port = free_port()
    chosen = [
        each
        for each in scenarios(arguments.calls, arguments.at_once, arguments.seed)
        if not arguments.only or each.name in arguments.only
    ]
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="trunkline-prove-") as folder:
        agents = Path(folder) / "agents.toml"
        agents.write_text(AGENTS)
        for name, sound in SOUNDS.items():
            (Path(folder) / name).write_bytes(sound)
        options = load.options("prove-conversation", port, TRUNKLINE_AGENTS_FILE=str(agents))
        async with Stack(options, progress=console.print) as stack:
            store = make_store(stack.redis_url, name="prove")
            run = Run(stack, store, port, Path(folder), console, arguments.seed, arguments.keep)
            for scenario in chosen:
                found = await _play(run, scenario)
                broken += [f"{scenario.name}: {sentence}" for sentence in found]
            await store.aclose()
    return conclude(console, broken)


def _knobs_by(scenario: Scenario) -> Callable[[Mapping[str, str]], Knobs]:
    """Of a connection, by its place among all and among those of its call, with whose sid
    `X-Client-Request-Id` begins."""
    numbers = itertools.count(1)
    of_call: Counter[str] = Counter()

    def knobs(headers: Mapping[str, str]) -> Knobs:
        call_sid = headers["x-client-request-id"].partition("/")[0]
        of_call[call_sid] += 1
        return scenario.knobs_for(next(numbers), of_call[call_sid])

    return knobs


async def _play(run: Run, scenario: Scenario) -> list[str]:
    """Plays one scenario; returns the sentences of its broken promises."""
    run.console.print(
        f"\n[bold]{scenario.name}[/bold]: {scenario.calls} calls of {scenario.seconds:.0f} s,"
        f" {scenario.at_once} at a time …"
    )
    script = scenario.script
    if "\n" in script:  # Its text: a name has no lines.
        path = run.folder / f"{scenario.name}.toml"
        path.write_text(script, "utf-8")
        script = str(path)
    async with (
        RealtimeSimulator(port=run.model_port, script=script, knobs_by=_knobs_by(scenario)) as model,
        load.carrier(run.stack, run.seed) as twilio,
    ):
        records = await _call_all(run, scenario, twilio)
        await asyncio.sleep(1.5)  # The last sessions close; nothing waits for this in a test.
        figures = Figures(own=_own_sound(run, scenario))
        for record in records:
            journal = await live.read_newest_journal(run.store, Keys(1), record.call_sid, MAXLEN)
            own = sessions_of(record, model.sessions)
            strange = judge_call(figures, record, own, journal)
            if run.keep is not None and strange:
                path = run.keep / f"{scenario.name}-{record.call_sid}.txt"
                path.write_text(f"{', '.join(strange)}\n\n{timeline(record, own, journal)}", "utf-8")
                run.console.print(f"  {path}: {', '.join(strange)}")
    run.console.print(_table(scenario, figures))
    for sentence in [
        *figures.operator_lost[:3],
        *figures.unheard[:3],
        *figures.repeated[:3],
        *figures.truncations_above_heard[:3],
        *figures.pauses.told(),
        *figures.own.not_whole[:3],
        *figures.own.over_voice[:3],
        *figures.own.unfilled[:3],
    ]:
        run.console.print(f"  {sentence}")
    return true_of(scenario.promises(figures))


def _own_sound(run: Run, scenario: Scenario) -> OwnSound:
    """What is looked for in what callers hear: the agent's files, as they are played."""
    if scenario.to_number not in (ANNOUNCED_NUMBER, PATIENT_NUMBER):
        return OwnSound()
    files = SoundFiles(run.folder)
    has_loop = scenario.to_number == ANNOUNCED_NUMBER
    loop = files.loop("typing.ulaw", TOOL_DB) if has_loop else b""
    return OwnSound(notice=files.notice("notice.ulaw"), loop=loop)


async def _call_all(run: Run, scenario: Scenario, twilio: TwilioSimulator) -> list[CallRecord]:
    free = asyncio.Semaphore(scenario.at_once)
    talk = [Clip(clips.load(name), name) for name in TALK]
    began = time.monotonic()
    done = 0

    async def one(number: int) -> CallRecord:
        nonlocal done
        async with free:
            chance = random.Random(f"{run.seed}/{scenario.name}/{number}")
            await asyncio.sleep(chance.uniform(0, 1.0))  # Not all in the same instant.
            steps = (
                scenario.steps(number)
                if scenario.steps is not None
                else conversation(
                    talk, seed=run.seed * 100_003 + number, barge_in_share=scenario.barge_in_share
                )
            )
            plan = CallPlan(
                steps,
                to_number=scenario.to_number,
                hang_up_after_ms=scenario.seconds * 1000,
                stop_at_failure=False,
                status_callback=f"{run.stack.public_url}/call-status",
            )
            record = await twilio.call(plan)
            done += 1
            return record

    async def tick() -> None:
        while True:
            await asyncio.sleep(15)
            run.console.print(f"  {time.monotonic() - began:.0f} s, {done} of {scenario.calls} calls done")

    helpers = [asyncio.create_task(tick())]
    if scenario.operator_says:
        helpers.append(asyncio.create_task(_operator(run)))
    try:
        return list(await asyncio.gather(*(one(number) for number in range(scenario.calls))))
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


async def _operator(run: Run) -> None:
    """Says something into every live call now and then, as redis-cli would."""
    keys, chance = Keys(1), random.Random(run.seed)
    while True:
        await asyncio.sleep(chance.uniform(1.0, 2.5))
        for member in await run.store.zrange(keys.live(0), 0, -1):
            call_sid = member.decode()
            if chance.random() < 0.4:
                said = Say(text="One moment.", force=bool(chance.randrange(2)))
                await run.store.execute(operator_command(keys, call_sid, said))


def _table(scenario: Scenario, f: Figures) -> Table:
    table = Table("figure", "value", title=f"{scenario.name}: {f.calls} calls, {f.sessions} sessions")
    p = f.pauses
    truncations = f"{f.truncations} / {f.truncations_refused} / {len(f.truncations_above_heard)}"
    rows = [
        ("turns spoken / lost", f"{f.utterances} / {f.lost_turns}"),
        ("items of the model / not whole / heard again",
         f"{f.items} / {len(f.unheard)} / {len(f.repeated)}"),
        ("barge-ins / stale frames heard", f"{f.barge_ins} / {f.stale_frames}"),
        ("barge-in to silence: p50, p95, max, ms", f.row(f.barge_in_ms)),
        ("truncations / refused / above what was heard", truncations),
        ("truncations that could not be judged", str(f.truncations_unjudged)),
        ("turns answered by the server / by a create", f"{f.turn_responses} / {f.turn_creates}"),
        ("tool calls / answered / twice / creates for them",
         f"{f.tool_calls} / {f.tool_outputs} / {f.outputs_twice} / {f.tool_creates}"),
        ("operator's wishes / spoken / lost",
         f"{f.operator_said} / {f.operator_spoken} / {len(f.operator_lost)}"),
        ("sessions rolled over / run into the limit", f"{f.rollovers} / {f.expired}"),
        ("coughs and murmurs over a reply / went on / not whole / twice / cut",
         f"{p.asides} / {p.resumed} / {len(p.incomplete)} / {len(p.repeated)} / {len(p.cut_by_noise)}"),
        ("notices heard whole and first / calls with a tool's sound / without it / over an answer",
         f"{f.own.whole} / {f.own.filled} / {len(f.own.unfilled)} / {len(f.own.over_voice)}"),
        ("replies that noise stopped / did not go on", f"{p.stopped} / {len(p.left)}"),
        ("heard twice where it went on: p50, p95, max, ms", f.row(p.twice_ms)),
        ("it stood still: p50, p95, max, ms", f.row(p.silences_ms)),
        ("words over a reply / too late", f"{p.interruptions} / {len(p.late)}"),
        ("word to silence: p50, p95, max, ms", f.row(p.silent_ms)),
        ("end of a session to the next: p50, p95, max, ms", f.row(f.gap_ms)),
        ("errors from the model", ", ".join(f"{k} x{v}" for k, v in f.model_errors.items()) or "none"),
        ("callers who waited in vain", str(len(f.failures))),
    ]  # fmt: skip
    for name, value in rows:
        table.add_row(name, value)
    return table


if __name__ == "__main__":
    sys.exit(main())
