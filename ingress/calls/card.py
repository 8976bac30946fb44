"""What ingress writes on a call's card by itself: its figures every 3 s, and the whole card if it
is gone.

Why it exists: ingress holds the socket, so it is the one that knows that a call still lives when
Redis came back empty, and the one that must learn that a call has ended while its socket is open.
One short script does both: its answer is OK, FENCED (ended, or a newer leg runs) or ABSENT.

Owns the two scripts and their arguments. Sent with EVAL through the outbox: rare, and never
awaited.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contract.keys import CALL_TTL_MS, Keys

FIGURES_LUA = """\
-- FIGURES: what ingress measured of a live leg.
-- KEYS  1 card
-- ARGV  1 leg  2... field, value, ...
-- Answer  {'OK'}  or  {'FENCED'} when the call has ended or has a newer leg  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', 'leg')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] then return {'FENCED'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return {'OK'}
"""

RESTORE_LUA = """\
-- RESTORE: Redis came back empty under a live call; the holder of its socket writes the card again.
-- KEYS  1 card  2 calls  3 live  4 slots
-- ARGV  1 call_sid  2 leg  3 stream_sid  4 ingress worker  5 wall ms  6 from  7 to  8 agent
--       9 call ttl ms  10 brain epoch  11 egress epoch  12 cut  13 last frame number
--       14 the called number in full
-- Also writes card .. ':part' of caller, control, journal: same lane, so same slot.
-- Answer  {'OK', '1' when it was absent else '0'}
local card = KEYS[1]
if redis.call('HEXISTS', card, 'state') == 1 then return {'OK', '0'} end
redis.call('HSET', card, 'v', '1', 'state', 'attached', 'leg', ARGV[2], 'stream_sid', ARGV[3],
  'ingress', ARGV[4], 'attached_at_ms', ARGV[5], 'started_at_ms', ARGV[5], 'from', ARGV[6],
  'to', ARGV[7], 'called', ARGV[14], 'agent', ARGV[8], 'resumes', '0',
  'next', '', 'next_arg', '', 'attempts', '0',
  'brain', '', 'brain_epoch', ARGV[10], 'egress', '', 'egress_epoch', ARGV[11],
  'cut', ARGV[12], 'frame_n', ARGV[13])
redis.call('PEXPIRE', card, ARGV[9])
for _, part in ipairs({':caller', ':control', ':journal'}) do
  local key = card .. part
  if redis.call('EXISTS', key) == 0 then
    redis.call('XDEL', key, redis.call('XADD', key, '*', 'v', '1'))
  end
  redis.call('PEXPIRE', key, ARGV[9])
end
redis.call('XADD', KEYS[2], '*', 'v', '1', 'call', ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
redis.call('ZADD', KEYS[4], tonumber(ARGV[5]) + tonumber(ARGV[9]), ARGV[1])
redis.call('PEXPIRE', KEYS[4], ARGV[9])
redis.call('XADD', card .. ':journal', '*', 'kind', 'resumed', 'from', ARGV[4], 't', ARGV[5],
  'leg', ARGV[2], 'why', 'redis_empty')
return {'OK', '1'}
"""

EPOCH_LEAP = 1000
"""Added to the epochs that ingress saw: it does not see all of them, and they must never fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What ingress knows of a live call."""

    call_sid: str
    leg: int
    stream_sid: str
    ingress: str
    caller_number: str
    called_number: str
    agent: str
    called_line: str
    brain_epoch: int
    egress_epoch: int
    cut: int
    last_frame: int


def figures_command(keys: Keys, call_sid: str, leg: int, figures: dict[str, int | str]) -> list[bytes]:
    """EVAL of FIGURES_LUA."""
    flat = [str(word).encode() for pair in figures.items() for word in pair]
    card = keys.card(call_sid).encode()
    return [b"EVAL", FIGURES_LUA.encode(), b"1", card, b"%d" % leg, *flat]


def restore_command(keys: Keys, call: Restored, wall_ms: int) -> list[bytes]:
    """EVAL of RESTORE_LUA."""
    lane = keys.lane(call.call_sid)
    names = [keys.card(call.call_sid), keys.calls(lane), keys.live(lane), keys.slots(lane)]
    values: list[str | int] = [
        call.call_sid,
        call.leg,
        call.stream_sid,
        call.ingress,
        wall_ms,
        call.caller_number,
        call.called_number,
        call.agent,
        CALL_TTL_MS,
        call.brain_epoch + EPOCH_LEAP,
        call.egress_epoch + EPOCH_LEAP,
        call.cut,
        call.last_frame,
        call.called_line,
    ]
    words = [word.encode() for word in names] + [str(value).encode() for value in values]
    return [b"EVAL", RESTORE_LUA.encode(), b"4", *words]
