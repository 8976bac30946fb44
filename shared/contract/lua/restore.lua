-- RESTORE: Redis came back without a live call, or with an older stream of it; the holder of its socket writes the card again.
--
-- KEYS  1 card  2 orphans  3 live  4 slots  5 token  6 deadlines
-- ARGV  1 call_sid  2 leg  3 stream_sid  4 ingress worker  5 wall ms  6 from  7 to  8 agent
--       9 call ttl ms  10 brain epoch  11 egress epoch  12 cut  13 last frame number
--       14 the called number in full  15 when the first stream was opened, wall ms  16 resumes
--       17 nonce of the stream's token  18 brain  19 egress ('' = not known: an orphan)
--       20 ttl ms of what is a worker's  21 the caller's number in full
--       22 claims of the brain's role  23 attempts  24 claims of egress's  25 attempts
--       26 when the stream's token expires, s
-- The epochs are those that ingress has seen: the owners claim again, and CLAIM raises them above their own. An older card
-- keeps what it knows better: who answers, and owners of no lower epoch, who are told of the stream.
-- Also writes card .. ':part' of caller, control, journal, number, and of each owner that is known
-- lane .. 'owned:' .. owner and lane .. 'wake:' .. owner, which may not be there yet, and the ingress's `owned`: same
-- lane, so same slot.
-- Answer  {'OK', '1' when it was written else '0'}
local card, call, leg = KEYS[1], ARGV[1], ARGV[2]
local lane = string.match(card, '^(.-)call:')
local has = redis.call('HMGET', card, 'state', 'leg', 'token_expires_s', 'ingress', 'resumes', 'cut', 'frame_n')
local is_there = has[1] and true or false
if is_there then
  local is_older = tonumber(has[3] or '0') < tonumber(ARGV[26]) and tonumber(has[2]) <= tonumber(leg)
  if has[1] == 'ended' or not is_older then return {'OK', '0'} end
end

local function most(one, other)
  return string.format('%.0f', math.max(tonumber(one or '0') or 0, tonumber(other) or 0))
end

local resumes, cut, frame_n = most(has[5], ARGV[16]), most(has[6], ARGV[12]), most(has[7], ARGV[13])
redis.call('HSET', card, 'state', 'attached', 'leg', leg, 'stream_sid', ARGV[3], 'ingress', ARGV[4],
  'attached_at_ms', ARGV[5], 'token_expires_s', ARGV[26], 'resumes', resumes,
  'next', '', 'next_arg', '', 'restored_at_ms', ARGV[5], 'cut', cut, 'frame_n', frame_n)
if is_there then
  redis.call('HDEL', card, 'deadline_leg', 'deadline_outcome')
  if has[4] and has[4] ~= ARGV[4] then redis.call('SREM', lane .. 'owned:' .. has[4], call) end
else
  redis.call('HSET', card, 'v', '1', 'started_at_ms', ARGV[15], 'from', ARGV[6], 'to', ARGV[7], 'called', ARGV[14],
    'agent', ARGV[8],
    'brain', ARGV[18], 'brain_epoch', ARGV[10], 'brain_claims', ARGV[22], 'brain_attempts', ARGV[23],
    'egress', ARGV[19], 'egress_epoch', ARGV[11], 'egress_claims', ARGV[24], 'egress_attempts', ARGV[25])
end
redis.call('ZREM', KEYS[6], call)
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
-- What an older Redis takes for unspent would be handed out again.
local issued = redis.call('HGET', KEYS[5], 'issued')
if issued and string.match(issued, '^(.-)@') == ARGV[17] then redis.call('HDEL', KEYS[5], 'issued') end
redis.call('PEXPIRE', KEYS[5], ARGV[9])
redis.call('ZADD', KEYS[3], ARGV[15], call)
redis.call('ZADD', KEYS[4], tonumber(ARGV[5]) + tonumber(ARGV[9]), call)
redis.call('PEXPIRE', KEYS[4], ARGV[9])
redis.call('SADD', lane .. 'owned:' .. ARGV[4], call)
redis.call('PEXPIRE', lane .. 'owned:' .. ARGV[4], ARGV[20])

local function ring(owner, why)
  redis.call('XADD', lane .. 'wake:' .. owner, 'MAXLEN', '100', '*', 'v', '1', 'call', call, 'why', why)
  redis.call('PEXPIRE', lane .. 'wake:' .. owner, ARGV[20])
end

if is_there then
  redis.call('XADD', card .. ':control', '*', 'v', '1', 'kind', 'stream', 'from', ARGV[4], 'n', 'leg-' .. leg,
    'leg', leg, 'stream_sid', ARGV[3], 'ingress', ARGV[4])
end
for at, role in ipairs({'brain', 'egress'}) do
  local owner, epoch, why = ARGV[17 + at], ARGV[9 + at], 'restored'
  if is_there then
    local had = redis.call('HMGET', card, role, role .. '_epoch', role .. '_claims', role .. '_attempts')
    if had[2] and tonumber(had[2]) >= tonumber(epoch) then
      owner, why = had[1] or '', 'stream'
    else
      local claims, attempts = most(had[3], ARGV[20 + 2 * at]), most(had[4], ARGV[21 + 2 * at])
      redis.call('HSET', card, role, owner, role .. '_epoch', epoch, role .. '_claims', claims,
        role .. '_attempts', attempts)
      if had[1] and had[1] ~= '' and had[1] ~= owner then redis.call('SREM', lane .. 'owned:' .. had[1], call) end
    end
  end
  if owner == '' then
    redis.call('XADD', KEYS[2], '*', 'v', '1', 'call', call, 'role', role, 'why', 'restored',
      'by', ARGV[4], 'heir', '')
  else
    redis.call('SADD', lane .. 'owned:' .. owner, call)
    redis.call('PEXPIRE', lane .. 'owned:' .. owner, ARGV[20])
    ring(owner, why)
  end
end
redis.call('XADD', card .. ':journal', 'MAXLEN', '~', '2000', '*', 'kind', 'resumed', 'from', ARGV[4],
  't', ARGV[5], 'leg', leg, 'why', is_there and 'redis_older' or 'redis_empty')
return {'OK', '1'}
