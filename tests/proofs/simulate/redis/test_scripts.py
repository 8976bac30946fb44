"""Lua, as real servers run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.contract import card, claiming, steps, writes
from shared.contract.admission import count
from shared.contract.admission.count import CallerBounds, OnTheLine
from shared.contract.keys import Keys
from shared.contract.lua import scripts
from shared.ownership import tidying

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
    """A call from its reservation to its end, taken, lost and tidied up after, by the product's own
    scripts."""
    keys, sid, wall_ms = Keys(1), "CA" + "1" * 32, 1_800_000_000_000
    for script in scripts.ALL:
        both("SCRIPT", "LOAD", script.text)

    def step(call: scripts.ScriptCall) -> Any:
        return both("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args)

    bounds = CallerBounds(at_once=1, calls=9, minutes=9, transfers=1)
    for call in (sid, sid, "CA2", "CA3"):
        step(count.admit(call, most=2, caller="c" if call != "CA3" else "d", bounds=bounds))
    step(count.admit(sid[:-1] + "2", most=2))
    step(count.admit_again("CA4"))
    step(count.hold([OnTheLine(sid, "c"), OnTheLine("CA5")]))
    for which in (1, 1, 2):
        step(count.dials(sid, caller="c", which=which, most=1))
    step(count.vacate([(sid, 1.0), ("CA6", 1.0)]))
    step(count.lease("ingress-0@h#1"))
    nonce = {"nonce": "n1", "expires_at_ms": wall_ms + 60_000}
    for _ in range(2):
        step(steps.reserve(keys, sid, wall_ms=wall_ms, **nonce))
    stream = steps.NewStream(
        call_sid=sid, stream_sid="MZ1", ingress="ingress-0@h#1", nonce="n1", caller_number="+1",
        called_number="+2", agent="", caller_line="+100", called_line="+200", token_expires_s=1_800_000_060,
    )  # fmt: skip
    for _ in range(2):
        step(steps.attach(keys, stream, wall_ms=wall_ms, max_resumes=20))
    # Above what either clock makes of now.
    claimed = step(
        claiming.claim(keys, sid, role="brain", worker="brain-0@h#1", wall_ms=wall_ms, seen=4 * 10**15)
    )
    assert claimed[0] == b"OK"
    speaker = writes.Speaker(sid, "brain", "brain-0@h#1", int(claimed[1]))
    step(writes.write_card(keys, speaker, card.Plan(next=card.Next.NOTHING, next_arg="", cause="")))
    for _ in range(2):
        step(
            claiming.release(
                keys, sid, role="brain", worker="brain-0@h#1", epoch=int(claimed[1]), wall_ms=wall_ms
            )
        )
    step(claiming.claim(keys, sid, role="egress", worker="egress-0@h#1", wall_ms=wall_ms, seen=4 * 10**15))
    step(claiming.disown(keys, 0, role="egress", dead="egress-0@h#1", by="egress-1@h#1", wall_ms=wall_ms))
    leg = steps.Leg(sid, 1, "MZ1", 1_800_000_060)
    step(steps.rescue(keys, leg, worker="ingress-1@h#1", lease_ms=1000, wall_ms=wall_ms))
    step(steps.rescue(keys, leg, worker="ingress-1@h#1", lease_ms=1000, wall_ms=wall_ms, came="done"))
    ends = {"": steps.Deadline(60_000, "no_new_stream")}
    gone = {"ingress": "ingress-0@h#1", "cause": "gone", "wall_ms": wall_ms}
    step(steps.detach(keys, leg, deadlines=ends, **gone))  # type: ignore[arg-type]
    step(steps.defer(keys, leg, steps.Deadline(90_000, "no_new_stream")))
    step(steps.due(keys, 0))
    for worker in ("ingress-0@h#1", "ingress-1@h#1"):
        step(tidying.lease(keys, 0, worker=worker))
    both("XGROUP", "CREATE", keys.orphans(0), "brain", "0")
    read = "return #redis.call('XREADGROUP', 'GROUP', 'brain', 'brain-9@h', 'NOACK', 'STREAMS', KEYS[1], '>')"
    both("EVAL", read, 1, keys.orphans(0))
    gone_for = {"group": "brain", "consumer": "brain-9@h"}
    by = {"by": "ingress-0@h#1"}
    step(tidying.dismiss(keys, 0, keys.orphans(0), idle_ms=60_000, **gone_for, **by))  # type: ignore[arg-type]
    step(tidying.dismiss(keys, 0, keys.orphans(0), idle_ms=0, **gone_for, **by))  # type: ignore[arg-type]
    for _ in range(2):
        step(steps.end(keys, sid, outcome="done", by="me", wall_ms=wall_ms))
    both("HMGET", keys.card(sid), "state", "outcome", "leg", "brain", "egress", "rescue", "brain_claims")
    both("EXISTS", keys.caller(sid))
