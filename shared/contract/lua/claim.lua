-- CLAIM: a worker takes the ownership of one role of a call, by compare-and-set. Repeating it is harmless.
--
-- KEYS  1 card  2 calls
-- ARGV  1 role  2 worker  3 expected owner  4 expected epoch  5 entry id in calls ('' if none)
--       6 wall ms  7 ttl of the owned set in ms
-- Also writes lane .. 'owned:' .. worker and the journal: same lane, so same slot.
-- Also reads card .. ':number': a brain's tools need the caller's number in full, nobody else does.
-- Answer  {'OK', epoch, number or '', field, value, … of the card}  or  {'FENCED', owner, epoch}  or  {'ABSENT'}
local card, role, worker, entry = KEYS[1], ARGV[1], ARGV[2], ARGV[5]
local lane, call = string.match(card, '^(.-)call:(.*)$')
local has = redis.call('HMGET', card, 'state', role, role .. '_epoch', 'brain', 'egress')

local function settle_entry(done)
  if entry == '' then return end
  redis.call('XACK', KEYS[2], role, entry)
  if done then redis.call('XDEL', KEYS[2], entry) end
end

if not has[1] then settle_entry(true) return {'ABSENT'} end
if has[1] == 'ended' then settle_entry(true) return {'FENCED', 'ended', has[3]} end
local epoch = has[3]
if has[2] ~= worker then
  if has[2] ~= ARGV[3] or has[3] ~= ARGV[4] then
    -- Nobody owns the role and its epoch moved on since it was read: the entry is asked for again.
    if has[2] ~= '' then settle_entry(has[4] ~= '' and has[5] ~= '') end
    return {'FENCED', has[2], has[3]}
  end
  epoch = tostring(tonumber(has[3]) + 1)
  redis.call('HSET', card, role, worker, role .. '_epoch', epoch)
  redis.call('SADD', lane .. 'owned:' .. worker, call)
  redis.call('PEXPIRE', lane .. 'owned:' .. worker, ARGV[7])
  redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'claimed',
    'from', worker, 't', ARGV[6], 'role', role, 'epoch', epoch)
end
local other = role == 'brain' and has[5] or has[4]
settle_entry(other ~= '')
local number = role == 'brain' and redis.call('HGET', card .. ':number', 'caller') or ''
local answer = {'OK', epoch, number}
for _, word in ipairs(redis.call('HGETALL', card)) do answer[#answer + 1] = word end
return answer
