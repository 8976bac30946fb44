-- DEFER: a call whose stream is gone ends at a deadline, unless it has another stream by then. Asked again, it may be later.
--
-- KEYS  1 card  2 deadlines
-- ARGV  1 leg: must be the last one, and detached  2 its stream_sid  3 ms from now  4 outcome  5 ttl of deadlines, ms
-- ATTACH and END take the deadline back. Any ingress looks for what is due (DUE).
-- Answer  {'OK'}  or  {'FENCED', leg}  or  {'ABSENT'}
local card = KEYS[1]
local call = string.match(card, '^.-call:(.*)$')
local has = redis.call('HMGET', card, 'state', 'leg', 'stream_sid')
if not has[1] then return {'ABSENT'} end
if has[1] ~= 'detached' or has[2] ~= ARGV[1] or has[3] ~= ARGV[2] then return {'FENCED', has[2]} end
-- A first write that needs no memory: a Redis that is full takes what follows too.
redis.call('HDEL', card, '')
local time = redis.call('TIME')
redis.call('HSET', card, 'deadline_leg', has[2], 'deadline_outcome', ARGV[4])
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], call)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return {'OK'}
