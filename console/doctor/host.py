"""Whether this host will do: the doctor's rules about its processes, their limits, disk and port. Pure.

Owns: what is good enough of supervisord's processes and of what they need from the host. Must not know: how
the facts are got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.doctor.findings import Finding, fail, ok, skipped, warn
from console.stack.supervision import ProcessInfo
from shared.contract.worker import ROLES
from shared.setting.sources import Doubt
from shared.settings import Settings, environment_name

OWN_FILES = 256
"""Descriptors of a process without any call: Redis, logs, admin port, webhooks that come and go."""

SPARE_SHARE = 1.2

DISK_FAIL_BYTES, DISK_WARN_BYTES = 20_000_000, 1_000_000_000
"""One log file before it is rotated; about what all of a host's log files and their older ones take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process of this host."""

    info: ProcessInfo
    not_ready: str
    """What /readyz says; empty when ready."""
    open_files: int | None
    """Its limit of open files; None: unlimited or not to be read."""
    ended: str = ""
    """How it ended last, where that says what is wrong: `exit code 3, settings`."""
    in_real_time: bool | None = None
    """Whether its main thread has real-time scheduling; None: not known, or it does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """The disk that log files are written to."""

    folder: str
    free_bytes: int
    """For this user."""
    free_files: int | None
    """How many files it can still take; None: it has no such limit."""


def files_needed(role: str, settings: Settings) -> int:
    """Descriptors that a process of this role may need at once."""
    calls = {
        "ingress": settings.max_calls,  # All of them, while its sibling restarts.
        "brain": 2 * settings.calls_per_worker,  # A session, and the next one at a rollover.
        "egress": 0,
    }
    return OWN_FILES + calls[role]


def no_supervisor(where: str, reason: str, listens: str = "", taken_by: str = "") -> Finding:
    """supervisord does not answer. `taken_by`: who has the port that its program `port` would open for
    ingress (`listens`)."""
    if taken_by:
        return fail(
            "supervisord",
            f"{where} does not answer: {reason}; and {taken_by} has {listens}, which is for ingress",
            "End that, or let INGRESS_SOCKET in deploy/trunkline.conf name another port; then start it:"
            " .venv/bin/supervisord -c deploy/supervisord.conf.",
        )
    return fail(
        "supervisord",
        f"{where} does not answer: {reason}",
        ".venv/bin/supervisord -c deploy/supervisord.conf starts it; one that was started with another file:"
        " --config FILE or --socket PATH (that of a `make run` is the file that it prints).",
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
    log = info.log or f"{info.name}.log, in the folder of the supervisor's logs"
    if info.state == "STOPPED":
        return warn(
            info.name, "stopped", f"Somebody stopped it; supervisorctl start {info.group}:{info.name}."
        )
    if info.state != "RUNNING":
        return fail(
            info.name,
            f"{info.state}: {info.text}{f' ({facts.ended})' if facts.ended else ''}",
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


def judge_scheduling(facts: Sequence[ProcessFacts]) -> list[Finding]:
    """Whether frames go before what else computes on this host. Without that calls run, too: it is no fault,
    unless some have it and the others wait for them."""
    known = [each.in_real_time for each in facts if each.in_real_time is not None]
    if not known:
        return []
    what, having = "scheduling", sum(known)
    do = "systemd: LimitRTPRIO=1; Docker: --ulimit rtprio=1 (docs/operating.md, Real time)."
    if having == len(known):
        return [ok(what, "real-time: frames go before what else computes on this host")]
    if having:
        return [warn(what, f"{having} of {len(known)} processes in real time: the others wait for them", do)]
    return [ok(what, f"usual: frames may wait some milliseconds for what else computes here. {do}")]


def judge_disk(facts: DiskFacts) -> Finding:
    """Room for what processes log. A log that cannot be written stops no call, and nobody can tell why one
    was bad."""
    what = "log disk"
    found = f"{facts.folder}: {facts.free_bytes / 1_000_000:,.0f} MB free"
    do = "Make room, or give logs another disk (stdout_logfile in deploy/programs.d/roles.conf)."
    if facts.free_files == 0:
        return fail(what, f"{found}, and no room for another file: log lines are lost", do)
    if facts.free_bytes < DISK_FAIL_BYTES:
        return fail(what, f"{found}: log lines are lost", do)
    return warn(what, found, do) if facts.free_bytes < DISK_WARN_BYTES else ok(what, found)


def judge_port(settings: Settings, listens: str) -> list[Finding]:
    """TRUNKLINE_PORT, where it is set, against the socket that the program `port` opens for ingress
    (`listens`; empty: not known)."""
    port = listens.rpartition(":")[2]
    if "port" not in settings.model_fields_set or not port.isdecimal():
        return []
    name = environment_name("port")
    if int(port) == settings.port:
        return [ok("public port", f"{port}, as {name} says")]
    return [
        fail(
            "public port",
            f"{name} is {settings.port}, and {listens} is opened for ingress",
            f"Let INGRESS_SOCKET in deploy/trunkline.conf name the same port, or do not set {name}: else"
            " ingress does not start (exit code listen).",
        )
    ]


def judge_doubts(doubts: Sequence[Doubt]) -> list[Finding]:
    """Names that look like settings and are none."""
    return [
        warn(
            "settings",
            f"{each.name} ({each.origin}) is no setting: nobody reads it",
            f"Did you mean {each.near}?" if each.near else "`trunkline settings` lists all settings.",
        )
        for each in doubts
    ]


def judge_settings(problems: Sequence[str], roles: Sequence[str]) -> list[Finding]:
    """One finding for each problem of the settings of these roles."""
    if not problems:
        return [ok("settings", f"valid for {', '.join(roles)}")]
    made = []
    for problem in problems:
        head, _, rest = problem.partition(": ")
        made.append(fail("settings", head, rest or "`trunkline settings` lists them all."))
    return made


def not_asked(what: str) -> Finding:
    """`--offline`."""
    return skipped(what, "not asked for (--offline)")
