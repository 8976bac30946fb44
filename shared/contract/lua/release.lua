-- RELEASE: an owner gives a role of a call back, for another worker to claim. Repeating it does nothing.
--
-- KEYS  1 card  2 orphans  3 deadlines
-- ARGV  1 role  2 worker  3 epoch  4 wall ms  5 heir ('' = whoever comes first)  6 why
--       7 how long a call whose last word was said may take to end, ms  8 ttl of deadlines, ms
-- The epoch stays: the next CLAIM raises it. A call that is on its way out (an apology or a hang-up is planned) needs no
-- other owner: it gets a deadline instead.
-- Also writes lane .. 'owned:' .. worker, the heir's doorbell and the journal.
-- Answer  {'OK'}  or  {'FENCED', owner or 'ended', epoch}  or  {'ABSENT'}
local card, role, worker = KEYS[1], ARGV[1], ARGV[2]
local lane, call = string.match(card, '^(.-)call:(.*)$')
local has = redis.call('HMGET', card, 'state', role, role .. '_epoch', 'next', 'leg', 'deadline_leg')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' then return {'FENCED', 'ended', has[3]} end
if has[2] ~= worker or has[3] ~= ARGV[3] then return {'FENCED', has[2], has[3]} end
redis.call('HSET', card, role, '')
if ARGV[6] == 'released' then
  -- Who gives a call back in good order has not failed at it.
  local attempts = math.max(tonumber(redis.call('HGET', card, role .. '_attempts') or '0') - 1, 0)
  redis.call('HSET', card, role .. '_attempts', attempts)
end
redis.call('SREM', lane .. 'owned:' .. worker, call)
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'released',
  'from', worker, 't', ARGV[4], 'role', role, 'heir', ARGV[5], 'why', ARGV[6])
if has[4] == 'apology' or has[4] == 'hangup' then
  if not has[6] then
    local time = redis.call('TIME')
    redis.call('HSET', card, 'deadline_leg', has[5], 'deadline_outcome', has[4])
    redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[7], call)
    redis.call('PEXPIRE', KEYS[3], ARGV[8])
  end
  return {'OK'}
end
redis.call('XADD', KEYS[2], '*', 'v', '1', 'call', call, 'role', role, 'why', ARGV[6], 'by', worker, 'heir', ARGV[5])
if ARGV[5] ~= '' then
  redis.call('XADD', lane .. 'wake:' .. ARGV[5], 'NOMKSTREAM', 'MAXLEN', '100', '*',
    'v', '1', 'call', call, 'why', 'claimed')
end
return {'OK'}
