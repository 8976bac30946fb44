-- DISOWN: a worker is dead: what it owned of one role in a lane is for others to claim. Idempotent: each observer asks it.
--
-- KEYS  1 owned:<the dead worker>  2 orphans  3 deadlines
-- ARGV  1 role  2 the dead worker  3 who says so  4 wall ms
--       5 how long a call whose last word was said may take to end, ms  6 ttl of deadlines, ms
-- Also writes the card and the journal of each call in KEYS[1]: same lane, so same slot.
-- Answer  the calls that it still owned
local lane = string.match(KEYS[1], '^(.-)owned:')
local role, dead = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local orphaned = {}
for _, call in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local card = lane .. 'call:' .. call
  local has = redis.pcall('HMGET', card, 'state', role, 'next', 'leg', 'deadline_leg')
  if has[1] and has[1] ~= 'ended' and has[2] == dead then
    redis.call('HSET', card, role, '')
    redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'owner_lost',
      'from', ARGV[3], 't', ARGV[4], 'role', role, 'owner', dead)
    if has[3] == 'apology' or has[3] == 'hangup' then
      if not has[5] then
        redis.call('HSET', card, 'deadline_leg', has[4], 'deadline_outcome', has[3])
        redis.call('ZADD', KEYS[3], now + ARGV[5], call)
        redis.call('PEXPIRE', KEYS[3], ARGV[6])
      end
    else
      redis.call('XADD', KEYS[2], '*', 'v', '1', 'call', call, 'role', role, 'why', 'dead', 'by', ARGV[3], 'heir', '')
    end
    orphaned[#orphaned + 1] = call
  end
  redis.call('SREM', KEYS[1], call)
end
return orphaned
