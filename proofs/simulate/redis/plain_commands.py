"""Commands on keys, hashes, sets and sorted sets, and those that ask of the server itself.

Why it exists: exactly what shared/store/access/permissions.py lists, as Redis answers it. Owns: words in,
reply out. Must not know: streams, who asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf

from proofs.simulate.redis.keyspace import OK, Hash, Keyspace, Refused, Set, SortedSet, Status, Text

Args = list[bytes]
Run = Callable[[Keyspace, Args], object]

NOT_AN_INTEGER = "ERR value is not an integer or out of range"


@dataclass(frozen=True, slots=True)
class Command:
    """What is done for a command word."""

    run: Run
    writes: bool
    least: int
    """How many words it needs besides its own."""


COMMANDS: dict[bytes, Command] = {}


def command(name: str, *, writes: bool = False, least: int = 0) -> Callable[[Run], Run]:
    """Enters a function into the table."""

    def enter(run: Run) -> Run:
        COMMANDS[name.encode()] = Command(run, writes, least)
        return run

    return enter


def number(word: bytes) -> int:
    """Raises Refused."""
    try:
        return int(word)
    except ValueError:
        raise Refused(NOT_AN_INTEGER) from None


# The server.


@command("PING")
def ping(_keys: Keyspace, args: Args) -> object:
    """PONG, or what was said."""
    return args[0] if args else Status(b"PONG")


@command("TIME")
def time(keys: Keyspace, _args: Args) -> object:
    """Seconds, microseconds."""
    seconds, rest = divmod(keys.wall_us(), 1_000_000)
    return [b"%d" % seconds, b"%d" % rest]


@command("INFO")
def info(_keys: Keyspace, _args: Args) -> object:
    """What the check at the start looks for."""
    return b"# Server\r\nredis_version:7.4.0\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n"


@command("CLIENT", least=1)
def client(_keys: Keyspace, _args: Args) -> object:
    """Names are taken, and forgotten."""
    return OK


# Keys.


@command("DEL", writes=True, least=1)
def delete(keys: Keyspace, args: Args) -> object:
    """How many there were."""
    return sum(keys.there_is(key) and keys.drop(key) for key in args)


@command("EXISTS", least=1)
def exists(keys: Keyspace, args: Args) -> object:
    """How many there are."""
    return sum(keys.there_is(key) for key in args)


@command("PEXPIRE", writes=True, least=2)
def pexpire(keys: Keyspace, args: Args) -> object:
    """1 if there is such a key."""
    ttl_ms = number(args[1])
    if not keys.there_is(args[0]):
        return 0
    if ttl_ms <= 0:
        keys.drop(args[0])
    else:
        keys.expires_ms[args[0]] = keys.now_ms + ttl_ms
    return 1


@command("EXPIRE", writes=True, least=2)
def expire(keys: Keyspace, args: Args) -> object:
    """The same in seconds."""
    return pexpire(keys, [args[0], b"%d" % (number(args[1]) * 1000)])


@command("PTTL", least=1)
def pttl(keys: Keyspace, args: Args) -> object:
    """-2: no such key; -1: for ever."""
    if not keys.there_is(args[0]):
        return -2
    expires_ms = keys.expires_ms.get(args[0])
    return -1 if expires_ms is None else expires_ms - keys.now_ms


@command("SCAN", least=1)
def scan(keys: Keyspace, args: Args) -> object:
    """All in one step."""
    words = [word.upper() for word in args]
    pattern = args[words.index(b"MATCH") + 1].decode() if b"MATCH" in words else "*"
    return [b"0", [key for key in keys.names() if fnmatchcase(key.decode(), pattern)]]


# Words.


@command("GET", least=1)
def get(keys: Keyspace, args: Args) -> object:
    """The word, or nil."""
    found = keys.find(args[0], Text)
    return None if found is None else bytes(found)


@command("SET", writes=True, least=2)
def set_(keys: Keyspace, args: Args) -> object:
    """Whatever was there is gone, its TTL too. PX, NX and XX are known."""
    flags = [word.upper() for word in args[2:]]
    is_there = keys.there_is(args[0])
    if (b"NX" in flags and is_there) or (b"XX" in flags and not is_there):
        return None
    keys.drop(args[0])
    keys.values[args[0]] = Text(args[1])
    if b"PX" in flags:
        keys.expires_ms[args[0]] = keys.now_ms + number(args[3 + flags.index(b"PX")])
    return OK


# Hashes.


@command("HSET", writes=True, least=3)
def hset(keys: Keyspace, args: Args) -> object:
    """How many fields are new."""
    if len(args) % 2 == 0:
        raise Refused("ERR wrong number of arguments for 'hset' command")
    found = keys.make(args[0], Hash)
    before = len(found)
    found.update(zip(args[1::2], args[2::2], strict=True))
    return len(found) - before


@command("HSETNX", writes=True, least=3)
def hsetnx(keys: Keyspace, args: Args) -> object:
    """1 if it was written."""
    found = keys.make(args[0], Hash)
    if args[1] in found:
        return 0
    found[args[1]] = args[2]
    return 1


@command("HGET", least=2)
def hget(keys: Keyspace, args: Args) -> object:
    """A field, or nil."""
    return (keys.find(args[0], Hash) or {}).get(args[1])


@command("HMGET", least=2)
def hmget(keys: Keyspace, args: Args) -> object:
    """Several."""
    found = keys.find(args[0], Hash) or {}
    return [found.get(name) for name in args[1:]]


@command("HGETALL", least=1)
def hgetall(keys: Keyspace, args: Args) -> object:
    """Field, value, …"""
    return [word for pair in (keys.find(args[0], Hash) or {}).items() for word in pair]


@command("HEXISTS", least=2)
def hexists(keys: Keyspace, args: Args) -> object:
    """1 or 0."""
    return int(args[1] in (keys.find(args[0], Hash) or {}))


@command("HDEL", writes=True, least=2)
def hdel(keys: Keyspace, args: Args) -> object:
    """How many there were."""
    found = keys.find(args[0], Hash)
    if found is None:
        return 0
    count = sum(found.pop(name, None) is not None for name in args[1:])
    keys.drop_if_empty(args[0])
    return count


@command("HINCRBY", writes=True, least=3)
def hincrby(keys: Keyspace, args: Args) -> object:
    """The sum."""
    found = keys.make(args[0], Hash)
    total = number(found.get(args[1], b"0")) + number(args[2])
    found[args[1]] = b"%d" % total
    return total


# Sets.


@command("SADD", writes=True, least=2)
def sadd(keys: Keyspace, args: Args) -> object:
    """How many are new."""
    found = keys.make(args[0], Set)
    before = len(found)
    found.update(dict.fromkeys(args[1:]))
    return len(found) - before


@command("SREM", writes=True, least=2)
def srem(keys: Keyspace, args: Args) -> object:
    """How many there were."""
    found = keys.find(args[0], Set)
    if found is None:
        return 0
    before = len(found)
    for member in args[1:]:
        found.pop(member, None)
    count = before - len(found)
    keys.drop_if_empty(args[0])
    return count


@command("SMEMBERS", least=1)
def smembers(keys: Keyspace, args: Args) -> object:
    """All."""
    return list(keys.find(args[0], Set) or ())


@command("SISMEMBER", least=2)
def sismember(keys: Keyspace, args: Args) -> object:
    """1 or 0."""
    return int(args[1] in (keys.find(args[0], Set) or ()))


# Sorted sets.


def _score(word: bytes) -> float:
    try:
        return float(word)
    except ValueError:
        raise Refused("ERR value is not a valid float") from None


def _bound(word: bytes) -> tuple[float, bool]:
    """(limit, whether it is excluded)."""
    is_open = word.startswith(b"(")
    text = word[1:] if is_open else word
    known = {b"-inf": -inf, b"+inf": inf, b"inf": inf}
    return known.get(text) if text in known else _score(text), is_open  # type: ignore[return-value]


def shown(score: float) -> bytes:
    """As Redis writes a score."""
    return b"%d" % score if score == int(score) else repr(score).encode()


@command("ZADD", writes=True, least=3)
def zadd(keys: Keyspace, args: Args) -> object:
    """How many are new. NX, XX, GT, LT are known."""
    flags, at = set(), 1
    while args[at].upper() in (b"NX", b"XX", b"GT", b"LT", b"CH"):
        flags.add(args[at].upper())
        at += 1
    found = keys.make(args[0], SortedSet)
    added = changed = 0
    for word, member in zip(args[at::2], args[at + 1 :: 2], strict=True):
        score, old = _score(word), found.get(member)
        if old is None:
            if b"XX" in flags:
                continue
            added += 1
        elif b"NX" in flags or (b"GT" in flags and score <= old) or (b"LT" in flags and score >= old):
            continue
        changed += old != score
        found[member] = score
    keys.drop_if_empty(args[0])
    return changed if b"CH" in flags else added


@command("ZCARD", least=1)
def zcard(keys: Keyspace, args: Args) -> object:
    """How many members."""
    return len(keys.find(args[0], SortedSet) or ())


@command("ZSCORE", least=2)
def zscore(keys: Keyspace, args: Args) -> object:
    """A score, or nil."""
    score = (keys.find(args[0], SortedSet) or {}).get(args[1])
    return None if score is None else shown(score)


@command("ZREM", writes=True, least=2)
def zrem(keys: Keyspace, args: Args) -> object:
    """How many there were."""
    found = keys.find(args[0], SortedSet)
    if found is None:
        return 0
    count = sum(found.pop(member, None) is not None for member in args[1:])
    keys.drop_if_empty(args[0])
    return count


@command("ZRANGE", least=3)
def zrange(keys: Keyspace, args: Args) -> object:
    """By rank, or BYSCORE; with LIMIT and WITHSCORES."""
    words = [word.upper() for word in args]
    ranked = (keys.find(args[0], SortedSet) or SortedSet()).ranked()
    if b"BYSCORE" in words:
        chosen = [pair for pair in ranked if _lies(pair[0], args[1], args[2])]
        if b"LIMIT" in words:
            offset, count = (number(word) for word in args[words.index(b"LIMIT") + 1 :][:2])
            chosen = chosen[offset:] if count < 0 else chosen[offset : offset + count]
    else:
        chosen = ranked[_ranks(args[1], args[2], len(ranked))]
    if b"REV" in words:
        raise Refused("ERR the simulation knows no REV")
    with_scores = b"WITHSCORES" in words
    return [
        word for score, member in chosen for word in ((member, shown(score)) if with_scores else (member,))
    ]


@command("ZRANGEBYSCORE", least=3)
def zrangebyscore(keys: Keyspace, args: Args) -> object:
    """As ZRANGE … BYSCORE."""
    return zrange(keys, [*args[:3], b"BYSCORE", *args[3:]])


@command("ZREMRANGEBYSCORE", writes=True, least=3)
def zremrangebyscore(keys: Keyspace, args: Args) -> object:
    """How many went."""
    ranked = (keys.find(args[0], SortedSet) or SortedSet()).ranked()
    gone = [member for score, member in ranked if _lies(score, args[1], args[2])]
    return zrem(keys, [args[0], *gone]) if gone else 0


@command("ZREMRANGEBYRANK", writes=True, least=3)
def zremrangebyrank(keys: Keyspace, args: Args) -> object:
    """How many went."""
    ranked = (keys.find(args[0], SortedSet) or SortedSet()).ranked()
    gone = [member for _, member in ranked[_ranks(args[1], args[2], len(ranked))]]
    return zrem(keys, [args[0], *gone]) if gone else 0


def _lies(score: float, least: bytes, most: bytes) -> bool:
    (low, low_open), (high, high_open) = _bound(least), _bound(most)
    return (score > low if low_open else score >= low) and (score < high if high_open else score <= high)


def _ranks(start: bytes, stop: bytes, length: int) -> slice:
    first, last = number(start), number(stop)
    first = max(0, first + length) if first < 0 else first
    last = last + length if last < 0 else last
    return slice(first, max(first, last + 1) if last >= 0 else first)
