-- ATTACH: a media stream of a call has opened and showed its token. Idempotent for one stream_sid.
--
-- KEYS  1 card  2 token  3 calls  4 live  5 slots  6 orphans  7 deadlines
-- ARGV  1 call_sid  2 stream_sid  3 ingress worker  4 wall ms  5 nonce  6 from  7 to  8 agent
--       9 call ttl ms  10 most resumes  11 the called number in full  12 the caller's in full
--       13 ttl of the owned set in ms  14 when its token expires, s: the order of the call's streams
-- A stream_sid that comes again at the same ingress is a repeat; at another one it was recorded and replayed.
-- Also writes the call's caller, control, journal, number (card .. ':part'), the owners' doorbells
-- (lane .. 'wake:' .. owner) and lane .. 'owned:' .. ingress: same lane, so same slot.
-- `rescued`: the carrier was asked for the call (RESCUE): the socket of its last stream stayed open until then, so
-- that all that was given to it has played.
-- A new call that a brain expects (EXPECT) has it for its heir, whose doorbell rings (lane .. 'wake:' .. heir).
-- A role that was given up while the call was on its way out is wanted again: an entry in orphans.
-- Answer  {'OK', leg, '1' when the call is new else '0', owed silence in ms, its cause}
--   or  {'REFUSED', 'used' | 'ended' | 'older' | 'too_many'}: older than the stream that the card names
local card = KEYS[1]
local lane = string.match(card, '^(.-)call:')
local ttl = ARGV[9]
local has = redis.call('HMGET', card, 'state', 'leg', 'stream_sid', 'resumes', 'brain', 'egress',
  'owed_ms', 'owed_cause', 'ingress', 'brain_epoch', 'egress_epoch', 'deadline_leg', 'token_expires_s', 'rescue')
local owed_ms, owed_cause = has[7] or '0', has[8] or ''
local is_ours = has[3] == ARGV[2] and has[9] == ARGV[3]
if is_ours and has[1] ~= 'ended' then return {'OK', has[2], '0', owed_ms, owed_cause} end
local spent = redis.call('HGET', KEYS[2], ARGV[5])
if spent and spent ~= ARGV[2] then return {'REFUSED', 'used'} end
if has[1] == 'ended' then return {'REFUSED', 'ended'} end
if spent then return {'REFUSED', 'used'} end
if has[1] and tonumber(ARGV[14]) < tonumber(has[13] or '0') then return {'REFUSED', 'older'} end
local resumes = tonumber(has[4] or '-1') + 1
if resumes > tonumber(ARGV[10]) then return {'REFUSED', 'too_many'} end

local function create_stream(key)
  -- An entry written and deleted leaves an empty stream that can carry a TTL.
  if redis.call('EXISTS', key) == 0 then
    local id = redis.call('XADD', key, '*', 'v', '1')
    redis.call('XDEL', key, id)
  end
  redis.call('PEXPIRE', key, ttl)
end

redis.call('HSET', KEYS[2], ARGV[5], ARGV[2])
local heir = redis.call('HGET', KEYS[2], 'expected_by') or ''
redis.call('HDEL', KEYS[2], 'issued', 'expected_by')
redis.call('PEXPIRE', KEYS[2], ttl)
local leg = tonumber(has[2] or '0') + 1
redis.call('HSET', card, 'state', 'attached', 'leg', leg, 'stream_sid', ARGV[2], 'ingress', ARGV[3],
  'attached_at_ms', ARGV[4], 'resumes', resumes, 'next', '', 'next_arg', '', 'token_expires_s', ARGV[14])
if has[12] then
  redis.call('HDEL', card, 'deadline_leg', 'deadline_outcome')
  redis.call('ZREM', KEYS[7], ARGV[1])
end
if has[9] and has[9] ~= ARGV[3] then redis.call('SREM', lane .. 'owned:' .. has[9], ARGV[1]) end
redis.call('SADD', lane .. 'owned:' .. ARGV[3], ARGV[1])
redis.call('PEXPIRE', lane .. 'owned:' .. ARGV[3], ARGV[13])
create_stream(card .. ':caller')
create_stream(card .. ':control')
create_stream(card .. ':journal')
if not has[1] then
  redis.call('HSET', card, 'v', '1', 'from', ARGV[6], 'to', ARGV[7], 'agent', ARGV[8],
    'called', ARGV[11], 'started_at_ms', ARGV[4], 'brain', '', 'brain_epoch', '0',
    'brain_claims', '0', 'brain_attempts', '0', 'egress', '', 'egress_epoch', '0', 'egress_claims', '0',
    'egress_attempts', '0', 'cut', '0', 'frame_n', '0')
  if ARGV[12] ~= '' then
    redis.call('HSET', card .. ':number', 'caller', ARGV[12])
    redis.call('PEXPIRE', card .. ':number', ttl)
  end
  local entry = redis.call('XADD', KEYS[3], '*', 'v', '1', 'call', ARGV[1], 'heir', heir)
  if heir ~= '' then
    redis.call('XADD', lane .. 'wake:' .. heir, 'NOMKSTREAM', 'MAXLEN', '100', '*',
      'v', '1', 'call', ARGV[1], 'why', 'claimed', 'entry', entry)
  end
  redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1])
else
  local fetched = string.match(has[14] or '', '^(%S+)') == has[3]
  redis.call('XADD', card .. ':control', '*', 'v', '1', 'kind', 'stream', 'from', ARGV[3], 'n', 'leg-' .. leg,
    'leg', leg, 'stream_sid', ARGV[2], 'ingress', ARGV[3], 'rescued', fetched and '1' or '0')
  for _, owner in ipairs({has[5], has[6]}) do
    if owner and owner ~= '' then
      redis.call('XADD', lane .. 'wake:' .. owner, 'NOMKSTREAM', 'MAXLEN', '100', '*',
        'v', '1', 'call', ARGV[1], 'why', 'stream')
    end
  end
  for at, role in ipairs({'brain', 'egress'}) do
    if has[at + 4] == '' and has[at + 9] ~= '0' then
      redis.call('XADD', KEYS[6], '*', 'v', '1', 'call', ARGV[1], 'role', role, 'why', 'released',
        'by', ARGV[3], 'heir', '')
    end
  end
end
redis.call('PEXPIRE', card, ttl)
redis.call('ZADD', KEYS[5], tonumber(ARGV[4]) + tonumber(ttl), ARGV[1])
redis.call('PEXPIRE', KEYS[5], ttl)
redis.call('XADD', card .. ':journal', 'MAXLEN', '~', '2000', '*', 'kind', has[1] and 'resumed' or 'attached',
  'from', ARGV[3], 't', ARGV[4], 'leg', leg, 'stream_sid', ARGV[2])
return {'OK', tostring(leg), has[1] and '0' or '1', owed_ms, owed_cause}
