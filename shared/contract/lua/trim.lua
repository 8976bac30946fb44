-- TRIM: forgets what is done with at the head of a stream of a call, and notes positions on the card.
--
-- KEYS  1 card  2 the stream
-- ARGV  1 role  2 worker  3 epoch  4 first entry id to keep ('' = trim nothing)  5… card field, value, …
-- The trim comes first: a Redis that is out of memory takes it, and with it what follows.
-- Answer  {'OK'}  or  {'FENCED', owner or 'ended', epoch}  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', ARGV[1] .. '_epoch', ARGV[1])
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' then return {'FENCED', 'ended', has[2] or '0'} end
if has[2] ~= ARGV[3] or has[3] ~= ARGV[2] then return {'FENCED', has[3] or '', has[2] or '0'} end
if ARGV[4] ~= '' then redis.call('XTRIM', KEYS[2], 'MINID', ARGV[4]) end
if #ARGV > 4 then redis.call('HSET', KEYS[1], unpack(ARGV, 5)) end
return {'OK'}
