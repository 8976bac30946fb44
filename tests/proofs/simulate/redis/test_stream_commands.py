"""Streams and groups, as real servers have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]


def test_streams(both: Ask) -> None:
    """Ids, ranges, trims, an empty stream that remembers its last id."""
    for number in range(1, 6):
        both("XADD", "s", f"{number}-0", "f", number)
    both("XADD", "s", "5-0", "f", "again")
    both("XADD", "s", "4-9", "f", "late")
    both("XADD", "none", "NOMKSTREAM", "*", "f", "v")
    both("XLEN", "s")
    both("XRANGE", "s", "-", "+")
    both("XRANGE", "s", "(2-0", "4")
    both("XRANGE", "s", "2", "+", "COUNT", 2)
    both("XREVRANGE", "s", "+", "-", "COUNT", 2)
    both("XDEL", "s", "3-0", "9-9")
    both("XTRIM", "s", "MINID", "2-0")
    both("XTRIM", "s", "MAXLEN", 1)
    both("XREAD", "COUNT", 10, "STREAMS", "s", "none", "0", "0")
    both("XREAD", "STREAMS", "s", "9-0")
    both("XTRIM", "s", "MAXLEN", 0)
    both("XADD", "s", "5-0", "f", "v")
    both("XADD", "s", "6-0", "f", "v")
    both("EXISTS", "s")
    both("XADD", "s", "MAXLEN", 1, "7-0", "f", "v")
    both("XLEN", "s")
    both("XREAD", "STREAMS", "s")


def test_groups(both: Ask) -> None:
    """Who was handed what, who has taken it over, what is acknowledged."""
    both("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    both("XGROUP", "CREATE", "s", "g", "0")
    both("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    both("XGROUP", "CREATE", "s", "g", "0")
    for number in range(1, 5):
        both("XADD", "s", f"{number}-0", "f", number)
    both("XREADGROUP", "GROUP", "g", "one", "COUNT", 2, "STREAMS", "s", ">")
    both("XREADGROUP", "GROUP", "g", "two", "COUNT", 1, "STREAMS", "s", ">")
    both("XPENDING", "s", "g")
    both("XREADGROUP", "GROUP", "g", "one", "STREAMS", "s", "0")
    both("XREADGROUP", "GROUP", "g", "two", "STREAMS", "s", "9")
    both("XACK", "s", "g", "1-0", "8-0")
    both("XDEL", "s", "2-0")
    both("XREADGROUP", "GROUP", "g", "one", "STREAMS", "s", "0")
    both("XAUTOCLAIM", "s", "g", "three", 0, "0", "COUNT", 1)
    both("XAUTOCLAIM", "s", "g", "three", 0, "0", "COUNT", 5)
    both("XAUTOCLAIM", "s", "g", "three", 60_000, "0", "COUNT", 5)
    both("XCLAIM", "s", "g", "four", 0, "3-0", "2-0", "JUSTID")
    both("XPENDING", "s", "g")
    both("XPENDING", "none", "g")
    both("XACK", "none", "g", "1-0")


def test_one_read_of_two_groups(both: Ask) -> None:
    """Entries of both, one each, in the order in which they were asked for; and what was handed out
    before."""
    for key in ("one", "two"):
        both("XGROUP", "CREATE", key, "g", "0", "MKSTREAM")
        both("XADD", key, "1-0", "f", key)
        both("XADD", key, "2-0", "f", key)
    read = ("XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "two", "one")
    assert len(both(*read, ">", ">")) == 2
    both(*read, "0", "0")
    both(*read, ">", ">")
    both("XACK", "one", "g", "1-0", "2-0")
    both(*read, "0", "0")
    assert both(*read, ">", ">") is None


CONSUMERS = """
local found = {}
for _, words in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'g')) do
  local told = {}
  for at = 1, #words, 2 do told[words[at]] = words[at + 1] end
  table.insert(found, {told.name, told.pending, told.idle < 60000 and 1 or 0})
end
return found
"""


def test_consumers_of_a_group(both: Ask) -> None:
    """Who asked lately, and what they were handed."""
    both("XINFO", "CONSUMERS", "s", "g")
    both("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    both("XINFO", "CONSUMERS", "s", "g")
    both("XADD", "s", "1-0", "f", "v")
    both("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert both("EVAL", CONSUMERS, 1, "s") == [[b"c", 1, 1]]
    both("XGROUP", "DELCONSUMER", "s", "g", "c")
    both("XINFO", "CONSUMERS", "s", "g")
    both("XINFO", "CONSUMERS", "s", "none")
