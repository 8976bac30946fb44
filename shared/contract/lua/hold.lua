-- HOLD: calls that are on the line have their places, whatever their number. Idempotent.
--
-- KEYS  1 admitted
-- ARGV  1 lease ms  2 ttl of the keys, ms, then two a call: call_sid; whose day it is in ('' = nobody's)
-- A place that is there never gets a shorter lease. Also writes the days of these callers (KEYS 1 .. ':of:' .. caller),
-- which are of the same slot: until now the call was on the line.
-- Answer  {'OK', how many had no place}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local added = 0
for at = 3, #ARGV, 2 do
  local call, caller = ARGV[at], ARGV[at + 1]
  added = added + redis.call('ZADD', KEYS[1], 'GT', now + tonumber(ARGV[1]), call)
  if caller ~= '' then
    local day = KEYS[1] .. ':of:' .. caller
    local had = redis.call('HGET', day, call)
    local since, moves = string.match(had or '', '^(%d+) %d+ (%d+ %d+)$')
    redis.call('HSET', day, call, string.format('%s %.0f %s', since or string.format('%.0f', now), now, moves or '0 0'))
    redis.call('PEXPIRE', day, ARGV[2])
  end
end
if #ARGV > 2 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {'OK', tostring(added)}
