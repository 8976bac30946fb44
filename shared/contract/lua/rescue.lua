-- RESCUE: the ingress that holds a leg is dead, and the carrier is to be asked for the call. One ingress takes
-- that on itself, for a while; with `came` it says what came of it, and nobody asks for this leg again.
--
-- KEYS  1 card  2 token
-- ARGV  1 leg  2 its stream_sid  3 ingress worker that asks  4 how long it has for it, ms  5 '' or what came of it (done,
--       gone)  6 wall ms
-- Also writes the journal. The time of a lease is Redis's own: it is compared over hosts. A leg is told by its
-- stream: after a failover that lost one, another may have its number. A call with an unspent token is on its way
-- back by itself: asked for now, the stream that is about to come would be cut.
-- Answer  {'OK'}  or  {'FENCED', 'returned'} when a newer leg runs, this one was detached or the call ended
--         or  {'FENCED', 'settled'}  or  {'FENCED', ms until it may be asked for: another ingress is at it, or it comes}  or  {'ABSENT'}
local card, leg, stream, worker, came = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local has = redis.call('HMGET', card, 'state', 'leg', 'rescue', 'stream_sid')
if not has[1] then return {'ABSENT'} end
if came == '' and (has[1] ~= 'attached' or has[2] ~= leg or has[4] ~= stream) then return {'FENCED', 'returned'} end
local of, by, until_ms = string.match(has[3] or '', '^(%S+) (%S+) (%S+)$')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if of == stream then
  if until_ms == 'settled' then return {'FENCED', 'settled'} end
  if by ~= worker and tonumber(until_ms) > now_ms then
    return {'FENCED', tostring(tonumber(until_ms) - now_ms)}
  end
end
if came == '' then
  local issued = redis.call('HGET', KEYS[2], 'issued')
  if issued and tonumber(string.match(issued, '@(.*)$')) > tonumber(ARGV[6]) then return {'FENCED', '2000'} end
  until_ms = string.format('%.0f', now_ms + tonumber(ARGV[4]))
else
  until_ms = 'settled'
  redis.call('XADD', card .. ':journal', 'NOMKSTREAM', 'MAXLEN', '~', '2000', '*', 'kind', 'rescued',
    'from', worker, 't', ARGV[6], 'leg', leg, 'outcome', came)
end
redis.call('HSET', card, 'rescue', stream .. ' ' .. worker .. ' ' .. until_ms)
return {'OK'}
