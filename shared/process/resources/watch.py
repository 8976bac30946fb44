"""Looks at the memory of this process, and has it drain itself before there is none.

Why it exists: the rule is pure (memory.py), the figures are the kernel's (limits.py). Owns: which limit
counts, how often it is looked at, the signal. Must not know: how a process drains. It is asked to as by
anybody, and its supervisor starts it again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from shared.process.resources import limits
from shared.process.resources.memory import MemoryRule, MemorySeen
from shared.process.role import Process

LOOK_S = 5.0
MIB = 1024 * 1024


def end_softly() -> None:
    """As an operator would: the process drains, and ends when it has no calls, or at the end of its time."""
    os.kill(os.getpid(), signal.SIGTERM)


def memory_seen(most_mib: int) -> MemorySeen | None:
    """By the setting, else by the cgroup; None where neither has a limit."""
    own_bytes = limits.resident_bytes()
    if most_mib:
        return MemorySeen(own_bytes, own_bytes, most_mib * MIB, is_shared=False)
    cgroup = limits.cgroup_memory()
    if cgroup is None:
        return None
    return MemorySeen(own_bytes, cgroup.used_bytes, cgroup.most_bytes, is_shared=True)


async def watch_memory(
    process: Process,
    *,
    seen: Callable[[int], MemorySeen | None] = memory_seen,
    end: Callable[[], None] = end_softly,
) -> None:
    """Looks until the process drains, or it is cancelled, which is safe at any time."""
    rule = MemoryRule(process.worker.number)
    while not process.draining:
        await asyncio.sleep(LOOK_S)
        found = seen(process.settings.memory_most_mib)
        if rule.look(found, process.lag.awake_ms() / 1000) and found is not None:
            process.log.error(
                "memory_short",
                own_mib=found.own_bytes // MIB,
                used_mib=found.used_bytes // MIB,
                most_mib=found.most_bytes // MIB,
                hint="it drains itself, and is started anew",
            )
            end()
            return
