-- TURN: the caller's open turn. What the model got is moved from `caller` to `turn`, so that a new brain
-- can say it again; when the turn is in history, `turn` goes.
--
-- KEYS  1 card  2 caller  3 turn
-- ARGV  1 brain epoch  2 'move' | 'close'  3 last entry id to move ('' = none)  4 first id to keep
--       5 ttl ms  6 most entries in turn
-- Answer  {'OK', entries moved}  or  {'FENCED'}  or  {'ABSENT'}
local has = redis.call('HMGET', KEYS[1], 'state', 'brain_epoch')
if not has[1] then return {'ABSENT'} end
if has[1] == 'ended' or has[2] ~= ARGV[1] then return {'FENCED'} end
if ARGV[2] == 'close' then
  redis.call('DEL', KEYS[3])
  return {'OK', 0}
end
if ARGV[3] == '' then return {'OK', 0} end
local entries = redis.call('XRANGE', KEYS[2], '-', ARGV[3])
local audio, leg, chunk = {}, nil, nil
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for index = 1, #fields, 2 do
    if fields[index] == 'a' then audio[#audio + 1] = fields[index + 1]
    elseif fields[index] == 'l' then leg = fields[index + 1]
    elseif fields[index] == 'n' and not chunk then chunk = fields[index + 1] end
  end
end
if #audio > 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[6], '*', 'v', '1', 'l', leg or '0', 'n', chunk or '0',
    'a', table.concat(audio))
  if redis.call('PTTL', KEYS[3]) < 0 then redis.call('PEXPIRE', KEYS[3], ARGV[5]) end
end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[4])
redis.call('HSET', KEYS[1], 'caller_pos', ARGV[3])
return {'OK', #entries}
