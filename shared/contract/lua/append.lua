-- APPEND: one entry to a stream of a call, fenced by owner and epoch of the role that speaks, and a doorbell.
--
-- KEYS  1 card  2 the stream
-- ARGV  1 role ('' = no owner speaks: only an ended call refuses)  2 worker  3 epoch
--       4 ttl ms ('0' = never create)  5 MAXLEN ('0' = none)  6 roles to wake, e.g. 'brain egress' ('' = none)  7 why
--       8… field, value, …
-- Also writes lane .. 'wake:' .. owner of each role to wake: same lane, so same slot.
-- What an owner has of the conversation it may still add to `history` when the call has ended, if there is one:
-- the caller's last words are written down a second after they hung up.
-- Answer  {'OK', entry id}  or  {'FENCED', owner or 'ended', epoch}  or  {'ABSENT'}
local card, role = KEYS[1], ARGV[1]
local has = redis.call('HMGET', card, 'state', role .. '_epoch', role)
if not has[1] then return {'ABSENT'} end
local late = has[1] == 'ended'
if late and (role == '' or KEYS[2] ~= card .. ':history') then return {'FENCED', 'ended', has[2] or '0'} end
if role ~= '' and (has[2] ~= ARGV[3] or has[3] ~= ARGV[2]) then return {'FENCED', has[3] or '', has[2] or '0'} end
local command = {'XADD', KEYS[2]}
if late or ARGV[4] == '0' then command[#command + 1] = 'NOMKSTREAM' end
if ARGV[5] ~= '0' then
  command[#command + 1] = 'MAXLEN' command[#command + 1] = '~' command[#command + 1] = ARGV[5]
end
command[#command + 1] = '*'
for index = 8, #ARGV do command[#command + 1] = ARGV[index] end
local id = redis.call(unpack(command))
if not id then return {'ABSENT'} end
if ARGV[4] ~= '0' and redis.call('PTTL', KEYS[2]) < 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
if ARGV[6] ~= '' then
  local lane, call = string.match(card, '^(.-)call:(.*)$')
  for wanted in string.gmatch(ARGV[6], '%a+') do
    local owner = redis.call('HGET', card, wanted)
    if owner and owner ~= '' then
      redis.call('XADD', lane .. 'wake:' .. owner, 'NOMKSTREAM', 'MAXLEN', '100', '*',
        'v', '1', 'call', call, 'why', ARGV[7])
    end
  end
end
return {'OK', id}
