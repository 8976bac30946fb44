"""Whether this host and all workers will do: the doctor's rules about processes. Pure.

Owns: what is good enough of supervisord's processes, of their limits, of the workers in Redis. Must not know:
how the facts are got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.calls.live import AnyWorker, UnreadableWorker, WorkerRow
from console.doctor.findings import Finding, Level, fail, ok, skipped, warn
from console.stack.supervision import ProcessInfo
from shared.contract.worker import ROLES
from shared.settings import Settings

OWN_FILES = 256
"""Descriptors of a process without any call: Redis, logs, admin port, webhooks that come and go."""

SPARE_SHARE = 1.2

MAX_NAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process of this host."""

    info: ProcessInfo
    not_ready: str
    """What /readyz says; empty when ready."""
    open_files: int | None
    """Its limit of open files; None: unlimited or not to be read."""


def files_needed(role: str, settings: Settings) -> int:
    """Descriptors that a process of this role may need at once."""
    calls = {
        "ingress": settings.max_calls,  # All of them, while its sibling restarts.
        "brain": 2 * settings.calls_per_worker,  # A session, and the next one at a rollover.
        "egress": 0,
    }
    return OWN_FILES + calls[role]


def no_supervisor(where: str, reason: str) -> Finding:
    """supervisord does not answer."""
    return fail(
        "supervisord",
        f"{where} does not answer: {reason}",
        ".venv/bin/supervisord -c deploy/supervisord.conf starts it; one that was started with another file:"
        " --config FILE or --socket PATH.",
    )


def judge_processes(facts: Sequence[ProcessFacts], settings: Settings | None) -> list[Finding]:
    """supervisord answers; what of its processes? One finding each, one for each role."""
    found = [ok("supervisord", f"runs {len(facts)} process{'' if len(facts) == 1 else 'es'} of Trunkline")]
    if not facts:
        found = [
            fail(
                "supervisord",
                "has no process of Trunkline",
                "Is it the right one? --config FILE or --socket PATH names another; *_PROCESSES in"
                " deploy/trunkline.conf may all be 0.",
            )
        ]
    found += [judge_process(each) for each in facts]
    for role in ROLES:
        mine = [each for each in facts if each.info.group == role]
        if len(mine) == 1:
            found.append(
                warn(
                    f"{role} processes",
                    "one on this host: while it restarts, new calls wait",
                    f"{role.upper()}_PROCESSES=2 in deploy/trunkline.conf.",
                )
            )
        if mine and settings is not None:
            found.append(judge_files(role, [each.open_files for each in mine], settings))
    return found


def judge_process(facts: ProcessFacts) -> Finding:
    """State by supervisord's word, then readiness by its own."""
    info = facts.info
    log = f"{info.name}.log, in the folder of the supervisor's logs"
    if info.state == "STOPPED":
        return warn(
            info.name, "stopped", f"Somebody stopped it; supervisorctl start {info.group}:{info.name}."
        )
    if info.state != "RUNNING":
        return fail(
            info.name,
            f"{info.state}: {info.text}",
            f"Its last words stand in {log}; docs/operating.md says what each exit code means.",
        )
    if facts.not_ready == "draining":
        return warn(
            info.name,
            f"pid {info.pid}, draining: takes no new call",
            f"If nobody restarts it now: supervisorctl restart {info.group}:{info.name} ends the drain.",
        )
    if facts.not_ready:
        return fail(
            info.name,
            f"pid {info.pid}, not ready: {facts.not_ready}",
            f"Look into {log}. If nothing answers at all: is TRUNKLINE_ADMIN_PORT_BASE here as it is there?",
        )
    return ok(info.name, f"pid {info.pid}, ready")


def judge_files(role: str, limits: Sequence[int | None], settings: Settings) -> Finding:
    """The least limit of a role's processes against what its calls may need."""
    what = f"{role} open files"
    known = [limit for limit in limits if limit is not None]
    if not known:
        return ok(what, "no limit")
    least, needed = min(known), files_needed(role, settings)
    found = f"at most {least:,}, needed for all calls: {needed:,}"
    do = f"Start supervisord with `ulimit -n {needed * 2}` (systemd: LimitNOFILE=) and raise its minfds."
    if least < needed:
        return fail(what, f"{found}: new calls would hang", do)
    return warn(what, found, do) if least < needed * SPARE_SHARE else ok(what, found)


