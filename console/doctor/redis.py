"""Whether a Redis will do: the doctor's rules. Facts in, findings out.

Owns: what is good enough, and the words for what is not. Must not know: how the facts are got.

What a role refuses at its start (shared/store/access/check.py: age, memory policy, shape, lanes) fails here
too; what only shows on a bad day warns. Of a Cluster each master is judged, and named where it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from console.doctor.findings import Finding, Level, fail, ok, warn
from shared.figures.diagnosis import REDIS_MS
from shared.store.access.check import LEAST_REDIS, LEAST_VALKEY, flaw_of
from shared.store.access.permissions import Missing

WHERE = "Redis"
MEDIAN_MS = 3.0
"""As long as a process waits between two commits by default (TRUNKLINE_COMMIT_MS)."""

WORST_MS = 20.0
"""A frame's length: from here on a single answer costs one of the eight frames of lead."""

CLOCK_WARN_MS, CLOCK_FAIL_MS = 500.0, 3000.0
"""The second: a beat that looks older than this is called silent."""

MEMORY_WARN_SHARE, MEMORY_FAIL_SHARE = 0.8, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """What a Redis says of itself."""

    info: Mapping[str, str]
    """INFO, all sections; of the first master, where there are several."""
    config: Mapping[str, str] = field(default_factory=dict)
    """CONFIG GET of what the rules ask for; empty where it is forbidden."""
    round_trips_ms: Sequence[float] = ()
    clock_ahead_ms: float = 0.0
    """Redis's clock minus this host's, at the middle of the round trip."""
    lanes: str = ""
    """As stored by the first process; empty: none has started."""
    missing: Missing = field(default_factory=Missing)
    """What its user may not do, and why it takes no writes now; of all masters."""
    shape: str = ""
    """Why its shape will not do, and what to do (shared/store/access/check.py)."""
    unseen: str = ""
    """A setting of its shape that its user may not ask for; empty: there is none."""
    at: str = ""
    """Where it is, where there are several."""
    others: Sequence[RedisFacts] = ()
    """Of a Cluster, the other masters: what each says of itself, how it feels, where it is."""


def judge(facts: RedisFacts, lanes: int) -> list[Finding]:
    """All findings about a Redis that answers."""
    if "info" in facts.missing.commands:
        return [each for each in [_permissions(facts.missing)] if each is not None]
    found = [
        *_of_each(facts, lambda server: _version(server.info)),
        _shape(facts.shape, facts.unseen),
        *_of_each(facts, lambda server: _role(server.info)),
        _permissions(facts.missing),
        *_of_each(facts, _policy),
        *_of_each(facts, lambda server: _memory(server.info)),
        _writes(facts.missing.refusal),
        *_of_each(facts, _persistence),
        *_of_each(facts, lambda server: _latency(server.round_trips_ms)),
        *_of_each(facts, lambda server: _clock(server.clock_ahead_ms)),
        _lanes(facts.lanes, lanes),
    ]
    return [each for each in found if each is not None]


def login_refused(place: str, login: str, reason: str) -> Finding:
    """It answers, and takes neither this user nor this password, or wants some."""
    return fail(
        WHERE,
        f"{place} does not let us in ({login}): {reason}",
        "Correct user and password in REDIS_URL (environment or .env): redis://user:password@host:port/0.",
    )


def forbidden(reason: str) -> Finding:
    """Its user may not even do what the doctor asks."""
    return fail(
        f"{WHERE} permissions",
        f"its user may not do what is asked here: {reason}",
        "As its administrator: ACL SETUSER USER ~tl:* and the commands that docs/operating.md lists.",
    )


def unreachable(url: str, reason: str) -> Finding:
    """`url` without its password."""
    return fail(
        WHERE,
        f"{url} does not answer: {reason}",
        "Start it, or correct REDIS_URL (environment or .env). Roles wait for it meanwhile.",
    )


# Private.


def _of_each(facts: RedisFacts, rule: Callable[[RedisFacts], Finding | None]) -> list[Finding]:
    """What a rule says of each master: all of whom it says the same in one line, who is not well by name."""
    servers = [facts, *facts.others]
    said = [(each.at, found) for each in servers if (found := rule(each)) is not None]
    if len(dict.fromkeys(found for _, found in said)) <= 1:
        return [found for _, found in said[:1]]
    well = dict.fromkeys(found.found for _, found in said if found.level is Level.OK)
    good = [ok(said[0][1].what, "; ".join(well))] if well else []
    bad = [(at, found) for at, found in said if found.level is not Level.OK]
    return [*good, *(replace(found, what=f"{found.what}, {at}") for at, found in bad)]


