-- DUE: the calls of a lane whose deadline has passed. Whoever is told of one ends it; should he not, the next one is told.
--
-- KEYS  1 deadlines
-- ARGV  1 most  2 ms until the next one is told
-- Also reads the cards of these calls: same lane, so same slot.
-- Answer  three words a call: call, leg, outcome
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', '0', ARGV[1])
local lane = string.match(KEYS[1], '^(.-)deadlines$')
local told = {}
-- A first write that needs no memory: a Redis that is full takes what follows too.
if #due > 0 then redis.call('ZREM', KEYS[1], '') end
for _, call in ipairs(due) do
  local has = redis.pcall('HMGET', lane .. 'call:' .. call, 'state', 'deadline_leg', 'deadline_outcome')
  if has[1] and has[1] ~= 'ended' and has[2] and has[3] then
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], call)
    told[#told + 1] = call told[#told + 1] = has[2] told[#told + 1] = has[3]
  else
    redis.call('ZREM', KEYS[1], call)
  end
end
return told
