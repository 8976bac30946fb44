-- DETACH: the media stream of a leg is gone. Says what was planned, so that ingress knows whether to wait.
--
-- KEYS  1 card  2 deadlines
-- ARGV  1 leg  2 its stream_sid  3 ingress worker  4 cause  5 wall ms  6 ttl of deadlines, ms
--       7 how far the stream came, for whoever has egress's role next; '' = not known: what stands there stays
--       8… what is planned, ms from now, outcome …: when the call ends that gets no other stream; the first three stand
--       for any plan that is not named
-- The deadline is written in the same step: whoever asks may be gone before it could ask for it. DEFER moves it.
-- Also writes card .. ':control', the journal, the owners' doorbells and lane .. 'owned:' .. ingress.
-- A stream that RESCUE has asked for was ended by the carrier at our own wish, whatever it says of it.
-- Answer  {'OK', next, '1' if it was asked for else '0'}  or  {'FENCED', leg} when a newer stream runs or the call ended  or  {'ABSENT'}
local card = KEYS[1]
local lane, call = string.match(card, '^(.-)call:(.*)$')
local has = redis.call('HMGET', card, 'state', 'leg', 'next', 'brain', 'egress', 'stream_sid', 'deadline_leg',
  'rescue')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] or has[6] ~= ARGV[2] then return {'FENCED', has[2]} end
redis.call('HSET', card, 'state', 'detached')
if ARGV[7] ~= '' then
  redis.call('HSET', card, 'stream_end', ARGV[7])
end
redis.call('SREM', lane .. 'owned:' .. ARGV[3], call)
if not has[7] then
  local after_ms, outcome = ARGV[9], ARGV[10]
  for index = 8, #ARGV, 3 do
    if ARGV[index] == has[3] then after_ms, outcome = ARGV[index + 1], ARGV[index + 2] end
  end
  local time = redis.call('TIME')
  redis.call('HSET', card, 'deadline_leg', has[2], 'deadline_outcome', outcome)
  redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + after_ms, call)
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
end
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'detached',
  'from', ARGV[3], 't', ARGV[5], 'leg', ARGV[1], 'cause', ARGV[4])
redis.call('XADD', card .. ':control', 'NOMKSTREAM', 'MAXLEN', '~', '1000', '*', 'v', '1', 'kind', 'detached',
  'from', ARGV[3], 'n', 'detached-' .. ARGV[1], 'leg', ARGV[1], 'cause', ARGV[4])
for _, owner in ipairs({has[4], has[5]}) do
  if owner and owner ~= '' then
    redis.call('XADD', lane .. 'wake:' .. owner, 'NOMKSTREAM', 'MAXLEN', '100', '*',
      'v', '1', 'call', call, 'why', 'control')
  end
end
return {'OK', has[3] or '', string.match(has[8] or '', '^(%S+) ') == ARGV[2] and '1' or '0'}
