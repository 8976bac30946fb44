"""Whether the Redis user may do all that Trunkline does: asked of the server, without doing any of it.

Why it exists: a user that lacks a command or a pattern of keys is found out hours later, by the one call that
needed it. Each command is queued in a transaction that is then discarded: the server judges it when it is
queued (Redis 7 and Valkey 8 both), and nothing is carried out.

Owns: the list of what is needed, the words for what is missing. Must not know: what any of it is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from shared.contract.keys import AUDIT, CALL_PARTS, CONFIG, WORKERS, Keys
from shared.store.client import Store

MAX_NAMED = 8

_CALL = "CA" + "0" * 32
_WORKER = "brain-0@host#boot"
_KEY = Keys().card(_CALL)

_COMMAND = re.compile(r"the '([^']+)' command")

Words = tuple[str, ...]

COMMANDS: tuple[Words, ...] = (
    ("CLIENT", "SETNAME", "trunkline"),
    ("DEL", _KEY),
    ("EVALSHA", "0" * 40, "1", _KEY),
    ("EXISTS", _KEY),
    ("GET", _KEY),
    ("HDEL", _KEY, "f"),
    ("HEXISTS", _KEY, "f"),
    ("HGET", _KEY, "f"),
    ("HGETALL", _KEY),
    ("HINCRBY", _KEY, "f", "1"),
    ("HMGET", _KEY, "f"),
    ("HSET", _KEY, "f", "v"),
    ("HSETNX", _KEY, "f", "v"),
    ("INFO",),
    ("PEXPIRE", _KEY, "1"),
    ("PING",),
    ("PTTL", _KEY),
    ("SADD", _KEY, "m"),
    ("SCRIPT", "LOAD", "return 1"),
    ("SET", _KEY, "v"),
    ("SMEMBERS", _KEY),
    ("SREM", _KEY, "m"),
    ("TIME",),
    ("XACK", _KEY, "g", "0-1"),
    ("XADD", _KEY, "*", "f", "v"),
    ("XAUTOCLAIM", _KEY, "g", "c", "0", "0"),
    ("XCLAIM", _KEY, "g", "c", "0", "0-1"),
    ("XDEL", _KEY, "0-1"),
    ("XGROUP", "CREATE", _KEY, "g", "0"),
    ("XGROUP", "DELCONSUMER", _KEY, "g", "c"),
    ("XINFO", "CONSUMERS", _KEY, "g"),
    ("XINFO", "STREAM", _KEY),
    ("XLEN", _KEY),
    ("XPENDING", _KEY, "g"),
    ("XRANGE", _KEY, "-", "+"),
    ("XREAD", "STREAMS", _KEY, "0"),
    ("XREADGROUP", "GROUP", "g", "c", "STREAMS", _KEY, ">"),
    ("XREVRANGE", _KEY, "+", "-"),
    ("XTRIM", _KEY, "MAXLEN", "1"),
    ("ZADD", _KEY, "1", "m"),
    ("ZCARD", _KEY),
    ("ZRANGE", _KEY, "0", "-1"),
    ("ZRANGEBYSCORE", _KEY, "-inf", "0"),
    ("ZREM", _KEY, "m"),
    ("ZREMRANGEBYRANK", _KEY, "0", "0"),
    ("ZREMRANGEBYSCORE", _KEY, "-inf", "0"),
    ("ZSCORE", _KEY, "m"),
)
"""Every command that roles, their scripts and the console send, with words that fit it."""

CONTAINERS = frozenset({"CLIENT", "SCRIPT", "XGROUP", "XINFO"})
"""Commands that are allowed by their second word."""


def _keys() -> tuple[str, ...]:
    keys = Keys()
    of_call = [keys.part(_CALL, part) for part in CALL_PARTS]
    of_lane = [
        keys.calls(0),
        keys.ringing(0),
        keys.orphans(0),
        keys.live(0),
        keys.deadlines(0),
        keys.slots(0),
        keys.hooks(0),
        keys.janitor(0),
    ]
    of_worker = [keys.wake(0, _WORKER), keys.owned(0, _WORKER), keys.worker(_WORKER)]
    return (
        CONFIG,
        WORKERS,
        _KEY,
        *of_call,
        *of_lane,
        *of_worker,
        AUDIT,
        keys.spent("2026-01-05"),
        keys.out("ingress-0@host#boot"),
        keys.back("egress-0@host#boot"),
    )


KEYS = _keys()
"""One key of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the user may not do. Empty: all is well."""

    commands: tuple[str, ...] = ()
    """As ACL rules name them: `xadd`, `script|load`."""
    keys: tuple[str, ...] = ()
    refusal: str = ""
    """Why the server takes no writes of anybody at this moment (its memory is full, it is a replica), in its
    own words: no matter of permissions, and it may pass."""

    def __bool__(self) -> bool:
        return bool(self.commands or self.keys)

    def __str__(self) -> str:
        parts = []
        if self.commands:
            parts.append(f"may not run {_some(self.commands)}")
        if self.keys:
            keys = "tl:*" if set(self.keys) >= set(KEYS) else _some(self.keys)
            parts.append(f"may not read and write keys {keys}")
        return " and ".join(parts)

    def remedy(self, user: str) -> str:
        """The command of Redis's administrator that grants it."""
        rules = [*(["~tl:*"] if self.keys else []), *(f"+{name}" for name in self.commands)]
        return f"ACL SETUSER {user} {' '.join(rules)}"


async def missing(store: Store) -> Missing:
    """What the user that the store logs in as lacks. Raises STORE_ERRORS.

    Cancelling it costs the connection that it asks on.
    """
    pool: Any = store.redis.connection_pool
    # A connection of its own, which nobody gets after it, whatever state it is in. Without a name: to give
    # itself one is a command that may be forbidden too.
    connection = pool.connection_class(**{**pool.connection_kwargs, "client_name": None})
    try:
        await connection.connect()
        return await _judged_by(connection)
    except NoPermissionError as error:  # Of MULTI, or of SELECT in the handshake: nothing can be asked.
        return Missing(commands=(_command_of(error),))
    finally:
        await connection.disconnect()


# Private.


async def _judged_by(connection: Any) -> Missing:
    # By itself: were it refused, all that follows would be carried out.
    await connection.send_command("MULTI")
    await connection.read_response()
    asked = [*COMMANDS, *(("HSET", key, "f", "v") for key in KEYS)]
    await connection.send_packed_command(connection.pack_commands(asked))
    commands: dict[str, None] = {}
    keys: dict[str, None] = {}
    refusal = ""
    for words in asked:
        try:
            await connection.read_response()
        except NoPermissionError as error:
            if _COMMAND.search(str(error)):
                commands[_rule(words)] = None
            else:
                keys[words[words.index(_KEY)] if _KEY in words else words[1]] = None
        except ResponseError as error:
            refusal = refusal or str(error)
    await connection.send_command("DISCARD")
    await connection.read_response()
    return Missing(commands=tuple(commands), keys=tuple(keys), refusal=refusal)


def _rule(words: Words) -> str:
    is_container = words[0] in CONTAINERS
    return "|".join(words[:2] if is_container else words[:1]).lower()


def _command_of(error: NoPermissionError) -> str:
    named = _COMMAND.search(str(error))
    return named[1].lower() if named else str(error)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"
