-- END: a call is over. Idempotent: the first comer's outcome stands.
--
-- KEYS  1 card  2 live  3 slots  4 hooks  5 ended  6 deadlines
-- ARGV  1 call_sid  2 outcome  3 who says so  4 wall ms  5 ttl of what stays, ms
--       6 leg for which a deadline must still stand ('' = end it in any state)
--       7 '1': the user's systems are to be told (an entry in `hooks`), '' else  8 ttl of hooks, ms
--       9 most calls in `ended`  10 cause ('' = the plan's stands)
--       11 ttl of the caller's number, ms ('0' = nobody is to be told it)
--       12 the stream_sid of that leg
-- Puts the call into `ended` and takes out what is older than what stays, then the oldest above ARGV 9.
-- Also deletes caller, turn, reply, and tape where the call was not recorded (what was for a listener, in the
-- announcement too, nobody will collect); sets the TTL of card, control, journal, history, token, number, tape;
-- empties the `owned` sets of the call and rings the owners' doorbells: same lane, so same slot.
-- A call that still rang rings who expects it: its stream will not come.
-- Answer  {'OK', '1' for the first comer else '0', outcome}  or  {'FENCED', leg}  or  {'ABSENT'}
local card, call = KEYS[1], ARGV[1]
local lane = string.match(card, '^(.-)call:')
local has = redis.call('HMGET', card, 'state', 'outcome', 'brain', 'egress', 'leg',
  'ingress', 'deadline_leg', 'stream_sid', 'tape')
local is_due = ARGV[6] == '' or (has[7] == ARGV[6] and has[8] == ARGV[12])
if has[1] and has[1] ~= 'ended' and not is_due then return {'FENCED', has[5]} end
redis.call('ZREM', KEYS[2], call)
redis.call('ZREM', KEYS[6], call)
redis.call('ZREM', KEYS[3], call)
if not has[1] then
  local heir = redis.call('HGET', card .. ':token', 'expected_by')
  if heir then
    redis.call('XADD', lane .. 'wake:' .. heir, 'NOMKSTREAM', 'MAXLEN', '100', '*',
      'v', '1', 'call', call, 'why', 'ended')
  end
  return {'ABSENT'}
end
if has[1] == 'ended' then return {'OK', '0', has[2]} end
redis.call('HDEL', card, 'deadline_leg', 'deadline_outcome')
redis.call('HSET', card, 'state', 'ended', 'outcome', ARGV[2], 'ended_at_ms', ARGV[4])
if ARGV[10] ~= '' then
  redis.call('HSET', card, 'cause', ARGV[10])
end
redis.call('DEL', card .. ':caller', card .. ':turn', card .. ':reply')
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'ended',
  'from', ARGV[3], 't', ARGV[4], 'outcome', ARGV[2])
redis.call('XADD', card .. ':control', 'NOMKSTREAM', 'MAXLEN', '~', '1000', '*', 'v', '1', 'kind', 'ended',
  'from', ARGV[3], 'n', 'end', 'outcome', ARGV[2])
for _, part in ipairs({'', ':control', ':journal', ':history', ':token'}) do
  redis.call('PEXPIRE', card .. part, ARGV[5])
end
redis.call('ZADD', KEYS[5], ARGV[4], call)
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', tonumber(ARGV[4]) - tonumber(ARGV[5]))
redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -1 - tonumber(ARGV[9]))
redis.call('PEXPIRE', KEYS[5], ARGV[5])
redis.call('PEXPIRE', card .. ':number', ARGV[11])
if has[9] == 'on' or has[9] == 'paused' then
  redis.call('PEXPIRE', card .. ':tape', ARGV[5])
else
  redis.call('DEL', card .. ':tape')
end
if has[6] then redis.call('SREM', lane .. 'owned:' .. has[6], call) end
for _, owner in ipairs({has[3], has[4]}) do
  if owner and owner ~= '' then
    redis.call('SREM', lane .. 'owned:' .. owner, call)
    redis.call('XADD', lane .. 'wake:' .. owner, 'NOMKSTREAM', 'MAXLEN', '100', '*',
      'v', '1', 'call', call, 'why', 'ended')
  end
end
if ARGV[7] == '1' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', '10000', '*', 'v', '1', 'kind', 'call.ended', 'call', call,
    'id', call .. '-ended', 't', ARGV[4], 'attempt', '0', 'due', tostring(tonumber(ARGV[4]) + 2000))
  redis.call('PEXPIRE', KEYS[4], ARGV[8])
end
return {'OK', '1', ARGV[2]}
