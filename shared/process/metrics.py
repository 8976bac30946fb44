"""What /metrics says of every process, whatever its role.

Owns: the names and texts of these figures. Must not know: what a role counts beside them.
"""

from __future__ import annotations

import asyncio

from shared.clock import now_ms
from shared.logs import log as logs
from shared.process.role import Process, Role
from shared.store.writing.writer import Writer


def export_process(process: Process, version: str) -> None:
    """What /metrics says of every process, whatever its role."""
    metrics, outbox = process.metrics, process.outbox
    metrics.fact(worker=process.worker.instance, version=version)
    metrics.add("outbox", outbox.counters)
    for lane, inbox in enumerate(process.inboxes):
        metrics.add("inbox", inbox.counters, lane=str(lane))
    metrics.add("ownership", process.ownership)
    metrics.add("neighbours", process.neighbours.counters)
    metrics.add("loop", process.lag.counters)
    metrics.add("garbage", process.garbage.counters)
    metrics.add("log", logs.COUNTERS)
    metrics.gauge("loop_lag_ms", "Worst lateness of the event loop in 4 s", lambda: process.lag.window_ms)
    metrics.gauge(
        "outbox_backlog_bytes", "Bytes queued for Redis or not answered", lambda: outbox.backlog_bytes
    )
    metrics.gauge("outbox_connected", "1 while there is a connection to Redis", lambda: outbox.connected)
    metrics.gauge("outbox_refused", "1 while Redis refuses writes", lambda: outbox.refused is not None)
    metrics.gauge(
        "outbox_refused_seconds",
        "For how long Redis has refused writes; 0: it takes them",
        lambda: _refused_s(outbox),
    )
    metrics.gauge("capacity_calls", "Calls that this process takes at most", lambda: process.capacity)
    metrics.gauge("draining", "1 while this process takes no new calls", lambda: process.draining)
    metrics.gauge("tasks", "asyncio tasks of this process", lambda: len(asyncio.all_tasks()))


def export_role(process: Process, role: Role) -> None:
    """What /metrics says of a role's calls; the role has added its own counters."""

    def is_ready() -> bool:
        return not process.draining and process.most_away_since_ms is None and not role.not_ready()

    process.metrics.gauge("live_calls", "Calls that this process serves", role.live_calls)
    process.metrics.gauge("ready", "1 while new calls may come here", is_ready)


# Private.


def _refused_s(outbox: Writer) -> float:
    refused = outbox.refused
    return 0.0 if refused is None else (now_ms() - refused.since_ms) / 1000
