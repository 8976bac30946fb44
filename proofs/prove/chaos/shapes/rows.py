"""Rows about Redis in each of its shapes: its server is killed, stopped, filled, cut off, moved and set back
under live calls.

Why it exists: "where Redis refuses, freezes or forgets, calls go on" means this list, in every shape. Owns:
these rows and their bounds. Pure. Must not know: how a fault is brought about, or how a figure is made.

A bound is a sum, and each part of it stands below with where it is from: how long the servers take by their
own settings, what has been measured beyond that, and how long our processes take to be back. Nobody has died,
so no call changes hands (`owners`), but where Redis has lost who has it. No call is lost in any row: how each
one ends is asked of all (evidence/quiet.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.faults import (
    Fault,
    Nothing,
    Profile,
    RedisFault,
    RedisIs,
    Row,
    ServerFault,
    ServersAre,
    Step,
)
from proofs.prove.chaos.outer_rows import BACK_MS, LOST_MS, OUTAGE_S
from proofs.prove.chaos.shapes.cluster import NODE_TIMEOUT_MS
from proofs.prove.chaos.shapes.sentinel import DOWN_AFTER_MS, MAX_LAG_S

CALLS: Final = 50
"""Where the promise is made of so many: a master's death, a failover, a slot that moves, no memory, no disk,
a freeze, a restart."""

FEWER: Final = 10
"""Elsewhere."""

# What a bound is made of.

ELECTION_MS: Final = 1_500.0
"""Beyond the time after which a server is held for dead, until another takes writes. Measured on idle servers
of four versions: 1.2 to 1.4 s with Sentinel (1.8, 2.3 and 6.4 s for 0.5, 1 and 5 s), 0.3 to 0.7 s in a
Cluster (1.3 to 1.7 s for 1 s), 1.4 to 1.5 s with Sentinel where the master stands still (2.4 to 2.5 s for
1 s)."""

TAKEN_OVER_MS: Final = {
    Profile.SENTINEL: DOWN_AFTER_MS + ELECTION_MS,
    Profile.CLUSTER: NODE_TIMEOUT_MS + ELECTION_MS,
}
"""From the death of a master to the first write that another takes."""

DOWN_S: Final = 1.0
"""A single server that was killed is started again so much later."""

BOOT_MS: Final = 1_000.0
"""From the start of a server to its first answer, with what it had: the interpreter that becomes it, its
file."""

UNSAID_MS: Final = 1_000.0
"""Of what the caller says: what a master had confirmed and its successor, or its restart, does not have."""

OLDER_MS: Final = 1_000.0 * MAX_LAG_S
"""The same where the successor lacks as much by intention (`ServersAre.LOSING`), and where a master that is
cut off goes on taking writes until it has missed its replicas for so long."""

MOVED_MS: Final = 1_000.0
"""While the keys of one lane are in two places its scripts can be carried out nowhere: a few hundred keys,
ten in a step."""

HANDED_OVER_MS: Final = 1_000.0
"""A failover that was asked for: nobody has to be found dead. Sentinels look once a second whether the next
master is one."""

PARTED_S: Final = 4.0
HELLO_MS: Final = 2_000.0
"""Sentinels tell one another of a new master so often."""

LEFT_MS: Final = 2_000.0
"""A server that refuses is left by then for the one that Sentinels name."""

WELL_S: Final = 3.0
CLOCK_S: Final = 5.0
SLIGHT_MS: Final = 300.0
"""What is not to be heard: as long as what lies ahead at the carrier."""

_LONGER_S: Final = 100.0
"""Until what an older snapshot has brought back is gone: a minute of silence, a look, an end."""

_UNHEARD: Final = Bounds(silence_ms=SLIGHT_MS, owners=1)
_REFUSED: Final = Bounds(silence_ms=1_000 * OUTAGE_S + BACK_MS, owners=1)
_FORGOTTEN: Final = Bounds(silence_ms=BACK_MS, unsaid_ms=UNSAID_MS, skipped_ms=LOST_MS, says_again=True)
"""Nobody knows any more who has a call: somebody else may have it."""

_TAKEN_OVER: Final = replace(_FORGOTTEN, owners=1)
"""By a server that lacks the last moment at most."""

_WHOLE: Final = Bounds(silence_ms=BACK_MS, owners=1)
"""Nothing that was confirmed is lost."""

Kind = tuple[str, ServersAre, float, Bounds, int]
"""Name, what is done, for how long (s), what it may cost, calls."""


def _after(ms: float, bounds: Bounds) -> Bounds:
    """So much silence, and then that of coming back."""
    return replace(bounds, silence_ms=ms + BACK_MS)


_RESTART_MS: Final = 1_000 * DOWN_S + BOOT_MS
_NAMED_ANEW: Final = _after(TAKEN_OVER_MS[Profile.SENTINEL], _TAKEN_OVER)
_LOSING: Final = replace(_NAMED_ANEW, unsaid_ms=UNSAID_MS + OLDER_MS)
_ELECTED: Final = _after(TAKEN_OVER_MS[Profile.CLUSTER], _TAKEN_OVER)
_PARTED: Final = replace(
    _after(1_000 * PARTED_S + HELLO_MS + LEFT_MS, _TAKEN_OVER), unsaid_ms=UNSAID_MS + OLDER_MS
)

_ONE: Final[tuple[Kind, ...]] = (
    ("restarted-empty", ServersAre.RESTARTED, DOWN_S, _after(_RESTART_MS, _FORGOTTEN), CALLS),
    ("restarted-whole", ServersAre.RESTARTED_WHOLE, DOWN_S, _after(_RESTART_MS, _WHOLE), CALLS),
    ("restarted-older", ServersAre.RESTARTED_OLDER, DOWN_S, _after(_RESTART_MS, _FORGOTTEN), CALLS),
    ("frozen", ServersAre.FROZEN, OUTAGE_S, _REFUSED, CALLS),
    ("full", ServersAre.FULL, OUTAGE_S, _REFUSED, CALLS),
    ("no-disk", ServersAre.WITHOUT_DISK, OUTAGE_S, _REFUSED, CALLS),
    ("no-replicas", ServersAre.WITHOUT_REPLICAS, OUTAGE_S, _REFUSED, FEWER),
    ("read-only", ServersAre.READ_ONLY, OUTAGE_S, _REFUSED, FEWER),
)

_WHERE_REDIS_7_DIFFERS: Final[tuple[Kind, ...]] = tuple(
    kind for kind in _ONE if kind[0] in ("restarted-whole", "full", "no-disk", "no-replicas", "read-only")
)
"""What it answers to a MULTI, a script and a PING while it refuses is its own, and so is its file."""

_REDIS_7: Final[tuple[tuple[str, RedisIs, float, Bounds], ...]] = (
    ("busy", RedisIs.BUSY, 2.0, Bounds(silence_ms=2_000 + BACK_MS, owners=1)),
    ("forgetful", RedisIs.FORGETFUL, 0.0, _UNHEARD),
    ("emptied", RedisIs.EMPTIED, 0.0, _FORGOTTEN),
)

_NAMED: Final[tuple[Kind, ...]] = (
    ("well", ServersAre.WELL, WELL_S, _UNHEARD, FEWER),
    ("killed", ServersAre.KILLED, 0.0, _NAMED_ANEW, CALLS),
    ("handed-over", ServersAre.HANDED_OVER, 0.0, _after(HANDED_OVER_MS, _TAKEN_OVER), CALLS),
    ("losing", ServersAre.LOSING, float(MAX_LAG_S), _LOSING, FEWER),
    # Longer than is borne: another takes over meanwhile.
    ("frozen", ServersAre.FROZEN, OUTAGE_S, _NAMED_ANEW, CALLS),
    ("full", ServersAre.FULL, OUTAGE_S, _REFUSED, CALLS),
    # To PING it answers MISCONF as well, so that its Sentinels hold it for dead.
    ("no-disk", ServersAre.WITHOUT_DISK, OUTAGE_S, _after(1_000 * OUTAGE_S, _TAKEN_OVER), CALLS),
    ("no-replicas", ServersAre.WITHOUT_REPLICAS, OUTAGE_S, _REFUSED, FEWER),
    # Back before anybody has missed it: with nothing, and its replicas take that over.
    ("restarted-empty", ServersAre.RESTARTED, 0.0, replace(_NAMED_ANEW, owners=None), CALLS),
)

_SLOTTED: Final[tuple[Kind, ...]] = (
    ("well", ServersAre.WELL, WELL_S, _UNHEARD, FEWER),
    ("killed", ServersAre.KILLED, 0.0, _ELECTED, CALLS),
    ("handed-over", ServersAre.HANDED_OVER, 0.0, _after(HANDED_OVER_MS, _TAKEN_OVER), CALLS),
    ("moved", ServersAre.MOVED, 0.0, Bounds(silence_ms=MOVED_MS, owners=1), CALLS),
    ("frozen", ServersAre.FROZEN, OUTAGE_S, _ELECTED, CALLS),
    ("full", ServersAre.FULL, OUTAGE_S, _REFUSED, CALLS),
    ("no-disk", ServersAre.WITHOUT_DISK, OUTAGE_S, _REFUSED, CALLS),
    ("no-replicas", ServersAre.WITHOUT_REPLICAS, OUTAGE_S, _REFUSED, FEWER),
    ("restarted-empty", ServersAre.RESTARTED, 0.0, replace(_ELECTED, owners=None), CALLS),
    ("restarted-whole", ServersAre.RESTARTED_WHOLE, 0.0, _ELECTED, CALLS),
)

_ALONE: Final[tuple[tuple[Profile, Kind], ...]] = (
    (Profile.CLOCK, ("ahead", ServersAre.AHEAD, CLOCK_S, _UNHEARD, FEWER)),
    (Profile.CLOCK, ("behind", ServersAre.BEHIND, CLOCK_S, _UNHEARD, FEWER)),
    (Profile.FAR, ("unreached", ServersAre.UNREACHED, OUTAGE_S, _REFUSED, FEWER)),
    (Profile.PARTED, ("parted", ServersAre.PARTED, PARTED_S, _PARTED, FEWER)),
)

_NAMES: Final = {
    Profile.VALKEY: "valkey",
    Profile.REDIS7: "redis7",
    Profile.SENTINEL: "sentinel",
    Profile.CLUSTER: "cluster",
    Profile.CLOCK: "clock",
    Profile.FAR: "valkey",
    Profile.PARTED: "sentinel",
}

_LASTING: Final = frozenset(
    {
        ServersAre.FROZEN,
        ServersAre.FULL,
        ServersAre.WITHOUT_DISK,
        ServersAre.WITHOUT_REPLICAS,
        ServersAre.READ_ONLY,
        ServersAre.UNREACHED,
        ServersAre.PARTED,
    }
)
"""Of these the length is a part of what is done."""

_SHORT: Final = frozenset({"sentinel-killed", "cluster-killed", "cluster-moved"})
"""What `make chaos` plays of it, with few calls."""


def redis_rows() -> list[Row]:
    """All of them; those on the same servers stand together, and what is usual comes first."""
    rows = [_row(Profile.VALKEY, "healthy", "nothing is wrong", Nothing(), Bounds(silence_ms=0.0), FEWER)]
    for profile, kinds in (
        (Profile.VALKEY, _ONE),
        (Profile.REDIS7, _WHERE_REDIS_7_DIFFERS),
        (Profile.SENTINEL, _NAMED),
        (Profile.CLUSTER, _SLOTTED),
    ):
        rows += [_of_servers(profile, kind) for kind in kinds]
        rows += _of_redis_7() if profile is Profile.REDIS7 else ()
    return rows + [_of_servers(profile, kind) for profile, kind in _ALONE]


# Private.


def _of_servers(profile: Profile, kind: Kind) -> Row:
    name, servers_are, lasts_s, bounds, calls = kind
    text = f"{servers_are} for {lasts_s:g} s" if servers_are in _LASTING else str(servers_are)
    row = _row(profile, name, text, ServerFault(servers_are, lasts_s), bounds, calls)
    return replace(row, base_line_s=_LONGER_S) if servers_are is ServersAre.RESTARTED_OLDER else row


def _of_redis_7() -> Iterator[Row]:
    for name, kind, lasts_s, bounds in _REDIS_7:
        text = f"it is {kind}" + (f" for {lasts_s:g} s" if lasts_s else "")
        yield _row(Profile.REDIS7, name, text, RedisFault(kind, lasts_s), bounds, FEWER)


def _row(profile: Profile, name: str, text: str, fault: Fault, bounds: Bounds, calls: int) -> Row:
    whole_name = f"{_NAMES[profile]}-{name}"
    return Row(
        name=whole_name,
        text=f"{profile}: {text}",
        fault=fault,
        step=Step.MODEL,
        bounds=bounds,
        calls=calls,
        tier="short" if whole_name in _SHORT else "redis",
        profile=profile,
    )
