"""Lua, as real servers run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.contract.keys import Keys
from shared.contract.lua import scripts

Ask = Callable[..., Any]


def test_lua(both: Ask) -> None:
    """Values both ways, errors that are caught and errors that are not."""
    for text, words in [
        ("return {1, 'a', false, {2}}", (0,)),
        ("return redis.call('HSET', KEYS[1], ARGV[1], 2.0)", (1, "h", "f")),
        ("return redis.call('HGET', KEYS[1], 'f')", (1, "h")),
        ("return redis.call('HGET', KEYS[1], 'none')", (1, "h")),
        ("return redis.pcall('XLEN', KEYS[1])", (1, "h")),
        ("return redis.call('XLEN', KEYS[1])", (1, "h")),
        ("local e = redis.pcall('XLEN', KEYS[1]) return type(e.err)", (1, "h")),
        ("return tostring(redis.call('HMGET', KEYS[1], 'f', 'x')[2])", (1, "h")),
        ("return {ok = 'FINE'}", (0,)),
        ("return redis.error_reply('MINE said no')", (0,)),
        ("return 3.9", (0,)),
        ("return true", (0,)),
        ("return", (0,)),
        ("return pcall(function() error('x') end) and 1 or 0", (0,)),
        ("error('plain')", (0,)),
        ("return string.format('%.0f', 1800000000123)", (0,)),
        ("return tostring(tonumber('7') + 1)", (0,)),
        ("return #redis.call('TIME')", (0,)),
        ("return redis.call('TYPE_NO_SUCH')", (0,)),
    ]:
        both("EVAL", text, *words)
    both("EVALSHA", "0" * 40, 0)


def test_our_scripts_run_as_they_are(both: Ask) -> None:
    """A call from its reservation to its end, by the product's own scripts."""
    keys, sid, wall = Keys(1), "CA" + "1" * 32, "1800000000000"
    sha = {script.name: both("SCRIPT", "LOAD", script.text) for script in scripts.ALL}
    card, token, slots = keys.card(sid), keys.token(sid), keys.slots(0)
    names = {name.lower(): value for name, value in sha.items()}
    both(
        "EVALSHA", names["reserve"], 3, slots, token, card, sid, 2, 60_000, wall, "n1", "1800000060000", 1000
    )
    ours = ("MZ1", "ingress-0@h#1", wall, "n1", "+1", "+2", "", 90_000, 20, "+100", "+200")
    five = (card, token, keys.calls(0), keys.live(0), slots)
    both("EVALSHA", names["attach"], 5, *five, sid, *ours)
    both("EVALSHA", names["attach"], 5, *five, sid, *ours)
    claim = (card, keys.calls(0), "brain", "brain-0@h#1", "", "0", "", wall, 1000)
    first = both("EVALSHA", names["claim"], 2, *claim)
    assert first[0] == b"OK"
    both("EVALSHA", names["release"], 1, card, "brain", "brain-0@h#1", first[1], wall, "")
    both("EVALSHA", names["detach"], 1, card, 1, "ingress-0@h#1", "gone", wall)
    ended = (card, keys.live(0), slots, keys.hooks(0), keys.ended(0), sid, "done", "me", wall, 1000)
    both("EVALSHA", names["end"], 5, *ended, "", "1", 1000, 10, "", 0)
    both("HGETALL", card)
    both("EXISTS", keys.caller(sid))
