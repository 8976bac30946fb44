"""`make prove-hostile`: attacks of every kind beside clean calls, and a million messages through the parsers.

Why it exists: "a stranger costs callers nothing" is a promise about attacks, and each must be made. Owns: the
run: the fuzz, clean calls alone, the same under attack, and its progress. Must not know: what an attack does
(`attacks`) or what is promised (`judge`).

Prints a line a wave and two tables; ends with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from proofs.measure import own_share
from proofs.prove.chaos.evidence.shapes import Census
from proofs.prove.chaos.setting import census
from proofs.prove.hostile import canaries, crashes, injections, judge, table
from proofs.prove.hostile.attackers import Attackers, attackers
from proofs.prove.hostile.attacks import ATTACKS, OTHER_ENDS
from proofs.prove.hostile.clean import Figures, Wave
from proofs.prove.hostile.fuzz import Fuzzed, fuzz
from proofs.prove.hostile.injections import Injected
from proofs.prove.hostile.judge import Left, Played
from proofs.prove.hostile.scene import Tally
from proofs.prove.hostile.stage import Stage, open_stage
from proofs.prove.promises import conclude
from simulators.twilio.phone_call import new_sid

MINUTES = 20
CALLS = 20
MESSAGES = 1_000_000
WAVE_S = 50.0
"""Length of a wave's calls; with their beginning and their judgement it takes a minute."""

ALONE_SHARE = 5
"""One wave without attacks for so many with them."""

ACCEPTED = {
    "wire": "taken",
    "socket": "text",
    "webhook": "ok",
    "token": "taken",
    "model": "taken",
    "pairs": "taken",
}
"""By parser, what it answers to what it believes: one that never says so was shown nothing."""

ACCEPTED_FROM = 3_000
"""Messages; of fewer a small share may all be bad by chance."""

SETTLE_S = 8.0
"""After the last attacker: what they held has run out by then."""


@dataclass(slots=True)
class Run:
    """What is seen, as it is seen."""

    console: Console
    options: argparse.Namespace
    alone: Figures = field(default_factory=Figures)
    attacked: Figures = field(default_factory=Figures)
    rss_bytes: list[Mapping[str, int]] = field(default_factory=list)
    injected: Injected = field(default_factory=Injected)
    known: set[str] = field(default_factory=set)
    """Clean calls."""
    tokens: set[str] = field(default_factory=set)
    """Of their streams."""
    in_redis: set[str] = field(default_factory=set)
    """What stood there that must not, as sentences."""
    began_s: float = field(default_factory=time.monotonic)
    waves: int = 0

    def say(self, line: str) -> None:
        """Progress."""
        at_s = time.monotonic() - self.began_s
        self.console.print(f"{at_s:5.0f} s  {line}", soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if min(options.minutes, options.calls) < 1 or options.messages < 0:
        parser.error("expected at least a minute, a call and no negative number of messages")
    if options.minutes < 2 and not options.fuzz_only:
        parser.error("expected at least 2 minutes: whether memory grows is seen by two looks")
    console = Console(width=150)
    fuzzed = _fuzz(console, options)
    wrong = fuzz_broken(fuzzed, options.messages)
    if options.fuzz_only:
        return conclude(console, wrong)
    return own_share.run(_prove(Run(console, options), wrong))


def fuzz_broken(fuzzed: Fuzzed, messages: int) -> list[str]:
    """What was not kept of the fuzz, as sentences."""
    found = [f"{fuzzed.escapes} exceptions escaped"] if fuzzed.escapes else []
    found += [f"escaped: {each}" for each in fuzzed.escaped[:5]]
    if fuzzed.messages < messages:
        found.append(f"{fuzzed.messages} of {messages} messages were tried")
    if fuzzed.messages >= ACCEPTED_FROM:
        found += [
            f"{parser}: not one message was accepted"
            for parser, answer in ACCEPTED.items()
            if not fuzzed.answers[f"{parser}: {answer}"]
        ]
    return found


def may_end() -> dict[str, frozenset[str]]:
    """By kind of attack, how its attempts may end."""
    return {each.name: each.may_end for each in ATTACKS} | OTHER_ENDS


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make prove-hostile",
        description="Attacks of every kind beside clean calls, which must not notice; no session for a"
        " stranger, no memory kept, no process ended; a million messages through every parser.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--minutes", type=int, default=MINUTES, help="of attacks; a fifth of it alone before")
    parser.add_argument("--calls", type=int, default=CALLS, help="clean calls at once")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="through the parsers; 0: none")
    parser.add_argument("--fuzz-only", action="store_true", help="the parsers and nothing else")
    parser.add_argument("--seed", type=int, default=1, help="of callers, model, attackers and messages")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/security.md")
    return parser


def _fuzz(console: Console, options: argparse.Namespace) -> Fuzzed:
    def said(done: int) -> None:
        console.print(f"{done:,} of {options.messages:,} messages through the parsers", highlight=False)

    found = fuzz(options.messages, options.seed, said)
    for answer, count in sorted(found.answers.items()):
        console.print(f"  {answer}: {count:,}", highlight=False, markup=False)
    return found


