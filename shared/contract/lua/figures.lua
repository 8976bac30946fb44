-- FIGURES: what ingress measured of a live leg, and whether the call still stands.
--
-- KEYS  1 card
-- ARGV  1 leg  2… card field, value, …
-- Answer  {'OK', started_at_ms, resumes, attempts, brain, brain_epoch, egress, egress_epoch}: what ingress must
--         keep, to write the card again if it is lost
--   or  {'FENCED'} when the call has ended or has a newer leg  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', 'leg', 'started_at_ms', 'resumes', 'attempts',
  'brain', 'brain_epoch', 'egress', 'egress_epoch')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] then return {'FENCED'} end
-- A first write that needs no memory: a Redis that is full takes what follows, the plan of an apology too.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return {'OK', has[3] or '', has[4] or '', has[5] or '', has[6] or '', has[7] or '', has[8] or '', has[9] or ''}
