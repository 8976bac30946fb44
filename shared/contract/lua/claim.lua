-- CLAIM: a worker takes the ownership of one role of a call. Repeating it is harmless.
--
-- KEYS  1 card  2 calls  3 orphans
-- ARGV  1 role  2 worker  3 the highest epoch that it has seen of the role ('0' = none)
--       4 entry id in calls ('' if none)  5 entry id in orphans ('' if none)  6 wall ms  7 ttl of the owned set in ms
--       8 '1': it has that epoch, and wants a higher one  9 the worker's own number, below 1024
-- The role must be free; or the card is older than what the worker has seen: a failover or an old snapshot has
-- lost who had it. A worker that the card names repeats its claim, and gets the same answer; unless it has seen a higher
-- epoch, or wants one.
-- The new epoch is above the card's, above what the worker has seen, no less than the server's time in ms × 1024, and
-- its rest by 1024 is the worker's own: so it does not come twice, whatever Redis has lost, and whatever its clock says.
-- Also writes lane .. 'owned:' .. worker (and the last owner's) and the journal: same lane, so same slot.
-- Also reads card .. ':number': a brain's tools need the caller's number in full, nobody else does.
-- Answer  {'OK', epoch, number or '', field, value, … of the card}
--   or  {'FENCED', owner or 'ended', epoch}  or  {'ABSENT'}
local card, role, worker = KEYS[1], ARGV[1], ARGV[2]
local lane, call = string.match(card, '^(.-)call:(.*)$')
local has = redis.call('HMGET', card, 'state', role, role .. '_epoch', 'brain', 'egress',
  role .. '_claims', role .. '_attempts')

local function settle(calls_are_done)
  if ARGV[4] ~= '' then
    redis.call('XACK', KEYS[2], role, ARGV[4])
    if calls_are_done then redis.call('XDEL', KEYS[2], ARGV[4]) end
  end
  if ARGV[5] ~= '' then
    redis.call('XACK', KEYS[3], role, ARGV[5])
    redis.call('XDEL', KEYS[3], ARGV[5])
  end
end

local function refuse()
  -- A list of ours that says otherwise is of another time.
  redis.call('SREM', lane .. 'owned:' .. worker, call)
end

if not has[1] then settle(true) refuse() return {'ABSENT'} end
if has[1] == 'ended' then settle(true) refuse() return {'FENCED', 'ended', has[3] or '0'} end
local epoch, seen = tonumber(has[3]), tonumber(ARGV[3])
-- Of a card that cannot be read nobody takes anything.
if not epoch then return {'FENCED', has[2] or '', has[3] or ''} end
local answered = has[3]
if has[2] ~= worker or epoch < seen or (ARGV[8] == '1' and epoch == seen) then
  if has[2] ~= '' and has[2] ~= worker and epoch >= seen then
    settle(has[4] ~= '' and has[5] ~= '')
    refuse()
    return {'FENCED', has[2] or '', has[3]}
  end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local least = math.max(epoch + 1, seen + 1, now * 1024)
  answered = string.format('%.0f', least + (tonumber(ARGV[9]) - least) % 1024)
  -- Older versions counted claims by the epoch.
  local claims = (tonumber(has[6]) or epoch) + 1
  local attempts = tonumber(has[7]) or 0
  if epoch < seen then claims = math.max(claims, 2) end
  -- Who claims again what it has, or had when Redis lost it, has not failed at it.
  if has[2] == '' and epoch >= seen or seen == 0 then attempts = attempts + 1 end
  redis.call('HSET', card, role, worker, role .. '_epoch', answered, role .. '_claims', claims,
    role .. '_attempts', attempts)
  if has[2] ~= '' and has[2] ~= worker then redis.call('SREM', lane .. 'owned:' .. has[2], call) end
  redis.call('SADD', lane .. 'owned:' .. worker, call)
  redis.call('PEXPIRE', lane .. 'owned:' .. worker, ARGV[7])
  redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'claimed',
    'from', worker, 't', ARGV[6], 'role', role, 'epoch', answered, 'attempts', attempts)
end
local other = role == 'brain' and has[5] or has[4]
settle(other ~= '')
local number = role == 'brain' and redis.call('HGET', card .. ':number', 'caller') or ''
local answer = {'OK', answered, number}
for _, word in ipairs(redis.call('HGETALL', card)) do answer[#answer + 1] = word end
return answer
