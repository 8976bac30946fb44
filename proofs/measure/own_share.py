"""The simulators take the processor as if they had one of their own.

Why it exists: callers and model are other machines in life. Here they share two cores with what they judge,
and whatever they are late with looks like its lateness: a collection of garbage over the records of twenty
calls stops all of them for 180 ms, and a process that starts and computes is let go on for milliseconds while
a frame waits to be noticed. Owns: what a process of the proofs asks of Python and of the kernel. Must not
know: what is proven.
"""

from __future__ import annotations

import gc
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvloop

from shared.process.host import be_let_in_first
from shared.settings import load

T = TypeVar("T")


def take() -> None:
    """This thread is let in as soon as the product's processes are."""
    be_let_in_first(realtime=load().realtime_scheduling)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a proof to its end, let in as soon as the processes that it judges."""
    take()
    return uvloop.run(main)


@contextmanager
def garbage_waits() -> Iterator[None]:
    """Nothing is collected within, all of it behind."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
        gc.collect()
