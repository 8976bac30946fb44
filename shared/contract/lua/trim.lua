-- TRIM: forgets what is done with at the head of a stream of a call, and notes positions on the card.
--
-- KEYS  1 card  2 the stream
-- ARGV  1 role  2 epoch  3 first entry id to keep ('' = trim nothing)  4… card field, value, …
-- The trim comes first: a Redis that is out of memory takes it, and with it what follows.
-- Answer  {'OK'}  or  {'FENCED'}  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', ARGV[1] .. '_epoch')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[2] then return {'FENCED'} end
if ARGV[3] ~= '' then redis.call('XTRIM', KEYS[2], 'MINID', ARGV[3]) end
if #ARGV > 3 then redis.call('HSET', KEYS[1], unpack(ARGV, 4)) end
return {'OK'}
