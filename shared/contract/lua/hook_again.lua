-- HOOK_AGAIN: a webhook that was not taken is written back with its due time, if the courier still has it.
--
-- KEYS  1 hooks
-- ARGV  1 group  2 entry id  3 courier  4 max length  5 TTL ms  6... fields and values of the new entry
-- Another courier may have taken the entry over meanwhile: written back twice, it would be told twice as
-- often from then on.
-- Answer  {'OK'}  or  {'ABSENT'}
local hooks, group, id, courier = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local held = redis.call('XPENDING', hooks, group, id, id, 1, courier)
if #held == 0 then return {'ABSENT'} end
redis.call('XADD', hooks, 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 6))
redis.call('XACK', hooks, group, id)
redis.call('XDEL', hooks, id)
redis.call('PEXPIRE', hooks, ARGV[5])
return {'OK'}
