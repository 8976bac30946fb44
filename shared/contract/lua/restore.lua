-- RESTORE: Redis came back empty under a live call; the holder of its socket writes the card again.
--
-- KEYS  1 card  2 orphans  3 live  4 slots  5 token
-- ARGV  1 call_sid  2 leg  3 stream_sid  4 ingress worker  5 wall ms  6 from  7 to  8 agent
--       9 call ttl ms  10 brain epoch  11 egress epoch  12 cut  13 last frame number
--       14 the called number in full  15 when the first stream was opened, wall ms  16 resumes
--       17 nonce of the stream's token  18 brain  19 egress ('' = not known: an orphan)
--       20 ttl ms of what is a worker's  21 the caller's number in full
--       22 claims of the brain's role  23 attempts  24 claims of egress's  25 attempts
-- The epochs are those that ingress has seen: the owners claim again, and CLAIM raises them above their own.
-- Also writes card .. ':part' of caller, control, journal, number, and of each owner that is known
-- lane .. 'owned:' .. owner and lane .. 'wake:' .. owner, which may not be there yet, and the ingress's `owned`: same
-- lane, so same slot.
-- Answer  {'OK', '1' when it was absent else '0'}
local card = KEYS[1]
local lane = string.match(card, '^(.-)call:')
if redis.call('HEXISTS', card, 'state') == 1 then return {'OK', '0'} end
redis.call('HSET', card, 'v', '1', 'state', 'attached', 'leg', ARGV[2], 'stream_sid', ARGV[3],
  'ingress', ARGV[4], 'attached_at_ms', ARGV[5], 'started_at_ms', ARGV[15], 'from', ARGV[6],
  'to', ARGV[7], 'called', ARGV[14], 'agent', ARGV[8], 'resumes', ARGV[16],
  'next', '', 'next_arg', '', 'restored_at_ms', ARGV[5],
  'brain', ARGV[18], 'brain_epoch', ARGV[10], 'brain_claims', ARGV[22], 'brain_attempts', ARGV[23],
  'egress', ARGV[19], 'egress_epoch', ARGV[11], 'egress_claims', ARGV[24], 'egress_attempts', ARGV[25],
  'cut', ARGV[12], 'frame_n', ARGV[13])
redis.call('PEXPIRE', card, ARGV[9])
for _, part in ipairs({':caller', ':control', ':journal'}) do
  local key = card .. part
  if redis.call('EXISTS', key) == 0 then
    redis.call('XDEL', key, redis.call('XADD', key, '*', 'v', '1'))
  end
  redis.call('PEXPIRE', key, ARGV[9])
end
if ARGV[21] ~= '' then
  redis.call('HSET', card .. ':number', 'caller', ARGV[21])
  redis.call('PEXPIRE', card .. ':number', ARGV[9])
end
redis.call('HSET', KEYS[5], ARGV[17], ARGV[3])
redis.call('PEXPIRE', KEYS[5], ARGV[9])
redis.call('ZADD', KEYS[3], ARGV[15], ARGV[1])
redis.call('ZADD', KEYS[4], tonumber(ARGV[5]) + tonumber(ARGV[9]), ARGV[1])
redis.call('PEXPIRE', KEYS[4], ARGV[9])
redis.call('SADD', lane .. 'owned:' .. ARGV[4], ARGV[1])
redis.call('PEXPIRE', lane .. 'owned:' .. ARGV[4], ARGV[20])
for at, role in ipairs({'brain', 'egress'}) do
  local owner = ARGV[17 + at]
  if owner == '' then
    redis.call('XADD', KEYS[2], '*', 'v', '1', 'call', ARGV[1], 'role', role, 'why', 'restored',
      'by', ARGV[4], 'heir', '')
  else
    redis.call('SADD', lane .. 'owned:' .. owner, ARGV[1])
    redis.call('PEXPIRE', lane .. 'owned:' .. owner, ARGV[20])
    redis.call('XADD', lane .. 'wake:' .. owner, 'MAXLEN', '100', '*', 'v', '1', 'call', ARGV[1], 'why', 'restored')
    redis.call('PEXPIRE', lane .. 'wake:' .. owner, ARGV[20])
  end
end
redis.call('XADD', card .. ':journal', 'MAXLEN', '~', '2000', '*', 'kind', 'resumed', 'from', ARGV[4],
  't', ARGV[5], 'leg', ARGV[2], 'why', 'redis_empty')
return {'OK', '1'}