def judge_workers(workers: Sequence[AnyWorker]) -> list[Finding]:
    """All workers of all hosts, as Redis has them."""
    rows = [row for row in workers if isinstance(row, WorkerRow)]
    alive = [row for row in rows if row.alive]
    found = []
    for role in ROLES:
        mine = [row.beat for row in alive if row.beat.role == role]
        taking = [beat for beat in mine if not beat.draining]
        if not taking:
            why = "all drain" if mine else "none shows a beat"
            found.append(fail(f"{role} workers", why, f"Start {role} processes: no call can be served."))
            continue
        hosts = len({beat.host for beat in mine})
        calls, room = sum(beat.calls for beat in mine), sum(beat.capacity for beat in mine)
        text = f"{len(mine)} alive on {hosts} host{'' if hosts == 1 else 's'}, {calls} of {room:,} calls"
        found.append(ok(f"{role} workers", text))
    found += _silent([row.name for row in rows if not row.alive])
    found += _unreadable([row for row in workers if isinstance(row, UnreadableWorker)])
    versions = sorted({row.beat.version for row in alive if row.beat.version})
    if len(versions) > 1:
        found.append(
            warn("versions", f"{', '.join(versions)} at once", "`trunkline roll` on each host finishes it.")
        )
    return found


def judge_settings(problems: Sequence[str], roles: Sequence[str]) -> list[Finding]:
    """One finding for each problem of the settings of these roles."""
    if not problems:
        return [ok("settings", f"valid for {', '.join(roles)}")]
    made = []
    for problem in problems:
        head, _, rest = problem.partition(": ")
        made.append(fail("settings", head, rest or "`trunkline settings` lists them all."))
    return made


def judge_agents(failed: str, listed: Sequence[str], problems: Sequence[str]) -> list[Finding]:
    """What `python -m brain.agents.check --json` said: names or problems; `failed`: why it said neither."""
    if problems:
        return [
            fail("agents file", each, "Correct it; docs/agents.md, `trunkline agents check`.")
            for each in problems
        ]
    if failed:
        return [fail("agents file", failed, "Run `trunkline agents check`.")]
    return [ok("agents file", f"{len(listed)} agent{'' if len(listed) == 1 else 's'}: {', '.join(listed)}")]


def judge_session(answer: dict[str, object] | None, reason: str) -> Finding:
    """What `python -m brain.agents.check --session` said; None: nothing of use, for this reason."""
    what = "model session"
    if answer is None:
        return fail(what, reason, "Run `python -m brain.agents.check --session` by hand.")
    if answer.get("ok"):
        return ok(
            what,
            f"{answer.get('model')}: µ-law confirmed both ways in {answer.get('took_ms')} ms, closed again",
        )
    found = f"{answer.get('cause')}: {answer.get('detail')}"
    status = str(answer.get("detail"))
    if "401" in status or "invalid_api_key" in status:
        do = "Correct OPENAI_API_KEY."
    elif answer.get("cause") == "connect_failed":
        do = "Is OPENAI_BASE_URL right, and may this host reach it?"
    elif answer.get("fatal"):
        do = "Waiting does not help: look at key, quota, and TRUNKLINE_MODEL at the provider."
    else:
        do = "Try again; it may pass."
    return Finding(Level.FAIL, what, found, do)


def not_asked(what: str) -> Finding:
    """`--offline`."""
    return skipped(what, "not asked for (--offline)")


# Private.


def _silent(names: Sequence[str]) -> list[Finding]:
    if not names:
        return []
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return [
        warn(
            "silent workers",
            f"{', '.join(names[:MAX_NAMES])}{more}",
            "They ended without a word; others have taken their calls. The next start of the same process"
            " clears its name; of a host that is gone for good: redis-cli SREM tl:workers NAME.",
        )
    ]


def _unreadable(rows: Sequence[UnreadableWorker]) -> list[Finding]:
    return [
        warn(
            f"worker {row.name}",
            row.problem,
            "It runs another version, or a hand was at tl:worker:NAME: `trunkline roll` on its host.",
        )
        for row in rows
    ]
