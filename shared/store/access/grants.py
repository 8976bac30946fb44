"""Which commands of Redis each of us needs, and on which keys: a user a role, and one for operators.

Why it exists: a user that may do less than its process needs is found out by a call, one that may do more by
whoever has broken into it. From this one table the files of deploy/redis/acl are made (proofs/pages/acl.py),
and what a process asks of its user at its start (permissions.py). Owns: the table, a user's rules in Redis's
own words. Pure. Must not know: passwords, servers, what a command is sent for.

A script has the rights of whoever calls it: each `redis.call` in it needs its command and its key, and Redis
takes every key in KEYS to be read and written. A pattern is as narrow as its role allows: what is only
written cannot be read (`%W~`), what is only read cannot be written (`%R~`), and of what has a worker's name
in it a role reads its own. tests/deploy/test_acl.py holds the table against real servers.

Only words that Redis 7.0 knows stand here: of a file with a word that it does not know it takes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.contract.keys import (
    ADMITTED,
    AUDIT,
    CONFIG,
    COUNTED_BY,
    MODEL,
    NOWHERE,
    SPEECH,
    WORKERS,
    Keys,
    caller_day,
    sound_key,
)
from shared.contract.worker import ROLES

OPERATOR = "operator"
"""People at a terminal: `trunkline`, `redis-cli`; and what looks on for them, doctor and watchdog."""

RECORDER = "recorder"
"""The process that takes the sound of recorded calls."""

SERVED = ("brain", "egress")
"""Roles that own calls: others ring them."""


class Access(enum.Enum):
    """What may be done with a key, as the rule begins."""

    READ = "%R~"
    WRITE = "%W~"
    FULL = "~"

    def allows(self, other: Access) -> bool:
        """Whether who has this one has the other."""
        return self in (Access.FULL, other)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A pattern of keys. As text, the rule."""

    access: Access
    pattern: str

    def __str__(self) -> str:
        return f"{self.access.value}{self.pattern}"

    @property
    def sample(self) -> str:
        """A key that fits."""
        return self.pattern.replace("{*}", "{0}").replace("?", "0").replace("*", "0@host#boot")


@dataclass(frozen=True, slots=True)
class Part:
    """Commands, and the keys that they may be used on. What stands in one part holds for that part alone."""

    commands: tuple[str, ...]
    """As rules name them: `xadd`, `script|load`."""
    keys: tuple[KeyRule, ...] = ()

    @property
    def rules(self) -> str:
        """In Redis's words."""
        return " ".join([*(f"+{name}" for name in self.commands), *map(str, self.keys)])


@dataclass(frozen=True, slots=True)
class Grant:
    """All that a user may do. The first part is the user's own, the others are its selectors."""

    user: str
    parts: tuple[Part, ...]

    @property
    def selectors(self) -> tuple[str, ...]:
        """In Redis's words."""
        return tuple(f"({part.rules})" for part in self.parts[1:])

    @property
    def line(self) -> str:
        """The user as a file has it (redis.conf, aclfile); behind `user`, as ACL SETUSER takes it.

        It begins with nothing, so that an older version's rules go, and says nothing of passwords: those that
        the user has stay; a user without one cannot log in.
        """
        begin = "on clearselectors resetkeys resetchannels -@all"
        return " ".join(["user", self.user, begin, self.parts[0].rules, *self.selectors])


# Keys, by what the contract calls them.

_ONE, _CLUSTER = Keys(), Keys(spread=True)
_CALL = "CA" + "?" * 32


def _lanes(key: str) -> str:
    """Of whichever lane."""
    return key.replace("{0}", "{*}")


def _part(name: str) -> str:
    return _lanes(_ONE.part(_CALL, name))


def _wake(worker: str) -> str:
    return _lanes(_ONE.wake(0, worker))


def _owned(worker: str) -> str:
    return _lanes(_ONE.owned(0, worker))


def _out(worker: str) -> tuple[str, str]:
    return _ONE.out(worker), _lanes(_CLUSTER.out(worker))


def _back(worker: str) -> tuple[str, str]:
    return _ONE.back(worker), _lanes(_CLUSTER.back(worker))


_CARD = _lanes(_ONE.card(_CALL))
_RINGING, _JANITOR, _ENDED = (_lanes(key(0)) for key in (_ONE.ringing, _ONE.janitor, _ONE.ended))
_LISTS = tuple(_lanes(key(0)) for key in (_ONE.live, _ONE.slots, _ONE.deadlines, _ONE.hooks))
_DISPATCH = tuple(_lanes(key(0)) for key in (_ONE.calls, _ONE.orphans))
_VOICES = (_part("caller"), _part("turn"), _part("reply"))
_TAPE, _TAPES = _part("tape"), _lanes(_ONE.tapes(0))


