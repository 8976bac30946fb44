"""`make simulate`: one seed shown, or many counted.

Why it exists: a seed is a whole fault history, and a number is all that must be kept of one. Owns: options,
how many run side by side, what is printed. Must not know: what happens in a run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence

from rich.console import Console

from proofs.prove.promises import conclude
from proofs.simulate.crowd import Crowd
from proofs.simulate.faults import What
from proofs.simulate.kept_seeds import KEPT, Kept
from proofs.simulate.play import story_of
from proofs.simulate.run import Outcome, Play, run_many
from proofs.simulate.world import WorldOptions

HASH_SEED = "PYTHONHASHSEED"


def main(words: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    if os.environ.get(HASH_SEED) != "0":
        # Sets of text are walked in the order of their hashes: another order would be another history.
        arguments = [sys.executable, "-m", "proofs.simulate", *(sys.argv[1:] if words is None else words)]
        os.execve(sys.executable, arguments, {**os.environ, HASH_SEED: "0"})
    options = _parser().parse_args(words)
    console = Console(width=200, soft_wrap=True, highlight=False)
    histories = list(KEPT) if options.kept else _asked_for(options)
    began_s = time.monotonic()
    outcomes = []
    for outcome in _run(options, histories):
        outcomes.append(outcome)
        if options.show:
            _show(console, outcome)
        if outcome.broken or len(histories) <= 20:
            console.print(_line(outcome))
            for sentence in outcome.broken:
                console.print(f"    {sentence}", markup=False)
    virtual_s = sum(outcome.virtual_s for outcome in outcomes)
    took_s = max(time.monotonic() - began_s, 0.001)
    console.print(
        f"{len(outcomes)} seeds, {virtual_s / 60:.1f} minutes in {took_s:.1f} s:"
        f" {len(outcomes) / took_s * 60:.1f} seeds a minute, {virtual_s / took_s:.1f} times as fast as life"
    )
    failed = [str(outcome.seed) for outcome in outcomes if outcome.broken]
    return conclude(console, [f"seeds {', '.join(failed)}"] if failed else [])


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make simulate", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the seed, or the first of several")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--kept", action="store_true", help="those that once failed, instead")
    parser.add_argument("--calls", type=int, default=2, help="callers at once")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long they call")
    parser.add_argument("--every", type=float, default=6.0, help="seconds from fault to fault")
    parser.add_argument(
        "--faults", default=",".join(What), help="kinds to draw from, with commas; empty: none"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of each role")
    parser.add_argument("--crowd", action="store_true", help="more callers than places, over many lanes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs side by side")
    parser.add_argument("--twice", action="store_true", help="each seed twice: is it the same history?")
    parser.add_argument("--within", type=float, default=0.0, help="begin no seed after so many seconds")
    parser.add_argument("--show", action="store_true", help="the schedule and all that was logged")
    return parser


def _asked_for(options: argparse.Namespace) -> list[Kept]:
    kinds = tuple(What(word) for word in options.faults.split(",") if word)
    return [
        Kept(
            seed=options.seed + number,
            why="",
            kinds=kinds,
            calls=options.calls,
            seconds=options.seconds,
            every_s=options.every,
            workers=options.workers,
        )
        for number in range(options.seeds)
    ]


def _run(options: argparse.Namespace, histories: Sequence[Kept]) -> Iterator[Outcome]:
    began_s = time.monotonic()

    def jobs() -> Iterator[tuple[WorldOptions, Play]]:
        for history in histories:
            if options.within and time.monotonic() - began_s > options.within:
                return
            story = story_of(history)
            crowd = Crowd(seed=history.seed, seconds=history.seconds, faults=story.faults)
            settings, play = (crowd.settings, crowd.play) if options.crowd else ({}, story.play)
            for _ in range(2 if options.twice else 1):
                yield WorldOptions(seed=history.seed, workers=history.workers, settings=settings), play

    before: Outcome | None = None
    for outcome in run_many(jobs(), options.jobs):
        if options.twice and before is None:
            before = outcome
            continue
        if before is not None and before.digest != outcome.digest:
            outcome.broken.append(f"another history of the same seed: {_difference(before, outcome)}")
        before = None
        yield outcome


def _difference(one: Outcome, other: Outcome) -> str:
    for left, right in zip(one.lines, other.lines, strict=False):
        if left != right:
            return f"{left!r}, then {right!r}"
    return "no line differs, the bytes do"


def _show(console: Console, outcome: Outcome) -> None:
    for line in outcome.lines:
        console.print(line, markup=False)


def _line(outcome: Outcome) -> str:
    kept = "[red]broken[/red]" if outcome.broken else "kept"
    return (
        f"seed {outcome.seed}: {kept}, history {outcome.digest[:16]}, {outcome.virtual_s:.1f} s in"
        f" {outcome.real_s:.2f} s, {outcome.callbacks} callbacks, {outcome.redis_commands} commands"
    )
