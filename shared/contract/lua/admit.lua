-- ADMIT: a place among all calls of the deployment for one that is about to stream. Idempotent by call: one that has a
-- place keeps it, however often it is asked for.
--
-- KEYS  1 admitted  2 the day of its caller
-- ARGV  1 call_sid  2 most calls ('' = it is on the line: it gets its place whatever their number)  3 lease ms
--       4 ttl of the keys, ms  5 most calls of the caller at once  6 most in a day  7 most ms on the line in a day
--       ('0' = no bound)  8 how long a day is, ms  9 '1': the day of its caller is written down  10 most calls in it
-- By the server's clock. A lease that is over is no place any more. The day has for each call: since when, when it was
-- last on the line (HOLD), how often it was put through and which time that was (DIALS).
-- Answer  {'OK', calls with a place, '1' when this one had it already else '0'}  or  {'FULL', calls}
--   or  {'CALLER_AT_ONCE' | 'CALLER_CALLS' | 'CALLER_MINUTES', how many, or how many ms}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local call = ARGV[1]

-- Why its caller may have no other call now; nil: no reason.
local function bounded()
  local oldest, at_once, calls, on_line = now - ARGV[8], 0, 0, 0
  local day = redis.call('HGETALL', KEYS[2])
  for at = 1, #day, 2 do
    local since, last = string.match(day[at + 1], '^(%d+) (%d+)')
    if not since or tonumber(since) < oldest then
      redis.call('HDEL', KEYS[2], day[at])
    elseif day[at] ~= call then
      calls, on_line = calls + 1, on_line + last - since
      if redis.call('ZSCORE', KEYS[1], day[at]) then at_once = at_once + 1 end
    end
  end
  for _, bound in ipairs({{'CALLER_AT_ONCE', at_once, 5}, {'CALLER_CALLS', calls, 6}, {'CALLER_MINUTES', on_line, 7}}) do
    local most = tonumber(ARGV[bound[3]])
    if most > 0 and bound[2] >= most then return {bound[1], string.format('%.0f', bound[2])} end
  end
  if calls < tonumber(ARGV[10]) then
    redis.call('HSETNX', KEYS[2], call, string.format('%.0f %.0f 0 0', now, now))
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
  end
end

-- Changes nothing, but is refused by a Redis without memory: a call that could not be attached must hear so.
redis.call('ZADD', KEYS[1], 'XX', 'GT', 0, call)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
local has = redis.call('ZSCORE', KEYS[1], call)
local taken = redis.call('ZCARD', KEYS[1])
if not has and ARGV[2] ~= '' then
  if taken >= tonumber(ARGV[2]) then return {'FULL', tostring(taken)} end
  local refused = ARGV[9] == '1' and bounded()
  if refused then return refused end
end
-- GT: the lease of a call that is on the line is longer than a reservation's, and must not shrink.
redis.call('ZADD', KEYS[1], 'GT', now + tonumber(ARGV[3]), call)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'OK', tostring(has and taken or taken + 1), has and '1' or '0'}
