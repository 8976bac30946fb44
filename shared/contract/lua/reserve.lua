-- RESERVE: a slot for a call that is about to stream, and the token it must show. Idempotent per call:
-- while the issued token is unspent and fresh, the same one is answered.
--
-- KEYS  1 slots  2 token  3 card
-- ARGV  1 call_sid  2 most slots in this lane  3 lease ms  4 wall ms  5 new nonce  6 its expiry, wall ms
--       7 ttl of the two keys, ms
-- The token of a later stream expires later, whatever the clocks of the ingresses say: that is how one knows later which
-- of two streams is the newer one.
-- Answer  {'OK', nonce, expiry}  or  {'FULL', slots taken}  or  {'ENDED'}
local now = tonumber(ARGV[4])
local has = redis.call('HMGET', KEYS[3], 'state', 'token_expires_s')
if has[1] == 'ended' then return {'ENDED'} end
-- Changes nothing, but is refused by a Redis without memory: a call that could not be attached must hear so.
redis.call('ZADD', KEYS[1], 'XX', 'GT', 0, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease then
  local taken = redis.call('ZCARD', KEYS[1])
  if taken >= tonumber(ARGV[2]) then return {'FULL', taken} end
end
-- GT: a live call's lease, set by ATTACH, is longer than a reservation and must not shrink.
redis.call('ZADD', KEYS[1], 'GT', now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
local issued = redis.call('HGET', KEYS[2], 'issued')
if issued then
  local nonce, expiry = string.match(issued, '^(.-)@(.*)$')
  if tonumber(expiry) > now + 2000 then return {'OK', nonce, expiry} end
end
local expiry = string.format('%.0f', math.max(tonumber(ARGV[6]), (tonumber(has[2] or '0') + 1) * 1000))
redis.call('HSET', KEYS[2], 'issued', ARGV[5] .. '@' .. expiry)
redis.call('PEXPIRE', KEYS[2], ARGV[7])
return {'OK', ARGV[5], expiry}
