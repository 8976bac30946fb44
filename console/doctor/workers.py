"""Whether there are workers for new calls, by their beats in Redis: the doctor's rules. Pure.

A beat that is missing says that a process has not written it, and no more: the process may be dead, or Redis
may refuse its writes. So only what is known is told. Owns: what is good enough of all workers of all hosts.
Must not know: how the facts are got.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.calls.live import AnyWorker, UnreadableWorker, WorkerRow
from console.doctor.findings import Finding, fail, ok, warn
from shared.contract.worker import ROLES

MAX_NAMES = 6
NO_WRITES = "Redis takes no writes now, so nobody can show a beat: mend that first, then ask again."


def judge_workers(
    workers: Sequence[AnyWorker], owned: Mapping[str, int] | None = None, *, takes_writes: bool = True
) -> list[Finding]:
    """All workers of all hosts, as Redis has them. `owned`: how many calls a silent one still has."""
    rows = [row for row in workers if isinstance(row, WorkerRow)]
    alive = [row for row in rows if row.is_alive]
    found = []
    for role in ROLES:
        mine = [row.beat for row in alive if row.beat.role == role]
        taking = [beat for beat in mine if not beat.draining]
        if not taking:
            why = "all drain" if mine else "none shows a beat"
            do = f"Start {role} processes: no call can be served."
            found.append(fail(f"{role} workers", why, do if takes_writes or mine else NO_WRITES))
            continue
        hosts = len({beat.host for beat in mine})
        calls, room = sum(beat.calls for beat in mine), sum(beat.capacity for beat in mine)
        text = f"{len(mine)} alive on {hosts} host{'' if hosts == 1 else 's'}, {calls} of {room:,} calls"
        found.append(ok(f"{role} workers", text))
    found += _silent([row for row in rows if not row.is_alive], owned or {}, takes_writes=takes_writes)
    found += _unreadable([row for row in workers if isinstance(row, UnreadableWorker)])
    versions = sorted({row.beat.version for row in alive if row.beat.version})
    if len(versions) > 1:
        found.append(
            warn("versions", f"{', '.join(versions)} at once", "`trunkline roll` on each host finishes it.")
        )
    return found


# Private.


def _silent(rows: Sequence[WorkerRow], owned: Mapping[str, int], *, takes_writes: bool) -> list[Finding]:
    if not rows:
        return []
    names = [_silence(row, owned.get(row.name, 0)) for row in rows]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    found = f"{', '.join(names[:MAX_NAMES])}{more}"
    if not takes_writes:
        return [warn("silent workers", found, NO_WRITES)]
    do = (
        "Whether they run, supervisord of their host says. One that runs hangs, or cannot reach Redis: its"
        " log says which. One that is dead is forgotten at its next start; of a host that is gone for good:"
        " redis-cli SREM tl:workers NAME."
    )
    if any(owned.get(row.name) for row in rows):
        return [
            fail("silent workers", found, f"`trunkline calls` shows the calls that are still theirs. {do}")
        ]
    return [warn("silent workers", found, do)]


def _silence(row: WorkerRow, calls: int) -> str:
    theirs = f", still owner of {calls} call{'' if calls == 1 else 's'}" if calls else ""
    return f"{row.name} (no beat for {row.beat_age_ms / 1000:.0f} s{theirs})"


def _unreadable(rows: Sequence[UnreadableWorker]) -> list[Finding]:
    return [
        warn(
            f"worker {row.name}",
            row.problem,
            "It runs another version, or a hand was at tl:worker:NAME: `trunkline roll` on its host.",
        )
        for row in rows
    ]
