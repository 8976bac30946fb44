"""Calls and workers as they stand in Redis, for what reads them: written by the contract's own writers."""

from __future__ import annotations

import dataclasses

from shared.clock import wall_ms
from shared.contract import record, steps, window
from shared.contract.keys import Keys
from shared.contract.record import CONTRACT
from shared.contract.steps import NewStream
from shared.contract.window import PipelineFigures
from shared.contract.worker import Beat, WorkerId, write_beat
from shared.ownership.steps import run
from shared.store.client import Store
from tests.support.window_samples import brain_window, ingress_window

KEYS = Keys(1)
ONE, TWO = "CA" + "1" * 32, "CA" + "2" * 32
INGRESS, BRAIN, EGRESS = "ingress-0@h#1", "brain-0@h#1", "egress-0@h#1"

FIGURES = PipelineFigures(
    v=CONTRACT, at_ms=1, verdict="ok", why="", window_ms=3000.0, tx_q=75, tx_q_age_ms=1500.0,
    reply_q_ms=1500.0, caller_q=3, tx_fps=50.0, sent=150, ws_block_ms=0.0, unsent_bytes=0, write_p99_ms=0.5,
    delta_rate=990.0, model_quiet_ms=0.0, starved=0, late=0, ai_speaking="", redis_ms=2.5,
    lag_ingress_ms=1.0, lag_brain_ms=2.0, lag_egress_ms=3.0, owed_ms=0, owed_cause="", drops={},
)  # fmt: skip
"""A window in which all was well."""


async def make_call(store: Store, sid: str, started_at_ms: int, keys: Keys = KEYS, **fields: str) -> None:
    """What ATTACH writes of a call, with a brain; `fields`: what others have written on its card since."""
    stream = NewStream(
        call_sid=sid, stream_sid="MZ" + sid[2:], ingress=INGRESS, nonce="n", caller_number="…11",
        called_number="…22", agent="",
    )  # fmt: skip
    await run(store, steps.attach(keys, stream, wall_ms=started_at_ms, max_resumes=5))
    await store.hset(keys.card(sid), mapping={"brain": BRAIN, **fields})


async def make_living_call(store: Store, sid: str, *, age_ms: int = 60_000, **fields: str) -> None:
    """A call whose owners show their beats and have just spoken of it; `fields`: as above."""
    at_ms = wall_ms()
    said = {
        "egress": EGRESS,
        "verdict": "ok",
        "pipeline": window.dump(dataclasses.replace(FIGURES, at_ms=at_ms)),
        "w_brain": window.dump(brain_window(at_ms=at_ms, worker=BRAIN)),
        "w_ingress": window.dump(ingress_window(at_ms=at_ms, worker=INGRESS)),
    }
    await make_call(store, sid, at_ms - age_ms, **{**said, **fields})
    for worker in (INGRESS, BRAIN, EGRESS):
        await make_worker(store, worker)


async def make_worker(store: Store, name: str, **changes: object) -> None:
    """A worker's beat of just now, and its doorbell; `changes`: other fields of the beat."""
    worker = WorkerId.parse(name)
    beat: dict[str, object] = {
        "beat": 1,
        "at_ms": wall_ms(),
        "host": worker.host,
        "pid": 42,
        "role": worker.role,
        "calls": 1,
        "capacity": 10,
        "loop_lag_ms": 1.5,
        "draining": False,
        "version": "0.1.0",
        "contract": CONTRACT,
        "admin_port": 9120,
        "pid_started": 0,
        "boot_id": "",
        "pid_ns": 0,
    }
    for command in write_beat(KEYS, name, record.read(Beat, {**beat, **changes})):
        await store.execute(command)
    await store.xadd(KEYS.wake(0, name), {"v": "1"})