async def _prove(run: Run, wrong: list[str]) -> int:
    options = run.options
    with tempfile.TemporaryDirectory(prefix="trunkline-hostile-") as folder:
        async with open_stage(Path(folder), options.seed) as stage:
            for _ in range(max(1, options.minutes // ALONE_SHARE)):
                run.alone.add(await _wave(run, stage, None))
            before, pids = await _census(stage), await stage.pids()
            tally = await _under_attack(run, stage)
            await asyncio.sleep(SETTLE_S)
            after = await _census(stage)
            injections.judge_runs(run.injected, stage.tool.arguments)
            restarted = _restarted(pids, await stage.pids())
            crashed = await crashes.crash(stage, options.seed)
            run.known |= crashed.calls
            run.tokens |= crashed.tokens
            played = Played(
                alone=run.alone,
                attacked=run.attacked,
                rss_bytes=run.rss_bytes,
                before=_left(before),
                after=_left(after),
                restarted=restarted,
                foreign_sessions=stage.foreign_sessions(run.known),
                ends=tally.ends,
                obeyed=run.injected.obeyed,
                deeds=run.injected.deeds,
                leaks=[
                    *canaries.leaks(await canaries.texts(stage.stack), _looked_for(run, stage)),
                    *sorted(run.in_redis),
                    *crashed.broken,
                ],
            )
    return _conclude(run, played, wrong)


async def _under_attack(run: Run, stage: Stage) -> Tally:
    async with attackers(stage.target(), run.options.seed) as hostile:
        for _ in range(run.options.minutes):
            run.attacked.add(await _wave(run, stage, hostile))
            run.rss_bytes.append((await _census(stage)).rss_bytes)
        await hostile.end()
        return hostile.tally


async def _wave(run: Run, stage: Stage, hostile: Attackers | None) -> Figures:
    """One minute; under attack with a call in which the model obeys hostile words."""
    run.waves += 1
    wave = Wave(stage, run.options.calls, WAVE_S, run.options.seed * 1_000 + run.waves)
    with own_share.garbage_waits():
        injected = asyncio.create_task(_injected(run, stage)) if hostile is not None else None
        await wave.begin()
        run.known |= {call.call_sid for call in wave.live}
        await _tell(run, hostile, wave, is_over=False)
        if hostile is not None:
            found = await canaries.in_redis(stage.store)
            run.in_redis |= set(canaries.leaks_in_redis(found, _looked_for(run, stage)))
        figures = await wave.end()
        await _tell(run, hostile, wave, is_over=True)
        if injected is not None:
            await injected
        stage.forget({call.call_sid for call in wave.live})
    run.say(f"wave {run.waves}, {'alone' if hostile is None else 'under attack'}: {_shown(figures)}")
    return figures


def _shown(figures: Figures) -> str:
    return (
        f"frames late {figures.p99_ms:.1f} ms (p99), {figures.holes} holes,"
        f" {figures.lost_turns} of {figures.turns} turns lost, {len(figures.wrong)} wrong;"
        f" callers' own delay {figures.simulator_late_ms:.0f} ms"
    )


def _looked_for(run: Run, stage: Stage) -> dict[str, str]:
    return canaries.canaries(stage.stack.auth_token, run.tokens)


async def _tell(run: Run, hostile: Attackers | None, wave: Wave, *, is_over: bool) -> None:
    if hostile is not None:
        for each in wave.overheard(is_over=is_over):
            run.tokens.add(each.token)
            await hostile.tell(each)


async def _injected(run: Run, stage: Stage) -> None:
    call_sid = new_sid("CA")
    stage.injected.add(call_sid)

    def speak_hostile() -> None:
        for session in stage.sessions_of({call_sid}):
            if session.closed_at_ms is None:
                stage.model.inject(session, injections.hostile_transcript(session))

    plan = injections.plan(speak_hostile, f"{stage.public_url}/call-status")
    record = await stage.twilio.start_call(plan, call_sid=call_sid).finished()
    injections.judge(run.injected, record, stage.sessions_of({call_sid}))
    stage.forget({call_sid})


async def _census(stage: Stage) -> Census:
    return await census.take(stage.stack, stage.store, list(stage.model.sessions))


def _left(found: Census) -> Left:
    return Left(fds=found.fds, tasks=found.tasks, open_sessions=found.sessions)


def _restarted(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    return [name for name, pid in before.items() if after.get(name) != pid]


def _conclude(run: Run, played: Played, wrong: list[str]) -> int:
    asked = run.options
    foot = f"{asked.calls} calls at once, {asked.minutes} minutes of attacks, seed {asked.seed}."
    run.console.print(table.shown("calls", table.CALLS_HEAD, table.call_rows(played)))
    run.console.print(table.shown("attacks", table.KINDS_HEAD, table.kind_rows(played.ends)))
    if run.options.write:
        table.write(played, foot)
    return conclude(run.console, wrong + judge.broken(played, may_end()))
