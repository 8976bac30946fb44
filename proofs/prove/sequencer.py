"""`make prove-sequencer`: the response sequencer, walked to a depth and tried by chance.

Why it exists: `make test` walks and tries as much as a minute allows; this goes on for longer. It prints what
was walked and tried, and ends with 1 at the first violation, with the shortest way to it.

Owns: how deep and how often. Must not know: the invariants (walk, tests/brain/sequencer/test_machine.py).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console

from proofs.prove.states.walk import Mode, Violation, Walked, walk

ROOT = Path(__file__).parents[2]
MACHINE = "tests/brain/sequencer/test_machine.py"
MODES: tuple[Mode, ...] = ("server", "brain", "confirm", "voice")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-sequencer",
        description="Every state that a few inputs reach, and thousands of random conversations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--depth", type=int, default=6, help="inputs in a row of the exhaustive walk")
    parser.add_argument("--examples", type=int, default=5000, help="random conversations of 40 inputs")
    arguments = parser.parse_args()
    console = Console()
    console.print(f"walking every state that {arguments.depth} inputs reach, in each mode …")
    with ProcessPoolExecutor(len(MODES)) as pool:
        results = list(pool.map(_walk, MODES, [arguments.depth] * len(MODES)))
    for text, _ in results:
        console.print(text)
    if not all(is_good for _, is_good in results):
        return 1
    console.print(f"{arguments.examples} random conversations …")
    began = time.monotonic()
    environment = {**os.environ, "TRUNKLINE_EXAMPLES": str(arguments.examples)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=3600", MACHINE]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    console.print(
        f"{arguments.examples} conversations in {time.monotonic() - began:.0f} s:"
        f" {'no violation' if code == 0 else 'see above'}"
    )
    return 1 if code else 0


def _walk(mode: Mode, depth: int) -> tuple[str, bool]:
    """What was walked, in a sentence, and whether all held. Prints its progress."""
    began = time.monotonic()

    def tell(walked: Walked) -> None:
        seconds = time.monotonic() - began
        sys.stdout.write(
            f"  answers by {walked.mode}: depth {walked.depth}, {walked.states:,} states,"
            f" {walked.steps:,} steps, {seconds:.0f} s\n"
        )
        sys.stdout.flush()

    try:
        walked = walk(mode, depth, tell)
    except Violation as violation:
        return f"answers by {mode}: {violation}", False
    slots = ", ".join(sorted(walked.slots))
    return (
        f"answers by {mode}: {walked.states:,} states, {walked.steps:,} steps to depth {walked.depth},"
        f" no violation; slots seen: {slots}",
        True,
    )


if __name__ == "__main__":
    sys.exit(main())