def _shape(problem: str, unseen: str) -> Finding | None:
    what = f"{WHERE} shape"
    if problem:
        found, _, do = problem.partition(". ")
        return fail(what, found, do)
    if unseen:
        return warn(
            what,
            f"its user may not ask for {unseen}: nobody has looked at it",
            f"As its administrator, on each node: redis-cli CONFIG GET {unseen}; it must say no.",
        )
    return None


def _version(info: Mapping[str, str]) -> Finding:
    is_valkey = "valkey_version" in info
    name, least = ("Valkey", LEAST_VALKEY) if is_valkey else ("Redis", LEAST_REDIS)
    version = info["valkey_version"] if is_valkey else info.get("redis_version", "0")
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if parts < least:
        return fail(
            f"{WHERE} version",
            f"{name} {version}",
            f"Use {name} {least[0]}.{least[1]} or newer: roles do not become ready on this one.",
        )
    flaw = flaw_of(info)
    if flaw:
        return warn(
            f"{WHERE} version",
            f"{name} {version} is {flaw}",
            "Upgrade it, or make sure that whoever packages it has mended it.",
        )
    return ok(f"{WHERE} version", f"{name} {version}")


def _role(info: Mapping[str, str]) -> Finding | None:
    if info.get("role", "master") == "master":
        return None
    return fail(
        f"{WHERE} role",
        f"it is a {info['role']}: writes are refused",
        "Let REDIS_URL name the primary.",
    )


def _permissions(missing: Missing) -> Finding | None:
    what = f"{WHERE} permissions"
    if not missing:
        return ok(what, "all that is needed")
    return fail(what, f"its user {missing}", f"As its administrator: {missing.remedy('USER')}")


def _writes(refusal: str) -> Finding | None:
    """Whatever the reason: full, a replica, a disk that its log cannot be written to, a slot on its way."""
    if not refusal:
        return None
    since = "Each process says at its admin port's /readyz since when."
    if refusal.startswith("ASK "):
        return fail(
            f"{WHERE} writes",
            f"a hash slot is on its way to another node, and its lane waits: {refusal}",
            f"{since} If no reshard is under way any more: redis-cli --cluster fix HOST:PORT, or"
            " CLUSTER SETSLOT SLOT STABLE on both nodes.",
        )
    return fail(
        f"{WHERE} writes",
        f"it refuses them: {refusal}",
        f"No call can be served: raise maxmemory, mend its disk, or let REDIS_URL name the primary. {since}",
    )


def _policy(facts: RedisFacts) -> Finding:
    policy = facts.info.get("maxmemory_policy", "") or facts.config.get("maxmemory-policy", "")
    what = f"{WHERE} memory policy"
    if not policy:
        return warn(what, "it does not say", "See to it that maxmemory-policy is noeviction.")
    if policy != "noeviction":
        return fail(
            what,
            f"{policy}: it would delete live calls without a word",
            "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.",
        )
    return ok(what, policy)


