-- FIGURES: what ingress measured of a live leg, and whether the call still stands.
--
-- KEYS  1 card
-- ARGV  1 leg  2 its stream_sid  3 when its token expires, s  4… card field, value, …
-- A card that names an older stream has lost ours: it is absent for us, and to be written again (RESTORE).
-- Answer  {'OK', started_at_ms, resumes, then for brain and egress: worker, epoch, claims, attempts}: what ingress
--         must keep, to write the card again if it is lost
--   or  {'FENCED'} when the call has ended or has a newer stream  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', 'leg', 'started_at_ms', 'resumes',
  'brain', 'brain_epoch', 'brain_claims', 'brain_attempts', 'egress', 'egress_epoch', 'egress_claims', 'egress_attempts',
  'stream_sid', 'token_expires_s')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' then return {'FENCED'} end
if has[2] ~= ARGV[1] or has[13] ~= ARGV[2] then
  local is_older = tonumber(has[14] or '0') < tonumber(ARGV[3]) and tonumber(has[2]) <= tonumber(ARGV[1])
  return {is_older and 'ABSENT' or 'FENCED'}
end
-- A first write that needs no memory: a Redis that is full takes what follows, the plan of an apology too.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
local answer = {'OK'}
for index = 3, 12 do answer[#answer + 1] = has[index] or '' end
return answer
