-- RELEASE: an owner gives a role of a call back. The epoch stays: the next CLAIM raises it.
--
-- KEYS  1 card
-- ARGV  1 role  2 worker  3 epoch  4 wall ms  5 rival to wake ('' if none)
-- Also writes lane .. 'owned:' .. worker, the rival's doorbell and the journal.
-- Answer  {'OK'}  or  {'FENCED', owner, epoch}  or  {'ABSENT'}
local card, role, worker = KEYS[1], ARGV[1], ARGV[2]
local lane, call = string.match(card, '^(.-)call:(.*)$')
redis.call('SREM', lane .. 'owned:' .. worker, call)
local has = redis.call('HMGET', card, 'state', role, role .. '_epoch')
if not has[1] then return {'ABSENT'} end
if has[2] ~= worker or has[3] ~= ARGV[3] then return {'FENCED', has[2], has[3]} end
redis.call('HSET', card, role, '')
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'released',
  'from', worker, 't', ARGV[4], 'role', role)
if ARGV[5] ~= '' then
  redis.call('XADD', lane .. 'wake:' .. ARGV[5], 'NOMKSTREAM', 'MAXLEN', '100', '*',
    'v', '1', 'call', call, 'why', 'claimed')
end
return {'OK'}
