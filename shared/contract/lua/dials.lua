-- DIALS: a caller is about to be put through to a number. Idempotent by call and time.
--
-- KEYS  1 the day of the caller
-- ARGV  1 call_sid  2 which time the call asks what comes next: a webhook that is asked again has the same
--       3 most times in a day  4 how long a day is, ms  5 ttl of the key, ms
-- Answer  {'OK', how many times}  or  {'MANY', how many}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all, own, day = 0, nil, KEYS[1]
local calls = redis.call('HGETALL', day)
for at = 1, #calls, 2 do
  local since, last, moves, which = string.match(calls[at + 1], '^(%d+) (%d+) (%d+) (%d+)$')
  if since and tonumber(since) >= now - ARGV[4] then
    all = all + moves
    if calls[at] == ARGV[1] then own = {since, last, tonumber(moves), tonumber(which)} end
  end
end
own = own or {string.format('%.0f', now), string.format('%.0f', now), 0, 0}
if own[4] >= tonumber(ARGV[2]) then return {'OK', tostring(all)} end
if all >= tonumber(ARGV[3]) then return {'MANY', tostring(all)} end
redis.call('HSET', day, ARGV[1], string.format('%s %s %.0f %.0f', own[1], own[2], own[3] + 1, ARGV[2]))
redis.call('PEXPIRE', day, ARGV[5])
return {'OK', tostring(all + 1)}