def _read(*patterns: str) -> tuple[KeyRule, ...]:
    return tuple(KeyRule(Access.READ, pattern) for pattern in patterns)


def _write(*patterns: str) -> tuple[KeyRule, ...]:
    return tuple(KeyRule(Access.WRITE, pattern) for pattern in patterns)


def _full(*patterns: str) -> tuple[KeyRule, ...]:
    return tuple(KeyRule(Access.FULL, pattern) for pattern in patterns)


# Commands.

CONNECTION = (
    "client|setname", "script|load", "select", "info", "ping", "time", "multi", "exec", "discard",
)  # fmt: skip
"""Of every connection. `script|load`: a restart or a failover loses the scripts, and then a call cannot wait
for somebody else to load them. A script of one's own can do no more than its caller may by hand, but for
keeping the server busy."""

ON_A_CLUSTER = ("asking", "cluster|shards", "cluster|slots", "command")
"""Where a key is; redis-py asks for the table of commands too, to find the keys in them."""

OPTIONAL = frozenset({"select", "config|get", *ON_A_CLUSTER})
"""Granted, and not needed everywhere: another database than 0, a Cluster, what the doctor tells of
persistence."""

_OF_A_ROLE = (
    *CONNECTION, *ON_A_CLUSTER,
    "del", "evalsha", "exists", "hdel", "hget", "hgetall", "hmget", "hset", "hsetnx", "pexpire", "sadd",
    "smembers", "srem", "xadd", "xdel", "xinfo|stream", "xrange", "xread", "xtrim", "zadd", "zrem",
    "zremrangebyrank", "zremrangebyscore",
)  # fmt: skip

_SERVING = ("xack", "xautoclaim", "xgroup|create", "xreadgroup", "xrevrange")
"""Dispatch, and the control messages of one's calls."""


# Users.


def _of_a_process(role: str) -> tuple[KeyRule, ...]:
    """Whatever it serves: what all agree on, who is there, its own beat and doorbell, the doorbells of
    others."""
    own = f"{role}-*"
    return (
        *_full(CONFIG, WORKERS, _wake(own)),
        *_read(_ONE.worker("*")),
        *_write(_ONE.worker(own), f"{NOWHERE}*", _lanes(_ONE.nowhere(0))),
        *_write(*(_wake(f"{other}-*") for other in SERVED if other != role)),
    )


def _user(name: str, *parts: Part) -> Grant:
    return Grant(f"trunkline-{name}", parts)


def _ingress() -> Grant:
    """Writes what callers say and reads none of it again; is told nothing of what was said."""
    return _user(
        "ingress",
        Part(
            (*_OF_A_ROLE, "get", "pttl", "set", "xgroup|delconsumer", "xinfo|consumers", "zcard", "zrange",
             "zrangebyscore", "zscore"),
            (
                *_of_a_process("ingress"),
                *_full(*_out("ingress-*")),
                *_write(*_back("*")),
                *_read(SPEECH, MODEL, sound_key("*")),
                *_full(ADMITTED, COUNTED_BY, caller_day("*")),
                *_full(*_DISPATCH, *_LISTS, _RINGING, _ENDED, _JANITOR, _owned("*")),
                *_full(_CARD, _part("token"), _part("control")),
                *_write(*_VOICES, _TAPE, _TAPES, _part("journal"), _part("history"), _part("number")),
            ),
        ),
    )  # fmt: skip


def _brain() -> Grant:
    """The only one that reads the caller's voice, what was said, and the caller's number."""
    return _user(
        "brain",
        Part(
            (*_OF_A_ROLE, *_SERVING, "hexists", "hincrby", "pttl", "xclaim", "xpending"),
            (
                *_of_a_process("brain"),
                *_write(*_out("*"), *_back("brain-*"), SPEECH, MODEL, ADMITTED, sound_key("*")),
                *_full(_ONE.spent("*")),
                *_full(*_DISPATCH, *_LISTS, _RINGING, _ENDED, _owned("brain-*")),
                *_write(_owned("*")),
                *_full(_CARD, _part("token"), _part("control")),
                *_full(*_VOICES, _part("history"), _part("number")),
                *_write(_part("journal"), _TAPE),
            ),
        ),
    )


