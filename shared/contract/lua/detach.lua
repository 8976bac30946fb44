-- DETACH: the media stream of a leg is gone. Says what was planned, so that ingress knows whether to wait.
--
-- KEYS  1 card
-- ARGV  1 leg  2 ingress worker  3 cause  4 wall ms
-- Also writes card .. ':control', the journal, the owners' doorbells and lane .. 'owned:' .. ingress.
-- Answer  {'OK', next}  or  {'FENCED', leg} when a newer leg runs or the call ended  or  {'ABSENT'}
local card = KEYS[1]
local lane, call = string.match(card, '^(.-)call:(.*)$')
local has = redis.call('HMGET', card, 'state', 'leg', 'next', 'brain', 'egress')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] then return {'FENCED', has[2]} end
redis.call('HSET', card, 'state', 'detached')
redis.call('SREM', lane .. 'owned:' .. ARGV[2], call)
redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'detached',
  'from', ARGV[2], 't', ARGV[4], 'leg', ARGV[1], 'cause', ARGV[3])
redis.call('XADD', card .. ':control', 'NOMKSTREAM', 'MAXLEN', '~', '1000', '*', 'v', '1', 'kind', 'detached',
  'from', ARGV[2], 'n', 'detached-' .. ARGV[1], 'leg', ARGV[1], 'cause', ARGV[3])
for _, owner in ipairs({has[4], has[5]}) do
  if owner and owner ~= '' then
    redis.call('XADD', lane .. 'wake:' .. owner, 'NOMKSTREAM', 'MAXLEN', '100', '*',
      'v', '1', 'call', call, 'why', 'control')
  end
end
return {'OK', has[3] or ''}