def _memory(info: Mapping[str, str]) -> Finding:
    what = f"{WHERE} memory"
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        return ok(what, f"{_megabytes(used)} used, no limit")
    share = used / limit
    found = f"{_megabytes(used)} of {_megabytes(limit)} used"
    do = "Raise maxmemory: a live call needs up to 5 MB while a long answer waits, most need far less."
    if share >= MEMORY_FAIL_SHARE:
        return fail(what, f"{found}: writes are refused when it is full", do)
    return warn(what, found, do) if share >= MEMORY_WARN_SHARE else ok(what, found)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def _persistence(facts: RedisFacts) -> Finding:
    what = f"{WHERE} persistence"
    info, config = facts.info, facts.config
    if info.get("loading", "0") != "0":
        return fail(what, "it is still loading its data", "Wait, then ask again.")
    has_aof = info.get("aof_enabled", "0") != "0"
    if has_aof and info.get("aof_last_write_status", "ok") != "ok":
        return fail(what, "its log cannot be written: every write is refused", "Look at its disk: full?")
    saves = config.get("save", "")
    is_stopping = config.get("stop-writes-on-bgsave-error", "yes") == "yes"
    if saves and is_stopping and info.get("rdb_last_bgsave_status", "ok") != "ok":
        return fail(what, "its last snapshot failed: every write is refused", "Look at its disk: full?")
    if has_aof:
        return _log_of_writes(what, facts)
    if not config:
        return warn(what, "no log of writes; whether it takes snapshots it does not say", _CHOOSE)
    if saves:
        return warn(
            what,
            f"snapshots only (save {saves}): after a crash, calls of minutes ago stand there as live, and"
            " what was being said when one was taken stays on its disk",
            f'Switch snapshots off (CONFIG SET save ""). {_CHOOSE}',
        )
    if int(info.get("connected_slaves", 0)):
        return ok(what, "none: nothing of a call is on its disk; a replica has what it has")
    return warn(
        what,
        "none: nothing of a call is on its disk, and after a restart it is empty. Live calls go on; ended"
        " ones and webhooks that wait are gone",
        _CHOOSE,
    )


_CHOOSE = (
    "Choose (docs/operating.md, What is at rest): replicas keep it without a disk"
    " (deploy/redis/audio-not-on-disk.conf); a log keeps it on disk, and with it what callers say until it is"
    " rewritten (deploy/redis/durable.conf)."
)
"""Neither is right for everybody: where a log is advised, it is said what else will be in it."""


def _log_of_writes(what: str, facts: RedisFacts) -> Finding:
    fsync = facts.config.get("appendfsync", "")
    if fsync == "always":
        return warn(
            what,
            "a log of writes, appendfsync always: every commit waits for the disk",
            "CONFIG SET appendfsync everysec.",
        )
    if fsync == "no":
        return warn(
            what,
            "a log of writes, appendfsync no: a power failure loses up to half a minute",
            "CONFIG SET appendfsync everysec.",
        )
    if facts.config.get("auto-aof-rewrite-percentage", "") == "0":
        return warn(
            what,
            "a log of writes that is never rewritten by itself: what callers say stays on its disk",
            "CONFIG SET auto-aof-rewrite-percentage 100.",
        )
    size = int(facts.info.get("aof_current_size", 0))
    told = f" ({_megabytes(size)} now)" if size else ""
    return ok(
        what,
        f"a log of writes, appendfsync {fsync or 'not told'}: what callers say is on its disk until it is"
        f" rewritten{told}",
    )


def _latency(round_trips_ms: Sequence[float]) -> Finding:
    what = f"{WHERE} latency"
    middle, worst = median(round_trips_ms), max(round_trips_ms)
    found = f"median {middle:.2f} ms, worst {worst:.2f} ms of {len(round_trips_ms)}"
    do = "Put it nearer (same rack or zone), on a core of its own; `redis-cli --latency` from this host."
    if worst >= REDIS_MS:
        return fail(what, f"{found}: longer than the audio kept ahead of the caller", do)
    if middle >= MEDIAN_MS or worst >= WORST_MS:
        return warn(what, found, do)
    return ok(what, found)


def _clock(ahead_ms: float) -> Finding:
    what = "clocks"
    side = "ahead of" if ahead_ms >= 0 else "behind"
    found = f"Redis is {abs(ahead_ms):.0f} ms {side} this host"
    do = "Synchronise both clocks (chrony, systemd-timesyncd). No call depends on it; what you read does."
    if abs(ahead_ms) >= CLOCK_FAIL_MS:
        return fail(what, f"{found}: living workers look silent and ages are wrong", do)
    return (
        warn(what, f"{found}: ages are wrong by that much", do)
        if abs(ahead_ms) >= CLOCK_WARN_MS
        else ok(what, found)
    )


def _lanes(stored: str, wanted: int) -> Finding:
    if not stored:
        return ok("lanes", f"{wanted}; none stored yet, the first process stores it")
    if stored != str(wanted):
        return fail(
            "lanes",
            f"{stored} are stored in tl:config, TRUNKLINE_LANES is {wanted}",
            f"Set TRUNKLINE_LANES={stored}, or use an empty Redis.",
        )
    return ok("lanes", stored)
