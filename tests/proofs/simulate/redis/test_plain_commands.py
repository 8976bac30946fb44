"""Keys, hashes, sets and sorted sets, as real servers have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]


def test_keys_hashes_and_sets(both: Ask) -> None:
    """Values that are written, counted, deleted."""
    assert both("HSET", "h", "a", "1", "b", "2") == 2
    both("HSET", "h", "a", "3")
    both("HSETNX", "h", "a", "4")
    both("HGET", "h", "a")
    both("HMGET", "h", "a", "x", "b")
    both("HGETALL", "h")
    both("HEXISTS", "h", "a")
    both("HDEL", "h", "a", "b", "c")
    both("EXISTS", "h")
    both("HINCRBY", "h", "n", 5)
    both("SADD", "s", "a", "b")
    both("SADD", "s", "a")
    both("SREM", "s", "a", "z")
    both("SMEMBERS", "s")
    both("HGET", "s", "x")
    both("DEL", "s", "h", "none")
    both("HGETALL", "none")
    both("HMGET", "none", "a")
    both("PTTL", "none")
    both("NONSENSE")
    both("HGET", "h")


def test_words(both: Ask) -> None:
    """One word a key, with its time."""
    both("GET", "w")
    both("SET", "w", "a", "PX", 60_000)
    both("GET", "w")
    assert both("EVAL", "return redis.call('PTTL', KEYS[1]) > 0 and 1 or 0", 1, "w") == 1
    both("SET", "w", "b")
    both("PTTL", "w")
    both("SET", "w", "c", "NX")
    both("SET", "none", "c", "XX")
    both("HGET", "w", "f")
    both("SET", "w", "")
    both("GET", "w")
    both("EXISTS", "w")
    both("HSET", "h", "a", "1")
    both("GET", "h")
    both("SET", "h", "over")
    both("GET", "h")


def test_sorted_sets(both: Ask) -> None:
    """Scores, ranks, ranges, the flags of ZADD."""
    both("ZADD", "z", 3, "c", 1, "a", "2.5", "b")
    both("ZADD", "z", "XX", "GT", 0, "a")
    both("ZADD", "z", "GT", 9, "a")
    both("ZADD", "z", "NX", 1, "a")
    both("ZADD", "z", "XX", 5, "new")
    both("ZADD", "z", "CH", 4, "c", 1, "d")
    both("ZSCORE", "z", "b")
    both("ZSCORE", "z", "none")
    both("ZCARD", "z")
    both("ZRANGE", "z", 0, -1)
    both("ZRANGE", "z", 0, -1, "WITHSCORES")
    both("ZRANGE", "z", "-inf", "(4", "BYSCORE", "LIMIT", 0, 1)
    both("ZRANGE", "z", 2, 1)
    both("ZRANGE", "z", -2, -1)
    both("ZREMRANGEBYSCORE", "z", "-inf", "(2.5")
    both("ZREMRANGEBYRANK", "z", 0, -3)
    both("ZRANGE", "z", 0, -1)
    both("ZREM", "z", "a", "b", "c", "d")
    both("EXISTS", "z")
