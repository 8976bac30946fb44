-- EXPECT: a brain has read that a call rings, and opens a session for it. Repeating it is harmless.
--
-- KEYS  1 card  2 token  3 ringing
-- ARGV  1 brain worker  2 entry id in ringing
-- The entry goes, whatever comes of it. ATTACH names the last brain that expected the call as its heir.
-- Answer  {'OK'}  or  {'LATE'}: its stream is there  or  {'ABSENT'}: it has no token
redis.call('XACK', KEYS[3], 'brain', ARGV[2])
redis.call('XDEL', KEYS[3], ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 1 then return {'LATE'} end
if redis.call('HEXISTS', KEYS[2], 'issued') == 0 then return {'ABSENT'} end
redis.call('HSET', KEYS[2], 'expected_by', ARGV[1])
return {'OK'}
