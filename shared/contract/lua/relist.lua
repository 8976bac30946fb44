-- RELIST: the list of a worker's calls is made to say what the cards say.
--
-- KEYS  1 janitor  2 owned:<a worker>
-- ARGV  1 who tidies up  2 the worker  3 ttl of the list, ms  4… calls whose cards were seen to name it
-- A card that names it belongs there; all others go. An ingress has a call only while a stream of it is attached.
-- Also reads the cards: same lane, so same slot.
-- Answer  {'OK', added, removed}  or  {'FENCED', who}: another one tidies up
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then return {'FENCED', owner or ''} end
local lane = string.match(KEYS[2], '^(.-)owned:')
local worker, added, removed = ARGV[2], 0, 0

local function is_named(call)
  local has = redis.pcall('HMGET', lane .. 'call:' .. call, 'state', 'brain', 'egress', 'ingress')
  if has.err or not has[1] or has[1] == 'ended' then return false end
  return has[2] == worker or has[3] == worker or (has[4] == worker and has[1] == 'attached')
end

for _, call in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if not is_named(call) then removed = removed + redis.call('SREM', KEYS[2], call) end
end
for at = 4, #ARGV do
  if is_named(ARGV[at]) then added = added + redis.call('SADD', KEYS[2], ARGV[at]) end
end
-- Who lives renews it by itself, for longer.
if added > 0 and redis.call('PTTL', KEYS[2]) < 0 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return {'OK', tostring(added), tostring(removed)}
