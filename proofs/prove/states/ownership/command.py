"""`make prove-ownership`: who has a call, walked over every history of a few steps.

Why it exists: `make test` walks as deep as some seconds allow; this goes on for longer. It prints what was
walked, and ends with 1 at the first violation, with a shortest history that leads there.

Owns: how deep, how many faults. Must not know: the model, the invariants (walk.py, invariants.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console

from proofs.prove.states.ownership.walk import KINDS, Violation, Walked, rules_of, walk

WIDE = "all"
"""The kind with everything in it: its states are so many that it is walked less deep."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-ownership",
        description="Every history of a few steps and faults: one owner of a call, or its end.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--depth", type=int, default=16, help="steps in a row; 99 walks until nothing is new")
    parser.add_argument("--wide-depth", type=int, default=7, help=f"the same for the kind `{WIDE}`")
    parser.add_argument("--faults", type=int, default=0, help="faults in one history; 0: each kind's own")
    parser.add_argument("--kind", choices=list(KINDS), action="append", help="only this one; repeatable")
    arguments = parser.parse_args()
    console = Console()
    names = arguments.kind or list(KINDS)
    depths = [arguments.wide_depth if name == WIDE else arguments.depth for name in names]
    console.print("walking every state of a call's ownership, from its first stream on …")
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(_walk, names, depths, [arguments.faults] * len(names)))
    for text, _ in results:
        console.print(text)
    return 0 if all(is_good for _, is_good in results) else 1


# Private.


def _walk(name: str, depth: int, faults: int) -> tuple[str, bool]:
    """What was walked, in a sentence, and whether all held. Prints its progress."""
    began = time.monotonic()
    kind = KINDS[name]
    if faults:
        kind = kind._replace(budget=faults)

    def tell(walked: Walked) -> None:
        seconds = time.monotonic() - began
        sys.stdout.write(
            f"  {name}: depth {walked.depth}, {walked.states:,} states, {walked.steps:,} steps,"
            f" {seconds:.0f} s\n"
        )
        sys.stdout.flush()

    try:
        walked = walk(kind, depth, rules_of(kind), tell)
    except Violation as violation:
        return f"{name}: {violation}", False
    reach = "all there are" if walked.is_whole else f"to depth {walked.depth}"
    return (
        f"{name}: {walked.states:,} states, {walked.steps:,} steps, {kind.budget} faults a history, {reach}:"
        " no violation",
        True,
    )
