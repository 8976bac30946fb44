-- RESCUE: the ingress that holds a leg is dead, and the carrier is to be asked for the call. One ingress takes
-- that on itself, for a while; with `came` it says what came of it, and nobody asks for this leg again.
--
-- KEYS  1 card
-- ARGV  1 leg  2 ingress worker that asks  3 how long it has for it, ms  4 '' or what came of it (done, gone)
--       5 wall ms
-- Also writes the journal. The time of a lease is Redis's own: it is compared over hosts.
-- Answer  {'OK'}  or  {'FENCED', 'returned'} when a newer leg runs, this one was detached or the call ended
--         or  {'FENCED', 'settled'}  or  {'FENCED', ms that another ingress has left}  or  {'ABSENT'}
local card, leg, worker = KEYS[1], ARGV[1], ARGV[2]
local has = redis.call('HMGET', card, 'state', 'leg', 'rescue')
if not has[1] then return {'ABSENT'} end
if ARGV[4] == '' and (has[1] ~= 'attached' or has[2] ~= leg) then return {'FENCED', 'returned'} end
local of, by, until_ms = string.match(has[3] or '', '^(%S+) (%S+) (%S+)$')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if of == leg then
  if until_ms == 'settled' then return {'FENCED', 'settled'} end
  if by ~= worker and tonumber(until_ms) > now_ms then
    return {'FENCED', tostring(tonumber(until_ms) - now_ms)}
  end
end
if ARGV[4] == '' then
  until_ms = string.format('%.0f', now_ms + tonumber(ARGV[3]))
else
  until_ms = 'settled'
  redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'rescued',
    'from', worker, 't', ARGV[5], 'leg', leg, 'outcome', ARGV[4])
end
redis.call('HSET', card, 'rescue', leg .. ' ' .. worker .. ' ' .. until_ms)
return {'OK'}
