"""Whether the Redis user may do what its process does: asked of the server, without doing any of it.

Why it exists: a user that lacks a command or a pattern of keys is found out hours later, by the one call that
needed it. Each command is queued in a transaction that is then discarded: the server judges it when it is
queued (Redis 7 and Valkey 8 both), and nothing is carried out.

Owns: the words that each command is asked with, the words for what is missing. Must not know: who needs what
(grants.py), what any of it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis.exceptions import AskError, MovedError, NoPermissionError, ResponseError

from shared.store.access.grants import ALL_KEYS, ALL_ROLES, GRANTS, OPTIONAL, Access, Grant, KeyRule, Part
from shared.store.client import Store

MAX_NAMED = 8

_COMMAND = re.compile(r"the '([^']+)' command")

Words = tuple[str, ...]

ALONE = ("multi", "discard", "exec")
"""They cannot be queued: asked by themselves."""

WORDS: Mapping[str, tuple[str, Access | None]] = {
    "client|setname": ("CLIENT SETNAME trunkline", None),
    "info": ("INFO", None),
    "ping": ("PING", None),
    "scan": ("SCAN 0", None),
    "script|load": ("SCRIPT LOAD return", None),
    "time": ("TIME", None),
    "del": ("DEL {key}", Access.WRITE),
    "evalsha": (f"EVALSHA {'0' * 40} 1 {{key}}", Access.FULL),
    "exists": ("EXISTS {key}", Access.READ),
    "get": ("GET {key}", Access.READ),
    "hdel": ("HDEL {key} f", Access.WRITE),
    "hexists": ("HEXISTS {key} f", Access.READ),
    "hget": ("HGET {key} f", Access.READ),
    "hgetall": ("HGETALL {key}", Access.READ),
    "hincrby": ("HINCRBY {key} f 1", Access.FULL),
    "hlen": ("HLEN {key}", Access.READ),
    "hmget": ("HMGET {key} f", Access.READ),
    "hset": ("HSET {key} f v", Access.WRITE),
    "hsetnx": ("HSETNX {key} f v", Access.WRITE),
    "memory|usage": ("MEMORY USAGE {key}", Access.READ),
    "pexpire": ("PEXPIRE {key} 1", Access.WRITE),
    "pttl": ("PTTL {key}", Access.READ),
    "sadd": ("SADD {key} m", Access.WRITE),
    "scard": ("SCARD {key}", Access.READ),
    "set": ("SET {key} v", Access.FULL),
    "smembers": ("SMEMBERS {key}", Access.READ),
    "srem": ("SREM {key} m", Access.WRITE),
    "strlen": ("STRLEN {key}", Access.READ),
    "xack": ("XACK {key} g 0-1", Access.WRITE),
    "xadd": ("XADD {key} * f v", Access.WRITE),
    "xautoclaim": ("XAUTOCLAIM {key} g c 0 0", Access.FULL),
    "xclaim": ("XCLAIM {key} g c 0 0-1", Access.WRITE),
    "xdel": ("XDEL {key} 0-1", Access.WRITE),
    "xgroup|create": ("XGROUP CREATE {key} g 0", Access.WRITE),
    "xgroup|delconsumer": ("XGROUP DELCONSUMER {key} g c", Access.WRITE),
    "xinfo|consumers": ("XINFO CONSUMERS {key} g", Access.READ),
    "xinfo|stream": ("XINFO STREAM {key}", Access.READ),
    "xlen": ("XLEN {key}", Access.READ),
    "xpending": ("XPENDING {key} g", Access.READ),
    "xrange": ("XRANGE {key} - +", Access.READ),
    "xread": ("XREAD STREAMS {key} 0", Access.READ),
    "xreadgroup": ("XREADGROUP GROUP g c STREAMS {key} >", Access.FULL),
    "xrevrange": ("XREVRANGE {key} + -", Access.READ),
    "xtrim": ("XTRIM {key} MAXLEN 1", Access.WRITE),
    "zadd": ("ZADD {key} 1 m", Access.WRITE),
    "zcard": ("ZCARD {key}", Access.READ),
    "zrange": ("ZRANGE {key} 0 -1", Access.READ),
    "zrangebyscore": ("ZRANGEBYSCORE {key} -inf 0", Access.READ),
    "zrem": ("ZREM {key} m", Access.WRITE),
    "zremrangebyrank": ("ZREMRANGEBYRANK {key} 0 0", Access.WRITE),
    "zremrangebyscore": ("ZREMRANGEBYSCORE {key} -inf 0", Access.WRITE),
    "zrevrangebyscore": ("ZREVRANGEBYSCORE {key} +inf 0", Access.READ),
    "zscore": ("ZSCORE {key} m", Access.READ),
}
"""By the name that rules have for a command: words that fit it, and what it does with its key, by Redis's own
table or more (a look at a key's size needs no right to read it)."""

_BY_ACCESS: Mapping[Access, tuple[str, ...]] = {
    Access.READ: ("hget", "exists"),
    Access.WRITE: ("hset", "xadd", "zrem"),
    Access.FULL: ("evalsha", "xreadgroup"),
}
"""What a pattern of keys is asked with: the first that its part has."""


@dataclass(frozen=True, slots=True)
class Question:
    """One command, and what is missing if it is refused."""

    words: Words
    command: str
    rule: KeyRule | None
    """Its key's."""
    selector: str
    """The part that it belongs to, where that is not the user's own."""


def asks_of(grant: Grant) -> list[Question]:
    """Every command that a user needs, each on a key that it may be used on, and every pattern of keys."""
    found: list[Question] = []
    for part, selector in zip(grant.parts, ("", *grant.selectors), strict=True):
        needed = [name for name in part.commands if name not in OPTIONAL and name not in ALONE]
        found += [_ask(name, _key_for(name, part), selector) for name in needed]
        found += [_ask(_asked_with(rule, part), rule, selector) for rule in part.keys]
    return found


def commands() -> tuple[Words, ...]:
    """All that roles ask for."""
    return tuple(dict.fromkeys(ask.words for ask in asks_of(ALL_ROLES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the user may not do. Empty: all is well."""

    commands: tuple[str, ...] = ()
    """As ACL rules name them: `xadd`, `script|load`."""
    keys: tuple[str, ...] = ()
    """Rules: `~tl:config`, `%R~tl:worker:*`."""
    selectors: tuple[str, ...] = ()
    """Of which anything is missing: `(+xadd %W~tl:{*}:wake:*)`."""
    refusal: str = ""
    """Why the server takes no writes of anybody at this moment (its memory is full, it is a replica, a
    slot is on its way), in its own words: no matter of permissions, and it may pass."""

    def __bool__(self) -> bool:
        return bool(self.commands or self.keys or self.selectors)

    def __str__(self) -> str:
        parts = []
        if self.commands:
            parts.append(f"may not run {_some(self.commands)}")
        if self.keys:
            parts.append(f"lacks the keys {_some(self.keys)}")
        if self.selectors:
            parts.append(f"lacks {_some(self.selectors)}")
        return " and ".join(parts)

    def remedy(self, user: str) -> str:
        """The command of Redis's administrator that grants it."""
        rules = [*self.keys, *(f"+{name}" for name in self.commands), *self.selectors]
        return f"ACL SETUSER {user} {' '.join(rules)}"


async def missing(store: Store, role: str = "") -> Missing:
    """What the user that the store logs in as lacks of what `role` needs, one of grants.GRANTS; without one,
    of what all roles need. Of a Cluster, where users are of one node each, every master is asked. Raises
    STORE_ERRORS.

    Cancelling it costs the connection that it asks on.
    """
    found = []
    for at, connection in (await store.connections()).items():
        lacking = await _missing_at(connection, role)
        where = f" ({at})" if at and lacking.refusal else ""
        found.append(replace(lacking, refusal=lacking.refusal + where))
    return _together(found)


# Private.


async def _missing_at(connection: Any, role: str) -> Missing:
    """The same of one server. The connection is its own: nobody gets it after this, whatever state it is
    in."""
    grant = GRANTS[role] if role else ALL_ROLES
    try:
        await connection.connect()
        found = await _judged_by(connection, asks_of(grant))
    except NoPermissionError as error:  # Of MULTI, or of SELECT in the handshake: nothing can be asked.
        return Missing(commands=(_command_of(error),))
    finally:
        await connection.disconnect()
    has_no_key = set(found.keys) == {str(rule) for part in grant.parts[:1] for rule in part.keys}
    if has_no_key and not role:
        return Missing(commands=found.commands, keys=(ALL_KEYS,), refusal=found.refusal)
    return found


def _together(found: Sequence[Missing]) -> Missing:
    """What is missing anywhere, once."""
    return Missing(
        commands=tuple(dict.fromkeys(name for each in found for name in each.commands)),
        keys=tuple(dict.fromkeys(rule for each in found for rule in each.keys)),
        selectors=tuple(dict.fromkeys(rule for each in found for rule in each.selectors)),
        refusal=next((each.refusal for each in found if each.refusal), ""),
    )


def _ask(name: str, rule: KeyRule | None, selector: str) -> Question:
    key = "" if rule is None else rule.sample
    return Question(tuple(WORDS[name][0].format(key=key).split(" ")), name, rule, selector)


def _key_for(name: str, part: Part) -> KeyRule | None:
    touches = WORDS[name][1]
    return None if touches is None else next(rule for rule in part.keys if rule.access.allows(touches))


def _asked_with(rule: KeyRule, part: Part) -> str:
    return next(name for name in _BY_ACCESS[rule.access] if name in part.commands)


async def _judged_by(connection: Any, asks: Sequence[Question]) -> Missing:
    # By itself: were it refused, all that follows would be carried out.
    await connection.send_command("MULTI")
    await connection.read_response()
    await connection.send_packed_command(connection.pack_commands([ask.words for ask in asks]))
    commands: dict[str, None] = {}
    keys: dict[str, None] = {}
    selectors: dict[str, None] = {}
    refusal = ""
    for ask in asks:
        try:
            await connection.read_response()
        except NoPermissionError as error:
            if ask.selector:
                selectors[ask.selector] = None
            elif ask.rule is None or _COMMAND.search(str(error)):
                commands[ask.command] = None
            else:
                keys[str(ask.rule)] = None
        except MovedError:
            continue  # Another master has the key, which is said when the permission has been judged.
        except AskError as error:
            refusal = refusal or f"ASK {error}"
        except ResponseError as error:
            refusal = refusal or str(error)
    if await _is_forbidden(connection, "DISCARD"):
        commands["discard"] = None
    elif await _is_forbidden(connection, "EXEC"):
        commands["exec"] = None
    return Missing(commands=tuple(commands), keys=tuple(keys), selectors=tuple(selectors), refusal=refusal)


async def _is_forbidden(connection: Any, word: str) -> bool:
    await connection.send_command(word)
    try:
        await connection.read_response()
    except NoPermissionError:
        return True
    except ResponseError as error:
        # There is nothing (any more) to execute. Of an EXEC that is forbidden it says EXECABORT and why.
        return "NOPERM" in str(error)
    return False


def _command_of(error: NoPermissionError) -> str:
    named = _COMMAND.search(str(error))
    return named[1].lower() if named else str(error)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"
