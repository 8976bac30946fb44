-- FIGURES: what ingress measured of a live leg, and whether the call still stands.
--
-- KEYS  1 card
-- ARGV  1 leg  2… card field, value, …
-- Answer  {'OK'}  or  {'FENCED'} when the call has ended or has a newer leg  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', 'leg')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] then return {'FENCED'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return {'OK'}
