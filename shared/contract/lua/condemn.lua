-- CONDEMN: a call that nobody has ends shortly, unless it gets another stream by then.
--
-- KEYS  1 janitor  2 card  3 deadlines
-- ARGV  1 who tidies up  2 state  3 leg  4 stream_sid  5 ingress: as they were seen  6 outcome  7 why  8 ms from now
--       9 ttl of deadlines, ms  10 wall ms
-- Also writes card .. ':journal'.
-- Answer  {'OK'}  or  {'FENCED', who}: another one tidies up  or  {'CHANGED'}: it is not as it was seen  or  {'ABSENT'}
local owner = redis.call('GET', KEYS[1])
if owner ~= ARGV[1] then return {'FENCED', owner or ''} end
local card = KEYS[2]
local call = string.match(card, '^.-call:(.*)$')
local has = redis.call('HMGET', card, 'state', 'leg', 'stream_sid', 'ingress')
if not has[1] then return {'ABSENT'} end
for at = 1, 4 do
  if (has[at] or '') ~= ARGV[at + 1] then return {'CHANGED'} end
end
local time = redis.call('TIME')
redis.call('HSET', card, 'deadline_leg', has[2] or '', 'deadline_outcome', ARGV[6], 'cause', ARGV[7])
redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[8], call)
redis.call('PEXPIRE', KEYS[3], ARGV[9])
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'condemned',
  'from', ARGV[1], 't', ARGV[10], 'why', ARGV[7], 'ingress', has[4] or '')
return {'OK'}