def _egress() -> Grant:
    """Reads the model's voice, and of the caller's how much waits."""
    return _user(
        "egress",
        Part(
            (*_OF_A_ROLE, *_SERVING, "xlen"),
            (
                *_of_a_process("egress"),
                *_full(*_back("egress-*")),
                *_write(*_out("*"), ADMITTED),
                *_full(*_DISPATCH, *_LISTS, _ENDED, _owned("egress-*")),
                *_write(_owned("*")),
                *_full(_CARD, _part("token"), _part("control"), _part("reply")),
                *_write(_part("caller"), _part("turn"), _TAPE),
                *_write(_part("journal"), _part("history"), _part("number")),
            ),
        ),
    )


def _operator() -> Grant:
    """Reads what is told of calls, and the sound of those that are listened to or recorded, while it stands
    there; counts all other voices and cannot listen to them; never sees a number in full."""
    looking = Part(
        (*CONNECTION, *ON_A_CLUSTER, "config|get", "scan", "exists", "get", "hget", "hgetall", "hlen",
         "hmget", "memory|usage", "scard", "smembers", "strlen", "xlen", "xpending", "xrange", "xread",
         "xrevrange", "zcard", "zrange", "zrevrangebyscore", "zscore"),
        (
            *_read(CONFIG, WORKERS, SPEECH, MODEL, ADMITTED, COUNTED_BY, AUDIT, _ONE.worker("*")),
            *_read(*_DISPATCH, *_LISTS, _RINGING, _ENDED, _JANITOR, _wake("*"), _owned("*")),
            *_read(_CARD, _part("control"), _part("journal"), _part("history")),
        ),
    )  # fmt: skip
    counting = Part(
        ("exists", "hlen", "memory|usage", "xlen"),
        _read(
            *_VOICES,
            _TAPES,
            _part("token"),
            _part("number"),
            caller_day("*"),
            *_out("*"),
            *_back("*"),
            sound_key("*"),
            _ONE.spent("*"),
        ),
    )
    recording = Part(("exists", "xinfo|consumers"), _read(_TAPES))  # Whether anybody takes it.
    listening = Part(("exists", "xlen", "xread"), _read(_TAPE))
    telling = Part(("xadd",), _write(_part("control"), _wake("*")))
    tidying = Part(("srem", "zrem"), _write(WORKERS, _ENDED, ADMITTED))
    ending = Part(  # The script END: a call that nobody has any more.
        ("evalsha", "del", "hdel", "hget", "hmget", "hset", "pexpire", "srem", "xadd", "zadd", "zrem",
         "zremrangebyrank", "zremrangebyscore"),
        (
            *_full(*_LISTS, _ENDED, _CARD, _part("token")),
            *_write(*_VOICES, _TAPE, _part("control"), _part("journal"), _part("history"), _part("number")),
            *_write(*(_wake(f"{role}-*") for role in SERVED), _owned("*")),
        ),
    )  # fmt: skip
    noting = Part(("pexpire", "xadd"), _write(AUDIT))
    watching = Part(("hset", "pexpire"), _write(_ONE.worker("watchdog-*")))
    asking = Part(("xadd",), _write(f"{NOWHERE}*"))  # Whether the server of a beat takes writes.
    return _user(
        OPERATOR, looking, counting, recording, listening, telling, tidying, ending, noting, watching, asking
    )  # fmt: skip


def _recorder() -> Grant:
    """Takes the sound of recorded calls out of Redis, and nothing that was said as text."""
    taking = Part(
        (*CONNECTION, *ON_A_CLUSTER, "del", "hget", "hmget", "pexpire", "xack", "xdel", "xgroup|create",
         "xrange", "xreadgroup", "xtrim"),
        (*_read(CONFIG, _CARD), *_full(_TAPE, _TAPES)),
    )  # fmt: skip
    telling = Part(("pexpire", "xadd"), _write(_lanes(_ONE.hooks(0))))
    return _user(RECORDER, taking, telling)


GRANTS: Mapping[str, Grant] = {
    "ingress": _ingress(),
    "brain": _brain(),
    "egress": _egress(),
    OPERATOR: _operator(),
    RECORDER: _recorder(),
}
"""By role; then the operator's, and the recorder's."""


def _together(grants: Iterable[Grant]) -> Grant:
    parts = [part for grant in grants for part in grant.parts]
    commands = dict.fromkeys(name for part in parts for name in part.commands)
    keys = dict.fromkeys(rule for part in parts for rule in part.keys)
    return Grant("trunkline", (Part(tuple(commands), tuple(keys)),))


ALL_ROLES = _together(GRANTS[role] for role in ROLES)
"""What one user for all roles needs: some of its rules say less than others."""

ALL_KEYS = "~tl:*"
"""The rule that covers all of its keys."""
