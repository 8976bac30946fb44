"""How long the queues in Redis are while calls run: sampled from outside, as an operator would with XLEN.

Why it exists: a queue's length is the user's own sign of a call that fares badly, so it must be looked at as
they look at it, and not through our own figures. Owns: the samples, the figures made of them. Must not know:
which figures are promised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.contract.keys import WORKERS, Keys
from shared.store.client import Store

PERIOD_S = 0.1
ONE_LANE = Keys(1)

OF_A_CALL = ("caller", "reply")
OF_A_WORKER = ("out", "back")


@dataclass(frozen=True, slots=True)
class Lengths:
    """One queue's lengths, over all calls or workers and all samples."""

    samples: int
    p50: int
    p95: int
    most: int


@dataclass(slots=True)
class Samples:
    """What was found so far."""

    lengths: dict[str, list[int]] = field(
        default_factory=lambda: {name: list[int]() for name in (*OF_A_CALL, *OF_A_WORKER)}
    )
    reply_left_s: float = 0.0
    """The longest that a call's `reply` held something although nothing of it was audible any more."""
    late_s: float = 0.0
    """The worst lateness of a sample: what this process missed."""
    _quiet_since_s: dict[str, float] = field(default_factory=dict)

    def note(self, queue: str, length: int) -> None:
        """One length."""
        self.lengths[queue].append(length)

    def note_reply(
        self, call_sid: str, length: int, *, is_audible: bool, was_audible: bool, at_s: float
    ) -> None:
        """One length of a call's `reply`, and whether the caller hears a response. What waits to become
        audible is no remainder: time counts from a response that was heard."""
        self.note("reply", length)
        if was_audible and not is_audible:
            self._quiet_since_s[call_sid] = at_s
        if is_audible or length == 0:
            self._quiet_since_s.pop(call_sid, None)
        since_s = self._quiet_since_s.get(call_sid)
        if since_s is not None:
            self.reply_left_s = max(self.reply_left_s, at_s - since_s)

    def figures(self) -> Mapping[str, Lengths]:
        """By queue."""
        return {name: _lengths(found) for name, found in self.lengths.items()}


async def sample(
    store: Store, samples: Samples, *, keys: Keys = ONE_LANE, period_s: float = PERIOD_S
) -> None:
    """Samples ten times a second, or once a period, until it is cancelled; cancelling is safe."""
    audible: dict[str, bool] = {}
    due_s = time.monotonic()
    while True:
        due_s += period_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        samples.late_s = max(samples.late_s, time.monotonic() - due_s)
        await _look(store, keys, samples, audible)


# Private.


async def _look(store: Store, keys: Keys, samples: Samples, audible: dict[str, bool]) -> None:
    calls = [
        sid.decode() for lane in range(keys.lanes) for sid in await store.redis.zrange(keys.live(lane), 0, -1)
    ]
    # On a Cluster a worker has them a lane; what is told of a worker is told of one server.
    workers = [] if keys.spread else [worker.decode() for worker in await store.redis.smembers(WORKERS)]
    async with store.pipeline(transaction=False) as pipeline:
        for sid in calls:
            pipeline.xlen(keys.caller(sid))
            pipeline.xlen(keys.reply(sid))
            pipeline.hget(keys.card(sid), "audible_response")
        for worker in workers:
            pipeline.xlen(keys.out(worker))
            pipeline.xlen(keys.back(worker))
        found = await pipeline.execute()
    now_s = time.monotonic()
    for at, sid in enumerate(calls):
        caller, reply, response = found[3 * at : 3 * at + 3]
        samples.note("caller", caller)
        is_audible = bool(response)
        was_audible = audible.get(sid, False)
        samples.note_reply(sid, reply, is_audible=is_audible, was_audible=was_audible, at_s=now_s)
        audible[sid] = is_audible
    rest = found[3 * len(calls) :]
    for at, worker in enumerate(workers):
        if worker.startswith("ingress"):
            samples.note("out", rest[2 * at])
        elif worker.startswith("egress"):
            samples.note("back", rest[2 * at + 1])


def _lengths(found: list[int]) -> Lengths:
    if not found:
        return Lengths(0, 0, 0, 0)
    ordered = sorted(found)
    return Lengths(
        samples=len(ordered),
        p50=ordered[len(ordered) // 2],
        p95=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        most=ordered[-1],
    )
