-- DUE: the calls of a lane whose deadline has passed. Whoever is told of one ends it; should he not, the next one is told.
--
-- KEYS  1 deadlines
-- ARGV  1 most  2 ms until the next one is told
-- Also reads the cards of these calls: same lane, so same slot.
-- Answer  four words a call: call, leg, stream_sid, outcome
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', '0', ARGV[1])
local lane = string.match(KEYS[1], '^(.-)deadlines$')
local told = {}
-- A first write that needs no memory: a Redis that is full takes what follows too.
if #due > 0 then redis.call('ZREM', KEYS[1], '') end
for _, call in ipairs(due) do
  local has = redis.pcall('HMGET', lane .. 'call:' .. call, 'state', 'deadline_leg', 'stream_sid', 'deadline_outcome')
  if has[1] and has[1] ~= 'ended' and has[2] and has[3] and has[4] then
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], call)
    told[#told + 1] = call
    for index = 2, 4 do told[#told + 1] = has[index] end
  else
    redis.call('ZREM', KEYS[1], call)
  end
end
return told
