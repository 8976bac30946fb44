-- RESERVE: the token that a call which is about to stream must show. Idempotent per call: while the issued token is
-- unspent and fresh, the same one is answered. Whether there is room for the call was decided before (ADMIT).
--
-- KEYS  1 slots  2 token  3 card  4 ringing
-- ARGV  1 call_sid  2 wall ms  3 new nonce  4 its expiry, wall ms  5 ttl of the two keys, ms
--       6 '1': brains are to hear of it  7 the agent that was asked for  8 the called number in full
--       9 how long it may ring, ms  10 the caller's number in full
--       11 what the called number carries, as JSON ('' = who calls is not written down)  12 for how long it is, ms
-- Who calls a new call is written down in card .. ':number' (same lane, so same slot): brains may ask about them.
-- A call that gets its first token rings: an entry for whichever brain reads it first (EXPECT). It goes nowhere where no
-- brain reads them, and is gone after the time that a call may ring: as many stand there as calls were admitted in it.
-- The token of a later stream expires later, whatever the clocks of the ingresses say: that is how one knows later which
-- of two streams is the newer one.
-- Answer  {'OK', nonce, expiry}  or  {'ENDED'}
local now = tonumber(ARGV[2])
local has = redis.call('HMGET', KEYS[3], 'state', 'token_expires_s')
if has[1] == 'ended' then return {'ENDED'} end
-- Refused by a Redis without memory: a call that could not be attached must hear so. Slots are where processes of the
-- version before count. GT: a live call's lease, set by ATTACH, is longer than a reservation and must not shrink.
redis.call('ZADD', KEYS[1], 'GT', now + tonumber(ARGV[9]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local issued = redis.call('HGET', KEYS[2], 'issued')
if issued then
  local nonce, expiry = string.match(issued, '^(.-)@(.*)$')
  if tonumber(expiry) > now + 2000 then return {'OK', nonce, expiry} end
end
local expiry = string.format('%.0f', math.max(tonumber(ARGV[4]), (tonumber(has[2] or '0') + 1) * 1000))
redis.call('HSET', KEYS[2], 'issued', ARGV[3] .. '@' .. expiry)
redis.call('HDEL', KEYS[2], 'expected_by')
redis.call('PEXPIRE', KEYS[2], ARGV[5])
if ARGV[11] ~= '' and not has[1] then
  -- The call is admitted, whatever stands under that name.
  redis.pcall('HSET', KEYS[3] .. ':number', 'caller', ARGV[10], 'parameters', ARGV[11])
  redis.pcall('PEXPIRE', KEYS[3] .. ':number', ARGV[12])
end
if ARGV[6] == '1' and not has[1] then
  local time = redis.call('TIME')
  local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[9])
  -- The call is admitted, whatever stands under that name.
  redis.pcall('XADD', KEYS[4], 'NOMKSTREAM', 'MINID', string.format('%.0f', oldest), '*',
    'v', '1', 'call', ARGV[1], 'agent', ARGV[7], 'called', ARGV[8])
end
return {'OK', ARGV[3], expiry}
